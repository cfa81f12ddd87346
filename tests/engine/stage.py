"""A stage for the engine: a small venue whose every word is scripted, transports without a wire, and one desk over it.

    async def visit(stage: Stage) -> None:
        feed = stage.desk.feed(TRADES)
        await stage.wait(100)
        stage.wires[0].tell(TRADES, trade(1))
    play(visit)

What a wire is given to say is a function of the conversation at its other end, so a test orders words exactly."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from fairlead.engine.desk import Desk, Windows
from fairlead.engine.feed import Mends
from fairlead.engine.nonces import Nonces
from fairlead.errors import NotSent
from fairlead.io.clock import VirtualClock, run_virtual, seeded
from fairlead.model import events
from fairlead.model.market import MS
from fairlead.testing import instrument
from fairlead.wire.asks import Op
from fairlead.wire.conversation import Call, Joined, Lane, Need, Out, Ready, Refused, Topic
from fairlead.wire.door import BookRule, Continuity, Door
from fairlead.wire.endpoint import Access, Ctx, Effect, Endpoint
from fairlead.wire.face import HttpCall, Store, WsListener
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.http import Reply, Request
from fairlead.wire.limits import Budget, Charge, Reading, Window
from fairlead.wire.shapes import Inspector, LevelShape, Nonsense
from fairlead.wire.signing import Signer, Stamp
from fairlead.wire.venue import ClientId, Settle, Venue
from tests.engine.told import BTC, ETH, Say, hand_on, topic_of, word

LISTED = (instrument(BTC, "BTCUSDT", "0.01", "0.0001"), instrument(ETH, "ETHUSDT", "0.01", "0.0001"))
KINDS = frozenset({"book", "trades", "quote", "mark", "candles"})


class Script:
    """A conversation without a mind: it asks for each topic by one frame, and does what a frame's number stands for."""

    def __init__(self, stage: Stage, ctx: Ctx, out: Out) -> None:
        self.out, self._ctx, self._stage = out, ctx, stage
        self.lanes: dict[Topic, Lane] = {}

    def open(self, at: Stamp) -> None:
        self._stage.struck("open")
        if self._stage.is_prompt:
            self.out.event(Ready())

    def join(self, topics: Sequence[tuple[Topic, Lane]], at: Stamp) -> None:
        self._stage.struck("join")
        for topic, lane in topics:
            if topic.symbol and topic.symbol not in self._ctx.catalog:
                self.out.event(Refused(topic, Fault(Kind.SYMBOL, said="no such symbol")))
                continue
            self.lanes[topic] = lane
            self.out.frame(f"join {topic}".encode(), (Charge("frames"),))

    def leave(self, topics: Sequence[Topic], at: Stamp) -> None:
        for topic in topics:
            self.out.frame(f"leave {topic}".encode(), (Charge("frames"),))

    def renew(self, topic: Topic, at: Stamp) -> None:
        self.out.frame(f"renew {topic}".encode(), (Charge("frames"),))

    def call(self, call: Call, at: Stamp) -> None:
        """The bytes say what is asked, so a test sees on the wire what was called, and when."""
        self._stage.struck("call")
        self._stage.called.append(call)
        cost = (Charge("frames"), Charge("orders"))
        self.out.frame(f"call {call.tag} {call.op}".encode(), cost, tag=call.tag)

    def receive(self, frame: bytes, seen_ns: int) -> None:
        self._stage.said[frame](self)

    def supply(self, need: Need, answer: object, at: Stamp) -> None:
        self.out.frame(f"supplied {need.op} {answer}".encode())

    def tick(self, at: Stamp) -> None:
        self._stage.struck("tick")


