"""One open WebSocket connection: frames go through the strict rules, pings are answered, and it ends exactly once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Final, cast

from picows import (
    WSCloseCode,
    WSError,
    WSFrame,
    WSHandshakeError,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponse,
)

from fairlead.io.frames import (
    BAD_PROTOCOL,
    BAD_TEXT,
    NO_CLOSE,
    NORMAL,
    OUR_FAULT,
    REASON_BYTES_MAX,
    TOO_BIG,
    Frames,
    Pong,
    Shut,
    is_sendable,
)
from fairlead.wire.face import Clock, WsListener

CLOSE_WAIT_S = 2.0  # how long the far end may take over the closing handshake, or over reading our last bytes
WAITING_BYTES_MAX = 4 * 1024 * 1024  # of a far end that does not read: orders that old must not go out any more


class Link(WSListener):
    """One connection: what picows tells on one side, on the other what its owner may do."""

    def __init__(self, listener: WsListener, clock: Clock, message_bytes_max: int) -> None:
        self._listener = listener
        self._mono_ns = clock.mono_ns
        self._frames = Frames(message_bytes_max)
        self._transport: WSTransport | None = None
        self._shut: Shut | None = None  # why it ends, as soon as that is known; nothing is handed up after it
        self._alarm: asyncio.TimerHandle | None = None
        self._is_full = False
        self._owed: bytes | None = None  # the latest ping that came while nothing more could be written

    def __repr__(self) -> str:
        if self._transport is None:
            return "<Link not open>"
        if self._shut is not None:
            return f"<Link ending {self._shut.code} {self._shut.reason!r}>"
        return f"<Link open, {self.waiting_bytes()} bytes waiting, {self._frames!r}>"

    # What its owner may do.

    def send(self, text: bytes) -> None:
        if self._shut is not None or self._transport is None:
            return
        self._transport.send(WSMsgType.TEXT, text)
        if self.waiting_bytes() > WAITING_BYTES_MAX:
            self._shut = Shut(NO_CLOSE, "the far end does not read", NORMAL)
            self._transport.disconnect(graceful=False)

    def close(self, code: int = NORMAL, reason: str = "") -> None:
        if self._shut is None and self._transport is not None:
            self._end(Shut(code, reason, code if is_sendable(code) else NORMAL))

    def waiting_bytes(self) -> int:
        if self._transport is None:
            return 0
        return cast(asyncio.WriteTransport, self._transport.underlying_transport).get_write_buffer_size()

    # What the dial asks.

    @property
    def is_connected(self) -> bool:
        return self._transport is not None

    def give_up(self) -> None:
        """Whoever dialled is gone: should the far end say yes just now, its owner hears nothing of it."""
        if self._transport is None:
            self._shut = Shut(NO_CLOSE, "the dial was given up", NORMAL)
        else:
            self.close()

    def agreed(self, _: WSUpgradeRequest, response: WSUpgradeResponse) -> WSListener:
        """4.1: what the server grants without being asked fails the connection."""
        for name in ("Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol"):
            if response.headers.get(name):
                raise WSHandshakeError(f"an upgrade with a {name} that was not asked for", response=response)
        return self

    # What picows tells.

    def on_ws_connected(self, transport: WSTransport) -> None:
        if self._shut is not None:
            transport.disconnect(graceful=False)
            return
        self._transport = transport
        self._tell(self._listener.opened)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if self._shut is not None:
            if frame.msg_type is WSMsgType.CLOSE:
                transport.disconnect()  # the answer to ours
            return
        seen_ns = self._mono_ns()
        rsv = frame.rsv1 | frame.rsv2 | frame.rsv3
        # msg_type is an int already (an IntEnum, whatever its stub says), and `.value` costs a tenth of the whole frame
        heard = self._frames.take(cast(int, frame.msg_type), frame.fin, rsv, frame.get_payload_as_bytes())
        if type(heard) is bytes:
            try:
                self._listener.frame(heard, seen_ns)
            except Exception as bug:  # noqa: BLE001 - the owner's own; told to the loop, see _blame
                self._blame(bug)
        elif isinstance(heard, Pong):
            self._pong(heard.payload)
        elif isinstance(heard, Shut):
            self._end(heard)
            if frame.msg_type is WSMsgType.CLOSE:
                transport.disconnect()  # it said goodbye, so nothing is waited for

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        if self._transport is None:
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._shut = self._shut or _verdict(transport)
        self._tell(self._listener.closed, self._shut.code, self._shut.reason)
        asyncio.get_running_loop().call_soon(_forget, transport)

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        if self._owed is not None:
            payload, self._owed = self._owed, None
            self._pong(payload)

    # How it ends.

    def _end(self, shut: Shut) -> None:
        """Says goodbye and lets the far end hang up: doing it while that still talks would destroy our last words."""
        transport, self._shut = self._transport, shut
        assert transport is not None, "nothing can end before it began"
        transport.send_close(cast(WSCloseCode, shut.answer), _fitting(shut.reason))
        self._alarm = asyncio.get_running_loop().call_later(CLOSE_WAIT_S, transport.disconnect, False)

    def _pong(self, payload: bytes) -> None:
        """5.5.3 lets us answer only the latest of many pings: so a flood costs no more than one payload."""
        if self._is_full:
            self._owed = payload
        elif self._shut is None and self._transport is not None:
            self._transport.send_pong(payload)

    def _tell(self, call: Callable[..., None], *words: object) -> None:
        try:
            call(*words)
        except Exception as bug:  # noqa: BLE001 - the owner's own; told to the loop, see _blame
            self._blame(bug)

    def _blame(self, bug: Exception) -> None:
        """An owner that raised may have lost a message, so it must start afresh: the connection ends with 1011."""
        loop = asyncio.get_running_loop()
        loop.call_exception_handler({"message": "The reader of a connection raised", "exception": bug})
        if self._shut is None and self._transport is not None:
            self._end(Shut(OUR_FAULT, "our own reader failed", OUR_FAULT))


_VERDICTS: Final = {
    BAD_PROTOCOL: "the framing rules were broken",
    BAD_TEXT: "close frame with a reason that is not UTF-8",
    TOO_BIG: "message too big",
}


def _verdict(transport: WSTransport) -> Shut:
    """Why it ended when we did not end it: picows refused something by itself, or the wire broke."""
    handshake: Any = transport.close_handshake  # None if neither side said goodbye
    if handshake is None or handshake.sent is None:
        return Shut(NO_CLOSE, "the connection broke without a close frame", NORMAL)
    code = int(handshake.sent.code)
    return Shut(code, _VERDICTS.get(code, "the connection failed"), code)


def _forget(transport: WSTransport) -> None:
    """Takes the error that picows keeps for whoever waits for the end, so that asyncio does not report it as lost."""
    waiting = transport.wait_disconnected()
    with contextlib.suppress(StopIteration, WSError):
        waiting.send(None)  # it is over, so one step suffices


def _fitting(reason: str) -> str:
    """As much of the reason as a close frame holds, cut between characters."""
    return reason.encode()[:REASON_BYTES_MAX].decode("utf-8", "ignore")
