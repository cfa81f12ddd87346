"""core/strand: after any mishap the book equals the venue's at that number, or says that it is not live."""

from __future__ import annotations

import dataclasses
import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from fairlead.core import strand as module
from fairlead.core.strand import Strand, Take
from fairlead.wire.conversation import Levels
from fairlead.wire.door import BookRule, Continuity
from fairlead.wire.shapes import LevelShape
from tests.core.oracle import BTC, RULES, TOPIC, Change, Oracle, raw, told_by

changes = st.lists(st.tuples(st.booleans(), st.integers(1, 8), st.integers(0, 3)), max_size=4)
ACTS = ["tell", "tell", "tell", "drop", "again", "swap", "whole", "old whole", "heartbeat", "restart", "cut"]
acts = st.lists(st.tuples(st.sampled_from(ACTS), changes, st.integers(0, 3)), max_size=40)


@dataclasses.dataclass
class Run:
    """A strand beside the venue it listens to."""

    oracle: Oracle
    strand: Strand
    at_ns: int = 0  # the moment whose book the strand should show
    late: Levels | None = None

    def hear(self, levels: Levels, *, fetched_ns: int = 0) -> Take:
        took = self.strand.supply(levels) if fetched_ns else self.strand.take(levels)
        if took in (Take.WHOLE, Take.APPLIED):
            self.at_ns = max(self.strand.venue_ns, fetched_ns) if fetched_ns else levels.venue_ns
        self.check()
        return took

    def check(self) -> None:
        if self.strand.live:
            bids, asks = told_by(self.strand)
            truth = self.oracle.truth[self.at_ns]
            cut_by_us = self.oracle.depth and self.strand._rule.whole_from is not None
            if cut_by_us:  # below the snapshot's end nothing is claimed, above it everything
                assert (bids, asks) == (truth[0][: len(bids)], truth[1][: len(asks)])
                assert bids or not truth[0]
                assert asks or not truth[1]
            else:
                assert (bids, asks) == truth


def play(run: Run, what: str, change: list[Change], number: int) -> None:
    oracle, then = run.oracle, run.strand._rule.then
    if what == "heartbeat" and then is Continuity.PRIOR:
        run.hear(oracle.heartbeat())
    elif what == "restart" and run.strand._rule is RULES["prior"] and oracle.number > 8_000:
        run.hear(oracle.restart())
    elif what == "cut":
        run.strand.reset()
    elif what == "again":
        if oracle.told:
            run.hear(oracle.told[max(0, len(oracle.told) - 1 - number)])
    elif what in ("whole", "old whole"):
        fetched, fetched_ns = oracle.fetched(), oracle.ns
        if what == "old whole":
            for _ in range(number):
                run.hear(oracle.change(change))
        if run.strand.wants_whole:
            run.hear(fetched, fetched_ns=fetched_ns)
        elif run.strand._rule.whole_from is None:
            run.hear(oracle.whole())
    else:
        told = oracle.change(change, jump=number)
        if what == "swap":
            later = oracle.change(change)
            run.hear(later)
        if what != "drop":
            run.hear(told)


@pytest.mark.parametrize("name", RULES)
@given(acts=acts, depth=st.sampled_from([0, 3]))
@settings(deadline=None)
def test_whatever_happens_the_book_is_right_or_not_live(
    name: str, acts: list[tuple[str, list[Change], int]], depth: int
) -> None:
    """A bot would trade on a book that is wrong and does not say so."""
    rule = RULES[name]
    depth = 3 if rule.cut else depth
    run = Run(Oracle(rule, depth), Strand(BTC, rule, depth))
    for what, change, number in acts:
        play(run, what, change, number)
    # Nothing that happened may keep it from a new beginning.
    run.strand.reset()
    run.hear(run.oracle.change([(True, 1, 9), (False, 1, 9)]))
    if rule.whole_from is not None:
        assert run.hear(run.oracle.fetched(), fetched_ns=run.oracle.ns) is Take.WHOLE
    elif rule.then is not Continuity.WHOLE:
        assert run.hear(run.oracle.whole()) is Take.WHOLE
    assert run.strand.live
    assert run.hear(run.oracle.change([(True, 2, 7)])) is Take.APPLIED
    assert str(run.strand.position) in repr(run.strand)


