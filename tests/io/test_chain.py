"""The chain: any change to any row shows, and shows where."""

from __future__ import annotations

from itertools import takewhile

from hypothesis import given
from hypothesis import strategies as st

from fairlead.io.chain import START, End, Row, follow, linked

BODIES = st.lists(st.binary(max_size=40), min_size=1, max_size=12)


@given(BODIES, st.integers(0, 2**40), st.binary(min_size=16, max_size=16))
def test_what_was_linked_follows(bodies: list[bytes], seq: int, link: bytes) -> None:
    """If this failed, a whole journal would be refused."""
    rows = linked(bodies, seq, link)
    assert [body for _, body, _ in rows] == bodies
    assert follow(rows, seq, link) == End(seq + len(bodies), rows[-1][2])


@given(BODIES, st.data())
def test_it_does_not_matter_in_how_many_appends_lines_were_written(bodies: list[bytes], data: st.DataObject) -> None:
    """If this failed, a busy moment would write a history that a quiet one could not read."""
    at = data.draw(st.integers(0, len(bodies)))
    first = linked(bodies[:at], 0, START)
    seq, link = (first[-1][0], first[-1][2]) if first else (0, START)
    assert first + linked(bodies[at:], seq, link) == linked(bodies, 0, START)


@given(BODIES, st.data())
def test_any_change_to_any_row_shows_at_that_row(bodies: list[bytes], data: st.DataObject) -> None:
    """If this failed, an order could be changed, dropped, doubled or moved in the history, and nobody would know."""
    rows = linked(bodies, 0, START)
    at = data.draw(st.integers(0, len(rows) - 1))
    hurt = data.draw(st.sampled_from(_hurts(rows, at)))
    pairs = zip(rows, hurt, strict=False)
    sound_until = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    end = follow(hurt)
    assert end.seq == sound_until
    assert end.beyond == len(hurt) - sound_until


def _hurts(rows: list[Row], at: int) -> list[list[Row]]:
    seq, body, link = rows[at]
    before, after = rows[:at], rows[at + 1 :]
    flipped = bytes([link[0] ^ 1]) + link[1:]
    changed: list[Row] = [(seq, body + b"x", link), (seq, body, flipped), (seq + 1, body, link), (-seq, body, link)]
    strange: list[Row] = [(seq, body.hex(), link), (seq, None, link), (seq, body, None), (seq, 7, link)]  # type: ignore[list-item]
    hurts = [[*before, row, *after] for row in (*changed, *strange)]
    return [*hurts, [*before, *after], [*before, rows[at], *rows[at:]], [*before, *reversed(rows[at:])]]


@given(st.lists(st.binary(max_size=9), min_size=4, max_size=12), st.data())
def test_an_end_cut_short_and_a_hurt_middle_are_told_apart(bodies: list[bytes], data: st.DataObject) -> None:
    """If this failed, damage would be cut off as if it were a crash, or a crash would keep a bot from starting."""
    rows = linked(bodies, 0, START)
    at = data.draw(st.integers(0, len(rows) - 3))
    seq, body, link = rows[at]
    in_the_middle = follow([*rows[:at], (seq, body + b"x", link), *rows[at + 1 :]])
    assert (in_the_middle.seq, in_the_middle.resumes_at) == (at, at + 2)
    torn: list[Row] = [(number, b"\0", bytes(16)) for number, _, _ in rows[at:]]
    at_the_end = follow([*rows[:at], *torn])
    assert (at_the_end.seq, at_the_end.beyond, at_the_end.resumes_at) == (at, len(torn), 0)
