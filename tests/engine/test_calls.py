"""Orders by socket: each call is answered once, and when it is not, it is known whether a byte may have left."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fairlead.core.budget import Priority
from fairlead.engine.calls import ANSWER_MS, Calls
from fairlead.engine.permits import Permits
from fairlead.engine.private import Turned
from fairlead.engine.timing import VenueTime
from fairlead.errors import NotSent, Unknown
from fairlead.io.clock import VirtualClock, run_virtual
from fairlead.model import events
from fairlead.model.orders import OrderType
from fairlead.wire.asks import Op
from fairlead.wire.conversation import Answer, Ending, Topic
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.limits import Budget, Charge, Reading, Window
from fairlead.wire.orders import AskCancel, AskPlace
from fairlead.wire.signing import Stamp
from tests.engine.stage import BUDGETS, Stage, play
from tests.engine.told import BTC, TRADES, Reader, boom, frame, trade, word

CANCEL = AskCancel(symbol=BTC, client_id="c1")
FENCE_MS = 3_000


def order(at: Stamp) -> AskPlace:
    until_ms = at.venue_ms + FENCE_MS
    return AskPlace(symbol=BTC, side="buy", type=OrderType.MARKET, client_id="c1", until_ms=until_ms)


class Nobody:
    """Ears that hear nothing."""

    def heard(self, topic: Topic, event: Any) -> None:
        """Not looked at here."""

    def turned(self, word: Turned) -> None:
        """Nor this."""


class Errand:
    """One request under way: what it wrote down, and what came of it."""

    came: Any = None

    def __init__(self, stage: Stage, op: Op, asked: Any, priority: Priority, not_after_ms: int) -> None:
        self.lines: list[tuple[Any, str]] = []
        self.began_ms = self.ended_ms = stage.now_ms
        self._stage = stage
        work = stage.desk.teller.errand(op, asked, priority, not_after_ms=not_after_ms, sending=self._sending)
        self.task = asyncio.get_running_loop().create_task(self._run(work))

    async def _run(self, work: Any) -> None:
        try:
            self.came = await work
        except (NotSent, Unknown) as failed:
            self.came = failed
        finally:
            self.ended_ms = self._stage.now_ms

    async def _sending(self, asked: Any, by: str) -> None:
        self.lines.append((asked, by))

    @property
    def ways(self) -> list[str]:
        return [by for _, by in self.lines]


def begin(stage: Stage, op: Op = Op.PLACE, *, within_ms: int = 0, priority: Priority = Priority.ORDER) -> Errand:
    not_after_ms = stage.desk.time.now_ns() // 1_000_000 + within_ms if within_ms else 0
    return Errand(stage, op, order if op is Op.PLACE else CANCEL, priority, not_after_ms)


async def opened(stage: Stage) -> None:
    stage.desk.teller.trade()
    await stage.wait(10)


def answer(tag: str, outcome: Any) -> Any:
    return word(Answer(tag, outcome))


def test_an_order_goes_by_the_socket_that_is_kept_open_for_it() -> None:
    """If this failed, every order would pay for a new connection, or go the slow way."""

    async def visit(stage: Stage) -> None:
        await opened(stage)
        errand = begin(stage)
        await stage.wait(1)
        assert stage.office.texts == ["call 1 place"]
        assert errand.ways == ["private"]
        assert stage.called[0].asked == errand.lines[0][0]
        stage.office.say(answer("1", "taken"))
        await stage.wait(1)
        assert errand.came == "taken"
        assert not stage.asked("/place")

    play(visit, private={})


def test_without_a_socket_the_order_goes_by_rest() -> None:
    """If this failed, a venue whose socket is down could not be traded."""

    async def visit(stage: Stage) -> None:
        stage.replies["/place"] = "taken"
        await opened(stage)
        stage.dead.add("ws://a/private")
        stage.office.drop()
        await stage.wait(100)
        errand = begin(stage)
        await stage.wait(10)
        assert (errand.came, errand.ways) == ("taken", ["rest"])

    play(visit, private={})


def test_a_connection_that_is_lost_while_it_is_written_down_is_not_called() -> None:
    """If this failed, the order would wait for leave on a connection that is gone, and miss its deadline."""

    async def visit(stage: Stage) -> None:
        stage.replies["/place"] = "taken"
        await opened(stage)
        ways: list[str] = []

        async def sending(asked: Any, by: str) -> None:
            ways.append(by)
            if by == "private":
                stage.office.drop()

        began_ms = stage.now_ms
        assert await stage.desk.teller.errand(Op.PLACE, order, Priority.ORDER, sending=sending) == "taken"
        assert ways == ["private", "rest"]
        assert stage.now_ms - began_ms < 100

    play(visit, private={})


def test_two_answers_reach_their_own_calls_and_a_third_nobody() -> None:
    """If this failed, one order's refusal would be taken for another's, or an answer told twice would be two orders."""

    async def visit(stage: Stage) -> None:
        await opened(stage)
        first, second = begin(stage), begin(stage)
        await stage.wait(1)
        stage.office.say(answer("2", Fault(Kind.FUNDS)), answer("1", "taken"), answer("1", "taken"))
        await stage.wait(1)
        assert (first.came, second.came) == ("taken", Fault(Kind.FUNDS))
        strange = [event.what for event in stage.heard(events.Strange)]
        assert strange == ["an answer to no call that waits for one"]

    play(visit, private={})


@pytest.mark.parametrize("how", ["drop", "raise"])
def test_a_connection_that_ends_leaves_the_fate_of_its_calls_unknown(how: str) -> None:
    """If this failed, an order that the venue may have taken would count as failed, or be sent again by REST."""

    async def visit(stage: Stage) -> None:
        await opened(stage)
        errand = begin(stage)
        await stage.wait(1)
        if how == "drop":
            stage.office.drop()
        else:
            stage.office.say(boom)
        await stage.wait(1_000)
        assert isinstance(errand.came, Unknown)
        assert errand.ways == ["private"]
        assert not stage.asked("/place")

    play(visit, private={})


def test_an_answer_that_does_not_come_leaves_the_fate_unknown() -> None:
    """If this failed, whoever asked would wait for ever for an order that is perhaps open."""

    async def visit(stage: Stage) -> None:
        await opened(stage)
        errand = begin(stage)
        await stage.wait(ANSWER_MS - 100)
        assert not errand.task.done()
        await stage.wait(200)
        assert isinstance(errand.came, Unknown)
        stage.office.say(answer("1", "taken"))  # too late for whoever asked, and noted

    play(visit, private={})


ONE_BY_SOCKET = (*BUDGETS[:2], Budget("frames", 1, 600_000, Window.SLIDING, "connection"), BUDGETS[3])


def test_what_never_left_is_not_unknown_and_may_go_the_other_way() -> None:
    """If this failed, an order that never left this machine would be held in doubt, or be lost without a try."""

    async def visit(stage: Stage) -> None:
        stage.replies["/place"] = "taken"
        await opened(stage)
        first, second = begin(stage), begin(stage)
        await stage.wait(1)
        assert stage.office.texts == ["call 1 place"]
        stage.office.drop()
        await stage.wait(50)
        assert isinstance(first.came, Unknown)
        assert (second.came, second.ways) == ("taken", ["private", "rest"])

    play(visit, private={}, budgets=ONE_BY_SOCKET)


def test_a_frame_that_waits_past_its_deadline_is_never_written() -> None:
    """If this failed, an order would arrive after its absence had been proven."""

    async def visit(stage: Stage) -> None:
        await opened(stage)
        begin(stage)
        late = begin(stage, within_ms=2_000)
        await stage.wait(5_000)
        assert isinstance(late.came, NotSent)
        assert 2_000 <= late.ended_ms - late.began_ms <= 2_002
        assert late.ways == ["private"]
        await stage.wait(700_000)
        assert stage.office.texts == ["call 1 place"]

    play(visit, private={}, budgets=ONE_BY_SOCKET)


def test_an_orders_own_fence_bounds_its_wait_too() -> None:
    """If this failed, a caller that gave no deadline would have an order sent after the fence that was noted."""

    async def visit(stage: Stage) -> None:
        stage.replies["/place"] = Fault(Kind.FUNDS)
        await opened(stage)
        begin(stage)
        late = begin(stage)
        await stage.wait(FENCE_MS + 100)
        assert late.ways == ["private", "rest"]  # a new fence was written down for the new attempt
        assert late.lines[1][0].until_ms > late.lines[0][0].until_ms
        assert stage.office.texts == ["call 1 place"]

    play(visit, private={}, budgets=ONE_BY_SOCKET)


def test_a_caller_that_is_cancelled_has_nothing_written_after_it() -> None:
    """If this failed, an order that nobody waits for any more would still go out when leave comes."""

    async def visit(stage: Stage) -> None:
        await opened(stage)
        begin(stage)
        waiting = begin(stage)
        await stage.wait(1)
        waiting.task.cancel()
        await stage.wait(700_000)
        assert stage.office.texts == ["call 1 place"]

    play(visit, private={}, budgets=ONE_BY_SOCKET)


def test_leave_that_comes_after_the_deadline_by_a_clock_that_moved_is_not_used() -> None:
    """If this failed, an order would arrive late whenever the venue's clock was measured anew while it waited."""

    async def visit(stage: Stage) -> None:
        await opened(stage)
        begin(stage)
        late = begin(stage, Op.CANCEL, within_ms=60_000)
        await stage.wait(1)
        stage.desk.time.ahead_ns += 61_000_000_000
        await stage.wait(9_000)
        assert isinstance(late.came, NotSent)
        assert stage.office.texts == ["call 1 place"]

    quick = (*BUDGETS[:2], Budget("frames", 1, 4_000, Window.SLIDING, "connection"), BUDGETS[3])
    play(visit, private={}, budgets=quick)