@pytest.mark.parametrize("name", ["range", "range then prior"])
def test_changes_wait_for_the_snapshot_and_join_it(name: str) -> None:
    """The changes between subscribing and the snapshot would be lost, or applied twice."""
    run = Run(Oracle(RULES[name]), Strand(BTC, RULES[name], 0))
    assert run.strand.wants_whole
    run.hear(run.oracle.change([(True, 1, 5)], jump=3))
    run.hear(run.oracle.change([(False, 1, 5)], jump=3))
    snapshot = run.oracle.fetched()
    assert run.hear(run.oracle.change([(False, 2, 0)], jump=3)) is Take.WAITING
    assert run.hear(snapshot, fetched_ns=run.oracle.ns) is Take.WHOLE
    assert (run.strand.last, run.strand.venue_ns) == (run.oracle.number, run.oracle.ns)
    assert run.hear(run.oracle.change([(True, 2, 0)], jump=3)) is Take.APPLIED
    assert run.strand.supply(snapshot) is Take.IGNORED
    run.strand.reset()
    assert " 0 kept" in repr(run.strand)


@pytest.mark.parametrize("name", [name for name in RULES if name != "whole"])
def test_a_lost_change_is_told_at_the_next_one(name: str) -> None:
    """A book would stand still, or go on without the change, and nobody would mend it."""
    run = Run(Oracle(RULES[name], 3), Strand(BTC, RULES[name], 3))
    run.hear(run.oracle.change([(True, 1, 5)]))
    run.hear(run.oracle.whole() if not run.strand.wants_whole else run.oracle.fetched(), fetched_ns=run.oracle.ns)
    assert run.hear(run.oracle.change([(True, 1, 6)])) is Take.APPLIED
    run.oracle.change([(True, 1, 7)])
    run.strand.why = ""
    assert run.hear(run.oracle.change([(False, 1, 7)])) is Take.GAP
    assert run.strand.why
    assert run.strand.wants_whole == (RULES[name].whole_from is not None)


@pytest.mark.parametrize("name", ["range then prior", "next"])
def test_a_change_that_overlaps_the_last_proves_nothing_where_numbers_are_strict(name: str) -> None:
    """A chain that does not meet would be taken for one that does."""
    run = Run(Oracle(RULES[name]), Strand(BTC, RULES[name], 0))
    run.hear(run.oracle.whole() if not run.strand.wants_whole else run.oracle.fetched(), fetched_ns=run.oracle.ns)
    assert run.hear(run.oracle.change([(True, 1, 6)])) is Take.APPLIED
    change = run.oracle.change([(True, 1, 7), (True, 2, 7)])
    overlapping = msgspec.structs.replace(change, first=change.first - 1, prior=change.prior - 1, last=change.last + 1)
    assert run.hear(overlapping) is Take.GAP


def test_a_snapshot_older_than_the_first_change_is_refused_and_a_newer_one_taken() -> None:
    """The changes between an old snapshot and the first one heard would be missing from a live book."""
    run = Run(Oracle(RULES["range"]), Strand(BTC, RULES["range"], 0))
    old = run.oracle.fetched()
    run.oracle.change([(True, 1, 5), (True, 2, 5)])
    run.hear(run.oracle.change([(True, 3, 5)]))
    assert run.hear(old, fetched_ns=1) is Take.WAITING
    assert "older" in run.strand.why
    assert not run.strand.live
    assert run.hear(run.oracle.fetched(), fetched_ns=run.oracle.ns) is Take.WHOLE


def test_a_snapshot_between_two_numbers_of_a_stream_that_skips_some_joins() -> None:
    """Where a stream's numbers have holes a snapshot that hits one would be refused for ever."""
    rule = RULES["range then prior"]
    run = Run(Oracle(rule), Strand(BTC, rule, 0))
    run.hear(run.oracle.change([(True, 1, 5)]))
    snapshot = msgspec.structs.replace(run.oracle.fetched(), last=run.oracle.number + 2)
    ns = run.oracle.ns
    waits = Run(run.oracle, Strand(BTC, rule, 0))
    joining = run.oracle.change([(True, 1, 6)], jump=5)
    assert run.hear(snapshot, fetched_ns=ns) is Take.WHOLE
    assert run.hear(joining) is Take.APPLIED
    assert waits.hear(joining) is Take.WAITING
    assert waits.hear(snapshot, fetched_ns=ns) is Take.WHOLE
    later = run.oracle.change([(True, 1, 7)], jump=5)
    assert [run.hear(later), waits.hear(later)] == [Take.APPLIED, Take.APPLIED]


