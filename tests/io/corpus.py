"""What a server may and may not send by RFC 6455, case by case: bytes in, what must come of them; from the RFC alone.

The groups carry the numbers that WebSocket people know: 1 framing, 2 pings, 3 reserved bits, 4 opcodes,
5 fragments, 6 UTF-8, 7 closing, 9 limits, 10 the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
NOTHING = 0  # our goodbye may be lost: whoever talks on after its own goodbye is hung up on
LIMIT_BYTES = 200_000  # the message limit that the corpus is run under


def frame(opcode: int, payload: bytes = b"", *, fin: int = 1, rsv: int = 0, size: int | None = None) -> bytes:
    """A server's frame; `size` writes the length in 2, 4 or 10 bytes of header whatever the payload needs."""
    length = len(payload)
    size = size or (2 if length < 126 else 4 if length < 65_536 else 10)
    head = bytes([fin << 7 | rsv << 4 | opcode])
    if size == 2:
        return head + bytes([length]) + payload
    if size == 4:
        return head + b"\x7e" + length.to_bytes(2, "big") + payload
    return head + b"\x7f" + length.to_bytes(8, "big") + payload


def closing(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, code.to_bytes(2, "big") + reason)


@dataclass(frozen=True)
class Case:
    name: str
    sent: bytes
    heard: tuple[bytes, ...] = ()  # whole messages, in order
    code: int = 1000  # what the listener is told
    answers: tuple[int, ...] = ()  # what may go onto the wire, if another code
    pongs: tuple[bytes, ...] = ()
    says_goodbye: bool = True  # the server ends with a close frame of its own


def _bad(name: str, sent: bytes, code: int = 1002, heard: tuple[bytes, ...] = ()) -> Case:
    return Case(name, sent, heard, code)


_FRAMING = [
    *(
        Case(f"1.1 text of {n} bytes", frame(TEXT, b"*" * n), (b"*" * n,))
        for n in (0, 1, 125, 126, 127, 128, 65_535, 65_536, 65_537)
    ),
    *(_bad(f"1.2 binary of {n} bytes", frame(BINARY, b"\xfe" * n), 1003) for n in (0, 125, 126, 65_536)),
    _bad("1.3 a masked frame", b"\x81\x85abcd" + b"hello"),
    _bad("1.3 5 bytes said in 4 bytes of header", frame(TEXT, b"hello", size=4)),
    _bad("1.3 5 bytes said in 10 bytes of header", frame(TEXT, b"hello", size=10)),
    _bad("1.3 a length with its highest bit set", b"\x81\x7f\x80" + bytes(7)),
]

_PINGS = [
    Case("2.1 an empty ping", frame(PING), pongs=(b"",)),
    Case("2.2 a ping with words", frame(PING, b"Hello, world!"), pongs=(b"Hello, world!",)),
    Case("2.3 a ping with any bytes", frame(PING, b"\x00\xff\xfe\xfd"), pongs=(b"\x00\xff\xfe\xfd",)),
    Case("2.4 the longest ping", frame(PING, b"\xfe" * 125), pongs=(b"\xfe" * 125,)),
    _bad("2.5 a ping too long", frame(PING, b"\xfe" * 126)),
    Case("2.7 a pong nobody asked for", frame(PONG)),
    Case("2.8 a pong nobody asked for, with words", frame(PONG, b"unasked")),
    Case("2.9 unasked pong, then ping", frame(PONG, b"unasked") + frame(PING, b"p"), pongs=(b"p",)),
    Case(
        "2.10 ten pings",
        b"".join(frame(PING, b"%d" % n) for n in range(10)),
        pongs=tuple(b"%d" % n for n in range(10)),
    ),
    Case(
        "2.12 a ping between messages", frame(TEXT, b"a") + frame(PING) + frame(TEXT, b"b"), (b"a", b"b"), pongs=(b"",)
    ),
]

