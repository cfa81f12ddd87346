"""The venue's dead man's switch: renewed in time, told when it may have fired, and surely off when we leave."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.deadman import (
    AGAINS,
    MS,
    STEP_MS,
    STRAY_MS,
    Armed,
    Disarmed,
    Failing,
    Fired,
    Keeper,
    Safety,
    Switch,
    Word,
)  # fmt: skip
from fairlead.errors import Misuse
from fairlead.model.account import DeadMan
from fairlead.wire.orders import AskDeadMan
from fairlead.wire.signing import Stamp

TIMEOUT_MS, TICK_MS, BEGIN_MS = 20_000, 500, 1_700_000_000_000
AGAIN_MS = TIMEOUT_MS // AGAINS // TICK_MS * TICK_MS + TICK_MS  # at the next look


class Venue:
    """One that counts what it does, and tells whole seconds only."""

    def __init__(self) -> None:
        self.fires_ms = 0
        self.fired: list[int] = []

    def pass_time(self, now_ms: int) -> None:
        if self.fires_ms and now_ms >= self.fires_ms:
            self.fired.append(self.fires_ms)
            self.fires_ms = 0

    def take(self, asked: AskDeadMan, now_ms: int) -> DeadMan:
        self.pass_time(now_ms)
        self.fires_ms = now_ms + asked.timeout_ms if asked.timeout_ms else 0
        return DeadMan(fires_ms=self.fires_ms // STEP_MS * STEP_MS)


class Play:
    """Time, the venue, and a wire that does with each question what `fate` says: ok, unsent, refused, eaten, taken
    (the answer is lost), or late (taken after it was given up)."""

    def __init__(self, fate: Callable[[], str] = lambda: "ok") -> None:
        self.words: list[tuple[int, Word]] = []
        self.switch = Switch(TIMEOUT_MS, lambda word: self.words.append((self.now_ms, word)))
        self.venue, self.fate, self.now_ms = Venue(), fate, BEGIN_MS
        self.asked_ms: list[int] = []
        self._late: list[tuple[int, AskDeadMan]] = []

    @property
    def at(self) -> Stamp:
        return Stamp(mono_ns=(self.now_ms - BEGIN_MS + 5_000) * MS, venue_ms=self.now_ms)

    def run(self, ms: int) -> None:
        for _ in range(ms // TICK_MS):
            self.now_ms += TICK_MS
            self.venue.pass_time(self.now_ms)
            for due_ms, asked in [late for late in self._late if late[0] <= self.now_ms]:
                self._late.remove((due_ms, asked))
                self.venue.take(asked, self.now_ms)
            asked_now = self.switch.tick(self.at)
            if asked_now is not None:
                self._send(asked_now)

    def _send(self, asked: AskDeadMan) -> None:
        self.asked_ms.append(self.now_ms)
        match self.fate():
            case "ok":
                self.switch.answered(self.venue.take(asked, self.now_ms), self.at)
            case "unsent":
                self.switch.failed("no way", self.at, unsent=True)
            case "eaten":
                self.switch.failed("no answer", self.at)
            case "taken":
                self.venue.take(asked, self.now_ms)
                self.switch.failed("no answer", self.at)
            case "late":
                self._late.append((self.now_ms + STRAY_MS - TICK_MS, asked))
                self.switch.failed("no answer", self.at)

    def told(self, kind: type[Word]) -> list[Word]:
        return [word for _, word in self.words if isinstance(word, kind)]


def test_it_is_armed_and_renewed_every_quarter() -> None:
    """If this failed, one lost renewal would be enough to have everything cancelled."""
    play = Play()
    play.run(3_000)
    assert (play.asked_ms, play.switch.is_off) == ([], True)
    play.switch.want(True)
    play.run(60_000)
    gaps = {after - before for before, after in pairwise(play.asked_ms)}
    assert gaps == {TIMEOUT_MS // 4}
    assert play.switch.protects(play.at)
    assert [type(word) for _, word in play.words] == [Armed]
    assert play.venue.fired == []


def test_one_question_is_out_at_a_time() -> None:
    """If this failed, a slow venue would be asked until it bans us, and an old answer be taken for a new one."""
    switch = Switch(TIMEOUT_MS, lambda word: None)
    switch.want(True)
    assert switch.tick(Stamp(mono_ns=1, venue_ms=1)) == AskDeadMan(TIMEOUT_MS)
    assert switch.tick(Stamp(mono_ns=60_000 * MS, venue_ms=60_000)) is None


def test_failing_renewals_are_told_once_and_so_is_their_end() -> None:
    """If this failed, nobody would know that all orders are about to be cancelled, or would be told each second."""
    play = Play()
    play.switch.want(True)
    play.run(5_000)
    play.fate = lambda: "unsent"
    play.run(9_000)
    first = Failing("no way", play.venue.fires_ms // STEP_MS * STEP_MS - play.asked_ms[1])
    assert play.told(Failing) == [first]
    assert {after - before for before, after in pairwise(play.asked_ms[2:])} == {AGAIN_MS}
    play.fate = lambda: "ok"
    play.run(2_000)
    again = play.told(Armed)[-1]
    assert isinstance(again, Armed)
    assert again.after_ms > 0
    assert (play.venue.fired, play.told(Fired)) == ([], [])


def test_when_it_must_have_fired_everything_is_to_be_reconciled() -> None:
    """If this failed, we would take orders for open that the venue has cancelled."""
    play = Play()
    play.switch.want(True)
    play.run(1_000)
    play.fate = lambda: "eaten"
    play.run(TIMEOUT_MS + 2_000)
    assert len(play.venue.fired) == len(play.told(Fired)) == 1
    assert not play.switch.protects(play.at)
    play.fate = lambda: "ok"
    play.run(2_000)
    assert len(play.told(Fired)) == 2  # now it can be asked what is left
    assert play.switch.protects(play.at)
    play.run(60_000)
    assert len(play.told(Fired)) == 2


@pytest.mark.parametrize("late_ms", [-STEP_MS, 0, 5_000])
def test_a_renewal_that_was_taken_too_late_tells_that_it_fired(late_ms: int) -> None:
    """If this failed, a stall of ours would hide that the venue had cancelled everything meanwhile."""
    words: list[Word] = []
    switch = Switch(TIMEOUT_MS, words.append)
    switch.want(True)
    switch.tick(Stamp(mono_ns=MS, venue_ms=1_000))
    switch.answered(DeadMan(fires_ms=1_000 + TIMEOUT_MS), Stamp(mono_ns=MS, venue_ms=1_000))
    switch.tick(Stamp(mono_ns=9_000 * MS, venue_ms=10_000))
    taken_ms = 1_000 + TIMEOUT_MS + late_ms
    switch.answered(DeadMan(fires_ms=taken_ms + TIMEOUT_MS), Stamp(mono_ns=30_000 * MS, venue_ms=31_000))
    assert words == [Armed(1_000 + TIMEOUT_MS), Fired(1_000 + TIMEOUT_MS)]
    switch.tick(Stamp(mono_ns=50_000 * MS, venue_ms=32_000))
    switch.answered(DeadMan(fires_ms=32_000 + TIMEOUT_MS), Stamp(mono_ns=50_001 * MS, venue_ms=32_000))
    assert len(words) == 2


def test_switched_off_it_never_fires() -> None:
    """If this failed, leaving in peace would cancel what was meant to stay, or a maintenance would."""
    play = Play()
    play.switch.want(True)
    play.run(7_000)
    play.switch.want(False)
    play.run(1_000)
    assert play.switch.is_off
    assert [type(word) for _, word in play.words] == [Armed, Disarmed]
    play.run(60_000)
    assert play.venue.fired == []
    play.switch.want(True)
    play.run(1_000)
    assert play.switch.protects(play.at)


def test_a_lost_renewal_that_arrives_late_does_not_arm_it_behind_our_back() -> None:
    """If this failed, a clean end would be followed by the cancelling of everything."""
    play = Play()
    play.switch.want(True)
    play.run(4_000)
    fates = iter(["late"])
    play.fate = lambda: next(fates, "ok")
    play.run(2_500)
    play.switch.want(False)
    play.run(1_000)
    assert play.told(Disarmed) == []
    play.run(STRAY_MS)
    assert play.told(Disarmed) == [Disarmed()]
    play.run(60_000)
    assert play.venue.fired == []


def test_an_answer_without_a_question_changes_nothing() -> None:
    """If this failed, a stray reply would make us believe in a switch that does not stand."""
    play = Play()
    play.switch.answered(DeadMan(fires_ms=play.now_ms + 9), play.at)
    assert play.switch.is_off
    assert play.words == []


FATES = st.sampled_from(["ok", "ok", "unsent", "eaten", "taken", "late"])


@given(fates=st.lists(FATES, max_size=60), wants=st.lists(st.tuples(st.booleans(), st.integers(1, 40)), max_size=6))
def test_whatever_is_lost_no_firing_goes_untold_and_off_is_off(fates: list[str], wants: list[tuple[bool, int]]) -> None:
    """If this failed, some order of losses would leave us trusting orders that are gone, or a bomb behind us."""
    left = iter(fates)
    play = Play(lambda: next(left, "ok"))
    for on, ticks in wants:
        play.switch.want(on)
        play.run(ticks * TICK_MS)
    play.switch.want(False)
    play.run(TIMEOUT_MS + len(fates) * AGAIN_MS + 3 * STRAY_MS)
    assert play.switch.is_off
    fired = list(play.venue.fired)
    for at_ms in fired:
        assert any(isinstance(word, Fired) and told_ms >= at_ms for told_ms, word in play.words), (at_ms, play.words)
    play.run(2 * TIMEOUT_MS)
    assert play.venue.fired == fired


@pytest.mark.parametrize(
    ("safety", "venue_has", "keeper"),
    [
        (Safety(), True, Keeper.NOBODY),
        (Safety(alone=True), True, Keeper.NOBODY),
        (Safety(dead_man=True), True, Keeper.WATCHDOG),
        (Safety(dead_man=True, alone=True), True, Keeper.VENUE),
        (Safety(dead_man=True, alone=True), False, Keeper.WATCHDOG),
    ],
)
def test_the_venues_switch_is_used_only_on_an_account_of_our_own(
    safety: Safety, venue_has: bool, keeper: Keeper
) -> None:
    """If this failed, other people's orders would be cancelled when our program dies."""
    assert safety.keeper(venue_has) is keeper


@pytest.mark.parametrize("timeout_ms", [0, 9_999, 120_001])
def test_a_time_that_no_venue_takes_is_refused(timeout_ms: int) -> None:
    """If this failed, the switch would be refused when it is needed, and not when it is set."""
    with pytest.raises(Misuse, match=f"after {timeout_ms} ms .* 10000 to 120000"):
        Safety(timeout_ms=timeout_ms)