def test_a_gap_among_the_changes_that_waited_is_no_beginning() -> None:
    """A change lost while the snapshot was on its way would be lost for good."""
    run = Run(Oracle(RULES["range"]), Strand(BTC, RULES["range"], 0))
    run.hear(run.oracle.change([(True, 1, 5)]))
    snapshot, at_ns = run.oracle.fetched(), run.oracle.ns
    run.oracle.change([(True, 2, 5)])
    run.hear(run.oracle.change([(True, 3, 5)]))
    assert run.hear(snapshot, fetched_ns=at_ns) is Take.GAP
    assert "missing" in run.strand.why


def test_a_bad_change_that_waited_is_told_as_bad() -> None:
    """An anomaly would be told as a gap, and nobody would look at it."""
    run = Run(Oracle(RULES["range"]), Strand(BTC, RULES["range"], 0))
    change = run.oracle.change([(True, 1, 5)])
    run.hear(msgspec.structs.replace(change, bids=Raw(b'[["-1","1"]]')))
    assert run.strand.supply(Oracle(RULES["range"]).fetched()) is Take.BAD
    assert run.strand.label == "negative"


def test_waiting_changes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A venue whose snapshots never come would fill the memory."""
    monkeypatch.setattr(module, "WAITING_MOST", 3)
    run = Run(Oracle(RULES["range"]), Strand(BTC, RULES["range"], 0))
    early = run.oracle.fetched()
    for _ in range(10):
        run.hear(run.oracle.change([(True, 1, 5)]))
    assert len(run.strand._waiting) == 3
    assert run.hear(early, fetched_ns=1) is Take.WAITING
    assert run.hear(run.oracle.fetched(), fetched_ns=run.oracle.ns) is Take.WHOLE


def test_a_heartbeat_is_heard_and_changes_nothing() -> None:
    """A quiet book would be taken for a dead one, or a heartbeat for a gap."""
    run = Run(Oracle(RULES["prior"]), Strand(BTC, RULES["prior"], 0))
    run.hear(run.oracle.whole())
    assert [run.hear(run.oracle.heartbeat()) for _ in range(2)] == [Take.APPLIED] * 2


def test_after_a_restart_of_the_numbers_old_ones_are_no_repetitions() -> None:
    """A message lost after maintenance would be excused because its successor's numbers were seen before it."""
    run = Run(Oracle(RULES["prior"]), Strand(BTC, RULES["prior"], 0))
    run.hear(run.oracle.whole())
    seen = run.oracle.change([(True, 1, 5)])
    assert run.hear(seen) is Take.APPLIED
    assert run.hear(seen) is Take.IGNORED
    assert run.hear(run.oracle.restart()) is Take.APPLIED
    assert run.hear(seen) is Take.GAP
    run.hear(run.oracle.whole())
    seen = run.oracle.change([(True, 1, 5)])
    run.hear(seen)
    run.oracle.number -= 1_000
    run.hear(run.oracle.whole())
    assert run.hear(seen) is Take.GAP


def test_a_channel_of_wholes_goes_live_whatever_they_are_called() -> None:
    """A channel that sends the whole each time would never go live, or begin anew at every message."""
    for is_whole in (True, False):
        run = Run(Oracle(RULES["whole"], 2), Strand(BTC, RULES["whole"], 2))
        took = [
            run.hear(msgspec.structs.replace(run.oracle.change([(True, away, 5)]), whole=is_whole))
            for away in (1, 2, 3)
        ]
        assert took == [Take.WHOLE, Take.APPLIED, Take.APPLIED]
        assert run.hear(run.oracle.told[-1]) is Take.APPLIED, "the same again is a heartbeat"
        assert run.hear(run.oracle.told[0]) is Take.IGNORED