_RESERVED = [
    *(_bad(f"3.1 text with reserved bits {rsv:03b}", frame(TEXT, b"x", rsv=rsv)) for rsv in range(1, 8)),
    *(
        _bad(
            f"3.2 reserved bits {rsv:03b} after a good text",
            frame(TEXT, b"a") + frame(TEXT, b"x", rsv=rsv),
            heard=(b"a",),
        )
        for rsv in (1, 2, 4)
    ),
    *(_bad(f"3.5 binary with reserved bits {rsv:03b}", frame(BINARY, b"x", rsv=rsv)) for rsv in (1, 5)),
    _bad("3.6 a ping with a reserved bit", frame(PING, b"x", rsv=6)),
    Case("3.7 a close with reserved bits", frame(CLOSE, b"\x03\xe8", rsv=7), code=1002, says_goodbye=False),
    _bad("3.8 a fragment with a reserved bit", frame(TEXT, b"x", fin=0) + frame(CONT, b"y", rsv=4)),
]

_OPCODES = [
    *(_bad(f"4.1 opcode {code}, empty", frame(code)) for code in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)),
    *(_bad(f"4.2 opcode {code} with payload", frame(code, b"reserved")) for code in (3, 7, 11, 15)),
    *(
        _bad(f"4.3 opcode {code} after a good text", frame(TEXT, b"a") + frame(code), heard=(b"a",))
        for code in (3, 7, 11, 15)
    ),
    _bad("4.4 opcode 5 inside a message", frame(TEXT, b"a", fin=0) + frame(5) + frame(CONT, b"b")),
]

_TWO = frame(TEXT, b"frag1", fin=0), frame(CONT, b"frag2")
_FRAGMENTS = [
    _bad("5.1 a ping in two fragments", frame(PING, b"a", fin=0) + frame(CONT, b"b")),
    _bad("5.2 a pong in two fragments", frame(PONG, b"a", fin=0) + frame(CONT, b"b")),
    _bad("5.2 a close in two fragments", frame(CLOSE, b"\x03\xe8", fin=0) + frame(CONT)),
    Case("5.3 a text in two fragments", b"".join(_TWO), (b"frag1frag2",)),
    Case("5.6 a ping between fragments", _TWO[0] + frame(PING, b"p") + _TWO[1], (b"frag1frag2",), pongs=(b"p",)),
    Case("5.7 a pong between fragments", _TWO[0] + frame(PONG, b"p") + _TWO[1], (b"frag1frag2",)),
    *(
        _bad(f"5.9 a continuation of nothing, fin {fin}", frame(CONT, b"nothing", fin=fin) + frame(TEXT, b"a"))
        for fin in (0, 1)
    ),
    _bad("5.12 a continuation after a message", b"".join(_TWO) + frame(CONT, b"more"), heard=(b"frag1frag2",)),
    _bad(
        "5.15 fragments, then a continuation of nothing",
        b"".join(_TWO) + frame(CONT, b"x", fin=0),
        heard=(b"frag1frag2",),
    ),
    _bad("5.18 a second text inside the first", frame(TEXT, b"a", fin=0) + frame(TEXT, b"b")),
    _bad("5.18 a binary inside a text", frame(TEXT, b"a", fin=0) + frame(BINARY, b"b"), 1003),
    _bad("5.18 a binary's first fragment", frame(BINARY, b"b", fin=0), 1003),
    Case(
        "5.19 five fragments with pings between",
        frame(TEXT, b"1", fin=0)
        + frame(CONT, b"2", fin=0)
        + frame(PING, b"p1")
        + frame(CONT, b"3", fin=0)
        + frame(CONT, b"4", fin=0)
        + frame(PING, b"p2")
        + frame(CONT, b"5"),
        (b"12345",),
        pongs=(b"p1", b"p2"),
    ),
    Case("5.21 empty fragments", frame(TEXT, fin=0) + frame(CONT, fin=0) + frame(CONT), (b"",)),
    Case("5.22 empty, full, empty", frame(TEXT, fin=0) + frame(CONT, b"mid", fin=0) + frame(CONT), (b"mid",)),
    Case("5.23 a message left open when the server says goodbye", frame(TEXT, b"begun", fin=0)),
]