def test_leave_that_comes_as_the_caller_gives_up_is_not_used() -> None:
    """If this failed, an order would go out of which its caller was told that it will not."""

    async def main() -> None:
        time, written = VenueTime(VirtualClock()), list[bytes]()
        own, shared = Permits((), time), Permits([Budget("orders", 1, 600_000, Window.SLIDING, "key")], time)
        calls = Calls(time, shared, own, written.append)
        answers = [calls.begin(tag, Priority.ORDER, 0) for tag in ("1", "2", "3")]
        for tag in ("1", "2", "3"):
            calls.frame(tag, tag.encode(), (Charge("orders"),))
        answers[1].cancel()
        shared.told((Reading("orders", limit=9),))
        assert written == [b"1", b"3"]
        calls.end("a test")
        assert [type(one.exception()) for one in (answers[0], answers[2])] == [Unknown, Unknown]
        shared.close()

    run_virtual(main)


def test_orders_go_before_subscriptions_and_cancels_before_orders() -> None:
    """If this failed, a cancel would wait until hundreds of streams were asked for."""
    slow = (*BUDGETS[:2], Budget("frames", 1, 400, Window.SLIDING, "connection"), BUDGETS[3])

    async def visit(stage: Stage) -> None:
        await opened(stage)
        wire = stage.office
        wire.say(*(frame(f"sub {n}", "frames") for n in range(5)))
        place = begin(stage)
        cancel = begin(stage, Op.CANCEL, priority=Priority.CANCEL)
        await stage.wait(60_000)
        assert wire.texts[:3] == ["sub 0", "call 2 cancel", "call 1 place"]
        assert wire.texts[3:] == ["sub 1", "sub 2", "sub 3", "sub 4"]
        assert (place.ways, cancel.ways) == (["private"], ["private"])

    play(visit, private={}, budgets=slow)


