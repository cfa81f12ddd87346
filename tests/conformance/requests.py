"""Cases of REST reads: limits, bans, regions, redirects, pages of strangers, and limits that change under our hands."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from fairlead.engine.line import FIRST_WAIT_MS
from fairlead.engine.sender import TRIES_MOST
from fairlead.errors import Error, Refused, VenueError
from fairlead.model import events
from fairlead.sim.limiter import Who
from fairlead.sim.server.memory import IP
from fairlead.wire.asks import AskSymbol, Op
from fairlead.wire.faults import Kind
from fairlead.wire.limits import Charge
from tests.conformance.case import Case
from tests.conformance.needs import BANS, NAMES_WAIT, TELLS_LIMIT, TELLS_USED
from tests.conformance.stage import MS, SYMBOL, Call, Stage

WAIT_MS = 4_000
BAN_MS = 40_000
PAGE = "<html><body>Welcome to the airport. Please accept our terms.</body></html>"


def _tickers(at: Stage, since: int) -> list[Call]:
    """The requests for a ticker that left since then."""
    path = at.venue.endpoints[Op.TICKER].path_for(AskSymbol(SYMBOL))
    return [call for call in at.ear.calls[since:] if call.path.endswith(path)]


async def _fails(at: Stage) -> Error:
    try:
        answer = await at.market.ask_ticker(SYMBOL)
    except Error as error:
        return error
    raise at.breach(f"it was answered with {answer}")


async def limited(at: Stage) -> None:
    await at.calm()
    since = len(at.ear.calls)
    at.strike("limit", "rest", op="ticker", most=1, ms=WAIT_MS)
    await at.market.ask_ticker(SYMBOL)
    first, second = _tickers(at, since)
    at.must(second.at_ms - first.at_ms >= WAIT_MS, f"asked again after {second.at_ms - first.at_ms:.0f} ms")
    at.saw(events.Throttled)


async def limited_without_a_word(at: Stage) -> None:
    await at.calm()
    since = len(at.ear.calls)
    at.strike("limit", "rest", op="ticker", most=2, bare=True)
    await at.market.ask_ticker(SYMBOL)
    calls = _tickers(at, since)
    waits = [after.at_ms - before.at_ms for before, after in pairwise(calls)]
    at.must(len(calls) == 3 and min(waits) >= FIRST_WAIT_MS / 2, f"it was asked again after {waits} ms")
    at.saw(events.Throttled)


async def banned(at: Stage) -> None:
    await at.calm()
    began_ms = at.mono_ms()
    at.strike("ban", "rest", op="ticker", most=1, ms=BAN_MS)
    asking = asyncio.ensure_future(_fails(at))
    await at.wait(1)
    since = len(at.ear.calls)
    await at.wait(9)
    await at.reopen()
    await asking
    await at.market.ask_ticker(SYMBOL)
    early = [call for call in at.ear.calls[since:] if call.at_ms < began_ms + BAN_MS]
    at.must(not early, f"banned, and asked {early}")
    bans = [one for one in at.heard(events.Throttled) if one.banned]
    at.must(len(bans) == 1, f"one ban was told as {bans}")
    await at.wait(5)


async def torn(at: Stage) -> None:
    await at.calm()
    for action in ("truncate", "garbage", "reset"):
        strike = at.strike(action, "rest", op="ticker", most=1)
        await at.market.ask_ticker(SYMBOL)
        at.must(strike.fired == 1, f"{strike!r} did not do its work")


async def failing(at: Stage) -> None:
    await at.calm()
    for status in (500, 502, 503, 504):
        since = len(at.ear.calls)
        at.strike("status", "rest", op="ticker", most=1, status=status)
        await at.market.ask_ticker(SYMBOL)
        statuses = [call.status for call in _tickers(at, since)]
        at.must(statuses == [status, 200], f"the answers were {statuses}")


async def blocked(at: Stage) -> None:
    await at.calm()
    at.strike("status", "rest", op="ticker", status=403)
    error = await _fails(at)
    at.must(isinstance(error, Refused) and error.kind == Kind.BLOCKED, f"told as {error!r}")
    at.must(not at.book.was_marked, "the streams went with it")


async def wrong_region(at: Stage) -> None:
    await at.calm()
    since = len(at.ear.calls)
    at.strike("status", "rest", op="ticker", status=451)
    error = await _fails(at)
    at.must(isinstance(error, Refused) and error.kind == Kind.REGION, f"told as {error!r}")
    at.must(len(_tickers(at, since)) == 1, "it was asked again, which helps nobody")
    at.must(not at.book.was_marked, "the streams went with it")


async def redirected(at: Stage) -> None:
    await at.calm()
    since = len(at.ear.calls)
    at.strike("status", "rest", op="ticker", status=301)
    error = await _fails(at)
    at.must(isinstance(error, VenueError), f"told as {error!r}")
    hosts = {call.path.partition("/")[0] for call in at.ear.calls[since:]}
    at.must(hosts == {at.name}, f"asked elsewhere: {hosts}")


async def captive(at: Stage) -> None:
    await at.calm()
    at.strike("status", "rest", op="ticker", most=1, status=200, text=PAGE)
    await at.market.ask_ticker(SYMBOL)
    since = len(at.ear.calls)
    at.strike("status", "rest", op="ticker", status=200, text=PAGE)
    error = await _fails(at)
    at.must(isinstance(error, VenueError) and "airport" in str(error), f"told as {error!r}")
    at.must(len(_tickers(at, since)) <= TRIES_MOST, "it was asked for ever")


async def lowered(at: Stage) -> None:
    await at.calm()
    budgets = {charge.budget for charge in at.venue.endpoints[Op.TICKER].cost(AskSymbol(SYMBOL))}
    for (name, _), meter in at.city.mouth(at.name).limiter._meters.items():
        if name in budgets:
            meter.limit //= 2
    began_ms = at.mono_ms()
    asked = next(meter for (name, _), meter in at.city.mouth(at.name).limiter._meters.items() if name in budgets)
    for _ in range(asked.limit):
        await at.market.ask_ticker(SYMBOL)
    at.must(at.mono_ms() - began_ms > 1_000, "nothing had to wait: the case stages nothing")


async def shared(at: Stage) -> None:
    await at.calm()
    charges = at.venue.endpoints[Op.TICKER].cost(AskSymbol(SYMBOL))
    budget = next(one for one in at.venue.budgets if one.name == charges[0].budget)
    who = Who(IP)  # another program, behind the same address
    mouth, now_ms = at.city.mouth(at.name), at.city.now_ns() // MS
    used = mouth.limiter.readings(charges, who, mouth.venue_ms(), now_ms)[0].used
    theirs = Charge(charges[0].budget, budget.units - used - 3 * charges[0].units)
    mouth.limiter.admit((theirs,), who, mouth.venue_ms(), now_ms)
    began_ms = at.mono_ms()
    for _ in range(8):
        await at.market.ask_ticker(SYMBOL)
    at.must(at.mono_ms() - began_ms > 1_000, "nothing had to wait: the case stages nothing")


CASES = (
    Case(
        8, "a reply that is cut, no JSON, or none at all", "one read each",
        "it is never taken for an answer, and the read is asked again", torn,
    ),
    Case(
        10, "500, 502, 503, 504", "one read each",
        "the read is asked again after a while", failing,
    ),
    Case(
        13, "403 from a firewall", "one operation is answered by a page that is not the venue's",
        "it is told as blocked, not as a missing permission, and the streams go on", blocked,
    ),
    Case(
        14, "429 with the time to wait", f"one refusal by the limits, for {WAIT_MS // 1000} s",
        "nothing is asked on that budget until then, it is told, and the read is answered", limited, (NAMES_WAIT,),
    ),
    Case(
        15, "429 without a word", "two refusals that do not say for how long",
        "the wait is our own and not none, and the read is answered", limited_without_a_word,
    ),
    Case(
        16, "a ban until a moment", f"banned for {BAN_MS // 1000} s; after 10 s the program is started anew",
        "not one request leaves before that moment, also after the restart, and the ban is told once",
        banned, (BANS,),
    ),
    Case(
        17, "451, not served in this region", "one operation is answered so",
        "it is told as that, is not asked again, and the streams go on", wrong_region,
    ),
    Case(
        76, "a redirect to another host", "a read is answered with 301",
        "it is not followed; over real sockets neither", redirected,
        proven=("tests/io/test_http.py::test_a_redirect_is_a_reply",),
    ),
    Case(
        77, "a page of a stranger with status 200", "a read is answered with HTML, once, then for ever",
        "it is never taken for an answer; once is asked again, for ever is told with what came", captive,
    ),
    Case(
        120, "the limits are lowered while we run", "half of the limit is gone, and as much is asked at once",
        "the new limit is kept from the next reply on: the venue never has to refuse", lowered, (TELLS_LIMIT,),
    ),
    Case(
        121, "another program uses the same budget", "all of the budget but three requests is used up by another",
        "what the venue says was used counts: it never has to refuse", shared, (TELLS_USED,),
    ),
)  # fmt: skip
