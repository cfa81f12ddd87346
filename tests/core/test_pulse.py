"""Silence and lateness of one channel."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from itertools import pairwise

import pytest

from fairlead.core.pulse import FINE, MS, Advice, Patience, Pulse
from fairlead.model.market import State

S = 1_000 * MS
START = 50_000 * S
LOOK_MS = 250  # how often these tests ask, as an engine would


class Watch:
    """A pulse in virtual time, asked for advice four times a second."""

    def __init__(self, pulse: Pulse) -> None:
        self.pulse, self.now, self.advices = pulse, START, list[tuple[float, Advice]]()
        pulse.begin(START)

    def wait(self, ms: float, on_advice: Callable[[Advice], None] | None = None) -> None:
        until = self.now + round(ms * MS)
        while self.now < until:
            self.now = min(until, self.now + LOOK_MS * MS)
            advice = self.pulse.advice(self.now)
            if advice is not Advice.NONE:
                self.advices.append(((self.now - START) / S, advice))
                if on_advice:
                    on_advice(advice)

    def feed(self, gaps_ms: Iterable[float], lag_ms: float = 40.0) -> None:
        for gap in gaps_ms:
            self.wait(gap)
            self.pulse.beat(self.now, lag_ms)

    def steady(self, gap_ms: float, for_ms: float, lag_ms: float = 40.0) -> None:
        self.feed([gap_ms] * round(for_ms / gap_ms), lag_ms)

    @property
    def verdict(self) -> tuple[State, str]:
        found = self.pulse.judge(self.now)
        return found.state, found.why

    @property
    def steps(self) -> list[Advice]:
        return [advice for _, advice in self.advices]


LIVE, SILENT, LATE = (State.LIVE, ""), (State.STALE, "silent"), (State.STALE, "late")


def test_a_busy_channel_that_falls_silent_is_found_within_moments() -> None:
    """If this failed, a bot would trade on prices that stopped moving because the channel died."""
    watch = Watch(Pulse())
    watch.steady(100, 20_000)
    assert watch.verdict == LIVE
    watch.wait(1_250)
    assert watch.verdict == SILENT
    assert watch.pulse.judge(watch.now).by_ms == pytest.approx(250.0)


def test_the_ladder_is_one_renewal_then_one_connection_then_patience() -> None:
    """If this failed, a dead channel would be left dead, or a whole connection torn down for it again and again."""
    watch = Watch(Pulse())
    watch.steady(100, 20_000)
    watch.wait(3_600_000)
    assert watch.steps[:3] == [Advice.RENEW, Advice.RECONNECT, Advice.RENEW]
    assert watch.steps.count(Advice.RECONNECT) == 1
    times = [second for second, _ in watch.advices]
    pauses = [after - before for before, after in pairwise(times)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == pytest.approx(600, abs=1)
    assert len(times) < 20


def test_a_channel_that_a_renewal_brings_back_is_live_and_has_taught_nothing() -> None:
    """If this failed, each stall would make the next one take longer to be seen."""
    watch = Watch(Pulse())
    watch.steady(100, 20_000)
    allowed = watch.pulse.allowed_ns
    watch.wait(2_000)
    assert watch.steps == [Advice.RENEW]
    watch.steady(100, 60_000)
    assert watch.verdict == LIVE
    assert watch.steps == [Advice.RENEW]
    assert watch.pulse.allowed_ns == allowed
    watch.wait(2_000)
    assert watch.steps == [Advice.RENEW, Advice.RENEW]


def test_a_renewal_that_brings_only_a_beginning_leads_to_a_new_connection_and_then_to_patience() -> None:
    """If this failed, a quiet market would be renewed for ever, or a half-broken channel would pass for a quiet one."""
    watch = Watch(Pulse())
    watch.steady(100, 20_000)
    watch.wait(3_600_000, on_advice=lambda _: watch.pulse.beat(watch.now, 40.0))
    assert watch.steps[:2] == [Advice.RENEW, Advice.RECONNECT]
    assert watch.steps.count(Advice.RECONNECT) == 1
    assert len(watch.steps) < 20
    assert watch.pulse.allowed_ns > 60 * S


def test_a_market_proven_quiet_is_given_more_silence_and_no_new_connection() -> None:
    """If this failed, one sleepy market would tear down the connection that it shares with busy ones."""
    watch = Watch(Pulse())
    watch.steady(100, 20_000)
    watch.wait(3_600_000, on_advice=lambda _: watch.pulse.quiet(watch.now))
    assert set(watch.steps) == {Advice.RENEW}
    assert len(watch.steps) < 20
    watch.steady(100, 60_000)
    assert watch.pulse.allowed_ns == 3 * S  # the long silence was the market's own, and one gap triples at the most


@pytest.mark.parametrize("mean_ms", [20, 500, 5_000, 60_000])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_honest_channel_of_any_pace_is_left_alone(mean_ms: int, seed: int) -> None:
    """If this failed, healthy channels would be called stale and renewed for nothing."""
    rng, pulse = random.Random(seed), Pulse(patience=Patience(unlearned_ms=mean_ms * 20))
    now, stale = START, 0
    pulse.begin(now)
    for _ in range(3_000):
        now += round(rng.expovariate(1 / mean_ms) * MS)
        stale += pulse.judge(now) is not FINE
        pulse.beat(now, rng.uniform(20.0, 120.0))
        assert pulse.judge(now) is FINE
    assert stale <= 1


def test_bursts_with_pauses_are_a_cadence_too() -> None:
    """If this failed, trades that come in clusters would teach a pace that the pauses between clusters break."""
    rng, watch = random.Random(5), Watch(Pulse())
    for _ in range(200):
        watch.feed([1.0] * rng.randrange(5, 60))
        watch.wait(rng.uniform(1_000.0, 4_000.0))
    assert watch.steps == []


def test_before_anything_is_learned_a_promise_counts_and_otherwise_patience() -> None:
    """If this failed, a channel that never spoke would wait for ever, or be renewed before it could speak."""
    for promised_ms, silent_after_ms in ((0, 30_000), (1_000, 2_500), (60_000, 30_000)):
        watch = Watch(Pulse(promised_ms))
        watch.wait(silent_after_ms)
        assert watch.verdict == LIVE, promised_ms
        watch.wait(LOOK_MS)
        assert watch.verdict == SILENT, promised_ms


def test_a_promise_bounds_what_is_learned() -> None:
    """If this failed, a venue that promises a word each second could be silent for as long as it once was."""
    watch = Watch(Pulse(promised_ms=1_000))
    watch.feed([900] * 60)
    assert watch.pulse.allowed_ns == 2_500 * MS


def test_a_day_turning_quiet_is_followed() -> None:
    """If this failed, the evening's slower pace would be called silence, or the morning's be missed for hours."""
    watch = Watch(Pulse())
    for gap in (500, 900, 1_400, 2_200, 3_500, 5_000):
        watch.steady(gap, 400_000)
    assert watch.steps == []
    assert watch.pulse.allowed_ns == 15 * S
    watch.steady(250, 700_000)
    assert watch.pulse.allowed_ns == 1 * S


def test_after_a_sleep_everything_is_stale_at_once_and_nothing_is_renewed_if_it_wakes_by_itself() -> None:
    """If this failed, a laptop that slept would trade on the prices of half an hour ago, or wake up with a storm."""
    watch = Watch(Pulse())
    watch.steady(100, 20_000)
    watch.now += 1_800 * S
    assert watch.verdict == SILENT
    assert watch.pulse.advice(watch.now) is Advice.NONE
    watch.now += 20 * MS
    watch.pulse.beat(watch.now, 40.0)
    assert watch.verdict == LIVE
    assert watch.pulse.allowed_ns <= 3 * S
    watch.steady(100, 30_000)
    assert watch.steps == []


def test_a_stall_of_our_own_loop_asks_for_nothing() -> None:
    """If this failed, a slow callback of the user's would make us resubscribe two hundred channels."""
    watch = Watch(Pulse())
    watch.steady(100, 20_000)
    for _ in range(5):
        watch.now += 2 * S
        assert watch.pulse.advice(watch.now) is Advice.NONE
        watch.steady(100, 5_000)
    assert watch.steps == []


