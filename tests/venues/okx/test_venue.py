"""The venue as a value: where it is, how it is entered, what a key may do."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from fairlead.model.intervals import NAMES
from fairlead.venues import registry
from fairlead.venues.okx import account, trade
from fairlead.venues.okx.account import ConfigRow
from fairlead.venues.okx.venue import VENUE, rights
from fairlead.venues.okx.wire import Envelope
from fairlead.wire.asks import Op
from tests.recorded import lines


def test_the_registry_finds_it() -> None:
    """If this failed, nobody could open this venue by its name."""
    assert registry.venue("okx") is VENUE


def test_the_demo_says_that_it_is_one() -> None:
    """If this failed, a demo order would be sent to the live address as a real one."""
    assert VENUE.headers["demo"] == {"x-simulated-trading": "1"}
    assert {"live", "live-eea", "live-us"}.isdisjoint(VENUE.headers)
    assert {name for name in VENUE.hosts if name.startswith("demo")} == set(VENUE.headers)
    live, demo = VENUE.hosts["live"], VENUE.hosts["demo"]
    assert set(live["ws"]).isdisjoint(demo["ws"])


@pytest.mark.parametrize("environment", list(VENUE.hosts))
def test_every_door_has_an_address_everywhere(environment: str) -> None:
    """If this failed, a region would open and then find no way to its sockets."""
    hosts = VENUE.hosts[environment]
    for door in VENUE.doors:
        assert all(address.startswith("wss://") for address in hosts[door.host])
        assert door.path([], None).startswith("/ws/v5/")
    assert all(address.startswith("https://") for address in hosts["rest"])


def test_each_kind_is_heard_at_one_door() -> None:
    """If this failed, candles would be asked for where the venue refuses them."""
    paths = {kind: door.path([], None) for door in VENUE.doors for kind in door.topics}
    assert paths.pop("candles") == "/ws/v5/business"
    assert {paths.pop(kind) for kind in ("orders", "balances", "positions")} == {"/ws/v5/private"}
    assert set(paths.values()) == {"/ws/v5/public"}
    assert set(paths) == {"book", "trades", "quote", "ticker", "funding", "mark", "index"}
    assert sum(len(door.topics) for door in VENUE.doors) == 11
    assert VENUE.doors[0].depths[0] == 400


def test_intervals_are_known_by_our_names() -> None:
    """If this failed, an interval could be asked for by a name that nothing else understands."""
    assert set(VENUE.intervals) <= set(NAMES)


def test_charges_are_paid_from_budgets_there_are() -> None:
    """If this failed, dials or requests would be counted by the venue alone."""
    names = {budget.name for budget in VENUE.budgets}
    assert len(names) == len(VENUE.budgets)
    assert {charge.budget for door in VENUE.doors for charge in door.dial_cost} | {"requests"} <= names


def test_dates_are_dates() -> None:
    """If this failed, an end that the venue announced could not be warned of."""
    assert all(date.fromisoformat(one.on) for one in VENUE.dated)


def test_what_a_key_may_do_is_told_in_our_words() -> None:
    """If this failed, a key that can withdraw would be taken for a harmless one."""
    found = []
    for line in lines("okx/key_permissions.jsonl"):
        found += [rights(row) for row in msgspec.json.decode(line["raw"], type=Envelope[ConfigRow]).data]
    assert found == [
        {"read", "trade", "withdraw", "ip-bound"},
        {"read", "trade", "ip-bound"},
        {"read", "ip-bound"},
    ]
    assert rights(ConfigRow("read_only,fly")) == {"read", "fly"}
    assert rights(ConfigRow("")) == set()


def test_only_what_is_signed_needs_a_key() -> None:
    """If this failed, market data would be refused to who has no key."""
    signed = {op for op, row in VENUE.endpoints.items() if row.access != "open"}
    assert signed == {Op.BALANCES, *trade.ENDPOINTS, *account.ENDPOINTS}
    assert {door.name for door in VENUE.doors if door.access != "open"} == {"private"}
