"""The venue's clock, measured host after host, and measured again when ours was moved."""

from __future__ import annotations

from typing import Any

import pytest

from fairlead.errors import NotSent
from fairlead.wire.limits import Reading
from tests.engine.stage import Stage, play
from tests.engine.told import SECOND_NS

HOSTS: dict[str, Any] = {"hosts": {"rest": ("http://a", "http://b", "http://c"), "ws": ("ws://a",)}}


def hosts(stage: Stage) -> list[str]:
    return [call.url[7] for _, call in stage.calls if call.url.endswith("/time?secret=hush")]


def test_each_reading_goes_to_another_host() -> None:
    """If this failed, the alternates would never be measured, and a failover go to a blind choice."""

    async def visit(stage: Stage) -> None:
        await stage.wait(6 * 60_000 + 5_000)
        assert sorted(hosts(stage)[:3]) == ["a", "b", "c"]
        assert sorted(hosts(stage)[3:6]) == ["a", "b", "c"]
        assert len(hosts(stage)) == 6

    play(visit, **HOSTS)


def test_a_host_that_lies_about_the_time_is_outvoted() -> None:
    """If this failed, one wrong answer would spoil every signature, or make every book look late."""

    async def visit(stage: Stage) -> None:
        def time(call: Any) -> int:
            return stage.venue_ms(67_000 if call.url.startswith("http://b") else 7_000)

        stage.replies["/time"] = time
        await stage.wait(10 * 60_000)
        assert "b" in hosts(stage)
        assert stage.ahead_ms == pytest.approx(7_000, abs=2)

    play(visit, **HOSTS)


def test_a_moved_wall_clock_is_noticed_and_the_venues_measured_anew() -> None:
    """If this failed, a machine that slept would go on with what it knew before."""

    async def visit(stage: Stage) -> None:
        await stage.wait(1_000)
        stage.calls.clear()
        stage.replies["/time"] = lambda _: stage.venue_ms(9_000)
        stage.clock.jump(3_600 * SECOND_NS)
        await stage.wait(1_000)
        assert len(hosts(stage)) == 1
        assert stage.ahead_ms == pytest.approx(9_000, abs=2)

    play(visit)


def test_the_venues_time_never_follows_our_wall_clock() -> None:
    """If this failed, setting this machine's clock would make requests look stale and books look late."""

    async def visit(stage: Stage) -> None:
        before_ns = stage.desk.time.now_ns()
        stage.clock.jump(-86_400 * SECOND_NS)
        assert stage.desk.time.now_ns() == before_ns

    play(visit)


def test_a_host_that_does_not_answer_costs_one_reading_and_no_more() -> None:
    """If this failed, a dead alternate would end the measuring for good."""

    async def visit(stage: Stage) -> None:
        def time(call: Any) -> Any:
            return NotSent("dead") if call.url.startswith("http://b") else stage.venue_ms(8_000)

        stage.replies["/time"] = time
        await stage.wait(30 * 60_000)
        assert hosts(stage).count("b") >= 9
        assert stage.ahead_ms == pytest.approx(8_000, abs=2)

    play(visit, **HOSTS)


def test_an_answer_that_waited_for_leave_says_nothing() -> None:
    """If this failed, a clock read across a minute's quiet would put us half a minute off, and all books late."""

    async def visit(stage: Stage) -> None:
        await stage.wait(1_000)
        stage.desk.permits.told((Reading("weight", quiet_ms=40_000),))
        stage.clock.jump(3_600 * SECOND_NS)
        await stage.wait(45_000)
        assert stage.ahead_ms == pytest.approx(7_000, abs=2)

    play(visit)
