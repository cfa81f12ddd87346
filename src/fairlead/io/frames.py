"""The rules of RFC 6455 for what a server may send, as a pure machine: it never touches a socket and forgives nothing.

Fed with one frame after another, it answers with a whole message, a pong that is owed, the end of the conversation, or
nothing yet. No extension is ever negotiated, and only text is spoken: every venue here speaks JSON.
"""

from __future__ import annotations

import codecs
from typing import Final, TypeAlias

from msgspec import Struct

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

MESSAGE_BYTES_MAX = 16 * 1024 * 1024  # a whole message, far above a full book's snapshot
FRAGMENTS_MAX = 131_072  # of one message: a flood of empty ones would never reach the size
CONTROL_BYTES_MAX = 125  # RFC 6455, 5.5
REASON_BYTES_MAX = CONTROL_BYTES_MAX - 2  # a close frame starts with its code

NORMAL, BAD_PROTOCOL, BAD_TYPE, NO_CODE, NO_CLOSE, BAD_TEXT, TOO_BIG, OUR_FAULT = (
    1000, 1002, 1003, 1005, 1006, 1007, 1009, 1011,
)  # fmt: skip


class Pong(Struct, frozen=True):
    """To be sent back: 5.5.3 asks for the ping's own words."""

    payload: bytes


class Shut(Struct, frozen=True):
    """The end: what our side is told, and the code that goes onto the wire."""

    code: int
    reason: str
    answer: int


Heard: TypeAlias = bytes | Pong | Shut | None


class Frames:
    """What one server has said so far of its present message; after a Shut it hears nothing more."""

    __slots__ = ("_fragments", "_message_bytes_max", "_over", "_parts", "_text")

    def __init__(self, message_bytes_max: int = MESSAGE_BYTES_MAX) -> None:
        self._message_bytes_max = message_bytes_max
        self._parts: bytearray | None = None  # of a message begun and not ended
        self._fragments = 0
        self._text = _Utf8()
        self._over = False

    def __repr__(self) -> str:
        if self._over:
            return "<Frames over>"
        if self._parts is None:
            return "<Frames between messages>"
        return f"<Frames in a message: {self._fragments} fragments, {len(self._parts)} bytes>"

    def take(self, opcode: int, fin: int, rsv: int, payload: bytes) -> Heard:
        """One frame; `rsv` is not 0 if any reserved bit is set."""
        # The whole unfragmented message is nearly all that ever comes, so it is asked for first.
        if opcode == TEXT and fin and not rsv and self._parts is None and not self._over:
            return self._whole(payload)
        if self._over:
            return None
        heard = self._rare(opcode, fin, rsv, payload)
        self._over = isinstance(heard, Shut)
        return heard

    def _whole(self, payload: bytes) -> Heard:
        if len(payload) <= self._message_bytes_max and (payload.isascii() or _is_utf8(payload)):
            return payload
        self._over = True
        if len(payload) > self._message_bytes_max:
            return _broken("message too big", TOO_BIG)
        return _broken("text is not UTF-8", BAD_TEXT)

    def _rare(self, opcode: int, fin: int, rsv: int, payload: bytes) -> Heard:
        if rsv:
            return _broken("reserved bit set")  # 5.2: must be 0 unless an extension was negotiated
        if opcode >= CLOSE:
            return self._control(opcode, fin, payload)
        if opcode == BINARY:
            return _broken("binary message", BAD_TYPE)  # 7.4.1: an endpoint that understands only text may say so
        if opcode not in (CONTINUATION, TEXT):
            return _broken("unknown opcode")
        return self._fragment(opcode, fin, payload)

    def _control(self, opcode: int, fin: int, payload: bytes) -> Heard:
        if opcode > PONG:
            return _broken("unknown opcode")
        if not fin or len(payload) > CONTROL_BYTES_MAX:
            return _broken("control frame fragmented or too long")  # 5.5
        if opcode == PING:
            return Pong(payload)
        if opcode == PONG:
            return None  # 5.5.3: nobody needs to have asked for it
        return _closing(payload)

    def _fragment(self, opcode: int, fin: int, payload: bytes) -> Heard:
        if (opcode == TEXT) != (self._parts is None):
            # 5.4: a message ends before the next begins, and a continuation continues something
            return _broken("fragment out of order")
        if self._parts is None:
            self._parts, self._fragments, self._text = bytearray(), 0, _Utf8()
        self._fragments += 1
        if len(self._parts) + len(payload) > self._message_bytes_max or self._fragments > FRAGMENTS_MAX:
            return _broken("message too big", TOO_BIG)
        try:
            self._text.decode(payload, bool(fin))  # at once: a wrong byte ends it here, not when all has come
        except UnicodeDecodeError:
            return _broken("text is not UTF-8", BAD_TEXT)
        self._parts += payload
        if not fin:
            return None
        message, self._parts = bytes(self._parts), None
        return message


def is_sendable(code: int) -> bool:
    """Whether a close frame may carry the code: 7.4 and the registry it opens; 1005, 1006 and 1015 are never sent."""
    return code in _REGISTERED or 3000 <= code <= 4999


_REGISTERED: Final = frozenset({1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014})
_Utf8: Final = codecs.getincrementaldecoder("utf-8")


def _closing(payload: bytes) -> Shut:
    if not payload:
        return Shut(NO_CODE, "", NORMAL)
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or not is_sendable(code):
        return _broken("close frame with an invalid code")
    try:
        return Shut(code, payload[2:].decode(), code)
    except UnicodeDecodeError:
        return _broken("close frame with a reason that is not UTF-8", BAD_TEXT)


def _broken(rule: str, code: int = BAD_PROTOCOL) -> Shut:
    return Shut(code, rule, code)


def _is_utf8(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True
