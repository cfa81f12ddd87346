"""Each mishap does what it says, seen from the client's end of the wire."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fairlead.errors import UnknownName
from fairlead.io.clock import seeded
from fairlead.sim.city import City
from fairlead.sim.mishaps import Handle, Mishaps
from fairlead.sim.rules import ACTIONS, Args, Match, Moment, Rule
from fairlead.sim.server.memory import Memory
from fairlead.wire.asks import Op
from fairlead.wire.face import HttpCall
from tests.sim.street import Client, counted, in_memory

BOOK = "book:BTC/USDT"
ON_BOOK = Match(kind="book")


class Heard:
    """What a client heard in ten seconds under one rule, and without any in the same seconds."""

    def __init__(self, rule: Rule, *topics: str, wait_s: float = 10) -> None:
        async def visit(memory: Memory) -> Client:
            client = Client()
            link = await memory.ws.dial(memory.addresses["toy"]["ws"][0] + "/stream", client, 1_000)
            link.send(msgspec.json.encode({"join": ",".join(topics)}))
            await asyncio.sleep(wait_s)
            return client

        def run(rules: list[Rule]) -> tuple[Client, list[Handle]]:
            async def main(city: City, memory: Memory) -> tuple[Client, list[Handle]]:
                handles = [city.mishaps.add(one) for one in rules]
                return await visit(memory), handles

            return in_memory(main, jitter_ms=0)

        self.client, (self.handle,) = run([rule])
        self.calm, _ = run([])


def numbers(client: Client, topic: str = BOOK) -> list[tuple[int, int]]:
    return [(event["first"], event["last"]) for event in client.events(topic)]


def test_drop_loses_events_and_the_numbers_show_it() -> None:
    """If this failed, a test of resynchronising could pass without anything having been lost."""
    heard = Heard(Rule("drop", match=ON_BOOK, every=10), BOOK)
    lost = set(numbers(heard.calm)) - set(numbers(heard.client))
    assert len(lost) == heard.handle.fired > 3


def test_a_gap_is_one_change_of_a_book() -> None:
    """If this failed, the demo's sequence gap would be something else."""
    heard = Heard(Rule("gap", nth=5), BOOK, "trades:BTC/USDT")
    assert len(numbers(heard.calm)) - len(numbers(heard.client)) in (0, 1)
    heard = Heard(Rule("gap", match=ON_BOOK, nth=5), BOOK, "trades:BTC/USDT")
    assert len(numbers(heard.calm)) - len(numbers(heard.client)) == 1
    assert heard.client.events("trades:BTC/USDT") == heard.calm.events("trades:BTC/USDT")


def test_mute_silences_one_topic_for_a_while_and_nothing_else() -> None:
    """If this failed, a silent channel could not be told from a dead wire."""
    heard = Heard(Rule("mute", match=ON_BOOK, from_ms=2_000, for_ms=3_000), BOOK, "quote:BTC/USDT")
    assert heard.client.events("quote:BTC/USDT") == heard.calm.events("quote:BTC/USDT")
    times = [event["at"] for event in heard.client.events(BOOK)]
    gaps_ms = [(after - before) / 1e6 for before, after in pairwise(times)]
    assert sum(gap > 1_000 for gap in gaps_ms) == 1
    assert 2_800 <= max(gaps_ms) <= 3_400
    assert any("beat" in word for word in heard.client.words)


def test_a_stuck_book_says_nothing_until_it_is_subscribed_to_anew() -> None:
    """If this failed, a silent channel could heal by itself, and nobody would know whether renewing it helps."""

    async def visit(city: City, memory: Memory) -> Client:
        client = Client()
        link = await memory.ws.dial(memory.addresses["toy"]["ws"][0] + "/stream", client, 1_000)
        link.send(msgspec.json.encode({"join": f"{BOOK},quote:BTC/USDT"}))
        await asyncio.sleep(1)
        handle = city.mishaps.add(Rule("stick", match=ON_BOOK, nth=1))
        await asyncio.sleep(2)
        before, quotes = len(numbers(client)), len(client.events("quote:BTC/USDT"))
        await asyncio.sleep(5)
        assert (handle.fired, len(numbers(client))) == (1, before)
        assert len(client.events("quote:BTC/USDT")) > quotes
        link.send(msgspec.json.encode({"join": BOOK}))
        await asyncio.sleep(2)
        assert client.events(BOOK)[before]["whole"] is True
        assert len(numbers(client)) > before + 5
        return client

    in_memory(visit)


