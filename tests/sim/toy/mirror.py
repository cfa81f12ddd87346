"""The toy venue's other side: JSON that names our own words, checked signatures, one hearing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from fairlead.model import numbers
from fairlead.model.instrument import Instrument
from fairlead.wire import asks
from fairlead.wire.asks import Op
from fairlead.wire.conversation import Topic
from fairlead.wire.endpoint import Ctx
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.http import Reply, Request
from fairlead.wire.limits import Reading
from fairlead.wire.mirror import Depth, Ear, Heard, Mirror, Terms
from fairlead.wire.printed import plain
from fairlead.wire.signing import Stamp, Verifier

_JSON = {"content-type": "application/json"}
_ASKED: dict[str, tuple[Op, type[Any]]] = {
    "/time": (Op.TIME, asks.AskNothing),
    "/instruments": (Op.INSTRUMENTS, asks.AskListing),
    "/book": (Op.BOOK, asks.AskBook),
    "/ticker": (Op.TICKER, asks.AskSymbol),
    "/trades": (Op.TRADES, asks.AskTrades),
    "/candles": (Op.CANDLES, asks.AskCandles),
    "/funding": (Op.FUNDING, asks.AskSymbol),
    "/fundings": (Op.FUNDINGS, asks.AskFundings),
    "/mark": (Op.MARK, asks.AskSymbol),
    "/index": (Op.INDEX, asks.AskSymbol),
    "/balances": (Op.BALANCES, asks.AskNothing),
}


def hear(request: Request, ctx: Ctx) -> Heard | Fault:
    if request.path not in _ASKED:
        return Fault(Kind.GONE, code="no-path", said=request.path, status=404)
    op, kind = _ASKED[request.path]
    asked = msgspec.convert(dict(parse_qsl(request.query)), kind, strict=False)
    if getattr(asked, "symbol", "BTC/USDT") not in ctx.catalog:
        return Fault(Kind.SYMBOL, code="no-symbol", said=asked.symbol, status=400)
    return Heard(op, asked, key_id=request.headers.get("X-Key", ""))


def proof(request: Request, verifier: Verifier, stamp: Stamp) -> Fault | None:
    key, nonce = request.headers.get("X-Key", ""), request.headers.get("X-Nonce", "0")
    if not verifier.knows(key):
        return Fault(Kind.KEY, code="no-key", status=401)
    if not verifier.verify(key, (request.target + nonce).encode(), bytes.fromhex(request.headers["X-Sign"])):
        return Fault(Kind.SIGNATURE, code="bad-sign", status=401)
    if int(nonce) <= verifier.last_nonce(key):
        return Fault(Kind.NONCE, code="bad-nonce", status=401)
    verifier.note_nonce(key, int(nonce))
    return None


def said(event: Any) -> Any:
    if isinstance(event, Depth):
        bids, asks_ = event.sight.top(10)
        return {
            "whole": event.whole, "first": event.first, "last": event.last, "prior": event.prior,
            "bids": event.bids, "asks": event.asks, "at": event.venue_ns, "sum": hash((tuple(bids), tuple(asks_))),
        }  # fmt: skip
    return plain(event)


def say(heard: Heard, answer: Any, ctx: Ctx, stamp: Stamp) -> Reply:
    return Reply(200, _JSON, msgspec.json.encode(said(answer)))


def refuse(fault: Fault) -> Reply:
    after = {"Retry-After": str(fault.wait_ms // 1_000)} if fault.wait_ms else {}
    body = {"code": fault.code or fault.kind, "said": fault.said, "until": fault.until_ms}
    return Reply(fault.status or 400, {**_JSON, **after}, msgspec.json.encode(body))


def toll(readings: tuple[Reading, ...]) -> dict[str, str]:
    return {f"X-Used-{one.budget}": str(one.used) for one in readings}


def ban(budget: str, wait_ms: int, until_ms: int) -> Fault | None:
    return (
        Fault(Kind.BAN, code="banned", wait_ms=wait_ms, until_ms=until_ms, status=418) if budget == "weight" else None
    )


def listing(terms: Terms) -> Instrument:
    return Instrument(
        terms.symbol,
        terms.symbol.replace("/", ""),
        terms.price_tick,
        terms.qty_step,
        numbers.decimals_of(terms.price_tick),
        numbers.decimals_of(terms.qty_step),
        contract_size=terms.contract_size,
        names={"ws": terms.symbol},
    )


class Hearing:
    """{"join": "book:BTC/USDT"} is acknowledged by {"joined": ...} or refused; {"ask": "/time"} is a call."""

    def __init__(self, ctx: Ctx, verifier: Verifier, ear: Ear) -> None:
        self._ctx, self._ear = ctx, ear
        self.ticks = 0

    def open(self, at: Stamp, path: str = "") -> None:
        self._frame({"hello": at.venue_ms, "path": path})

    def receive(self, frame: bytes, at: Stamp) -> None:
        try:
            words = msgspec.json.decode(frame, type=dict[str, str])
        except msgspec.DecodeError:
            self._ear.close(1008, "nonsense")
            return
        if "ask" in words:
            self._ear.heard(Heard(Op.TIME, asks.AskNothing(), tag=words["ask"]))
            return
        do: Callable[[Topic], None] = self._ear.join if "join" in words else self._ear.leave
        for text in words.get("join", words.get("leave", "")).split(","):
            kind, symbol, detail = (*text.split(":"), "", "")[:3]
            if symbol not in self._ctx.catalog:
                self._frame({"refused": text})
                continue
            self._frame({"joined" if "join" in words else "left": text})
            do(Topic(kind, symbol, detail))

    def pong(self, payload: bytes, at: Stamp) -> None:
        self._frame({"pong": payload.decode()})

    def tell(self, topic: Topic, event: object, at: Stamp) -> None:
        self._frame({"topic": str(topic), "event": said(event)})

    def say(self, heard: Heard, outcome: object, at: Stamp) -> None:
        self._frame({"answer": heard.tag, "is": plain(outcome)})

    def warn(self, in_ms: int, at: Stamp) -> None:
        self._frame({"ending": in_ms})

    def tick(self, at: Stamp) -> None:
        self.ticks += 1
        if self.ticks % 50 == 0:
            self._frame({"beat": self.ticks})
            self._ear.ping(b"%d" % self.ticks)

    def _frame(self, words: Any) -> None:
        self._ear.frame(msgspec.json.encode(words))


class BareHearing(Hearing):
    """The same at another path, without a greeting."""

    def open(self, at: Stamp, path: str = "") -> None:
        """It waits to be asked."""


MIRROR = Mirror(
    hear=hear,
    proof=proof,
    say=say,
    refuse=refuse,
    limit=lambda budget, wait_ms: Fault(Kind.LIMIT, code="slow-down", said=budget, wait_ms=wait_ms, status=429),
    ban=ban,
    toll=toll,
    rooms={"stream": Hearing, "stream/bare": BareHearing},
    paths={"stream": "/stream", "stream/bare": "/stream/bare"},
    listing=listing,
)
