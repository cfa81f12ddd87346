"""The lengths of candles, by the names bot authors use: 1s to 1M; months and weeks follow the calendar in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

SECOND_NS = 1_000_000_000
_FIXED = {
    "1s": 1, "1m": 60, "3m": 180, "5m": 300, "15m": 900, "30m": 1_800, "1h": 3_600, "2h": 7_200, "4h": 14_400,
    "6h": 21_600, "8h": 28_800, "12h": 43_200, "1d": 86_400, "2d": 172_800, "3d": 259_200, "1w": 604_800,
    "15d": 1_296_000,
}  # fmt: skip
_MONTHS = {"1M": 1, "3M": 3}
NAMES = (*_FIXED, *_MONTHS)
_MONDAY_NS = 4 * 86_400 * SECOND_NS  # the epoch began on a Thursday; weeks begin on Monday


def start_ns(interval: str, at_ns: int) -> int:
    """The first nanosecond of the bar that holds `at_ns`."""
    if interval in _MONTHS:
        when = datetime.fromtimestamp(at_ns // SECOND_NS, UTC)
        month = (when.month - 1) // _MONTHS[interval] * _MONTHS[interval] + 1
        return int(datetime(when.year, month, 1, tzinfo=UTC).timestamp()) * SECOND_NS
    length = _FIXED[interval] * SECOND_NS
    offset = _MONDAY_NS if interval == "1w" else 0
    return (at_ns - offset) // length * length + offset


def next_ns(interval: str, bar_ns: int) -> int:
    """Where the bar after the one beginning at `bar_ns` begins."""
    if interval in _MONTHS:
        when = datetime.fromtimestamp(bar_ns // SECOND_NS, UTC)
        months = when.year * 12 + when.month - 1 + _MONTHS[interval]
        return int(datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC).timestamp()) * SECOND_NS
    return bar_ns + _FIXED[interval] * SECOND_NS


def length_ns(interval: str) -> int:
    """How long a bar is; for months the longest it can be."""
    return _FIXED[interval] * SECOND_NS if interval in _FIXED else _MONTHS[interval] * 31 * 86_400 * SECOND_NS