def test_lateness_is_found_and_ends_when_the_lag_is_normal_again() -> None:
    """If this failed, a channel seconds behind the market would pass for the present."""
    watch = Watch(Pulse())
    watch.steady(50, 20_000)
    watch.steady(50, 1_000, lag_ms=2_500.0)
    assert watch.verdict == LATE
    assert watch.pulse.judge(watch.now).by_ms == pytest.approx(2_500 - 1_040, abs=60)
    watch.steady(50, 500, lag_ms=45.0)
    assert watch.verdict == LIVE


def test_one_late_event_or_one_late_burst_is_not_lateness() -> None:
    """If this failed, a single slow packet would make a healthy feed stale."""
    watch = Watch(Pulse())
    watch.steady(50, 20_000)
    watch.feed([50.0], lag_ms=9_000.0)
    watch.feed([1.0] * 90, lag_ms=1_900.0)
    assert watch.verdict == LIVE


def test_what_is_normal_here_is_not_late() -> None:
    """If this failed, a venue far away, or with a clock ahead of ours, would always be stale."""
    for lag in (900.0, 3_000.0, -1_500.0):
        watch = Watch(Pulse())
        watch.steady(100, 60_000, lag_ms=lag)
        assert watch.verdict == LIVE, lag
        assert watch.steps == []


