"""What became of the demo: of each thing that went wrong, of each order, and of all; as machines get it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct


class Result(Struct, frozen=True):
    """What became of one step; times from when it went wrong, None where it did not come to that."""

    name: str
    mend: str
    what: str
    venue: str
    found_ms: float | None
    mended_ms: float | None
    worked: bool
    told: tuple[str, ...]  # the evidence, in words


class Count(Struct, frozen=True):
    """Orders as the simulated venue's own ledger has them, whatever Fairlead says."""

    intended: int = 0
    at_the_venue: int = 0
    lost: int = 0  # wanted, and not there, or there and unknown to the bot
    doubled: int = 0  # there, and wanted by nobody

    def plus(self, other: Count) -> Count:
        return Count(
            self.intended + other.intended,
            self.at_the_venue + other.at_the_venue,
            self.lost + other.lost,
            self.doubled + other.doubled,
        )

    @property
    def is_right(self) -> bool:
        return not self.lost and not self.doubled

    def __str__(self) -> str:
        return (
            f"{self.intended} intended, {self.at_the_venue} at the venue{'s' if self.intended > 1 else ''}, "
            f"{self.lost} lost, {self.doubled} doubled"
        )


class Mark(Struct, frozen=True):
    """Something that was seen of an order, and when."""

    what: str
    ms: float


class Story(Struct, frozen=True):
    """What became of one order."""

    name: str
    what: str
    venue: str
    worked: bool
    count: Count
    marks: tuple[Mark, ...]


class Summary(Struct, frozen=True):
    worked: bool
    steps: int
    not_mended: tuple[str, ...]  # what went wrong, and on which venue
    without: tuple[str, ...]
    seconds: float
    events: Mapping[str, int]  # health events of each kind
    orders: Count
    orders_failed: tuple[str, ...]
    settle_ms: int  # after that silence is proof: shortened for the demo


def closing(summary: Summary) -> list[str]:
    """The last sentences."""
    said = []
    if summary.steps and not summary.not_mended:
        said.append(
            f"All {summary.steps} were found and mended, in {summary.seconds:.0f} s. "
            "See one fail: fairlead demo --without resync"
        )
    elif summary.not_mended:
        off = f" Switched off: {', '.join(summary.without)}." if summary.without else ""
        names = ", ".join(summary.not_mended)
        said.append(f"{len(summary.not_mended)} of {summary.steps} were not mended: {names}.{off}")
    if summary.orders_failed:
        said.append(f"Orders that did not end as they should: {', '.join(summary.orders_failed)}.")
    if summary.orders.intended:
        said.append(f"Orders, counted by the simulated venues themselves: {summary.orders}")
    return said


def total(stories: Sequence[Story]) -> Count:
    count = Count()
    for story in stories:
        count = count.plus(story.count)
    return count
