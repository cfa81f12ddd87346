"""A question by REST: what is repeated, what never is, what it costs, and what its errors say."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from fairlead.core.budget import Priority
from fairlead.engine.feed import Mends
from fairlead.engine.sender import TRIES_MOST, Sender
from fairlead.errors import Closed, Error, Limited, Misuse, Nonsense, NotSent, Refused, Unknown, UnknownName
from fairlead.model import events
from fairlead.wire.asks import AskNothing, Op
from fairlead.wire.endpoint import Access
from fairlead.wire.http import Reply
from fairlead.wire.limits import Budget, Window
from tests.engine.stage import BUDGETS, Stage, play, refusal

TWO_HOSTS: dict[str, Any] = {"hosts": {"rest": ("http://a", "http://b"), "ws": ("ws://a",)}}


async def ask(stage: Stage, op: Op = Op.TRADES) -> Any:
    return await stage.desk.answer(op, AskNothing())


async def failing(stage: Stage, op: Op = Op.TRADES) -> Error:
    with pytest.raises(Error) as raised:
        await ask(stage, op)
    return raised.value


@pytest.mark.parametrize("trouble", [NotSent("no way"), Unknown("it broke"), refusal(503), Reply(200, {}, b"<html>")])
def test_a_read_is_repeated_after_what_may_pass(trouble: Any) -> None:
    """If this failed, one lost packet would fail a question that costs nothing to ask again."""

    async def visit(stage: Stage) -> None:
        stage.replies["/trades"] = [trouble, trouble, "the answer"]
        assert await ask(stage) == "the answer"
        assert len(stage.asked("/trades")) == 3

    play(visit)


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [(NotSent("no way"), NotSent), (Unknown("it broke"), Unknown), (refusal(503), Refused),
     (refusal(429), Limited), (Reply(200, {}, b"<html>"), Nonsense)],
)  # fmt: skip
def test_what_may_act_is_sent_once_whatever_comes(trouble: Any, kind: type[Error]) -> None:
    """If this failed, an order whose fate is unknown would be sent a second time, and filled twice."""

    async def visit(stage: Stage) -> None:
        stage.replies["/place"] = trouble
        assert isinstance(await failing(stage, Op.PLACE), kind)
        assert len(stage.asked("/place")) == 1

    play(visit)


def test_a_read_is_given_up_after_a_few_tries_with_growing_pauses() -> None:
    """If this failed, a venue that is down would be asked for ever, or in a burst."""

    async def visit(stage: Stage) -> None:
        stage.replies["/trades"] = NotSent("no way")
        assert (await failing(stage)) is stage.replies["/trades"]
        assert len(stage.asked("/trades")) == TRIES_MOST

    play(visit)


def test_a_plain_no_is_not_asked_again() -> None:
    """If this failed, a wrong question would be repeated, and the error come late."""

    async def visit(stage: Stage) -> None:
        stage.replies["/trades"] = refusal(400, "bad limit")
        error = await failing(stage)
        assert isinstance(error, Refused)
        assert error.fault == "venue"
        assert str(error) == ("stage refused trades (INVALID): bad limit. Known: code -7, HTTP 400; fate REFUSED.")
        assert (error.venue, error.kind, error.code) == ("stage", "INVALID", "-7")
        assert len(stage.asked("/trades")) == 1

    play(visit)


def test_an_error_shows_neither_the_query_nor_too_much_of_the_reply() -> None:
    """If this failed, a signature or a key could end up in a log with the error's text."""

    async def visit(stage: Stage) -> None:
        stage.replies["/place"] = Reply(200, {}, b"<html>" + b"x" * 10_000)
        error = await failing(stage, Op.PLACE)
        assert "asked GET /place" in str(error)
        assert "hush" not in str(error)
        assert len(str(error)) < 600
        assert all("secret=hush" in call.url for _, call in stage.calls), "it was really asked"

    play(visit)


def test_the_wait_that_a_venue_names_is_obeyed_by_every_question() -> None:
    """If this failed, the questions beside the refused one would go on, and turn a limit into a ban."""

    async def visit(stage: Stage) -> None:
        stage.replies["/trades"] = [refusal(429, after_s=20), "the answer"]
        asking = asyncio.create_task(ask(stage))
        await stage.wait(100)
        beside = asyncio.create_task(ask(stage, Op.BOOK))
        await asyncio.gather(asking, beside)
        first, second = stage.asked("/trades")
        assert second - first >= 20_000
        assert stage.asked("/book")[0] - first >= 20_000
        throttled = stage.heard(events.Throttled)
        assert [(event.budget, event.banned) for event in throttled] == [("weight", False)]
        assert throttled[0].wait_ms == pytest.approx(20_000, abs=50)

    play(visit)


def test_a_limit_without_a_wait_pauses_all_the_same_and_is_told() -> None:
    """If this failed, a bare 429 would be answered with the next question at once, unseen by anybody."""

    async def visit(stage: Stage) -> None:
        stage.replies["/trades"] = [refusal(429), "the answer"]
        await asyncio.gather(ask(stage), _after(stage, 10, ask(stage, Op.BOOK)))
        assert stage.asked("/book")[0] - stage.asked("/trades")[0] >= 1_000
        assert len(stage.heard(events.Throttled)) == 1

    play(visit)


