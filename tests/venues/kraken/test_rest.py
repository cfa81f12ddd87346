"""Reading REST: names that lead to one market, pages without loss, walls, and any bytes whatever."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.errors import UnknownName
from fairlead.model.instrument import Catalog
from fairlead.model.market import Trade
from fairlead.venues.kraken.rest import INTERVALS
from fairlead.venues.kraken.venue import VENUE
from fairlead.venues.kraken.wire import KeyInfo, asset
from fairlead.wire.asks import AskBook, AskCandles, AskListing, AskNothing, AskSymbol, AskTrades, Op
from fairlead.wire.endpoint import Ctx, build
from fairlead.wire.shapes import READERS, LevelShape, Nonsense, strangers
from tests.recorded import lines
from tests.venues.kraken.places import CTX

ASKED: dict[Op, Any] = {
    Op.TIME: AskNothing(),
    Op.INSTRUMENTS: AskListing("spot"),
    Op.BOOK: AskBook("BTC/USD"),
    Op.TICKER: AskSymbol("BTC/USD"),
    Op.TRADES: AskTrades("BTC/USD"),
    Op.CANDLES: AskCandles("BTC/USD", "1m"),
    Op.BALANCES: AskNothing(),
}


def pair(altname: str, base: str, quote: str, wsname: str = "", **more: Any) -> dict[str, Any]:
    named = {"wsname": wsname} if wsname else {}
    return {"altname": altname, "base": base, "quote": quote, "pair_decimals": 1, "lot_decimals": 8, **named, **more}


def read(op: Op, result: Any, asked: Any = None, ctx: Ctx = CTX) -> Any:
    body = json.dumps({"error": [], "result": result}).encode()
    return VENUE.endpoints[op].read(body, asked or ASKED[op], ctx)


def test_every_listing_leads_to_its_own_market_and_back() -> None:
    """If this failed, an order for one market could go to another that is listed under a like name."""
    told = read(
        Op.INSTRUMENTS,
        {
            "XXBTZUSD": pair("XBTUSD", "XXBT", "ZUSD", "XBT/USD"),
            "XXBTZUSD.d": pair("XBTUSD.d", "XXBT", "ZUSD"),
            "XBTUSD2": pair("XBTUSD2", "XBT", "USD", "XBT/USD"),
            "XBTxUSD": pair("XBTxUSD", "XBTx", "ZUSD", "XBTx/USD", aclass_base="tokenized_asset"),
            "A:B/C": pair("AB", "XXBT", "ZUSD"),
        },
    )
    symbols = ["BTC/USD", "BTC/USD.d", "BTC/USD.XBTUSD2", "XBTx/USD", "BTC/USD.A-B-C"]
    assert [one.symbol for one in told] == symbols
    catalog = Catalog(told)
    for one in told:
        assert catalog.ours(one.venue_symbol) is catalog.theirs(one.symbol) is one
        assert all(catalog.ours(name, use) is one for use, name in one.names.items())
        assert str(one.parts) == one.symbol
    assert [one.names.get("ws") for one in told] == ["BTC/USD", None, None, "XBTx/USD", None]


def test_a_status_nobody_knows_is_kept_and_called_unknown() -> None:
    """If this failed, a halted market could pass for a trading one under a new word."""
    told = read(Op.INSTRUMENTS, {"A": pair("A", "A", "ZUSD", status="asleep"), "B": pair("B", "B", "ZUSD")})
    assert [(one.status, one.venue_status) for one in told] == [("unknown", "asleep"), ("trading", "")]


@pytest.mark.parametrize(
    ("code", "ours"),
    [("XXBT", "BTC"), ("XBT", "BTC"), ("XXDG", "DOGE"), ("XDG", "DOGE"), ("ZUSD", "USD"), ("ZRX", "ZRX"),
     ("XTZ", "XTZ"), ("XCN", "XCN"), ("XBT.M", "BTC.M"), ("ETH2.S", "ETH2.S"), ("ZEUR", "EUR"), ("REPV2", "REPV2")],
)  # fmt: skip
def test_asset_codes_are_mapped_not_guessed(code: str, ours: str) -> None:
    """If this failed, a coin whose name happens to begin with X or Z would become another coin."""
    assert asset(code) == ours


@pytest.mark.parametrize("name", ["XXBTZUSD", "XBTUSD", "XBT/USD", "BTC/USD", "whatever"])
def test_a_reply_is_found_by_any_name_of_its_market(name: str) -> None:
    """If this failed, an answer would be lost when the venue spells the market another way."""
    assert read(Op.TRADES, {name: [], "last": "1"}) == ()


@pytest.mark.parametrize(
    "result",
    [{"XETHXXBT": [], "last": "1"}, {"last": "1"}, {}, {"XXBTZUSD": [], "XETHXXBT": []}],
)
def test_an_answer_about_another_market_is_none(result: Any) -> None:
    """If this failed, trades of one market could be taken for another's."""
    with pytest.raises(Nonsense):
        read(Op.TRADES, result)


def test_rows_of_a_book_are_read_in_the_streams_shape() -> None:
    """If this failed, a book fetched by REST could not be laid over one of the stream."""
    rows = [["98010.10000", "0.125", 1767225599]]
    told = read(Op.BOOK, {"XXBTZUSD": {"asks": rows, "bids": []}})
    assert READERS[LevelShape.OBJECTS](told.asks) == [("98010.10000", "0.125")]
    assert READERS[LevelShape.OBJECTS](told.bids) == []


