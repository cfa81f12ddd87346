"""Somebody else's client with a key and an account of its own, and the ledger's view of what it did there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cached_property, partial
from itertools import accumulate
from typing import Any

from fairlead.model.orders import Fill, OrderReport
from fairlead.sim.account import Account
from fairlead.sim.city import City
from fairlead.sim.truth import Accepted, Ended
from fairlead.venues import registry
from fairlead.wire.asks import Op
from fairlead.wire.orders import AskPlace
from tests.clients.town import Client, Guest, Town, dial

SPOT, SWAP = "BTC/USDT", "BTC/USDT:USDT"
LISTENS_MS = 2_500  # so long a client has to log in and subscribe
VENUES = [name for name in registry.names() if registry.venue(name).door_for("orders")]


class Owner:
    def __init__(self, town: Town, guest: Guest, venue: str) -> None:
        self._town, self._guest, self.venue = town, guest, venue
        self.key = town.do(lambda city: city.new_key(venue))
        self.named = {"apiKey": self.key.key, "secret": self.key.secret, "password": self.key.passphrase}

    @cached_property
    def ccxt(self) -> Client:
        return self.dial()

    def dial(self, **changed: Any) -> Client:
        """Another ccxt; `changed` is what it is configured with otherwise."""
        return dial(self._guest, self._town, self.venue, **{**self.named, **changed})

    def open_client(self, kind: str, **config: Any) -> Client:
        """Another client than ccxt."""
        return self._guest.open(kind, self.venue, self._town.venues[self.venue], **config)

    def price(self, share: float) -> float:
        bid: float = self._town.do(lambda city: city.mouth(self.venue).stalls[SPOT].quote().bid)
        return round(bid * share, 1)

    def by_hand_soon(self, ms: int, asked: AskPlace) -> None:
        """Places an order from elsewhere, while the client listens."""

        def soon(city: City) -> None:
            place = partial(city.by_hand, self.venue, self.key.key, Op.PLACE, asked)
            asyncio.get_running_loop().call_later(ms / 1_000, place)

        self._town.do(soon)

    # What the ledger holds of this account.

    def account(self, look: Callable[[City, Account], Any]) -> Any:
        return self._town.do(lambda city: look(city, city.mouth(self.venue).keyring.account(self.key.key)))

    def orders(self) -> list[Accepted]:
        held: list[Accepted] = self.account(
            lambda city, me: [one for one in city.mouth(self.venue).truth.orders if one.account == me.name]
        )
        return held

    def open(self) -> list[OrderReport]:
        """What is open, as it last became."""
        held: list[OrderReport] = self.account(lambda _, me: [one.reports[-1] for one in me.open.values()])
        return held

    def fills(self, order_id: str) -> list[Fill]:
        held: list[Fill] = self.account(lambda city, _: city.mouth(self.venue).truth.fills(order_id))
        return held

    def end_of(self, order_id: str) -> Ended | None:
        held: Ended | None = self.account(lambda city, _: city.mouth(self.venue).truth.end_of(order_id))
        return held

    def totals(self, asset: str) -> list[float]:
        """Each that the account has had of it since it began to trade."""
        held: list[float] = self.account(
            lambda city, me: [
                float(total)
                for total in accumulate(
                    (one.amount for one in city.mouth(self.venue).truth.moves.of((me.name, asset))),
                    initial=me.began[asset],
                )
            ]
        )
        return held[1:]