GOOD_TEXT: dict[str, bytes] = {
    "greek": "κόσμε".encode(),
    "all lengths": "z¢€𝄞".encode(),
    "first of 1 byte": b"\x00",
    "first of 2 bytes": b"\xc2\x80",
    "first of 3 bytes": b"\xe0\xa0\x80",
    "first of 4 bytes": b"\xf0\x90\x80\x80",
    "last of 1 byte": b"\x7f",
    "last of 2 bytes": b"\xdf\xbf",
    "last of 3 bytes": b"\xef\xbf\xbf",
    "last of all": b"\xf4\x8f\xbf\xbf",
    "below the surrogates": b"\xed\x9f\xbf",
    "above the surrogates": b"\xee\x80\x80",
    "replacement character": b"\xef\xbf\xbd",
    "byte order mark": b"\xef\xbb\xbf",
    "non-characters": b"\xef\xbf\xbe\xf0\x9f\xbf\xbe\xf3\xbf\xbf\xbf",
}
BAD_TEXT: dict[str, bytes] = {
    "greek, then a surrogate": "κόσμε".encode() + b"\xed\xa0\x80edited",
    "a continuation alone": b"\x80",
    "the last continuation alone": b"\xbf",
    "seven continuations": b"\x80\xbf\x80\xbf\x80\xbf\x80",
    "starts of 2 bytes without the rest": b"\xc3 \xc4 ",
    "a start of 3 bytes without the rest": b"\xe2\x82 ",
    "a start of 4 bytes without the rest": b"\xf0\x9f\x98 ",
    "2 bytes, cut at the end": b"\xc3",
    "3 bytes, cut at the end": b"\xe2\x82",
    "4 bytes, cut at the end": b"\xf0\x9f\x98",
    "the byte fe": b"\xfe",
    "the byte ff": b"\xff",
    "5 bytes": b"\xf8\x88\x80\x80\x80",
    "6 bytes": b"\xfc\x84\x80\x80\x80\x80",
    "just above the last": b"\xf4\x90\x80\x80",
    "far above the last": b"\xf7\xbf\xbf\xbf",
    "a slash in 2 bytes": b"\xc0\xaf",
    "a slash in 3 bytes": b"\xe0\x80\xaf",
    "a slash in 4 bytes": b"\xf0\x80\x80\xaf",
    "the longest overlong of 2": b"\xc1\xbf",
    "the longest overlong of 3": b"\xe0\x9f\xbf",
    "the longest overlong of 4": b"\xf0\x8f\xbf\xbf",
    "zero in 2 bytes": b"\xc0\x80",
    "the first high surrogate": b"\xed\xa0\x80",
    "the last high surrogate": b"\xed\xaf\xbf",
    "the first low surrogate": b"\xed\xb0\x80",
    "the last low surrogate": b"\xed\xbf\xbf",
    "a pair of surrogates": b"\xed\xa0\x80\xed\xb0\x80",
}


def bytewise(payload: bytes) -> bytes:
    """A text in fragments of one byte, ended by an empty one."""
    begun = b"".join(frame(CONT if at else TEXT, payload[at : at + 1], fin=0) for at in range(len(payload)))
    return begun + frame(CONT)


_UTF8 = [
    *(Case(f"6.2 {name}", frame(TEXT, text), (text,)) for name, text in GOOD_TEXT.items()),
    *(Case(f"6.2 {name}, byte by byte", bytewise(text), (text,)) for name, text in GOOD_TEXT.items()),
    *(_bad(f"6.3 {name}", frame(TEXT, text), 1007) for name, text in BAD_TEXT.items()),
    *(_bad(f"6.3 {name}, byte by byte", bytewise(text), 1007) for name, text in BAD_TEXT.items()),
    # At once: the rest of the message never comes, so only a reader that looks at every fragment can tell.
    Case("6.4 wrong in an open message", frame(TEXT, b"\xce\xba\xf4\x90", fin=0), code=1007, says_goodbye=False),
    Case(
        "6.4 wrong across two fragments",
        frame(TEXT, b"\xce\xba\xf4", fin=0) + frame(CONT, b"\x90", fin=0),
        code=1007,
        says_goodbye=False,
    ),
    _bad("6.5 wrong after a good message", frame(TEXT, b"a") + frame(TEXT, b"\xff"), 1007, (b"a",)),
]