def test_a_connection_that_is_replaced_waits_for_its_calls() -> None:
    """If this failed, every planned change of a connection would leave orders whose fate nobody knows."""

    async def visit(stage: Stage) -> None:
        stage.desk.feed(TRADES).subscribe(reader := Reader())
        await opened(stage)
        old = stage.office
        before = begin(stage)
        await stage.wait(1)
        old.say(word(Ending(30_000, "maintenance")))
        await stage.wait(1_000)
        new = stage.office
        assert new is not old
        assert old in stage.open_wires
        after = begin(stage)
        await stage.wait(1)
        assert new.texts == ["call 2 place"]
        old.say(answer("1", "taken"))
        new.say(answer("2", "taken"))
        await stage.wait(1_000)
        assert (before.came, after.came) == ("taken", "taken")
        assert old not in stage.open_wires
        stage.wires[0].tell(TRADES, trade(1))
        assert [one.id for one in reader.heard] == ["1"]

    play(visit, private={})


def test_a_replacement_is_not_given_up_under_a_call() -> None:
    """If this failed, a change of connections that comes to nothing would leave an order in doubt."""

    async def visit(stage: Stage) -> None:
        stage.desk.teller.listen(Nobody())
        await opened(stage)
        old, stage.acks = stage.office, False
        old.say(word(Ending(90_000, "maintenance")))
        await stage.wait(59_500)
        errand = begin(stage)
        await stage.wait(2_000)
        new = stage.office
        assert new in stage.open_wires
        new.say(answer("1", "taken"))
        await stage.wait(1_000)
        assert errand.came == "taken"
        assert stage.open_wires == [old]

    play(visit, private={})


def test_a_limit_told_by_socket_is_heeded_by_rest_too() -> None:
    """If this failed, orders would go on by the other way until the venue bans us."""

    async def visit(stage: Stage) -> None:
        await opened(stage)
        errand = begin(stage)
        await stage.wait(1)
        stage.office.say(answer("1", Fault(Kind.LIMIT, wait_ms=5_000)))
        await stage.wait(1)
        assert errand.came == Fault(Kind.LIMIT, wait_ms=5_000)
        assert {event.budget for event in stage.heard(events.Throttled)} == {"orders", "weight"}

    play(visit, private={})


def test_a_call_that_no_budget_would_ever_allow_costs_nobody_else_the_connection() -> None:
    """If this failed, one batch that is too large would leave the fate of all other orders unknown."""
    tiny = (*BUDGETS[:3], Budget("orders", 0, 1_000, Window.SLIDING, "key"))

    async def visit(stage: Stage) -> None:
        stage.replies["/cancel"] = "done"
        await opened(stage)
        errand = begin(stage, Op.CANCEL)
        await stage.wait(20)
        assert (errand.came, errand.ways) == ("done", ["private", "rest"])
        assert len(stage.open_wires) == 1
        assert not stage.heard(events.Blunder)

    play(visit, private={}, budgets=tiny)
