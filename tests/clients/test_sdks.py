"""The venues' own clients, where they can be redirected: Binance's and OKX's; Kraken has none of its own."""

from __future__ import annotations

import pytest

from fairlead.venues.binance import hearing
from tests.clients.town import Client, Guest, Refused, Town
from tests.clients.truth import MS, Truth


def texts(side: list[list[str]]) -> list[tuple[float, float]]:
    return [(float(level[0]), float(level[1])) for level in side]


# ---- Binance


def connector(guest: Guest, town: Town, **changed: str) -> Client:
    key = town.venues["binance"]["key"]
    given = {"api_key": key["key"], "api_secret": key["secret"], **changed}
    return guest.open("binance-rest", "binance", town.venues["binance"], **given)


def test_binances_connector_reads_the_market(town: Town, guest: Guest) -> None:
    """If this failed, the venue's own client would not read what the simulator says."""
    truth, binance = Truth(town, "binance", "BTC/USDT"), connector(guest, town)
    assert truth.now_ms() <= binance.time()["serverTime"] <= truth.now_ms()
    [info] = binance.exchange_info("BTCUSDT")["symbols"]
    assert (info["baseAsset"], info["status"]) == ("BTC", "TRADING")
    before = truth.seq
    book = binance.depth("BTCUSDT", limit=50)
    assert (texts(book["bids"]), texts(book["asks"])) == truth.books_since(before, 50)[book["lastUpdateId"]]
    trades = binance.trades("BTCUSDT", limit=10)
    known = truth.trades(trades[0]["id"], trades[-1]["id"])
    assert [(float(trade["price"]), trade["time"]) for trade in trades] == [
        (trade.price, trade.venue_ns // MS) for trade in known
    ]
    bars = binance.klines("BTCUSDT", "1h", limit=5)[:-1]
    assert [(bar[0], float(bar[4])) for bar in bars] == [
        (bar.open_ns // MS, bar.close) for bar in truth.candles("1h", bars[0][0], 4)
    ]


def test_binances_connector_signs_and_is_refused(town: Town, guest: Guest) -> None:
    """If this failed, the venue's own signature would not be taken, or a wrong one would."""
    held = {row["asset"]: row["free"] for row in connector(guest, town).account()["balances"]}
    assert float(held["BTC"]) == 2.5
    with pytest.raises(Refused, match="-1022") as wrong:
        connector(guest, town, api_secret="wrong").account()
    assert wrong.value.kinds[0] == "ClientError"
    with pytest.raises(Refused, match="-1121"):
        connector(guest, town).depth("BTCDOGE")


@pytest.mark.parametrize("combined", [True, False])
def test_binances_connector_streams_in_both_forms(
    town: Town, guest: Guest, combined: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, one of the venue's two addresses would not speak as its own client expects, or drop it."""
    monkeypatch.setattr(hearing, "PING_NS", 700 * MS)  # it answers each by two pongs, and may send five frames a second
    monkeypatch.setattr(hearing, "PONG_NS", 1_000 * MS)
    truth = Truth(town, "binance", "BTC/USDT")
    stream = guest.open("binance-stream", "binance", town.venues["binance"], is_combined=combined)
    stream.join(["btcusdt@trade"])
    acknowledged, *told = stream.heard(25)
    assert acknowledged["result"] is None
    assert all(("stream" in one) == combined for one in told)
    events = [one["data"] if combined else one for one in told]
    known = truth.trades(events[0]["t"], events[-1]["t"])
    assert [(one["t"], float(one["p"]), one["T"]) for one in events] == [
        (int(trade.id), trade.price, trade.venue_ns // MS) for trade in known
    ]
    stream.close()


# ---- OKX


def python_okx(guest: Guest, town: Town, **changed: str) -> Client:
    key = town.venues["okx"]["key"]
    given = {"api_key": key["key"], "api_secret_key": key["secret"], "passphrase": key["passphrase"], **changed}
    return guest.open("okx-rest", "okx", town.venues["okx"], **given)


def test_okxs_client_reads_the_market(town: Town, guest: Guest) -> None:
    """If this failed, the venue's own client would not read what the simulator says."""
    truth, okx = Truth(town, "okx", "BTC/USDT:USDT"), python_okx(guest, town)
    listed = {row["instId"] for row in okx.get_instruments("SWAP")["data"]}
    assert listed == {"BTC-USDT-SWAP"}
    before = truth.seq
    [book] = okx.get_orderbook("BTC-USDT-SWAP", sz="50")["data"]
    assert (texts(book["bids"]), texts(book["asks"])) in truth.books_since(before, 50).values()
    trades = okx.get_trades("BTC-USDT-SWAP", limit="10")["data"][::-1]
    known = truth.trades(int(trades[0]["tradeId"]), int(trades[-1]["tradeId"]))
    assert [(float(trade["px"]), float(trade["sz"]), int(trade["ts"])) for trade in trades] == [
        (trade.price, trade.qty, trade.venue_ns // MS) for trade in known
    ]
    bars = okx.get_candlesticks("BTC-USDT-SWAP", bar="1H", limit="5")["data"][:0:-1]
    assert [(int(bar[0]), float(bar[4])) for bar in bars] == [
        (bar.open_ns // MS, bar.close) for bar in truth.candles("1h", int(bars[0][0]), 4)
    ]
    [funding] = okx.get_funding_rate("BTC-USDT-SWAP")["data"]
    assert float(funding["fundingRate"]) == truth.stall(lambda stall: stall.funding().rate)


def test_okxs_client_signs_and_is_refused(town: Town, guest: Guest) -> None:
    """If this failed, the venue's own signature would not be taken, or a wrong one would."""
    [account] = python_okx(guest, town).get_account_balance("BTC")["data"]
    assert [(row["ccy"], float(row["cashBal"])) for row in account["details"]] == [("BTC", 2.5)]
    assert python_okx(guest, town, api_secret_key="wrong").get_account_balance()["code"] == "50113"
    assert python_okx(guest, town, passphrase="wrong").get_account_balance()["code"] == "50105"


def test_okxs_client_streams(town: Town, guest: Guest) -> None:
    """If this failed, the venue's own client would subscribe in vain."""
    truth = Truth(town, "okx", "BTC/USDT")
    stream = guest.open("okx-stream", "okx", town.venues["okx"], path="/ws/v5/public")
    stream.join([{"channel": "trades", "instId": "BTC-USDT"}])
    acknowledged, *told = stream.heard(10)
    assert acknowledged["event"] == "subscribe"
    rows = [row for one in told for row in one["data"]]
    known = truth.trades(int(rows[0]["tradeId"]), int(rows[-1]["tradeId"]))
    assert [(row["tradeId"], float(row["px"]), row["side"]) for row in rows] == [
        (trade.id, trade.price, trade.side) for trade in known
    ]
    stream.close()
