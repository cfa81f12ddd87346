"""One venue's time as this machine knows it."""

from __future__ import annotations

from fairlead.engine.timing import DOUBT_MS, MS, VenueTime


class Hands:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.mono, self.wall = 1_000 * MS, 500_000 * MS

    def mono_ns(self) -> int:
        return self.mono

    def wall_ns(self) -> int:
        return self.wall

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody waits here")


def test_our_wall_clock_serves_until_the_venues_is_known() -> None:
    """If this failed, the first request would be stamped with the year 1970."""
    hands = Hands()
    time = VenueTime(hands)
    assert time.now_ns() == 500_000 * MS
    time.heard(hands.mono, hands.mono, 700_000)
    assert time.now_ns() == 700_000 * MS
    hands.mono += 5 * MS
    assert time.now_ns() == 700_005 * MS


def test_a_reading_that_proves_nothing_changes_nothing() -> None:
    """If this failed, one impossible reading would throw the venue's time back to our machine's start."""
    hands = Hands()
    time = VenueTime(hands)
    time.heard(hands.mono, hands.mono - 1, 700_000)
    assert time.now_ns() == 500_000 * MS


def test_nonces_rise_also_when_time_does_not() -> None:
    """If this failed, the second of two requests of one moment would be refused, and all after a clock was set back."""
    hands = Hands()
    time = VenueTime(hands)
    nonces = [time.stamp().nonce for _ in range(3)]
    time.heard(hands.mono, hands.mono, 1)
    nonces.append(time.stamp().nonce)
    assert nonces == sorted(set(nonces))


def test_a_moved_wall_clock_is_told_once() -> None:
    """If this failed, one jump would be measured for ever, or a slow drift be taken for a jump."""
    hands = Hands()
    time = VenueTime(hands)
    for _ in range(100):
        hands.mono += 250 * MS
        hands.wall += 251 * MS
        assert not time.jumped()
    hands.wall += 10_000 * MS
    assert time.jumped()
    assert time.offset.is_doubted
    assert not time.jumped()


def test_a_doubt_of_the_venues_is_measured_once_and_believed_only_where_the_clock_did_move() -> None:
    """If this failed, a venue whose clock was set would refuse our orders for minutes; or one missed deadline would
    cost the precision of all readings."""
    hands = Hands()
    time = VenueTime(hands)
    for _ in range(9):
        hands.mono += 60_000 * MS
        time.heard(hands.mono - 20 * MS, hands.mono, hands.mono // MS + 700_000)
    hands.wall += 540_000 * MS
    assert not time.jumped()
    time.doubt()
    assert not time.jumped()  # it was measured just now: something else was slow
    for moved_ms, count in ((0, 9), (3_000, 1)):
        hands.mono += (DOUBT_MS + 1) * MS
        hands.wall += (DOUBT_MS + 1) * MS
        time.doubt()
        assert time.jumped()
        assert not time.jumped()
        time.heard(hands.mono - 20 * MS, hands.mono, hands.mono // MS + 700_000 + moved_ms)
        assert time.offset.count >= count
        assert abs(time.now_ns() // MS - hands.mono // MS - 700_000 - moved_ms) <= 10
    assert time.offset.count == 1
