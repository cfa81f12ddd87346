"""The kill switch: thrown by a fact and released by one, the same after a restart, and only ours are cancelled."""

from __future__ import annotations

import pytest

from fairlead.core import facts
from fairlead.core.halt import KillSwitch, cancels
from fairlead.errors import RiskRefused
from fairlead.model.order import Life
from fairlead.wire.orders import AskCancel
from tests.core.wishes import BTC, order, place


def halted(on: bool, why: str = "spread gone mad") -> facts.Halted:
    return facts.Halted(venue="v", account="a", at_ns=1, on=on, why=why)


def switch(*told: facts.AnyFact) -> KillSwitch:
    made = KillSwitch()
    for fact in told:
        made.apply(facts.read(facts.written(fact)))  # as a restart reads them
    return made


def test_it_stays_thrown_until_it_is_released() -> None:
    """If this failed, orders would keep coming after the switch, or a restart would release it."""
    other = facts.Intended(venue="v", account="a", at_ns=1, asked=place())
    thrown = switch(halted(True), other)
    with pytest.raises(RiskRefused) as refused:
        thrown.check()
    for words in ("kill switch is thrown: spread gone mad", "over a restart", "release it by hand"):
        assert words in str(refused.value)
    switch().check()
    switch(halted(True), halted(False)).check()
    assert repr(thrown) == "<KillSwitch thrown: spread gone mad>"


def test_a_throw_without_a_reason_holds_as_well() -> None:
    """If this failed, an operator in a hurry would throw a switch that does nothing."""
    with pytest.raises(RiskRefused, match="no reason was given"):
        switch(halted(True, "")).check()


def test_all_of_ours_that_may_be_at_the_venue_are_cancelled() -> None:
    """If this failed, an order in doubt would stay open under a thrown switch."""
    ours = [order(f"fl{number}", life=life, order_id=str(number)) for number, life in enumerate(Life)]
    there = {Life.SENDING, Life.UNKNOWN, Life.OPEN, Life.PARTIAL}
    assert cancels(ours) == tuple(
        AskCancel(symbol=BTC, client_id=f"fl{number}", order_id=str(number))
        for number, life in enumerate(Life)
        if life in there
    )
    assert len(cancels([order(cancelling=True)])) == 1
