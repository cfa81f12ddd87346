"""A heart under watch: silence is told after the limit, and never because the watcher himself stood still."""

from __future__ import annotations

from fairlead.core.vigil import MS, STALLS, Pulse, Vigil

LIMIT_MS, LOOK_MS = 1_000, 100


def looks(vigil: Vigil, from_ms: int, to_ms: int) -> list[Pulse]:
    return [vigil.look(now_ms * MS) for now_ms in range(from_ms, to_ms + 1, LOOK_MS)]


def test_silence_is_told_after_the_limit_and_not_before() -> None:
    """If this failed, orders would be cancelled under a living bot, or stay under a dead one."""
    vigil = Vigil(LIMIT_MS, LOOK_MS, 0)
    assert set(looks(vigil, 0, 1_000)) == {Pulse.BEATS}
    assert vigil.look(1_100 * MS) is Pulse.SILENT
    vigil.beat(1_150 * MS)
    assert set(looks(vigil, 1_200, 2_100)) == {Pulse.BEATS}
    assert vigil.look(2_200 * MS) is Pulse.SILENT


def test_a_good_bye_is_no_death() -> None:
    """If this failed, a clean end would cancel everything."""
    vigil = Vigil(LIMIT_MS, LOOK_MS, 0)
    vigil.leave()
    assert {vigil.look(100 * MS), vigil.look(9_000 * MS)} == {Pulse.LEFT}
    assert repr(vigil) == "<Vigil of 1000 ms, left>"


def test_who_stood_still_himself_listens_before_he_judges() -> None:
    """If this failed, a machine that paused as a whole would wake up to cancelled orders."""
    vigil = Vigil(LIMIT_MS, LOOK_MS, 0)
    late_ms = 5_000
    assert late_ms > STALLS * LOOK_MS
    assert vigil.look(late_ms * MS) is Pulse.UNSURE
    assert vigil.look((late_ms + LOOK_MS) * MS) is Pulse.SILENT  # nothing had been said meanwhile
    vigil.look(2 * late_ms * MS)
    vigil.beat(2 * late_ms * MS)
    assert vigil.look((2 * late_ms + LOOK_MS) * MS) is Pulse.BEATS