def test_duplicate_and_reorder_change_order_but_lose_nothing() -> None:
    """If this failed, these two would be losses in disguise."""
    doubled = Heard(Rule("duplicate", match=ON_BOOK, nth=4), BOOK)
    assert len(numbers(doubled.client)) == len(numbers(doubled.calm)) + 1
    assert len(set(numbers(doubled.client))) == len(numbers(doubled.calm))
    turned = Heard(Rule("reorder", match=ON_BOOK, nth=4), BOOK)
    got, true = numbers(turned.client), numbers(turned.calm)
    assert got != true
    assert sorted(got) == true
    assert (got[3], got[4]) == (true[4], true[3])


@pytest.mark.parametrize(("topic", "field"), [("trades:BTC/USDT", "price"), ("quote:BTC/USDT", "bid")])
@pytest.mark.parametrize("factor", [10.0, 0.0, -1.0])
def test_corrupt_makes_prices_that_cannot_be(topic: str, field: str, factor: float) -> None:
    """If this failed, the guard would be tested on prices that are right."""
    heard = Heard(Rule("corrupt", match=Match(kind=topic.partition(":")[0]), nth=2, args=Args(factor=factor)), topic)
    pairs = zip(heard.client.events(topic), heard.calm.events(topic), strict=True)
    odd = [(got[field], true[field]) for got, true in pairs if got != true]
    assert odd == [(odd[0][1] * factor, odd[0][1])]


def test_a_corrupt_book_names_an_impossible_level() -> None:
    """If this failed, a book could not be shown crossed."""
    heard = Heard(Rule("corrupt", match=ON_BOOK, nth=3), BOOK)
    pairs = zip(heard.client.events(BOOK), heard.calm.events(BOOK), strict=True)
    ((got, true),) = [(got, true) for got, true in pairs if got != true]
    side = "bids" if true["bids"] else "asks"
    assert got[side][0][0] == true[side][0][0] * 10
    assert got[side][0][1] > 0


def test_a_book_can_be_crossed() -> None:
    """If this failed, clients would never be shown a bid above an ask, which they must not believe."""
    heard = Heard(Rule("cross", match=ON_BOOK, nth=3), BOOK)
    pairs = zip(heard.client.events(BOOK), heard.calm.events(BOOK), strict=True)
    ((got, true),) = [(got, true) for got, true in pairs if got != true]
    (price, qty), *bids = got["bids"]
    assert (bids, got["asks"]) == (true["bids"], true["asks"])
    whole, *changes = heard.calm.events(BOOK)
    asks = dict(map(tuple, whole["asks"]))
    for change in changes[: changes.index(true) + 1]:
        asks.update(map(tuple, change["asks"]))
    assert (price, qty) == sorted(level for level in asks.items() if level[1])[1]


def test_a_ghost_is_a_level_that_was_never_there() -> None:
    """If this failed, clients would be tested on an ordinary deletion."""
    heard = Heard(Rule("ghost", match=ON_BOOK, nth=3), BOOK)
    pairs = zip(heard.client.events(BOOK), heard.calm.events(BOOK), strict=True)
    ((got, true),) = [(got, true) for got, true in pairs if got != true]
    *bids, (price, qty) = got["bids"]
    assert (bids, qty) == (true["bids"], 0)
    assert price not in {level[0] for change in heard.calm.events(BOOK) for level in change["bids"]}


