from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fairlead.io.offset import Offset, Parting, Reading

MS = 1_000_000
VENUE_ZERO_MS = 1_763_000_000_000  # the venue's clock when our monotonic one says 0


def reading(at_ms: int, out_ms: int = 20, back_ms: int = 20, lie_ms: int = 0) -> Reading:
    """An honest answer, unless it lies: the venue reads its clock when the question arrives."""
    return Reading(at_ms * MS, (at_ms + out_ms + back_ms) * MS, VENUE_ZERO_MS + at_ms + out_ms + lie_ms)


def test_one_lie_of_ten_seconds_is_dropped() -> None:
    """One wrong reading of the venue's clock would make every signature 10 s wrong."""
    for place in range(5):
        offset = Offset()
        for turn in range(5):
            offset.add(reading(turn * 1_000, lie_ms=10_000 if turn == place else 0))
        assert offset.offset_ms == VENUE_ZERO_MS
        assert offset.count == 4


def test_a_slow_way_back_widens_nothing_that_a_fast_reading_knows() -> None:
    """One slow reply would make the clock look uncertain, or drag it along."""
    offset = Offset()
    for turn in range(4):
        offset.add(reading(turn * 1_000, 10, 10))
    offset.add(reading(5_000, 10, 2_000))
    assert offset.offset_ms == VENUE_ZERO_MS
    assert offset.uncertainty_ms == 11


@given(st.lists(st.tuples(st.integers(0, 3_000), st.integers(0, 3_000)), min_size=1, max_size=20))
def test_the_truth_is_within_the_uncertainty(ways: list[tuple[int, int]]) -> None:
    """The fence would be set by a clock that claims to be surer than it is."""
    offset = Offset()
    for turn, (out_ms, back_ms) in enumerate(ways):
        offset.add(reading(turn * 10_000, out_ms, back_ms))
    assert abs(offset.offset_ms - VENUE_ZERO_MS) <= offset.uncertainty_ms
    assert abs(offset.venue_ms(77 * MS) - (VENUE_ZERO_MS + 77)) <= offset.uncertainty_ms + 1


def test_a_wall_clock_five_seconds_wrong_is_told_and_harms_nothing() -> None:
    """A machine whose clock is wrong would sign with it, or its user never hear why the venue refuses."""
    offset = Offset()
    offset.add(reading(0))
    for wrong_ms in (-5_000, 5_000):
        assert offset.wall_error_ms(1_000 * MS, (VENUE_ZERO_MS + 1_000 + wrong_ms) * MS) == wrong_ms
    assert offset.venue_ms(1_000 * MS) == VENUE_ZERO_MS + 1_000


def test_a_jump_is_told_once_and_drift_never() -> None:
    """A set clock or a sleeping machine would go unnoticed, or be told for ever; slow drift would look like one."""
    parting = Parting(0, 50 * MS)
    assert parting.moved_ms(1_000 * MS, 1_050 * MS) == 0
    assert parting.moved_ms(2_000 * MS, 7_050 * MS) == 5_000
    assert parting.moved_ms(3_000 * MS, 8_050 * MS) == 0
    assert parting.moved_ms(4_000 * MS, 8_050 * MS - 3_600_000 * MS) == -3_601_000
    drifting = Parting(0, 0)
    assert not any(drifting.moved_ms(turn * 1_000 * MS, turn * 1_001 * MS) for turn in range(10_000))


def test_after_doubt_the_first_new_reading_rules() -> None:
    """After the machine slept, the old readings would outvote the new for minutes, and every signature be late."""
    offset = Offset()
    for turn in range(9):
        offset.add(reading(turn * 1_000))
    offset.doubt()
    assert offset.offset_ms == VENUE_ZERO_MS, "until it is known better"
    slept_ms = 1_800_000
    offset.add(reading(10_000, lie_ms=slept_ms))
    assert offset.offset_ms == VENUE_ZERO_MS + slept_ms
    assert offset.count == 1


def test_a_reading_across_a_jump_is_ignored() -> None:
    """A clock set back between question and answer would give a reading that says nothing, and it would count."""
    offset = Offset()
    offset.add(Reading(5_000 * MS, 4_000 * MS, VENUE_ZERO_MS))
    assert not offset.is_known
    assert repr(offset) == "<Offset unknown>"


def test_a_clock_of_whole_seconds_is_found_within_a_tenth() -> None:
    """Wrong: half a second of lag would be invented on a venue that tells its time in whole seconds."""
    offset, true_ns = Offset(), 7_300_000_000
    for number in range(9):
        sent_ns = 1_000_000_000_000 + number * 1_300_000_000
        venue_ms = (sent_ns + 10_000_000 + true_ns) // 1_000_000_000 * 1_000
        offset.add(Reading(sent_ns, sent_ns + 20_000_000, venue_ms, step_ms=1_000))
    assert abs(offset.offset_ms - 7_300) <= min(100, offset.uncertainty_ms)
