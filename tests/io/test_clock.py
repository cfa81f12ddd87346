from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Coroutine
from typing import Any

import pytest

from fairlead.io.clock import Deadlock, RealClock, VirtualClock, entropy, run_virtual, seeded
from fairlead.io.socket import Picows
from tests.io.corpus import TEXT, closing, frame
from tests.io.far import NO_TLS, Ear, far_end, upgrade

DAY_S = 86_400


def test_a_day_passes_at_once() -> None:
    """Virtual time would be real time, and no long run could ever be tested."""

    async def main() -> tuple[int, int]:
        clock = VirtualClock()
        mono_ns, wall_ns = clock.mono_ns(), clock.wall_ns()
        for _ in range(24):
            await clock.sleep(DAY_S / 24)
        return clock.mono_ns() - mono_ns, clock.wall_ns() - wall_ns

    began = time.monotonic()
    assert run_virtual(main) == (DAY_S * 10**9, DAY_S * 10**9)
    assert time.monotonic() - began < 60


def test_a_jump_moves_the_wall_clock_alone() -> None:
    """A set clock would fire or skip timers."""

    async def main() -> None:
        clock = VirtualClock()
        mono_ns, wall_ns = clock.mono_ns(), clock.wall_ns()
        clock.jump(-3_600 * 10**9)
        await clock.sleep(1)
        assert clock.mono_ns() - mono_ns == 10**9
        assert clock.wall_ns() - wall_ns == -3_599 * 10**9

    run_virtual(main)


def test_a_deadlock_says_who_waits() -> None:
    """A program that waits for itself would hang the test run instead of failing."""

    async def forgotten() -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        waiter = asyncio.create_task(forgotten(), name="the-waiter")
        await waiter

    with pytest.raises(Deadlock, match=r"the-waiter in .*forgotten"):
        run_virtual(main)


async def overspend() -> int:
    """A planted bug: two tasks check one budget across an await; asyncio's own order never shows it."""
    left, spent = 1, 0

    async def spend(turns: int) -> None:
        nonlocal left, spent
        for _ in range(turns):
            await asyncio.sleep(0)
        if left > 0:
            await asyncio.sleep(0)
            left -= 1
            spent += 1

    await asyncio.gather(spend(3), spend(7))
    return spent


def test_seeds_find_a_race_and_play_it_again() -> None:
    """A race between two tasks would stay unseen for ever, or be seen once and never again."""
    assert run_virtual(overspend) == 1
    found = [run_virtual(overspend, seed) for seed in range(100)]
    assert 2 in found
    assert [run_virtual(overspend, seed) for seed in range(100)] == found


def test_transport_callbacks_keep_their_order() -> None:
    """The shuffle would reorder the bytes of a connection, which no real loop does."""

    async def main() -> list[int]:
        order: list[int] = []
        loop = asyncio.get_running_loop()
        busy = [asyncio.create_task(asyncio.sleep(0)) for _ in range(10)]
        for number in range(50):
            loop.call_soon(order.append, number)
        await asyncio.gather(*busy)
        await asyncio.sleep(1)
        return order

    for seed in range(20):
        assert run_virtual(main, seed) == list(range(50))


def test_a_thread_takes_no_virtual_time() -> None:
    """A look-up in a thread would be overtaken by its own timeout."""

    def work() -> str:
        time.sleep(0.05)
        return "done"

    async def main() -> str:
        async with asyncio.timeout(0.001):
            return await asyncio.to_thread(work)

    assert run_virtual(main) == "done"


def test_a_foreign_thread_can_still_wake_the_loop() -> None:
    """A thread that nobody announced would be taken for a deadlock though it is about to speak."""

    async def main() -> str:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str] = loop.create_future()
        threading.Timer(0.02, loop.call_soon_threadsafe, (answer.set_result, "heard")).start()
        return await answer

    assert run_virtual(main) == "heard"


def test_sockets_are_served_in_the_order_they_came() -> None:
    """The kernel's order of ready sockets, which differs from run to run, would decide what happens first."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        served: list[int] = []
        pairs = [socket.socketpair() for _ in range(8)]
        came = [5, 2, 7, 0, 1, 6, 3, 4]

        def serve(number: int) -> None:
            served.append(number)
            loop.remove_reader(pairs[number][0])

        for number in came:
            loop.add_reader(pairs[number][0], serve, number)
        for number in range(8):
            pairs[number][1].send(b"x")
        await asyncio.sleep(1)
        for near, far in pairs:
            near.close()
            far.close()
        assert served == came

    run_virtual(main)


def talk_for_an_hour(seed: int) -> Coroutine[Any, Any, list[tuple[float, str]]]:
    """A server that talks at random moments over real sockets and hangs up now and then; its client dials again."""

    async def main() -> list[tuple[float, str]]:
        clock, rng, trace = VirtualClock(), seeded(seed), []
        start_ns = clock.mono_ns()

        def now() -> float:
            return (clock.mono_ns() - start_ns) / 1e9

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await upgrade(reader, writer)
            while rng.random() > 0.05:
                await clock.sleep(rng.expovariate(1 / 5))
                writer.write(frame(TEXT, b"%d" % rng.getrandbits(16)))
            writer.write(closing(1001))
            await reader.read()

        class Tracing(Ear):
            def frame(self, payload: bytes, seen_ns: int) -> None:
                trace.append((now(), payload.decode()))

            def closed(self, code: int, reason: str) -> None:
                super().closed(code, reason)
                trace.append((now(), str(code)))

        async with far_end(talk) as port:
            while now() < 3_600:
                ear = Tracing()
                await Picows(clock, NO_TLS).dial(f"ws://127.0.0.1:{port}/", ear, 5_000)
                await ear.over.wait()
                await clock.sleep(rng.uniform(1, 30))
        return trace

    return main()


def test_one_seed_gives_one_history_over_real_sockets() -> None:
    """A failing run could not be played again, so its cause would never be found."""
    histories = [run_virtual(lambda: talk_for_an_hour(7), seed=7) for _ in range(3)]
    assert histories[0] == histories[1] == histories[2]
    assert len(histories[0]) > 300
    assert run_virtual(lambda: talk_for_an_hour(8), seed=8) != histories[0]


def test_a_virtual_clock_refuses_a_real_loop() -> None:
    """A clock that never moves would be used with a loop that does."""

    async def main() -> None:
        with pytest.raises(TypeError, match="run_virtual"):
            VirtualClock()

    asyncio.run(main())


async def test_the_real_clock_only_rises() -> None:
    """A waiting time would come out negative."""
    clock = RealClock()
    before_ns, wall_ns = clock.mono_ns(), clock.wall_ns()
    await clock.sleep(0.001)
    assert clock.mono_ns() - before_ns >= 1_000_000
    assert abs(wall_ns - time.time_ns()) < 10 * 10**9


def test_chance_is_repeatable_or_unguessable() -> None:
    """A run could not be played again, or two installations would give their orders the same names."""
    assert seeded(5).getrandbits(64) == seeded(5).getrandbits(64) != seeded(6).getrandbits(64)
    assert len({entropy().getrandbits(64) for _ in range(1_000)}) == 1_000