def test_a_clock_that_was_thought_behind_does_not_make_usual_lags_late() -> None:
    """If this failed, a corrected clock would make a healthy feed stale, since it had seemed to hear the future."""
    watch = Watch(Pulse())
    watch.steady(100, 60_000, lag_ms=-800.0)
    watch.steady(100, 10_000, lag_ms=900.0)
    assert watch.verdict == LIVE


def test_beyond_the_absolute_limit_nothing_is_normal() -> None:
    """If this failed, a feed that falls ever further behind would teach us that this is how it is."""
    watch = Watch(Pulse())
    watch.steady(100, 10_000, lag_ms=4_000.0)
    assert watch.verdict == LIVE
    watch.steady(100, 300_000, lag_ms=5_500.0)
    assert watch.verdict == LATE


def test_a_step_of_the_clock_is_forgiven_within_two_minutes() -> None:
    """If this failed, a corrected clock would leave every feed stale until a restart."""
    watch = Watch(Pulse())
    watch.steady(100, 20_000)
    watch.steady(100, 1_000, lag_ms=1_540.0)
    assert watch.verdict == LATE
    watch.steady(100, 120_000, lag_ms=1_540.0)
    assert watch.verdict == LIVE
    watch.steady(100, 20_000, lag_ms=40.0)
    watch.steady(100, 1_000, lag_ms=1_540.0)
    assert watch.verdict == LATE


def test_lateness_that_comes_and_goes_causes_no_storm() -> None:
    """If this failed, a congested venue would be given a resubscription every other second on top."""
    watch = Watch(Pulse())
    watch.steady(50, 20_000)
    for _ in range(150):
        watch.steady(50, 2_000, lag_ms=2_500.0)
        watch.steady(50, 2_000, lag_ms=40.0)
    assert watch.steps[:2] == [Advice.RENEW, Advice.RECONNECT]
    assert len(watch.steps) < 15


def test_a_new_beginning_keeps_what_was_learned_but_not_the_wait_for_it() -> None:
    """If this failed, each reconnection would dull the sense of silence, or make us learn the market anew."""
    watch = Watch(Pulse())
    watch.steady(100, 20_000)
    watch.pulse.begin(watch.now)
    watch.wait(900)
    watch.steady(100, 5_000)
    assert watch.pulse.allowed_ns == 1 * S
    watch.wait(1_250)
    assert watch.verdict == SILENT


def test_a_pulse_nobody_began_says_nothing_before_its_first_event() -> None:
    """If this failed, a topic not yet joined would be reported as silent since the machine was switched on."""
    pulse = Pulse()
    assert pulse.judge(START) is FINE
    pulse.beat(START, 0.0)
    assert pulse.judge(START + 29 * S) is FINE
    assert pulse.judge(START + 31 * S).why == "silent"


def test_it_tells_its_state_in_a_line() -> None:
    """If this failed, nobody could see why a channel is (not) called stale."""
    watch = Watch(Pulse())
    watch.steady(100, 20_000)
    assert repr(watch.pulse) == "<Pulse 200 beats, may be silent for 1000 ms, normal lag 40 ms, well, step 0>"
    watch.wait(2_000)
    assert repr(watch.pulse).endswith("sick, step 1>")