def test_a_wrong_checksum_is_on_right_levels() -> None:
    """If this failed, a mismatch would be the levels' fault, not the sum's."""
    heard = Heard(Rule("checksum", match=ON_BOOK, nth=3), BOOK)
    pairs = zip(heard.client.events(BOOK), heard.calm.events(BOOK), strict=True)
    ((got, true),) = [(got, true) for got, true in pairs if got != true]
    assert got.pop("sum") != true.pop("sum")
    assert got == true


def test_misdate_moves_only_the_venues_time() -> None:
    """If this failed, time going backwards could not be shown."""
    heard = Heard(Rule("misdate", match=ON_BOOK, nth=3, args=Args(ms=-3_600_000)), BOOK)
    pairs = zip(heard.client.events(BOOK), heard.calm.events(BOOK), strict=True)
    ((got, true),) = [(got, true) for got, true in pairs if got != true]
    assert true["at"] - got["at"] == 3_600_000 * 10**6


def test_delay_overtakes_and_late_keeps_order() -> None:
    """If this failed, a late channel would look like a gap, or a shuffled one like a calm one."""
    delayed = Heard(Rule("delay", match=ON_BOOK, nth=4, args=Args(ms=1_000)), BOOK)
    assert numbers(delayed.client) != numbers(delayed.calm)
    assert sorted(numbers(delayed.client)) == numbers(delayed.calm)
    late = Heard(Rule("late", match=ON_BOOK, from_ms=1_000, for_ms=4_000, args=Args(ms=3_000)), BOOK)
    assert numbers(late.client) == numbers(late.calm)
    assert late.handle.fired > 10


def test_late_frames_come_late() -> None:
    """If this failed, lateness would be announced and nobody would be late."""
    late = Heard(Rule("late", match=ON_BOOK, from_ms=2_000, args=Args(ms=3_000)), BOOK, wait_s=6)
    missing = len(numbers(late.calm)) - len(numbers(late.client))
    assert 25 <= missing <= 35


@pytest.mark.parametrize("action", ["garbage", "truncate"])
def test_spoiled_frames_are_no_json(action: str) -> None:
    """If this failed, no decoder would be tried on what is not JSON."""
    heard = Heard(Rule(action, match=ON_BOOK, nth=3), BOOK)
    assert sum("unreadable" in word for word in heard.client.words) == 1


def test_a_stranger_is_one_field_more() -> None:
    """If this failed, an unknown field could come with a changed message."""
    heard = Heard(Rule("stranger", match=ON_BOOK, nth=3), BOOK)
    ((got, true),) = [
        (got, true) for got, true in zip(heard.client.words, heard.calm.words, strict=True) if got != true
    ]
    assert got.pop("novelty") == 1
    assert got == true


def test_swap_names_another_instrument() -> None:
    """If this failed, data of a wrong symbol could not be shown on a channel."""
    heard = Heard(Rule("swap", match=Match(kind="quote"), nth=3), "quote:BTC/USDT")
    symbols = [event["symbol"] for event in heard.client.events("quote:BTC/USDT")]
    assert symbols.count("ETH/USDT") == 1
    assert symbols[2] == "ETH/USDT"


def test_a_huge_frame_is_as_huge_as_asked() -> None:
    """If this failed, no limit on memory would be tried."""
    heard = Heard(Rule("huge", nth=2, args=Args(count=100_000)), BOOK)
    assert max(map(len, heard.client.frames)) > 100_000


def test_deny_refuses_in_the_venues_own_words_and_deafen_says_nothing() -> None:
    """If this failed, a refused and a lost subscription would be one and the same."""
    denied = Heard(Rule("deny", nth=1), BOOK)
    assert {"refused": BOOK} in denied.client.words
    assert not denied.client.events(BOOK)
    deaf = Heard(Rule("deafen", nth=1), BOOK)
    assert {"joined": BOOK} not in deaf.client.words
    assert deaf.client.events(BOOK)