def test_a_ban_longer_than_our_patience_is_an_error_that_says_until_when() -> None:
    """If this failed, a program would hang for days without a word."""

    async def visit(stage: Stage) -> None:
        stage.replies["/trades"] = refusal(418, "banned", after_s=3_600)
        error = await failing(stage)
        assert isinstance(error, Limited)
        assert error.next == "wait 3600 s"
        assert [event.banned for event in stage.heard(events.Throttled)] == [True]
        assert len(stage.asked("/trades")) == 1

    play(visit)


def test_without_obedience_a_limit_is_asked_into() -> None:
    """If this failed, a demonstration of what a 429 does to the careless would show nothing."""

    async def visit(stage: Stage) -> None:
        stage.replies["/trades"] = [refusal(429, after_s=20), "the answer"]
        assert isinstance(await failing(stage), Limited)
        assert await ask(stage) == "the answer"
        first, second = stage.asked("/trades")
        assert second - first < 100

    play(visit, mends=Mends(wait=False))


def test_a_dead_host_gives_way_to_its_alternate_and_that_is_told_once() -> None:
    """If this failed, REST would stand still while the venue's other host works."""

    async def visit(stage: Stage) -> None:
        def reply(call: Any) -> Any:
            return NotSent("refused") if call.url.startswith("http://a") else "the answer"

        stage.replies["/trades"] = reply
        for _ in range(3):
            assert await ask(stage) == "the answer"
        assert len(stage.asked("/trades")) == 4
        assert [(event.was, event.now) for event in stage.heard(events.Switched)] == [("http://a", "http://b")]

    play(visit, **TWO_HOSTS)


def test_leave_is_taken_before_a_question_is_sent_and_orders_go_first() -> None:
    """If this failed, a burst would break the limit, or a download hold back an order."""
    tight = (Budget("weight", 10, 10_000, Window.SLIDING, "ip"), *BUDGETS[1:])

    async def visit(stage: Stage) -> None:
        await stage.wait(20_000)
        many = [asyncio.create_task(stage.desk.answer(Op.TRADES, AskNothing(), Priority.HISTORY)) for _ in range(12)]
        await stage.wait(10)
        urgent = asyncio.create_task(stage.desk.answer(Op.BOOK, AskNothing(), Priority.ORDER))
        await asyncio.gather(urgent, *many)
        times = sorted(stage.asked("/trades") + stage.asked("/book"))
        assert all(later - first >= 10_000 for first, later in zip(times, times[10:], strict=False))
        assert sum(ms < stage.asked("/book")[0] for ms in stage.asked("/trades")) == 8

    play(visit, budgets=tight)


def test_an_unknown_field_is_told_and_does_no_harm() -> None:
    """If this failed, a venue's new field would break a reader, or go unnoticed until it matters."""

    async def visit(stage: Stage) -> None:
        told: list[events.Health] = []
        row = msgspec.structs.replace(
            stage.venue.endpoints[Op.TRADES], read=lambda body, *_: msgspec.json.decode(body)["a"], known=frozenset("a")
        )
        venue = msgspec.structs.replace(stage.venue, endpoints={Op.TRADES: row})
        desk = stage.desk
        sender = Sender(
            venue, {"rest": desk.routes_of("rest")}, stage.http, desk.time, desk.permits, told.append, desk.backoff, {}
        )
        stage.replies["/trades"] = Reply(200, {}, b'{"a":1,"b":2}')
        assert await sender.ask(Op.TRADES, AskNothing()) == 1
        assert [event.what for event in told if isinstance(event, events.Strange)] == [
            "unknown field b in the answer to trades"
        ]

    play(visit)


def test_what_needs_a_key_is_not_asked_without_one() -> None:
    """If this failed, an unsigned question would be sent, refused by the venue, and counted against us."""

    async def visit(stage: Stage) -> None:
        error = await failing(stage, Op.BALANCES)
        assert isinstance(error, Misuse)
        assert error.next == "open the venue with a key"
        assert not stage.calls
        assert stage.venue.endpoints[Op.BALANCES].access is Access.SIGNED

    play(visit)


def test_an_operation_that_the_venue_lacks_names_what_it_has() -> None:
    """If this failed, a program would meet a KeyError of ours."""

    async def visit(stage: Stage) -> None:
        assert isinstance(await failing(stage, Op.FUNDINGS), UnknownName)

    play(visit)


def test_who_waits_for_leave_when_the_session_closes_is_told() -> None:
    """If this failed, a task that waits out a ban would wait for ever after its session is gone."""

    async def visit(stage: Stage) -> None:
        stage.replies["/trades"] = [refusal(429, after_s=50), "the answer"]
        asking = asyncio.create_task(ask(stage, Op.PLACE))
        stage.replies["/place"] = refusal(429, after_s=50)
        await asyncio.gather(asking, return_exceptions=True)
        waiting = asyncio.create_task(ask(stage))
        await stage.wait(10)
        await stage.desk.close()
        with pytest.raises(Closed):
            await waiting
        with pytest.raises(Closed):
            await ask(stage)

    play(visit)


async def _after(stage: Stage, wait_ms: float, work: Any) -> Any:
    await stage.wait(wait_ms)
    return await work