def test_a_new_field_under_any_market_is_noticed() -> None:
    """If this failed, what the venue adds to its lists would go unseen because lists are keyed by names."""
    body = json.dumps({"error": [], "result": {"XXBTZUSD": pair("A", "B", "C", margin_limit=1)}}).encode()
    assert strangers(body, VENUE.endpoints[Op.INSTRUMENTS].known) == ("result.<any>.margin_limit",)


def test_candles_end_at_the_wall() -> None:
    """If this failed, history would be asked for again and again although the venue has none."""
    rows = [[60 * n, "1", "1", "1", "1", "1", "1", 1] for n in range(1, 721)]
    asked = AskCandles("BTC/USD", "1m", start_ns=1)
    told = read(Op.CANDLES, {"XXBTZUSD": rows, "last": 60 * 719}, asked)
    assert (len(told), told[-1].closed, told[-2].closed) == (720, False, True)
    assert VENUE.endpoints[Op.CANDLES].after is None
    latest = read(Op.CANDLES, {"XXBTZUSD": rows, "last": 60 * 719}, AskCandles("BTC/USD", "1m", limit=2))
    assert latest == told[-2:]


def test_an_interval_the_venue_lacks_is_named() -> None:
    """If this failed, a typing error would come back as the venue's puzzle."""
    with pytest.raises(UnknownName, match="1m"):
        build(VENUE.endpoints[Op.CANDLES], AskCandles("BTC/USD", "2m"), CTX, VENUE.encode)
    assert [int(minutes) for minutes in INTERVALS.values()] == [1, 5, 15, 30, 60, 240, 1440, 10080, 21600]


# ---- pages of trades against a venue that answers as documented


def venues_page(history: list[tuple[int, int]], since: int, count: int) -> bytes:
    """Trades after `since`, oldest first, times as the floats that the venue prints; `last` to the nanosecond."""
    rows = [(ns, number) for ns, number in history if ns > since][:count]
    told = [["1.0", "1.0", ns / 1e9, "b", "l", "", number] for ns, number in rows]
    return json.dumps({"error": [], "result": {"XXBTZUSD": told, "last": str(rows[-1][0] if rows else since)}}).encode()


def downloaded(history: list[tuple[int, int]], since_ns: int, limit: int) -> list[Trade]:
    row, told = VENUE.endpoints[Op.TRADES], list[Trade]()
    asked: AskTrades | None = AskTrades("BTC/USD", limit, since_ns)
    while asked is not None:
        params = row.ask(asked, CTX)
        page = row.read(venues_page(history, int(params["since"]), int(params["count"])), asked, CTX)
        told += page
        assert row.after is not None
        asked = row.after(asked, page)
    return told


@given(
    gaps=st.lists(st.sampled_from([0, 0, 1, 300, 5_000, 10**9]), max_size=60),
    limit=st.integers(1, 12),
)
def test_pages_of_trades_lose_and_double_nothing(gaps: list[int], limit: int) -> None:
    """If this failed, a download of trades would miss those that share an instant with the end of a page, or tell them
    twice."""
    ns, history = 1_767_225_600_000_000_000, list[tuple[int, int]]()
    for number, gap in enumerate(gaps, 1):
        ns += gap
        history.append((ns, number))
    told = downloaded(history, 1_767_225_600_000_000_000, limit)
    assert [int(one.id) for one in told] == [number for _, number in history]


def test_the_latest_trades_have_no_next_page() -> None:
    """If this failed, asking for the latest trades would turn into a download."""
    after = VENUE.endpoints[Op.TRADES].after
    assert after is not None
    rows = [["1", "1", 1, "b", "l", "", n] for n in (1, 2)]
    assert after(AskTrades("BTC/USD", 2), read(Op.TRADES, {"XXBTZUSD": rows, "last": "1"})) is None


# ---- account


def test_the_rights_of_a_recorded_key_are_named() -> None:
    """If this failed, a key that can empty the account would pass for a harmless one."""
    line = next(iter(lines("kraken/key_permissions.jsonl")))
    told = msgspec.convert(json.loads(line["raw"])["result"], KeyInfo)
    assert VENUE.rights(told) == {"read", "trade", "withdraw", "transfer"}
    assert VENUE.rights(KeyInfo(("query-funds",), ipAllowlist=("10.0.0.1",))) == {"read", "ip-bound"}
    assert VENUE.rights(KeyInfo(("update-withdraw-address",), ip_allowlist=("",))) == {"withdraw"}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"apiKeyName": "bot"}, KeyInfo)


def test_balances_keep_every_digit() -> None:
    """If this failed, an amount would be rounded to a float's digits, bare or in quotes."""
    body = b'{"error":[],"result":{"XXBT":{"balance":0.1234567890123456789,"hold_trade":"0.0000000000000000001"}}}'
    (told,) = VENUE.endpoints[Op.BALANCES].read(body, AskNothing(), CTX)
    assert (told.asset, told.total, told.free) == (
        "BTC", Decimal("0.1234567890123456789"), Decimal("0.1234567890123456788"),
    )  # fmt: skip


# ---- any bytes

LEAVES = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=6)
JSONS = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["XXBTZUSD", "last", "asks", "c", "x"]), inner)
    ),
    max_leaves=12,
)


@given(
    op=st.sampled_from(sorted(ASKED)),
    body=st.binary(max_size=200) | JSONS.map(lambda one: json.dumps(one).encode()),
)
def test_any_bytes_are_an_answer_or_nonsense(op: Op, body: bytes) -> None:
    """If this failed, a proxy's page or half a reply would break the program instead of being named."""
    for whole in (body, b'{"error":[],"result":' + body + b"}", b'{"result":{"XXBTZUSD":' + body + b"}}"):
        try:
            VENUE.endpoints[op].read(whole, ASKED[op], CTX)
        except (Nonsense, msgspec.DecodeError):
            continue