class Wire:
    """One connection's far end, and a WsLink to the near one."""

    def __init__(self, stage: Stage, url: str, listener: WsListener) -> None:
        self.url, self.sent = url, list[tuple[float, str]]()
        self.is_open = True
        self._stage, self._listener = stage, listener

    # The near end.

    def send(self, text: bytes) -> None:
        self.sent.append((self._stage.now_ms, text.decode()))
        verb, _, name = text.decode().partition(" ")
        if verb == "join" and self._stage.acks:
            asyncio.get_running_loop().call_soon(self.ack, topic_of(name))

    def close(self, code: int = 1000, reason: str = "") -> None:
        if self.is_open:
            asyncio.get_running_loop().call_later(self._stage.close_ms / 1000, self.drop, code, "")

    def waiting_bytes(self) -> int:
        return 0

    # The far end.

    def say(self, *acts: Say) -> None:
        for act in acts:
            number = str(len(self._stage.said)).encode()
            self._stage.said[number] = act
            if self.is_open:
                self._listener.frame(number, self._stage.clock.mono_ns())

    def ack(self, topic: Topic) -> None:
        self.say(word(Joined(topic)))

    def tell(self, topic: Topic, *told: Any) -> None:
        self.say(*(partial(hand_on, topic, event) for event in told))

    def drop(self, code: int = 1006, reason: str = "") -> None:
        if self.is_open:
            self.is_open = False
            self._listener.closed(code, reason)

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.sent]


class Stage:
    """A WsTransport, an HttpTransport, and the desk between them."""

    def __init__(self, clock: VirtualClock, **knobs: Any) -> None:
        self.clock = clock
        self._epoch_ns = clock.wall_ns() - clock.mono_ns()
        self.is_prompt = knobs.pop("is_prompt", True)  # Ready as soon as it is open
        self.acks = knobs.pop("acks", True)
        self.close_ms: float = knobs.pop("close_ms", 1)
        self.store: Store | None = knobs.pop("store", None)
        self.mends: Mends = knobs.pop("mends", Mends())
        self.doubled = frozenset(knobs.pop("doubled", ()))
        self.private: dict[str, Any] | None = knobs.pop("private", None)  # a second door, signed, that takes calls
        self.signer: Signer | None = knobs.pop("signer", None if self.private is None else Key())
        self.hosts: Mapping[str, tuple[str, ...]] = knobs.pop("hosts", {"rest": ("http://a",), "ws": ("ws://a",)})
        self.venue = stage_venue(self, **knobs)
        self.said: dict[bytes, Say] = {}
        self.wires: list[Wire] = []
        self.dials: list[tuple[float, str]] = []
        self.greetings: list[Say] = []  # said on every new connection before its dial returns
        self.dead: set[str] = set()  # addresses that take no connection
        self.slow_ms = 1.0  # a dial takes
        self.strikes: dict[str, int] = {}  # how often a call of the conversation is to raise
        self.calls: list[tuple[float, HttpCall]] = []
        self.replies: dict[str, Any] = {"/instruments": LISTED}  # by path: an answer, a Reply, an error, a function
        self.answers: list[Any] = []
        self.called: list[Call] = []
        self.told: list[events.Health] = []
        self.desk = self.new_desk()

    def new_desk(self) -> Desk:
        windows = Windows(self.clock, seeded(5), self.http, self, self.store)
        return Desk(
            self.venue, self.hosts, windows, self.told.append, environment="live", bans="bans.json", mends=self.mends,
            doubled=self.doubled, signer=self.signer, nonces=Nonces(self.store, "nonces"),
        )  # fmt: skip

    # ---- as the transports

    @property
    def http(self) -> _Http:
        return _Http(self)

    async def dial(self, url: str, listener: WsListener, timeout_ms: int) -> Wire:
        self.dials.append((self.now_ms, url))
        await self.clock.sleep(self.slow_ms / 1000)
        if url.removesuffix("/stream") in self.dead:
            raise NotSent(f"{url} refuses connections")
        wire = Wire(self, url, listener)
        self.wires.append(wire)
        listener.opened()
        wire.say(*self.greetings)
        return wire

    def struck(self, call: str) -> None:
        if self.strikes.get(call, 0) > 0:
            self.strikes[call] -= 1
            raise RuntimeError(f"a bug in {call}")

    # ---- for tests

    @property
    def now_ms(self) -> float:
        return round(self.clock.mono_ns() / MS, 3)

    async def wait(self, ms: float) -> None:
        await self.clock.sleep(ms / 1000)

    def venue_ms(self, ahead_ms: int = 7_000) -> int:
        """The venue's clock, which no jump of ours moves."""
        return (self._epoch_ns + self.clock.mono_ns()) // MS + ahead_ms

    @property
    def ahead_ms(self) -> int:
        """How far ahead of ours the venue's clock is thought to be."""
        return self.desk.time.offset.offset_ms - self._epoch_ns // MS

    def heard(self, *kinds: type[events.Health]) -> list[Any]:
        return [event for event in self.told if isinstance(event, kinds)]

    def asked(self, path: str) -> list[float]:
        """When a path was asked for."""
        return [ms for ms, call in self.calls if call.url.split("?")[0].endswith(path)]

    async def lost(self, wait_ms: float = 10) -> events.Lost:
        """What is told of the connection that was lost last."""
        await self.wait(wait_ms)
        found: events.Lost = self.heard(events.Lost)[-1]
        return found

    @property
    def open_wires(self) -> list[Wire]:
        return [wire for wire in self.wires if wire.is_open]

    @property
    def office(self) -> Wire:
        """The latest connection through the signed door."""
        return [wire for wire in self.wires if wire.url.endswith("/private")][-1]


