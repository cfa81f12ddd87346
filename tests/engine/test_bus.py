"""From a feed to its readers: what a slow one loses, what a broken one costs the others, and how reading ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fairlead.engine import bus
from fairlead.engine.bus import Bus, Subscription
from fairlead.errors import Closed, Misuse, Refused
from tests.engine.told import Reader


class House:
    """A bus of numbers with what it tells."""

    def __init__(self) -> None:
        self.blamed: list[tuple[str, str]] = []
        self.released = 0
        self.dropped: list[int] = []
        self.bus: Bus[int] = Bus(lambda where, blunder: self.blamed.append((where, str(blunder))))

    def subscribe(self, *, latest: bool = False, callback: Any = None) -> Subscription[int]:
        return Subscription(
            self.bus, self._release, latest=latest, callback=callback, told=self.dropped.append, about="numbers"
        )

    def _release(self) -> None:
        self.released += 1

    def publish(self, *numbers: int) -> None:
        for number in numbers:
            self.bus.publish(number)


async def test_a_slow_reader_loses_the_oldest_and_is_told_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, a slow reader would fill the memory, lose the newest, or be told of a loss once an event."""
    monkeypatch.setattr(bus, "QUEUE_MOST", 4)
    house = House()
    reader = house.subscribe()
    house.publish(*range(14))
    assert [await anext(reader) for _ in range(4)] == [10, 11, 12, 13]
    assert reader.dropped == 10
    assert house.dropped == [1, 2, 4, 8]


async def test_of_what_conflates_only_the_latest_is_kept_and_nothing_is_told() -> None:
    """If this failed, a slow reader of a book would work through the past."""
    house = House()
    reader = house.subscribe(latest=True)
    house.publish(1, 2, 3)
    assert await anext(reader) == 3
    assert house.dropped == []


async def test_a_callback_that_raises_is_told_and_the_others_still_hear() -> None:
    """If this failed, one bot's defect would silence every other reader, or go unseen."""
    house = House()

    def broken(_: int) -> None:
        raise ValueError("mine")

    house.subscribe(callback=broken)
    house.subscribe(callback=(after := Reader()))
    house.publish(1, 2)
    assert after.heard == [1, 2]
    assert [said for _, said in house.blamed] == ["mine", "mine"]
    assert "broken" in house.blamed[0][0]


async def test_one_function_may_read_twice_and_leave_once() -> None:
    """If this failed, closing one of two subscriptions would silence the other."""
    house = House()
    reader = Reader()
    first, second = house.subscribe(callback=reader), house.subscribe(callback=reader)
    first.close()
    house.publish(1)
    assert reader.heard == [1]
    assert house.bus.readers == 1
    second.close()
    assert house.released == 2


async def test_an_iterator_ends_when_the_stream_does_after_what_was_kept() -> None:
    """If this failed, a program's loop would hang after its session closed, or lose the last events."""
    house = House()
    reader = house.subscribe()
    waiting = asyncio.create_task(_all(house.subscribe()))
    await asyncio.sleep(0)
    house.publish(1, 2)
    house.bus.close()
    house.publish(3)
    assert await waiting == [1, 2]
    assert await _all(reader) == [1, 2]
    assert house.released == 2


async def test_a_stream_that_was_refused_says_so_to_its_readers() -> None:
    """If this failed, a refused stream would look like one that came to its end."""
    house = House()
    reader = house.subscribe()
    house.bus.close(Refused("the venue said no"))
    with pytest.raises(Refused):
        await anext(reader)
    with pytest.raises(Refused):
        await reader.first()


async def test_a_reader_that_is_cancelled_can_read_on() -> None:
    """If this failed, a timeout around a read would lose the next event, or break the subscription."""
    house = House()
    reader = house.subscribe()
    with pytest.raises(TimeoutError):
        await reader.first(0.001)
    house.publish(1)
    assert await reader.first(1) == 1


async def test_two_readers_of_one_subscription_are_told_apart() -> None:
    """If this failed, the first of two tasks on one subscription would wait for ever."""
    reader = House().subscribe()
    waiting = asyncio.create_task(reader.first())
    await asyncio.sleep(0)
    with pytest.raises(Misuse):
        await anext(reader)
    reader.close()
    with pytest.raises(Closed, match="numbers"):
        await waiting


async def test_closing_is_idempotent_and_leaving_the_block_closes() -> None:
    """If this failed, a second close would release a stream that another reader has taken up since."""
    house = House()
    async with house.subscribe() as reader:
        assert house.bus.readers == 1
    reader.close()
    assert (house.bus.readers, house.released) == (0, 1)


async def test_a_callback_may_close_its_own_subscription() -> None:
    """If this failed, a reader that has seen enough would skip the others' turn, or raise."""
    house = House()
    heard = []

    def once(number: int) -> None:
        heard.append(number)
        first.close()

    first = house.subscribe(callback=once)
    house.subscribe(callback=(after := Reader()))
    house.publish(1, 2)
    assert heard == [1]
    assert after.heard == [1, 2]


async def _all(reader: Subscription[int]) -> list[int]:
    return [number async for number in reader]


async def test_a_reader_of_an_account_loses_nothing_unknowingly() -> None:
    """If this failed, a bot that was busy for a while would miss a fill and never know."""
    house = House()
    reader = Subscription(house.bus, lambda: None, latest=False, whole=True, about="orders")
    for number in range(bus.QUEUE_MOST + 5):
        house.bus.publish(number)
    assert [await anext(reader) for _ in range(bus.QUEUE_MOST)] == list(range(bus.QUEUE_MOST))
    with pytest.raises(Closed, match="behind"):
        await anext(reader)
    assert (reader.dropped, house.bus.readers) == (0, 0)