def test_ends_are_as_announced_and_cuts_are_not() -> None:
    """If this failed, make-before-break could not be told from plain reconnecting."""
    ended = Heard(Rule("end", channel="conn", from_ms=1_000, args=Args(ms=2_000)), BOOK)
    assert {"ending": 2_000} in ended.client.words
    assert [code for code, _ in ended.client.ends] == [1001]
    cut = Heard(Rule("cut", channel="conn", from_ms=1_000, args=Args(code=1012)), BOOK)
    assert [code for code, _ in cut.client.ends] == [1012]
    broken = Heard(Rule("cut", channel="conn", from_ms=1_000), BOOK)
    assert [code for code, _ in broken.client.ends] == [1006]
    slammed = Heard(Rule("slam", channel="conn"), BOOK)
    assert [code for code, _ in slammed.client.ends] == [1001]


async def ask(memory: Memory, target: str, timeout_ms: int = 1_000) -> tuple[int, dict[str, str], bytes]:
    reply = await memory.http.send(HttpCall("GET", memory.addresses["toy"]["rest"][0] + target), timeout_ms)
    return reply.status, dict(reply.headers), reply.body


def asking(visit: Callable[[City, Callable[[str], Coroutine[Any, Any, Any]]], Coroutine[Any, Any, None]]) -> None:
    async def main(city: City, memory: Memory) -> None:
        await visit(city, lambda target: ask(memory, target))

    in_memory(main)