SENDABLE = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999)
UNSENDABLE = (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535)
_CLOSING = [
    Case("7.1 goodbye after a message", frame(TEXT, b"a") + closing(1000), (b"a",), says_goodbye=False),
    # Both in one packet, the second may be refused before the first is answered.
    Case("7.1 twice goodbye", closing(1000) * 2, answers=(1000, 1002, NOTHING), says_goodbye=False),
    Case("7.1 a ping after goodbye", closing(1000) + frame(PING, b"late"), answers=(1000, NOTHING), says_goodbye=False),
    Case("7.1 a text after goodbye", closing(1000) + frame(TEXT, b"late"), answers=(1000, NOTHING), says_goodbye=False),
    Case(
        "7.1 a fragment after goodbye",
        frame(TEXT, b"a", fin=0) + closing(1000) + frame(CONT),
        answers=(1000, NOTHING),
        says_goodbye=False,
    ),
    Case("7.3 an empty goodbye", frame(CLOSE), code=1005, answers=(1000,), says_goodbye=False),
    Case("7.3 a goodbye of one byte", frame(CLOSE, b"\x03"), code=1002, says_goodbye=False),
    Case("7.3 a goodbye with words", closing(1000, b"Hello"), says_goodbye=False),
    Case("7.3 the longest goodbye", closing(1000, b"*" * 123), says_goodbye=False),
    Case("7.3 a goodbye too long", closing(1000, b"*" * 124), code=1002, says_goodbye=False),
    Case("7.5 a goodbye with words that are not UTF-8", closing(1000, b"\xed\xa0\x80"), code=1007, says_goodbye=False),
    *(Case(f"7.7 goodbye with code {code}", closing(code), code=code, says_goodbye=False) for code in SENDABLE),
    *(Case(f"7.9 goodbye with code {code}", closing(code), code=1002, says_goodbye=False) for code in UNSENDABLE),
    *(
        Case(f"7.9 goodbye with code {code} and words", closing(code, b"why"), code=1002, says_goodbye=False)
        for code in (0, 1005, 1006, 5000)
    ),
    Case("7.13 no goodbye at all", frame(TEXT, b"a"), (b"a",), code=1006, says_goodbye=False),
    Case(
        "7.13 no goodbye, half a frame",
        frame(TEXT, b"whole") + frame(TEXT, b"half")[:4],
        (b"whole",),
        1006,
        says_goodbye=False,
    ),
]

_LIMITS = [
    Case("9.1 a text at the limit", frame(TEXT, b"*" * LIMIT_BYTES), (b"*" * LIMIT_BYTES,)),
    _bad("9.1 a text above the limit", frame(TEXT, b"*" * (LIMIT_BYTES + 1)), 1009),
    _bad("9.2 a length of 2**62 bytes", b"\x81\x7f\x40" + bytes(7), 1009),
    Case(
        "9.3 fragments up to the limit",
        frame(TEXT, b"*" * 100_000, fin=0) + frame(CONT, b"*" * 100_000),
        (b"*" * LIMIT_BYTES,),
    ),
    _bad("9.3 fragments above the limit", frame(TEXT, b"*" * 100_000, fin=0) + frame(CONT, b"*" * 100_001), 1009),
    Case("9.7 a thousand small texts", frame(TEXT, b"small") * 1_000, (b"small",) * 1_000),
]

_REST = [
    Case(
        "10.1 65,536 bytes in fragments of 1,300",
        b"".join(
            frame(CONT if at else TEXT, (b"*" * 65_536)[at : at + 1_300], fin=int(at + 1_300 >= 65_536))
            for at in range(0, 65_536, 1_300)
        ),
        (b"*" * 65_536,),
    ),
]

CASES = [*_FRAMING, *_PINGS, *_RESERVED, *_OPCODES, *_FRAGMENTS, *_UTF8, *_CLOSING, *_LIMITS, *_REST]
