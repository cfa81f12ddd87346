"""Cases of orders on their way: answers that are late, lost or spoilt, refusals of every kind, odd acceptances."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

from fairlead.errors import Held, NotSent, Refused
from fairlead.model import events
from fairlead.model.order import Life, Order
from fairlead.wire.faults import Kind
from tests.conformance.needs import BANS, BY_SOCKET, of_orders
from tests.conformance.pier import Pier, Trade
from tests.conformance.stage import SLOTS, SYMBOL

PAGE = "<html><body>Just a moment...</body></html>"
FAILED = '{"code": -1, "msg": "The order failed. Please try again."}'
BAN_MS, QUIET_MS = 40_000, 4_000
NOT_THERE = (Life.NOT_ACCEPTED, Life.REJECTED)


def doubt(name: str, action: str, phase: str, *ends: Life, **args: object) -> Trade:
    """An order whose answer suffers so is UNKNOWN, and is found out to be one of these."""

    async def act(at: Pier) -> None:
        strikes = at.spoil(action, op="place", phase=phase, **args)
        at.strike("mute", "ws", kind="orders", for_ms=15_000)  # or it would tell what the answer does not
        order = await at.bid()
        at.must(sum(one.fired for one in strikes) == 1, f"{strikes!r} did not do their work")
        shown = (Life.OPEN,) if at.accepted(order) else ()  # a reading may have found it by then
        at.must(order.life in (Life.UNKNOWN, *shown), f"it was given back as {order.life}, {order.reason}")
        if order.life is Life.UNKNOWN:
            at.saw(events.OrderUnknown)
        await at.settled()
        at.is_life(order, *ends)
        at.must(at.truth.attempts(order.client_id) <= 1, "it was sent again")

    act.__name__ = name
    return act


def both(name: str, action: str, **args: object) -> Trade:
    """Before the venue acted, and after."""

    async def act(at: Pier) -> None:
        await doubt(name, action, "before", *NOT_THERE, **args)(at)
        await at.wait(15)
        await doubt(name, action, "after", Life.OPEN, **args)(at)

    act.__name__ = name
    return act


async def unreachable(at: Pier) -> None:
    at.strike("refuse", "conn", for_ms=20_000)
    await at.wait(1)
    failed = await at.fails(at.bid())
    at.must(isinstance(failed, (NotSent, Held)), f"told as {failed!r}")
    at.must(not at.truth.received, "something arrived")
    await at.wait(60)
    at.is_life(await at.bid(), Life.OPEN)


async def accepted_late(at: Pier) -> None:
    """Nobody waits any more, and the fence is not over: nothing may be concluded from a reading."""
    at.strike("linger", op="place", ms=4_000)
    placing = asyncio.ensure_future(at.bid())
    await at.wait(1)
    order = at.last
    await at.crash()
    await asyncio.gather(placing, return_exceptions=True)
    at.must(not at.accepted(order), "it was not late at all")
    at.is_life(order, Life.UNKNOWN)
    await at.wait(6)
    at.is_life(order, Life.OPEN)


async def past_the_fence(at: Pier) -> None:
    at.strike("linger", op="place", ms=7_000)
    try:
        order = await at.bid()
    except Refused as refused:
        at.must(refused.known, f"it does not say what is known: {refused}")
        order = at.last
    await at.settled()
    at.is_life(order, *NOT_THERE)
    at.must(not at.accepted(order), "it was accepted past its fence")


async def lying_venue(at: Pier) -> None:
    at.strike("linger", op="place", ms=120_000)
    at.strike("unfence", op="place")
    placing = asyncio.ensure_future(at.bid())
    await at.wait(1)
    order = at.last
    await at.crash()
    await asyncio.gather(placing, return_exceptions=True)
    await at.wait(110)
    at.is_life(order, Life.NOT_ACCEPTED)
    while not at.accepted(order):
        await at.wait(0.05)
    await at.wait(1)
    at.must(at.accepted(order)[0].is_late, "the venue kept its word")
    at.is_life(order, Life.OPEN)
    at.saw(events.OrderLate, events.Disagreed)
    at.must(at.now(order).late, "the order does not say that it came late")


async def firewall(at: Pier) -> None:
    at.strike("status", op="place", status=403, text=PAGE)
    try:
        order = await at.bid()
    except Refused as refused:
        at.must(refused.kind == Kind.BLOCKED, f"told as {refused!r}")
        order = at.last
    await at.settled()
    at.is_life(order, *NOT_THERE)


async def too_many(at: Pier) -> None:
    at.strike("limit", op="place", ms=QUIET_MS)
    await _refused(at, Kind.LIMIT)
    at.saw(events.Throttled)


async def too_many_without_a_word(at: Pier) -> None:
    for _ in range(2):
        at.strike("limit", op="place", bare=True)
        await _refused(at, Kind.LIMIT)
        await at.wait(5)
    at.saw(events.Throttled)


async def banned(at: Pier) -> None:
    began_ms = at.clock.mono_ns() / 1e6
    at.strike("ban", op="place", ms=BAN_MS)
    await _refused(at, Kind.BAN)
    since = len(at.ear.calls)
    await at.wait(5)
    await at.fails(at.bid())
    early = [call for call in at.ear.calls[since:] if call.at_ms < began_ms + BAN_MS]
    at.must(not early, f"banned, and asked {early}")
    await at.wait(60)
    bans = [one.budget for one in at.heard(events.Throttled) if one.banned]
    at.must(bans and len(bans) == len(set(bans)), f"one ban was told as {bans}")
    at.is_life(await at.bid(), Life.OPEN)


async def wrong_region(at: Pier) -> None:
    """By socket there is no such answer, so that one is doubted."""
    at.strike("status", op="place", status=451)
    try:
        order = await at.bid()
    except Refused as refused:
        at.must(refused.kind == Kind.REGION, f"told as {refused!r}")
        order = at.last
    await at.settled()
    at.is_life(order, *NOT_THERE)


async def _refused(at: Pier, kind: Kind) -> None:
    """The venue said no for sure: the error says so, nothing is in doubt, nothing is sent again."""
    failed = await at.fails(at.bid())
    at.must(getattr(failed, "kind", "") == kind, f"told as {failed!r}")
    at.must(failed.known and failed.next, f"it says neither what is known nor what to do: {failed}")
    order = at.last
    at.is_life(order, *NOT_THERE)
    at.must(not at.accepted(order), "it was accepted all the same")


async def duplicate_of_nothing(at: Pier) -> None:
    at.strike("decline", op="place", text="DUPLICATE")
    order = await at.bid()
    at.saw(events.Disagreed)
    at.odd("duplicate")
    failed = await at.fails(at.bid())
    at.must(isinstance(failed, Held), f"new orders were taken: {failed!r}")
    await at.settled()
    at.is_life(order, *NOT_THERE)


async def duplicate_after_doubt(at: Pier) -> None:
    """The first one is in no reading for so long that it is proven absent, and its caller wished for another try."""
    at.strike("hide", op="place", ms=150_000)
    at.strike("reset", op="place", phase="after")
    at.strike("mute", "ws", kind="orders", for_ms=150_000)
    order = await at.bid(resend_if_not_accepted=True, valid_for_ms=200_000)
    await at.wait(250)
    at.must(at.truth.attempts(order.client_id) == 2, f"it was sent {at.truth.attempts(order.client_id)} times")
    at.must(len(at.accepted(order)) == 1, "it was doubled")
    at.is_life(order, Life.OPEN)


async def crossed(at: Pier) -> None:
    other = await at.bid(percent=12)
    at.strike("swap", op="place")
    at.strike("mute", "ws", kind="orders", for_ms=5_000)
    order = await at.bid()
    at.must(order.order_id != other.order_id, "another order's answer gave it its name")
    at.saw(events.OrderUnknown)
    await at.settled()
    at.is_life(order, Life.OPEN)
    at.is_life(other, Life.OPEN)


async def answered_twice(at: Pier) -> None:
    await at.wait(5)  # until the socket stands
    strike = at.strike("double", "ws", op="place")
    order = await at.bid()
    at.must(strike.fired == 1, f"{strike!r} did not do its work")
    await at.wait(2)
    at.is_life(order, Life.OPEN)


async def filled_before_answered(at: Pier) -> None:
    for action in ("delay", "delay", "reset", "hang"):
        at.strike(action, op="place", phase="after", ms=1_500)
        order = await at.take()
        await at.settled()
        at.is_life(order, Life.FILLED)


async def thrown_out(at: Pier) -> None:
    at.strike("expel", op="place", ms=2_000)
    order = await at.bid()
    at.is_life(order, Life.OPEN)
    await at.wait(5)
    at.must(at.now(order).life.is_over, "it is held for open")
    at.must(not at.market.open_orders(), "its exposure is still reserved")


async def right_reason(at: Pier) -> None:
    """Orders that end by their own terms: the venue says so at once or after it took them."""
    ask = at.price(2)
    wishes: tuple[dict[str, Any], ...] = (
        {"price": ask, "post_only": True},  # it would take
        {"price": at.price(-10), "tif": "FOK", "qty": "0.5"},
        {"price": at.price(-10), "tif": "IOC"},
    )
    for terms in wishes:
        try:
            order: Order = await at.market.buy(SYMBOL, **{"qty": "0.01", **terms})
        except Refused as refused:
            at.must(refused.said, f"it says nothing: {refused!r}")
            order = at.last
        await at.wait(2)
        at.must(at.now(order).life in (Life.REJECTED, Life.CANCELLED, Life.EXPIRED), f"{terms}: {at.now(order)}")
        at.must(at.now(order).reason, f"nothing says why: {at.now(order)}")


async def not_enough(at: Pier) -> None:
    for terms in ({"qty": "1000", "percent": 1}, {"qty": "0.000001"}):
        failed = await at.fails(at.bid(**terms))
        at.must(failed.said and failed.next, f"it does not say what to do: {failed!r}")
    dust = await at.fails(at.market.buy(SYMBOL, qty="0.01", price="61000.123456789"))
    at.must("61000" in str(dust), f"told as {dust!r}")


async def rounded(at: Pier) -> None:
    at.strike("revise", op="place", factor=0.5)
    order = await at.bid(qty="0.02")
    await at.wait(2)
    track = at.desk.track(order.client_id)
    at.must(track.order.qty == Decimal("0.01"), f"the venue has 0.01, and we show {track.order.qty}")
    at.must(track.intended.asked.qty == Decimal("0.02"), f"what was asked is forgotten: {track.intended.asked}")
    await at.market.cancel(order)


CASES = (
    of_orders(1, "the venue cannot be reached with an order", f"all {SLOTS} hosts refuse connections",
        "the error says that nothing was sent, and nothing was; afterwards it can be placed", unreachable),
    of_orders(2, "an order is not answered, and never arrived", "no reply, before the venue acts",
        "UNKNOWN until its absence is proven after the fence; sent once",
        doubt("no_answer_before", "hang", "before", *NOT_THERE)),
    of_orders(3, "an order is accepted, and its answer lost", "no reply, after the venue acted",
        "UNKNOWN, found by a reading or the stream, adopted", doubt("no_answer_after", "hang", "after", Life.OPEN)),
    of_orders(4, "an order is accepted when nobody waits for it any more", "taken 4 s late, within its fence; we died",
        "it is not declared absent before its fence is over, and adopted", accepted_late),
    of_orders(5, "an order reaches the engine after its fence", "taken 7 s late", "the venue refuses it, and we say so",
        past_the_fence),
    of_orders(6, "the venue breaks its own fence", "taken two minutes late, although its deadline has passed",
        "adopted as late, told, and its symbol is frozen until a reading agrees", lying_venue),
    of_orders(7, "the connection breaks within the answer to an order", "after 20 bytes of it",
        "UNKNOWN, found and adopted", doubt("broken_answer", "reset", "after", Life.OPEN, count=20)),
    of_orders(8, "the answer to an order is cut", "half of it, with status 200",
        "UNKNOWN, never failed; found and adopted", doubt("cut_answer", "truncate", "before", Life.OPEN)),
    of_orders(9, "the answer to an order is no JSON", "status 200", "UNKNOWN, never failed; found and adopted",
        doubt("garbled_answer", "garbage", "before", Life.OPEN)),
    of_orders(10, "500 to an order", "before and after the venue acts", "UNKNOWN, then the truth",
        both("error_500", "status", status=500)),
    of_orders(10, "502 to an order", "before and after the venue acts", "UNKNOWN, then the truth",
        both("error_502", "status", status=502)),
    of_orders(10, "503 to an order", "before and after the venue acts", "UNKNOWN, then the truth",
        both("error_503", "status", status=503)),
    of_orders(10, "504 to an order", "before and after the venue acts", "UNKNOWN, then the truth",
        both("error_504", "status", status=504)),
    of_orders(11, "503 that claims that the order failed", "before and after the venue acts",
        "what a gateway claims is no proof: UNKNOWN, then the truth",
        both("claimed_failure", "status", status=503, text=FAILED)),
    of_orders(12, "the venue says that it does not know", "in its own words, before and after it acts",
        "UNKNOWN, then the truth", both("unsure_venue", "unsure")),
    of_orders(13, "403 from a firewall to an order", "a page that is not the venue's",
        "told as blocked, not as a missing permission; nothing was accepted", firewall),
    of_orders(14, "429 to an order, with the time to wait", "one refusal by the limits, for 4 s",
        "refused for sure, told, not sent again", too_many),
    of_orders(15, "429 to an order, without a word", "two of them", "refused for sure, told, not sent again",
        too_many_without_a_word),
    of_orders(16, "a ban in answer to an order", "for 40 s",
        "not one request leaves before it is over; told once a budget", banned, BANS),
    of_orders(17, "451 to an order", "one of them", "told as the region, not as a missing permission", wrong_region),
    of_orders(18, "a fresh name is refused as a duplicate", "one refusal without a cause",
        "everything is frozen and told, and the order's absence proven", duplicate_of_nothing),
    of_orders(19, "a duplicate is refused after a doubt", "the first one is in no reading for 150 s",
        "the refusal proves the first one: adopted, and there is one order", duplicate_after_doubt),
    of_orders(20, "the answer is another order's", "one answer with the names of another",
        "told, UNKNOWN, then found by its own name", crossed),
    of_orders(21, "an answer arrives twice", "by socket", "the second one is nobody's, and changes nothing",
        answered_twice, BY_SOCKET),
    of_orders(22, "fills come before the answer", "four orders at the market: answers late, broken, never",
        "each is filled once with every fill, in whatever order it was told", filled_before_answered),
    of_orders(23, "an accepted order is thrown out", "2 s after its acceptance",
        "it has ended as the venue says, and nothing is reserved for it any more", thrown_out),
    of_orders(29, "orders end by their own terms", "post-only that would take, FOK and IOC that find nobody",
        "each has ended, with the venue's reason", right_reason),
    of_orders(30, "not enough money, too little, too fine", "one order each",
        "each is refused with what to do, ours before anything is sent", not_enough),
    of_orders(31, "the venue accepts another quantity", "half of it",
        "the order shows what the venue has, the journal keeps both", rounded),
)  # fmt: skip
