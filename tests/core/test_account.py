"""An account as the fold of its journal: the same after a restart, and nothing of it forgotten that may still trade."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core import account as accounts
from fairlead.core import facts, ids
from fairlead.core.account import Account
from fairlead.model.order import Life
from fairlead.model.orders import Status
from tests.core.orderly import BTC, KEY, NAME, VENUE, Scribe, amend, ask, at, fill, report

OTHER = "flab12000000000002"


def test_facts_are_read_back_as_they_were_written() -> None:
    """If this failed, a restart would remember other orders than those that were sent."""
    scribe = Scribe()
    for fact in (
        scribe.fact(facts.Intended, asked=ask(price=Decimal("0.10")), key="k"),
        scribe.fact(facts.Reported, client_id=NAME, report=report(Status.PARTIAL, "1.50"), by="stream"),
        scribe.fact(facts.Traded, client_id=NAME, fill=fill(1, "1.50"), by="fills"),
        scribe.fact(facts.Halted, on=True, why="enough"),
    ):
        line = facts.written(fact)
        assert facts.read(line) == fact
        assert facts.written(facts.read(line)) == line


@given(st.integers(0, 8))
def test_a_restart_in_the_middle_folds_to_the_same(cut: int) -> None:
    """If this failed, what a process knew before it was killed would differ from what the next one knows."""
    scribe = Scribe()
    fact = scribe.fact
    told = (
        fact(facts.Opened, installation="ab12", last_id=1),
        fact(facts.Intended, asked=ask(), key="mine"),
        fact(facts.Sending, client_id=NAME, attempt=1, until_ms=5),
        fact(facts.Unsure, client_id=NAME, why="silence"),
        fact(facts.Frozen, symbol=BTC, why="odd"),
        fact(facts.Traded, client_id=NAME, fill=fill(1, "4"), by="stream"),
        fact(facts.Reported, client_id=NAME, report=report(Status.PARTIAL, "4"), by="order"),
        fact(facts.Thawed, symbol=BTC, evidence="agreed"),
    )
    lines = [facts.written(one) for one in told]
    whole, parted = Account(VENUE, KEY), Account(VENUE, KEY)
    for seq, line in enumerate(lines, 1):
        whole.take(facts.read(line), seq)
    for seq, line in enumerate(lines[:cut], 1):
        parted.take(facts.read(line), seq)
    for seq, line in enumerate(lines[cut:], cut + 1):
        parted.take(facts.read(line), seq)
    assert repr(parted) == repr(whole)
    assert parted.orders() == whole.orders()
    assert (whole.installation, whole.last_id, whole.frozen) == ("ab12", ids.number_of(NAME), {})


def test_an_order_is_found_by_either_name_and_by_the_callers() -> None:
    """If this failed, a fill that names only the venue's id would pass for somebody else's."""
    scribe = Scribe().intend(key="morning").send()
    assert scribe.account.named("", BTC, "7") is None
    scribe.report(report(Status.OPEN))
    assert scribe.account.of(fill(1, "1", client_id="")) is scribe.track
    assert scribe.account.wished("morning") is scribe.track
    assert scribe.account.wished("evening") is None
    assert scribe.account.named("", "ETH/USDT", "7") is None


def test_an_order_runs_until_its_fills_add_up() -> None:
    """If this failed, an order that has ended would be forgotten with its last fill still on the way."""
    scribe = Scribe().intend().send()
    scribe.say(facts.Unsure, why="silence")
    assert [track.order.left for track in scribe.account.doubtful()] == [Decimal(10)]
    scribe.report(report(Status.CANCELLED, "4", 2))
    assert (list(scribe.account.doubtful()), len(list(scribe.account.running()))) == ([], 1)
    scribe.fill(fill(1, "4"))
    assert not list(scribe.account.running())


def test_a_change_under_way_is_known_until_it_is_shown() -> None:
    """If this failed, a larger order could trade past the limits while its amendment is on the way."""
    scribe = Scribe().intend().send()
    scribe.report(report(Status.OPEN))
    scribe.say(facts.AmendSent, asked=amend(qty=Decimal(20)))
    assert [asked.qty for asked in scribe.account.changes().values()] == [Decimal(20)]
    scribe.report(report(Status.OPEN, ms=2, qty=Decimal(20)))
    assert scribe.account.changes() == {}


def test_a_wish_that_was_never_sent_is_given_up_after_a_restart() -> None:
    """If this failed, a restart could send an order minutes after it was wanted."""
    scribe = Scribe().intend()
    assert [track.order.client_id for track in accounts.abandoned(scribe.account)] == [NAME]
    scribe.send()
    assert list(accounts.abandoned(scribe.account)) == []
    assert [track.order.life for track in scribe.account.doubtful()] == [Life.SENDING]


def test_frozen_outlives_a_process() -> None:
    """If this failed, a restart would trade where something is wrong."""
    scribe = Scribe()
    scribe.write(facts.Frozen, symbol=BTC, why="odd")
    assert (scribe.account.why_frozen(BTC), scribe.account.why_frozen("ETH/USDT")) == ("odd", "")
    scribe.write(facts.Frozen, symbol="", why="all of it")
    assert scribe.account.why_frozen("ETH/USDT") == "all of it"


def test_who_was_away_is_told_what_changed_since() -> None:
    """If this failed, a bot that comes back would not hear of an order that filled meanwhile."""
    scribe = Scribe().intend().send()
    seen = scribe.account.seq
    assert scribe.account.orders(after=seen) == ()
    scribe.fill(fill(1, "1"))
    assert [order.filled for order in scribe.account.orders(after=seen)] == [Decimal(1)]


def test_memory_of_ended_orders_is_bounded_and_running_ones_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, a busy bot would grow until it dies, or forget an order that is open."""
    monkeypatch.setattr(accounts, "ENDED_MOST", 2)
    scribe = Scribe()
    for number in range(5):
        scribe.name = f"flab1200000000000{number}"
        scribe.intend(key=f"k{number}").send()
        if number:
            scribe.report(report(Status.CANCELLED, ms=at(number), order_id=str(number), client_id=scribe.name))
    assert sorted(scribe.account.tracks) == [f"flab1200000000000{number}" for number in (0, 3, 4)]
    assert scribe.account.wished("k1") is None
    assert scribe.account.named("", BTC, "1") is None


def test_a_callers_name_stays_used_up_when_its_order_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, a wish asked again after many other orders would be placed a second time."""
    monkeypatch.setattr(accounts, "ENDED_MOST", 1)
    scribe = Scribe()
    account = Account(VENUE, KEY)
    for seq, (name, key) in enumerate(((NAME, "mine"), (OTHER, "other"))):
        intended = scribe.fact(facts.Intended, asked=ask(client_id=name), key=key)
        account.take(intended, 2 * seq + 1)
        account.take(scribe.fact(facts.Unsent, client_id=name, why="too late"), 2 * seq + 2)
    assert account.wished("mine") is None
    assert (account.used_for("mine"), account.used_for("other"), account.used_for("new")) == (NAME, OTHER, "")


def test_facts_about_orders_that_nobody_knows_change_nothing() -> None:
    """If this failed, a fact of an order that was forgotten long ago could break the start."""
    scribe = Scribe()
    scribe.name = OTHER
    assert scribe.fill(fill(1, "1")) is None
    assert scribe.account.tracks == {}