def test_refusals_by_mishap_are_the_venues_and_told_from_those_that_were_earned() -> None:
    """If this failed, the proof that our own budgets never overrun would count what others did."""

    async def visit(city: City, get: Any) -> None:
        refusals = city.mouth("toy").refusals
        city.mishaps.add(Rule("limit", channel="rest", nth=1, args=Args(ms=3_000, bare=True)))
        status, headers, _ = await get("/time")
        assert (status, "retry-after" in headers) == (429, False)
        city.mishaps.add(Rule("limit", channel="rest", nth=1, args=Args(ms=3_000)))
        status, headers, body = await get("/time")
        assert (status, headers["retry-after"]) == (429, "3")
        assert msgspec.json.decode(body)["code"] == "slow-down"
        assert (await get("/time"))[0] == 429
        await asyncio.sleep(3)
        assert (await get("/time"))[0] == 200
        city.mishaps.add(Rule("ban", channel="rest", nth=1, args=Args(ms=60_000)))
        status, _, body = await get("/time")
        assert (status, msgspec.json.decode(body)["until"] > city.now_ns() // 10**6) == (418, True)
        assert (await get("/nonsense"))[0] == 418
        await asyncio.sleep(60)
        assert (await get("/time"))[0] == 200
        told = [(one.is_mishap, one.is_ban) for one in refusals]
        assert told == [(True, False), (True, False), (False, False), (True, True), (False, True)]

    asking(visit)


def test_bodies_are_spoiled_as_said() -> None:
    """If this failed, the errors of readers would be tested on good replies."""

    async def visit(city: City, get: Any) -> None:
        city.mishaps.add(Rule("status", channel="rest", nth=1, args=Args(status=503)))
        status, headers, body = await get("/time")
        assert (status, headers["content-type"], body[:6]) == (503, "text/html", b"<html>")
        _, _, whole = await get("/book?symbol=BTC/USDT&depth=3")
        for action in ("garbage", "truncate"):
            city.mishaps.add(Rule(action, channel="rest", nth=1))
            _, _, body = await get("/book?symbol=BTC/USDT&depth=3")
            with pytest.raises(msgspec.DecodeError):
                msgspec.json.decode(body)
        city.mishaps.add(Rule("stranger", channel="rest", nth=1, args=Args(text="odd")))
        _, _, body = await get("/book?symbol=BTC/USDT&depth=3")
        assert set(msgspec.json.decode(body)) - set(msgspec.json.decode(whole)) == {"odd"}

    asking(visit)


def test_a_stale_snapshot_is_a_true_one_of_before() -> None:
    """If this failed, a snapshot older than the first change would be an impossible one, and prove nothing."""

    async def visit(city: City, get: Any) -> None:
        await asyncio.sleep(5)
        stall = city.mouth("toy").stalls["BTC/USDT"]
        city.mishaps.add(Rule("stale", channel="rest", nth=1, match=Match(op=Op.BOOK), args=Args(count=20)))
        old = msgspec.json.decode((await get("/book?symbol=BTC/USDT"))[2])
        new = msgspec.json.decode((await get("/book?symbol=BTC/USDT"))[2])
        assert old["last"] < new["last"]
        assert tuple(map(tuple, counted(old)["bids"])) == stall.book_at(old["last"])[0]

    asking(visit)


def test_a_venues_clock_can_be_off_for_all_or_lie_once() -> None:
    """If this failed, offset measuring and clock errors would be tested against a clock that is right."""

    async def visit(city: City, get: Any) -> None:
        async def off_ms() -> int:
            true_ms = city.now_ns() // 10**6
            return int((await get("/time"))[2]) - true_ms

        assert abs(await off_ms()) < 100
        city.mishaps.add(Rule("lie", channel="rest", nth=1, match=Match(op=Op.TIME), args=Args(ms=10_000)))
        assert await off_ms() >= 10_000
        assert abs(await off_ms()) < 100
        skew = city.mishaps.add(Rule("skew", channel="clock", args=Args(ms=-5_000)))
        assert -5_000 <= await off_ms() < -4_900
        quote = msgspec.json.decode((await get("/ticker?symbol=BTC/USDT"))[2])
        assert quote["venue_ns"] < city.now_ns() - 4_900 * 10**6
        skew.end()
        assert abs(await off_ms()) < 100

    asking(visit)


def test_rules_strike_when_they_say() -> None:
    """If this failed, a scenario would go wrong somewhere else than it was written for."""
    now_ns = 0
    mishaps = Mishaps(lambda: now_ns, seeded(1), ("toy",))

    def fired(rule: Rule, chances: int = 12, step_ms: int = 100) -> list[int]:
        nonlocal now_ns
        handle = mishaps.add(rule)
        found = []
        for chance in range(1, chances + 1):
            if list(mishaps.struck(Moment.TELL, "toy", Match(kind="book", symbol="BTC/USDT"))):
                found.append(chance)
            now_ns += step_ms * 10**6
        assert handle.fired == len(found)
        handle.end()
        return found

    assert fired(Rule("drop", nth=3)) == [3]
    assert fired(Rule("drop", every=5)) == [5, 10]
    assert fired(Rule("drop", every=2, most=2)) == [2, 4]
    assert fired(Rule("drop", from_ms=300, for_ms=200)) == [4, 5]
    assert fired(Rule("drop", venue="toy", match=Match(kind="trades"))) == []
    assert fired(Rule("drop", prob=0.5, seed=4), 200) == fired(Rule("drop", prob=0.5, seed=4), 200)
    assert 60 < len(fired(Rule("drop", prob=0.5, seed=5), 200)) < 140
    assert mishaps.handles() == ()


def test_an_unknown_venue_is_named() -> None:
    """If this failed, a rule for a venue that is not there would wait for ever."""
    with pytest.raises(UnknownName):
        Mishaps(lambda: 0, seeded(1), ("toy",)).add(Rule("drop", venue="tyo"))


def test_every_action_has_a_test_above() -> None:
    """If this failed, a mishap could be offered that nobody has ever seen strike."""
    here = Path(__file__)
    text = here.read_text(encoding="utf-8") + here.with_name("test_order_mishaps.py").read_text(encoding="utf-8")
    elsewhere = {"hang", "delay", "reset", "refuse", "malformed"}  # tests/sim/server
    in_tables = {"garbage", "truncate"}  # parametrised above
    untested = [
        f"{channel}/{action}"
        for channel, actions in ACTIONS.items()
        for action in actions
        if f'Rule("{action}"' not in text and action not in elsewhere | in_tables
    ]
    assert untested == []