class _Http:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def send(self, call: HttpCall, timeout_ms: int) -> Reply:
        stage = self._stage
        stage.calls.append((stage.now_ms, call))
        await stage.clock.sleep(0.001)
        path = "/" + call.url.split("?")[0].split("/", 3)[3]
        default = stage.venue_ms() if path == "/time" else ()
        said = stage.replies.get(path, default)
        said = said(call) if callable(said) else said
        if isinstance(said, list):
            said = said.pop(0) if len(said) > 1 else said[0]
        if isinstance(said, Exception):
            raise said
        if isinstance(said, Reply):
            return said
        stage.answers.append(said)
        return Reply(200, {}, b"%d" % (len(stage.answers) - 1))

    async def close(self) -> None:
        """Nothing was opened."""


def play(visit: Callable[[Stage], Coroutine[Any, Any, None]], *, is_open: bool = True, **knobs: Any) -> None:
    """Runs a visit in virtual time on an open desk; afterwards nothing of it may be left running."""

    async def main() -> None:
        stage = Stage(VirtualClock(), **knobs)
        if is_open:
            await stage.desk.open()
            stage.calls.clear()
        await visit(stage)
        await stage.desk.close()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, left
        assert not stage.open_wires

    run_virtual(main)


# ---- the venue


def stage_venue(stage: Stage, **knobs: Any) -> Venue:
    def read(body: bytes, asked: Any, ctx: Ctx) -> Any:
        if not body.isdigit():
            raise Nonsense(f"not an answer: {body[:20]!r}")
        return stage.answers[int(body)]

    def row(op: Op, path: str, access: Access = Access.OPEN, effect: Effect = Effect.READS) -> Endpoint[Any, Any]:
        return Endpoint(
            op, "GET", path, lambda asked, _: {"secret": "hush"}, read, access=access, effect=effect,
            cost=lambda _: (Charge("weight"), *((Charge("orders"),) if op is Op.PLACE else ())), known=frozenset(),
            after=lambda asked, answer: None,
        )  # fmt: skip

    rows = (
        row(Op.TIME, "/time"), row(Op.INSTRUMENTS, "/instruments"), row(Op.BOOK, "/book"), row(Op.TRADES, "/trades"),
        row(Op.CANDLES, "/candles"), row(Op.TOKEN, "/token"), row(Op.BALANCES, "/balances", Access.SIGNED),
        row(Op.PLACE, "/place", effect=Effect.ONCE), row(Op.CANCEL, "/cancel", Access.SIGNED, Effect.SETS),
        *(row(op, f"/{op}", Access.SIGNED) for op in knobs.pop("also", ())),
    )  # fmt: skip
    usual: dict[str, Any] = {
        "name": "market", "host": "ws", "path": lambda topics, before: "/stream", "topics": KINDS,
        "books": (("", BookRule(Continuity.RANGE, LevelShape.PAIRS, Continuity.RANGE, Op.BOOK)),), "depths": (10,),
        "dial_cost": (Charge("dials"),), "consecutive": frozenset({"trades"}), "quiet_ms": 86_400_000,
    }  # fmt: skip

    def speak(ctx: Ctx, signer: Signer | None, out: Out, inspector: Inspector) -> Script:
        stage.struck("speak")
        return Script(stage, ctx, out)

    doors = [Door(**{**usual, "speak": speak, **knobs.pop("door", {})})]
    if stage.private is not None:
        office = {**usual, "name": "private", "path": lambda topics, before: "/private", "topics": ACCOUNT, "books": ()}
        orders = {"calls": frozenset({Op.PLACE, Op.CANCEL}), "access": Access.SIGNED, "consecutive": frozenset[str]()}
        doors.append(Door(**{**office, **orders, "speak": speak, **stage.private}))
    budgets, dated, rises = knobs.pop("budgets", BUDGETS), knobs.pop("dated", ()), knobs.pop("rises", False)
    signs = knobs.pop("sign", sign)
    assert not knobs, knobs
    return Venue(
        name="stage", hosts={"live": stage.hosts}, markets=("spot",), intervals={"1m": "1m"},
        endpoints={one.op: one for one in rows}, doors=tuple(doors), budgets=budgets,
        encode=lambda method, named: ("&".join(f"{key}={value}" for key, value in named.items()), b"", {}),
        sign=signs, fault=_fault, readings=_readings, rights=lambda _: frozenset(),
        settle=Settle(0, 5_000, 5_000, 1_000), client_id=ClientId("abc", 18, "ever"), assets=lambda code: code,
        dated=dated, nonces_rise=rises,
    )  # fmt: skip


