"""Trading from the face: keys, stages and state as a user gives them, over real sockets and a city on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import fairlead
import fairlead.sync
from fairlead.model import events
from fairlead.sim.server.web import Served
from tests.test_face import BTC, city
from tests.test_sync import served as served

SOON_S = 20.0  # a limit for a test that hangs, never a measure


def key_of(town: Served, name: str) -> dict[str, str]:
    minted = town.city.keys[name]
    return {"key": minted.key, "secret": minted.secret, "passphrase": minted.passphrase}


def key_file(folder: Path, keys: Mapping[str, Mapping[str, Mapping[str, str]]]) -> Path:
    path = folder / "keys.json"
    path.write_text(json.dumps(keys))
    path.chmod(0o600)
    return path


def names_in(folder: Path) -> list[str]:
    return [file.name[:14] for file in folder.iterdir()]


def low(ticker: fairlead.Ticker) -> int:
    """A price at which nothing trades now."""
    assert ticker.last is not None
    return int(ticker.last * 0.9)


async def test_a_bot_trades_by_its_label_and_finds_its_orders_after_a_restart(tmp_path: Path) -> None:
    """If this failed, the README's first order would not go out, or be forgotten with the process."""
    async with city("binance", "okx") as town:
        keys = key_file(tmp_path, {name: {"bot-a": key_of(town, name)} for name in ("binance", "okx")})
        knobs: dict[str, Any] = {"key": "bot-a", "keys": keys, "state": tmp_path / "state", "hosts": town.addresses}
        async with fairlead.open("binance", "okx", **knobs) as session:
            placed = []
            for name in session.venues:
                order = await session[name].buy(BTC, qty="0.01", price=low(await session[name].ask_ticker(BTC)))
                assert isinstance(order, fairlead.Order)
                assert order.life is fairlead.Life.OPEN
                placed.append(order.client_id)
            with pytest.raises(fairlead.Misuse, match="belongs to another running program"):
                await fairlead.open("okx", **knobs).open()
        async with fairlead.open("binance", "okx", **knobs) as session:
            assert [session[name].open_orders()[0].client_id for name in session.venues] == placed
            for name in session.venues:
                await session[name].cancel_all()
        secrets = [key_of(town, name)["secret"].encode() for name in ("binance", "okx")]
        written = [file.read_bytes() for file in (tmp_path / "state").rglob("*") if file.is_file()]
        assert written
        assert not [text for text in written for secret in secrets if secret in text]


async def test_a_key_may_come_from_the_environment_and_only_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, a dashboard would need a file, or a right to trade."""
    async with city("kraken") as town:
        monkeypatch.setenv("FAIRLEAD_KEY_KRAKEN", json.dumps(key_of(town, "kraken")))
        knobs: dict[str, Any] = {"hosts": town.addresses, "state": tmp_path}
        async with fairlead.open("kraken", key="", stage="read-only", **knobs) as session:
            assert isinstance((await session["kraken"].ask_balances())[0], fairlead.Balance)
            with pytest.raises(fairlead.Misuse, match="read only"):
                await session["kraken"].buy(BTC, qty=1)
        assert names_in(tmp_path) == ["nonces-kraken-"]


async def test_a_bot_that_wishes_so_is_minded_while_it_lives_and_left_in_peace(tmp_path: Path) -> None:
    """If this failed, nobody would cancel the orders of a bot that died, or somebody those of one that only stopped."""
    async with city("binance", "okx") as town:
        keys = key_file(tmp_path, {name: {"bot-a": key_of(town, name)} for name in ("binance", "okx")})
        knobs: dict[str, Any] = {"key": "bot-a", "keys": keys, "state": tmp_path / "state", "hosts": town.addresses}
        safety = fairlead.Safety(dead_man=True, alone=True, timeout_ms=10_000)
        session = fairlead.open("binance", "okx", safety=safety, **knobs)
        by: dict[str, str] = {}
        session.health(lambda event: by.update({event.venue: event.by}) if isinstance(event, events.Minded) else None)
        async with session:
            await session["okx"].buy(BTC, qty="0.01", price=low(await session["okx"].ask_ticker(BTC)))
        assert by == {"binance": "our watchdog", "okx": "the venue"}
        async with fairlead.open("okx", **knobs) as again:
            assert len(again["okx"].open_orders()) == 1


@pytest.mark.parametrize(
    ("knobs", "words"),
    [
        ({"stage": "paper", "key": ""}, "no paper trading yet"),
        ({"stage": "life", "key": ""}, "did you mean live"),
        ({"stage": "live"}, "Only who has a key can trade"),
        ({"key": "bot-a"}, "no key of okx in the environment"),
        ({"key": {"kraken": "bot-a"}}, "open venue that the key could be of"),
        ({"key": "bot-a", "keys": "/nowhere/keys.json"}, "cannot be read"),
    ],
)
def test_a_wrong_word_is_told_before_anything_is_opened(knobs: dict[str, Any], words: str) -> None:
    """If this failed, a bot would believe that it trades on paper, and trade for money."""
    with pytest.raises(fairlead.Misuse, match=words):
        fairlead.open("okx", **knobs)


def test_scripts_trade_without_await(served: Served, tmp_path: Path) -> None:
    """If this failed, a notebook could place an order and not follow it."""
    keys = key_file(tmp_path, {"okx": {"a": key_of(served, "okx")}})
    before = threading.active_count()
    with fairlead.sync.open("okx", key="a", keys=keys, state=tmp_path / "s", hosts=served.addresses) as session:
        market = session["okx"]
        orders, fills = market.orders(timeout_s=SOON_S), market.fills(timeout_s=SOON_S)
        order = market.buy(BTC, qty="0.01", price=low(market.ask_ticker(BTC)))
        assert next(orders).client_id == order.client_id
        assert market.open_orders() == (market.order(order.client_id),)
        assert market.amend(order, qty="0.005").qty == Decimal("0.005")
        market.cancel(order)
        while next(orders).life is not fairlead.Life.CANCELLED:
            pass
        market.sell(BTC, qty="0.01")
        assert next(fills).side == "sell"
        market.set_leverage("BTC/USDT:USDT", 3, margin="cross")
        positions = market.positions(timeout_s=SOON_S)
        market.buy("BTC/USDT:USDT", qty=1, margin="cross")
        assert next(positions).qty == 1
        market.close("BTC/USDT:USDT")
        assert market.halt("done") == ()
        with pytest.raises(fairlead.RiskRefused, match="kill switch"):
            market.buy(BTC, qty="0.01")
        market.resume("again")
        assert market.cancel_all() == ()
        assert len(market.changed_since(0)) == 4
    assert threading.active_count() == before
