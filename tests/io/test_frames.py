from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from fairlead.io.frames import CLOSE, CONTINUATION, FRAGMENTS_MAX, PING, PONG, TEXT, Frames, Pong, Shut, is_sendable
from tests.io.corpus import BAD_TEXT, GOOD_TEXT

MESSAGE_BYTES_MAX = 64
WORDS = st.text("a\0é€𝄞")  # characters of every length


@st.composite
def any_frame(draw: st.DrawFn) -> tuple[int, int, int, bytes]:
    """Mostly near the rules, sometimes far from them."""
    opcode = draw(st.sampled_from([TEXT, TEXT, CONTINUATION, CONTINUATION, PING, PONG, CLOSE, *range(16)]))
    payload = draw(st.one_of(WORDS.map(str.encode), st.binary(max_size=130)))
    return opcode, draw(st.sampled_from([1, 1, 0])), draw(st.sampled_from([0, 0, 0, 0, 1, 7])), payload


@given(st.lists(any_frame(), max_size=40))
def test_any_frames(frames: list[tuple[int, int, int, bytes]]) -> None:
    """A hostile server would crash the reader, fill its memory, or get nonsense through as text."""
    machine = Frames(MESSAGE_BYTES_MAX)
    ended = False
    for opcode, fin, rsv, payload in frames:
        heard = machine.take(opcode, fin, rsv, payload)
        assert not (ended and heard is not None), "nothing is heard after the end"
        if isinstance(heard, bytes):
            assert len(heard) <= MESSAGE_BYTES_MAX
            heard.decode()
        elif isinstance(heard, Pong):
            assert (opcode, payload) == (PING, heard.payload)
        elif isinstance(heard, Shut):
            ended = True
            assert is_sendable(heard.answer)
        assert repr(machine).startswith("<Frames")


@given(WORDS, st.data())
def test_cutting_changes_nothing(text: str, data: st.DataObject) -> None:
    """A message cut by the server into fragments, even inside a character, would arrive changed or be refused."""
    payload = text.encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(payload)), max_size=8)))
    edges = [0, *cuts, len(payload)]
    pieces = [payload[a:b] for a, b in pairwise(edges)]
    machine = Frames()
    heard = [
        machine.take(TEXT if at == 0 else CONTINUATION, at == len(pieces) - 1, 0, piece)
        for at, piece in enumerate(pieces)
    ]
    assert heard == [None] * (len(pieces) - 1) + [payload]


def test_wrong_text_ends_at_its_first_wrong_byte() -> None:
    """A wrong text would be held in memory until its end, which a hostile server never sends."""
    for name, text in BAD_TEXT.items():
        if "cut at the end" in name or "without the rest" in name:
            continue  # right so far, and so only wrong when the message goes on
        machine = Frames()
        heard = [machine.take(CONTINUATION if at else TEXT, 0, 0, text[at : at + 1]) for at in range(len(text))]
        assert any(isinstance(word, Shut) and word.code == 1007 for word in heard), name


def test_good_text_is_taken_after_anything_allowed() -> None:
    """A state left over from one message would spoil the next."""
    machine = Frames()
    for text in GOOD_TEXT.values():
        assert machine.take(TEXT, 0, 0, text) is None
        assert machine.take(PING, 1, 0, b"p") == Pong(b"p")
        assert machine.take(CONTINUATION, 1, 0, b"") == text
        assert machine.take(TEXT, 1, 0, text) == text


def test_endless_empty_fragments_end() -> None:
    """Empty fragments never reach the size limit, so a flood of them would keep the reader busy for ever."""
    machine = Frames()
    assert machine.take(TEXT, 0, 0, b"") is None
    for _ in range(FRAGMENTS_MAX - 1):
        assert machine.take(CONTINUATION, 0, 0, b"") is None
    assert machine.take(CONTINUATION, 0, 0, b"") == Shut(1009, "message too big", 1009)