def sign(request: Request, signer: Signer, stamp: Stamp) -> Request:
    """A request that shows what it was signed with."""
    return msgspec.structs.replace(request, headers={"nonce": str(stamp.nonce), "at": str(stamp.venue_ms)})


class Key:
    """A Signer of nothing."""

    key_id, algorithm = "k", "none"

    def sign(self, message: bytes) -> bytes:
        return message

    def part(self, name: str) -> str:
        return name


ACCOUNT = frozenset({"orders", "balances", "positions"})
BUDGETS = (
    Budget("weight", 1_000, 60_000, Window.SLIDING, "ip"),
    Budget("dials", 1_000, 60_000, Window.SLIDING, "ip"),
    Budget("frames", 1_000, 1_000, Window.SLIDING, "connection"),
    Budget("orders", 1_000, 1_000, Window.SLIDING, "key"),
)
_KINDS = {400: Kind.INVALID, 401: Kind.NONCE, 408: Kind.CLOCK, 418: Kind.BAN, 429: Kind.LIMIT, 503: Kind.SERVER}


def _fault(reply: Reply, op: Op) -> Fault | None:
    if reply.status == 200:
        return None
    wait_ms = int(reply.headers.get("retry-after", 0)) * 1000
    return Fault(_KINDS[reply.status], code="-7", said=reply.body.decode(), wait_ms=wait_ms, status=reply.status)


def _readings(reply: Reply) -> tuple[Reading, ...]:
    quiet_ms = int(reply.headers.get("retry-after", 0)) * 1000
    return (Reading("weight", quiet_ms=quiet_ms, banned=reply.status == 418),) if quiet_ms else ()


def refusal(status: int, said: str = "no", after_s: int = 0) -> Reply:
    return Reply(status, {"retry-after": str(after_s)} if after_s else {}, said.encode())