def test_wholes_that_are_numbered_anew_are_followed() -> None:
    """After maintenance a channel of wholes would be ignored for ever, and the book stand still."""
    run = Run(Oracle(RULES["whole"], 2), Strand(BTC, RULES["whole"], 2))
    run.hear(run.oracle.change([(True, 1, 5)]))
    run.oracle.number = 5
    assert run.hear(run.oracle.change([(True, 1, 6)])) is Take.APPLIED


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if rule.whole_from is None])
def test_a_whole_that_was_overtaken_does_not_take_the_book_back(name: str) -> None:
    """A snapshot that dawdled on the wire would replace a newer book, and the past be called live."""
    oracle = Oracle(RULES[name])
    run = Run(oracle, Strand(BTC, oracle.rule, oracle.depth))
    early = oracle.whole()
    oracle.change([(True, 1, 3)])
    run.hear(oracle.whole())
    run.hear(oracle.change([(True, 2, 1)]))
    before = run.strand.position
    assert run.strand.take(early) is Take.IGNORED
    assert (run.strand.live, run.strand.position) == (True, before)
    run.check()


def test_a_sum_that_does_not_come_proves_nothing() -> None:
    """A venue that stops sending checksums would be believed without any proof."""
    run = Run(Oracle(RULES["sum"], 3), Strand(BTC, RULES["sum"], 3))
    run.hear(run.oracle.whole())
    assert run.hear(run.oracle.change([(True, 1, 5)])) is Take.APPLIED
    unproven = msgspec.structs.replace(run.oracle.change([(True, 1, 6)]), checksum=None)
    assert run.hear(unproven) is Take.GAP
    assert "checksum" in run.strand.why


def test_a_wrong_sum_voids_the_book_and_says_both() -> None:
    """A lost change that no number shows would stay in the book."""
    run = Run(Oracle(RULES["sum"], 3), Strand(BTC, RULES["sum"], 3))
    run.hear(run.oracle.whole())
    run.oracle.change([(True, 1, 5)])
    lost_before = run.oracle.change([(False, 1, 5)])
    assert run.hear(lost_before) is Take.GAP
    assert str(lost_before.checksum) in run.strand.why


@pytest.mark.parametrize(("ask", "label"), [("1000", "locked"), ("999", "crossed")])
def test_crossed_and_locked_books_are_void_save_in_an_auction(ask: str, label: str) -> None:
    """A bot would see a free profit that is a defect of the book."""
    bad = Levels(TOPIC, True, 0, 5, -1, None, raw([(1_000, 1)]), Raw(f'[["{ask}","1"]]'.encode()), 1, 1)
    strand = Strand(BTC, RULES["prior"], 0)
    assert strand.take(bad) is Take.BAD
    assert (strand.label, strand.live) == (label, False)
    auction, waiting = BookRule(Continuity.PRIOR, LevelShape.PAIRS, crossed_ok=True), replace(BTC, status="pending")
    assert Strand(waiting, auction, 0).take(bad) is Take.WHOLE
    assert Strand(waiting, RULES["prior"], 0).take(bad) is Take.BAD
    assert Strand(BTC, auction, 0).take(bad) is Take.BAD  # it trades: the auction is over


def test_a_price_that_leaves_the_snapshot_voids_the_book() -> None:
    """The best price would be a far level that happened to change, with nothing known in between."""
    run = Run(Oracle(RULES["range"], 3), Strand(BTC, RULES["range"], 3))
    run.hear(run.oracle.fetched(), fetched_ns=run.oracle.ns)
    assert run.hear(run.oracle.change([(True, 7, 1), (True, 1, 0), (True, 2, 0)])) is Take.APPLIED
    assert told_by(run.strand)[0] == [(997, 3)], "997 is the last that the snapshot held"
    assert run.hear(run.oracle.change([(True, 3, 0)])) is Take.GAP
    assert "left" in run.strand.why


