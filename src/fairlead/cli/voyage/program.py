"""The trading program of a voyage: a session over the city as the public face opens one, and its books."""

from __future__ import annotations

import msgspec

from fairlead.core.account import Account
from fairlead.engine.desk import Windows
from fairlead.engine.session import Session, Stage
from fairlead.keys.signer import FileSigner
from fairlead.model.order import Order
from fairlead.sim.city import City
from fairlead.sim.server.memory import Memory
from fairlead.venues import registry

LABEL = "bot"


def session_of(city: City, memory: Memory, windows: Windows) -> Session:
    """One that trades the city's account at each of its venues; it is not open yet."""
    return Session(
        city.keys, windows, hosts=memory.addresses, stage=Stage.LIVE,
        signers={name: _signer(city, name) for name in city.keys}, labels=dict.fromkeys(city.keys, LABEL),
    )  # fmt: skip


def account_of(session: Session, name: str) -> Account:
    return session[name]._trades.bench.account


def orders_of(account: Account) -> list[Order]:
    return [track.order for track in account.tracks.values()]


def _signer(city: City, name: str) -> FileSigner:
    minted = city.keys[name]
    key = {"key": minted.key, "secret": minted.secret, "passphrase": minted.passphrase}
    return FileSigner(msgspec.json.encode(key), registry.venue(name).key_kinds)
