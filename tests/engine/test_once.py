"""What must be asked at most once, by REST: written down first, fenced, sent once, and its fate never guessed."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from fairlead.core.budget import Priority
from fairlead.engine.carrier import TIMEOUT_MS
from fairlead.errors import JournalFailed, Misuse, NotSent, Unknown
from fairlead.model import events
from fairlead.model.orders import OrderType
from fairlead.wire.asks import Op
from fairlead.wire.faults import Fate, Fault, Kind
from fairlead.wire.http import Reply, Request
from fairlead.wire.limits import Budget, Window
from fairlead.wire.orders import AskCancel, AskPlace
from fairlead.wire.signing import Signer, Stamp
from tests.engine.stage import BUDGETS, Key, Stage, play, refusal
from tests.engine.told import BTC

CANCEL = AskCancel(symbol=BTC, client_id="c1")
FENCE_MS = 5_000


def order(at: Stamp) -> AskPlace:
    """An order with its fence, as the stamp sets it."""
    until_ms = at.venue_ms + FENCE_MS
    return AskPlace(
        symbol=BTC, side="buy", type=OrderType.MARKET, client_id="c1", until_ms=until_ms, window_ms=FENCE_MS
    )


class Book:
    """Writes down what is about to be sent, as a journal would."""

    def __init__(self, stage: Stage, takes_ms: float = 0, fails: bool = False) -> None:
        self.lines: list[tuple[float, Any, str]] = []
        self.waited: list[float] = []
        self._stage, self._takes_ms, self._fails = stage, takes_ms, fails

    async def sending(self, asked: Any, by: str) -> None:
        await self._stage.wait(self._takes_ms)
        if self._fails:
            raise JournalFailed("the disk is full")
        self.lines.append((self._stage.now_ms, asked, by))

    async def waiting(self) -> None:
        self.waited.append(self._stage.now_ms)


async def place(stage: Stage, book: Book, **more: Any) -> Any:
    return await stage.desk.teller.errand(
        Op.PLACE, order, Priority.ORDER, sending=book.sending, waiting=book.waiting, **more
    )


def trading(visit: Any, **knobs: Any) -> None:
    play(visit, signer=Key(), **knobs)


def test_it_is_written_down_before_a_byte_leaves() -> None:
    """If this failed, a crash between the two would leave an order at the venue that nobody remembers."""

    async def visit(stage: Stage) -> None:
        book, stage.replies["/place"] = Book(stage, takes_ms=30), "taken"
        assert await place(stage, book) == "taken"
        (written_ms, _, by), sent_ms = book.lines[0], stage.asked("/place")[0]
        assert (by, len(book.lines)) == ("rest", 1)
        assert sent_ms >= written_ms
        assert not book.waited

    trading(visit)


def test_the_fence_is_set_by_the_moment_that_signs() -> None:
    """If this failed, the venue would count the deadline from another moment than we do."""

    async def visit(stage: Stage) -> None:
        stage.replies["/cancel"] = "done"
        asked: list[AskPlace] = []

        def fenced(at: Stamp) -> AskCancel:
            asked.append(order(at))
            return CANCEL

        await stage.desk.teller.errand(Op.CANCEL, fenced, Priority.CANCEL, sending=Book(stage, takes_ms=400).sending)
        signed_ms = int(stage.calls[0][1].headers["at"])
        assert asked[-1].until_ms == signed_ms + FENCE_MS

    trading(visit)


def test_what_cannot_be_written_down_is_not_sent() -> None:
    """If this failed, an order would be at the venue that no restart could find."""

    async def visit(stage: Stage) -> None:
        with pytest.raises(JournalFailed):
            await place(stage, Book(stage, fails=True))
        assert not stage.asked("/place")

    trading(visit)


def test_a_journal_slower_than_the_fence_sends_nothing() -> None:
    """If this failed, an order could arrive after the moment from which its absence counts as proof."""

    async def visit(stage: Stage) -> None:
        with pytest.raises(NotSent, match="deadline had passed"):
            await place(stage, Book(stage, takes_ms=FENCE_MS + 5))
        assert not stage.asked("/place")

    trading(visit)


def test_an_unknown_fate_is_never_tried_again() -> None:
    """If this failed, a reply that was lost would double the order."""

    async def visit(stage: Stage) -> None:
        book, stage.replies["/place"] = Book(stage), Unknown("the reply broke off")
        with pytest.raises(Unknown):
            await place(stage, book)
        stage.replies["/place"] = NotSent("no connection")
        with pytest.raises(NotSent):
            await place(stage, book)
        await stage.wait(2 * TIMEOUT_MS)
        assert len(stage.asked("/place")) == len(book.lines) == 2

    trading(visit)


@pytest.mark.parametrize(
    ("reply", "fate"),
    [
        (Reply(200, {}, b'{"orderId": 12'), Fate.UNKNOWN),
        (Reply(200, {}, b"<html>busy</html>"), Fate.UNKNOWN),
        (Reply(200, {}, b""), Fate.UNKNOWN),
        (Reply(200, {}, b"999"), Fate.UNKNOWN),
        (refusal(400, "no funds"), Fate.REFUSED),
    ],
)
def test_a_reply_that_makes_no_sense_is_neither_yes_nor_no(reply: Reply, fate: Fate) -> None:
    """If this failed, an order that the venue took would count as failed, and be placed a second time."""

    async def visit(stage: Stage) -> None:
        stage.replies["/place"] = reply
        outcome = await place(stage, Book(stage))
        assert isinstance(outcome, Fault)
        assert outcome.fate is fate
        if fate is Fate.UNKNOWN:
            assert reply.body.decode() in outcome.said
        assert len(stage.asked("/place")) == 1
        # Only an error of ours is told as one: the venue's nonsense is its own.
        assert bool(stage.heard(events.Blunder)) is (reply.body == b"999")

    trading(visit)


ONE_A_MINUTE = (*BUDGETS[:-1], Budget("orders", 1, 60_000, Window.SLIDING, "key"))


def test_whoever_must_wait_is_told_first_and_gives_up_at_his_deadline() -> None:
    """If this failed, an order would go out long after it was wanted, or its intent would be written after the wait."""

    async def visit(stage: Stage) -> None:
        book = Book(stage)
        stage.replies["/place"] = "taken"
        await place(stage, book)
        began_ms = stage.now_ms
        with pytest.raises(NotSent, match="too late"):
            await place(stage, book, not_after_ms=stage.desk.time.now_ns() // 1_000_000 + 3_000)
        assert book.waited == [began_ms]
        assert 3_000 <= stage.now_ms - began_ms <= 3_002
        await stage.wait(120_000)
        assert len(stage.asked("/place")) == len(book.lines) == 1
        assert "0 waiting" in repr(stage.desk.permits)

    trading(visit, budgets=ONE_A_MINUTE)


def test_a_caller_that_is_cancelled_while_it_waits_gives_its_leave_back() -> None:
    """If this failed, orders that nobody wants any more would keep the others waiting."""

    async def visit(stage: Stage) -> None:
        stage.replies["/place"] = "taken"
        await place(stage, Book(stage))
        waiting = asyncio.get_running_loop().create_task(place(stage, Book(stage)))
        await stage.wait(10)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert "0 waiting" in repr(stage.desk.permits)
        assert len(stage.asked("/place")) == 1

    trading(visit, budgets=ONE_A_MINUTE)


def test_a_ban_keeps_an_order_here() -> None:
    """If this failed, orders would lengthen a ban, and their callers would wait without a word."""

    async def visit(stage: Stage) -> None:
        stage.replies["/place"] = refusal(418, "banned", after_s=600)
        outcome = await place(stage, Book(stage))
        assert isinstance(outcome, Fault)
        assert outcome.kind is Kind.BAN
        with pytest.raises(NotSent, match="wants quiet for 600 s"):
            await place(stage, Book(stage))
        assert len(stage.asked("/place")) == 1

    trading(visit)


def test_the_signed_requests_of_a_key_arrive_in_the_order_of_their_numbers() -> None:
    """If this failed, a venue that demands rising numbers would refuse every order that was overtaken."""

    async def visit(stage: Stage) -> None:
        book = Book(stage)
        stage.replies["/cancel"] = "done"
        cancels = (stage.desk.teller.errand(Op.CANCEL, CANCEL, Priority.CANCEL, sending=book.sending) for _ in range(5))
        await asyncio.gather(*cancels, stage.desk.teller.errand(Op.CANCEL, CANCEL, Priority.ORDER))
        numbers = [int(call.headers["nonce"]) for _, call in stage.calls]
        assert numbers == sorted(set(numbers))
        times = [ms for ms, _ in stage.calls]
        assert len(set(times)) == 6  # none left before the one before was answered
        assert times[-1] - times[0] < 100  # and none waited longer than that

    trading(visit, rises=True)


def test_a_moment_that_the_venue_refuses_has_its_clock_measured_at_once() -> None:
    """If this failed, every order would be refused until the next reading, a minute later."""

    async def visit(stage: Stage) -> None:
        await stage.wait(10_000)
        stage.calls.clear()
        stage.replies["/cancel"] = refusal(408, "timestamp")
        outcome = await stage.desk.teller.errand(Op.CANCEL, CANCEL, Priority.CANCEL)
        assert isinstance(outcome, Fault)
        assert outcome.kind is Kind.CLOCK
        await stage.wait(500)
        assert len(stage.asked("/time")) == 1

    trading(visit)


@pytest.mark.parametrize("changed", [{"path": "/withdraw"}, {"method": "POST"}, {"host": "ws"}])
def test_a_signature_is_used_for_nothing_but_what_was_asked(changed: dict[str, str]) -> None:
    """If this failed, a slip in one venue's signing could send our signature where nobody asked it to go."""

    def astray(request: Request, signer: Signer, stamp: Stamp) -> Request:
        return msgspec.structs.replace(request, **changed)

    async def visit(stage: Stage) -> None:
        with pytest.raises(NotSent, match="signed for another address"):
            await stage.desk.teller.errand(Op.CANCEL, CANCEL, Priority.CANCEL)
        assert not stage.calls

    trading(visit, sign=astray)


def test_a_number_that_was_refused_leads_above_the_mark_of_whoever_used_a_higher_one() -> None:
    """If this failed, two programs with one key would lock each other out."""

    async def visit(stage: Stage) -> None:
        stage.desk.time.nonces.doubt = lambda: doubts.append(1)  # type: ignore[method-assign]
        doubts: list[int] = []
        stage.replies["/cancel"] = refusal(401, "nonce")
        outcome = await stage.desk.teller.errand(Op.CANCEL, CANCEL, Priority.CANCEL)
        assert isinstance(outcome, Fault)
        assert (outcome.kind, doubts) == (Kind.NONCE, [1])

    trading(visit)


def test_without_a_key_nothing_is_asked_of_an_account() -> None:
    """If this failed, an unsigned order would be sent, and refused with words that explain nothing."""

    async def visit(stage: Stage) -> None:
        with pytest.raises(Misuse, match="only with a key"):
            await place(stage, Book(stage))
        assert not stage.calls

    play(visit)