def test_a_price_that_leaves_nothing_behind_voids_the_book_too() -> None:
    """An emptied side would pass for a market without bids."""
    run = Run(Oracle(RULES["range"], 3), Strand(BTC, RULES["range"], 3))
    run.hear(run.oracle.fetched(), fetched_ns=run.oracle.ns)
    assert run.hear(run.oracle.change([(False, 1, 0), (False, 2, 0), (False, 3, 0)])) is Take.GAP


def test_a_book_shorter_than_asked_for_may_be_emptied() -> None:
    """A thin market would be fetched again at every trade."""
    run = Run(Oracle(RULES["range"], 100), Strand(BTC, RULES["range"], 100))
    run.hear(run.oracle.fetched(), fetched_ns=run.oracle.ns)
    assert run.hear(run.oracle.change([(False, away, 0) for away in range(1, 6)])) is Take.APPLIED
    assert told_by(run.strand)[1] == []


def test_a_new_connection_takes_over_a_living_book() -> None:
    """A change of connections would cost a snapshot, or lose the changes between the two."""
    rule = RULES["range"]
    oracle = Oracle(rule, 3)
    old, new = Run(oracle, Strand(BTC, rule, 3)), Run(oracle, Strand(BTC, rule, 3))
    old.hear(oracle.fetched(), fetched_ns=oracle.ns)
    assert new.strand.adopt(old.strand) is Take.WAITING, "nothing was heard yet: it proves no join"
    for away in (1, 2):
        change = oracle.change([(True, away, 7)])
        old.hear(change)
        new.hear(change)
    ahead = oracle.change([(False, 1, 7)])
    new.hear(ahead)
    assert new.strand.adopt(old.strand) is Take.WHOLE
    new.at_ns = oracle.ns
    new.check()
    assert new.strand.last == oracle.number
    old.hear(ahead)
    later = oracle.change([(True, 1, 0), (True, 2, 0), (True, 3, 0)])
    assert [old.hear(later), new.hear(later)] == [Take.GAP, Take.GAP], "where the snapshot ended is known to both"


def test_a_book_that_is_behind_cannot_be_taken_over() -> None:
    """The changes between the old connection's last and the new one's first would be missing."""
    rule = RULES["range"]
    oracle = Oracle(rule)
    old, new = Run(oracle, Strand(BTC, rule, 0)), Run(oracle, Strand(BTC, rule, 0))
    old.hear(oracle.fetched(), fetched_ns=oracle.ns)
    oracle.change([(True, 1, 7)])
    new.hear(oracle.change([(True, 2, 7)]))
    assert new.strand.adopt(old.strand) is Take.WAITING
    old.strand.reset()
    assert new.strand.adopt(old.strand) is Take.WAITING


@given(st.binary(max_size=40), st.binary(max_size=40), st.booleans(), st.sampled_from(list(RULES)))
def test_any_bytes_are_levels_or_bad_ones(bids: bytes, asks: bytes, whole: bool, name: str) -> None:
    """One malformed message would end the stream."""
    for shape in LevelShape:
        rule = msgspec.structs.replace(RULES[name], shape=shape, checksum=None, then=Continuity.RANGE)
        strand = Strand(BTC, rule, 0)
        strand.take(Levels(TOPIC, True, 0, 5, -1, None, Raw(b"[]"), Raw(b"[]"), 1, 1))
        took = strand.take(Levels(TOPIC, whole, 6, 6, 5, None, Raw(bids), Raw(asks), 1, 1))
        assert took in (Take.WHOLE, Take.APPLIED, Take.BAD)
        assert strand.live == (took is not Take.BAD)


def test_many_books_of_one_seed_are_one_book() -> None:
    """The order in which a dictionary happened to grow would show in the book."""
    rng = random.Random(7)
    oracle = Oracle(RULES["range"])
    strands = [Strand(BTC, RULES["range"], 0) for _ in range(3)]
    whole = oracle.fetched()
    for strand in strands[:2]:
        strand.supply(whole)
    for _ in range(500):
        change = oracle.change([(rng.random() < 0.5, rng.randrange(1, 400), rng.randrange(3)) for _ in range(5)])
        for strand in strands[:2]:
            assert strand.take(change) is Take.APPLIED
    strands[2].supply(oracle.fetched())
    assert told_by(strands[0]) == told_by(strands[1]) == told_by(strands[2]) == oracle.seen()
