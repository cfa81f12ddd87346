"""Orders in the venue's words: sizes, sides, fences, batches, and what it cannot do."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import DecodeError

from fairlead.errors import Misuse
from fairlead.model.orders import OrderType, Receipt, Tif
from fairlead.venues.okx import trade
from fairlead.venues.okx.venue import VENUE
from fairlead.wire.asks import Op
from fairlead.wire.endpoint import Ctx, Effect, Mode
from fairlead.wire.faults import Fate, Fault, Kind
from fairlead.wire.limits import Charge
from fairlead.wire.orders import AskAmend, AskCancel, AskCancelMany, AskPlace, AskPlaceMany
from fairlead.wire.shapes import Nonsense
from tests.venues.okx.places import CTX, asking

BTC, SWAP = "BTC/USDT", "BTC/USDT:USDT"
HEDGED = Ctx(CTX.catalog, Mode(hedged=True, margin="cross", level="2"))


def order(symbol: str = BTC, **more: Any) -> AskPlace:
    usual = {"side": "buy", "type": OrderType.LIMIT, "client_id": "fl0001", "qty": Decimal("0.01")}
    return AskPlace(symbol=symbol, **{**usual, "price": Decimal(1000), **more})


def market(symbol: str = BTC, **more: Any) -> AskPlace:
    return order(symbol, **{"type": OrderType.MARKET, "price": None, **more})


def body(op: Op, asked: Any, ctx: Ctx = CTX) -> Any:
    return msgspec.json.decode(asking(op, asked, ctx).body)


def test_the_documents_own_order_is_asked_byte_for_byte() -> None:
    """If this failed, the signature that was checked by hand would be of another order than the one that is sent."""
    sent = asking(Op.PLACE, order()).body
    assert sent == (
        b'{"instId":"BTC-USDT","tdMode":"cash","side":"buy","ordType":"limit","px":"1000","sz":"0.01","clOrdId":"fl0001"}'
    )


@pytest.mark.parametrize("text", ["0.00000001", "1E-8", "1E+3", "100.10", "123456789012345678.12345678"])
def test_numbers_are_sent_as_plain_digits(text: str) -> None:
    """If this failed, the venue would refuse an exponent, or an order be of another size than was meant."""
    sent = body(Op.PLACE, order(qty=Decimal(text), price=Decimal(text)))
    assert sent["sz"] == sent["px"] == format(Decimal(text), "f")
    assert set(sent["sz"]) <= set("0123456789.")


@pytest.mark.parametrize(
    ("asked", "type_"),
    [
        (order(), "limit"),
        (order(post_only=True), "post_only"),
        (order(tif=Tif.IOC), "ioc"),
        (order(tif=Tif.FOK), "fok"),
        (market(), "market"),
    ],
)
def test_how_long_it_stays_is_its_type(asked: AskPlace, type_: str) -> None:
    """If this failed, an order that must not rest would rest, or a maker would take."""
    assert body(Op.PLACE, asked)["ordType"] == type_


def test_a_spot_market_order_says_its_unit_and_is_not_cut() -> None:
    """If this failed, a buy of 0.01 BTC would be a buy for 0.01 USDT, or be cut to the balance in silence."""
    for asked, unit, size in (
        (market(), "base_ccy", "0.01"),
        (market(qty=None, quote_qty=Decimal("250.5")), "quote_ccy", "250.5"),
        (market(side="sell", qty=None, quote_qty=Decimal(7)), "quote_ccy", "7"),
    ):
        sent = body(Op.PLACE, asked)
        assert (sent["tgtCcy"], sent["banAmend"], sent["sz"]) == (unit, True, size)
    assert not {"tgtCcy", "banAmend"} & body(Op.PLACE, order()).keys()
    assert not {"tgtCcy", "banAmend"} & body(Op.PLACE, market(SWAP)).keys()


@pytest.mark.parametrize(
    ("level", "symbol", "margin", "mode"),
    [
        ("", BTC, "", "cash"), ("1", BTC, "", "cash"), ("2", BTC, "", "cash"), ("3", BTC, "", "cross"),
        ("4", BTC, "", "cross"), ("", SWAP, "", "cross"), ("2", SWAP, "", "cross"), ("2", SWAP, "isolated", "isolated"),
    ],
)  # fmt: skip
def test_the_trade_mode_follows_the_account(level: str, symbol: str, margin: str, mode: str) -> None:
    """If this failed, every order of a margin account would be refused, or lie on margin where cash was meant."""
    ctx = Ctx(CTX.catalog, Mode(level=level))
    assert body(Op.PLACE, order(symbol, margin=margin), ctx)["tdMode"] == mode


def test_two_sided_positions_name_their_side_and_need_no_flag() -> None:
    """If this failed, an order meant to close a long would open a short."""
    for side, pos_side, reduces in (("buy", "long", False), ("sell", "long", True), ("buy", "short", True)):
        sent = body(Op.PLACE, order(SWAP, side=side, pos_side=pos_side, reduce_only=reduces), HEDGED)
        assert sent["posSide"] == pos_side
        assert "reduceOnly" not in sent
    assert "posSide" not in body(Op.PLACE, order(), HEDGED)  # spot has none
    assert body(Op.PLACE, order(SWAP, reduce_only=True))["reduceOnly"] is True


@pytest.mark.parametrize(
    ("asked", "ctx", "why"),
    [
        (order(type=OrderType.STOP, trigger=Decimal(1)), CTX, "algo order"),
        (order(type=OrderType.TAKE_PROFIT_LIMIT, trigger=Decimal(1)), CTX, "algo order"),
        (order(quote_qty=Decimal(1)), CTX, "either"),
        (order(qty=None), CTX, "either"),
        (order(qty=None, quote_qty=Decimal(1)), CTX, "market orders alone"),
        (market(SWAP, qty=None, quote_qty=Decimal(1)), CTX, "market orders alone"),
        (order(price=None), CTX, "needs its price"),
        (order(post_only=True, tif=Tif.IOC), CTX, "post-only and IOC"),
        (order(reduce_only=True), CTX, "no position"),
        (order(SWAP, pos_side="long"), CTX, "one-sided"),
        (order(SWAP), HEDGED, "two sides"),
        (order(SWAP, pos_side="long", reduce_only=True), HEDGED, "opens"),
    ],
)
def test_what_the_venue_cannot_do_is_refused_before_it_is_sent(asked: AskPlace, ctx: Ctx, why: str) -> None:
    """If this failed, an order would be sent as something else than its owner meant."""
    with pytest.raises(Misuse, match=why):
        asking(Op.PLACE, asked, ctx)


def test_the_fence_stands_in_a_header_and_not_in_the_order() -> None:
    """If this failed, an order of open fate could be taken at any time later."""
    for op, asked in (
        (Op.PLACE, order(until_ms=1_764_000_005_000)),
        (Op.PLACE_MANY, AskPlaceMany((order(until_ms=1_764_000_005_000), order(client_id="fl2")))),
        (Op.AMEND, AskAmend(symbol=BTC, client_id="fl1", qty=Decimal(1), until_ms=1_764_000_005_000)),
    ):
        request = asking(op, asked)
        assert request.headers == {"expTime": "1764000005000"}
        assert b"expTime" not in request.body
    assert asking(Op.PLACE, order()).headers == {}


def test_an_amendment_says_only_what_changes() -> None:
    """If this failed, amending a price would change the size as well."""
    assert body(Op.AMEND, AskAmend(symbol=BTC, client_id="fl1", price=Decimal("5.10"), request="r1")) == {
        "instId": "BTC-USDT", "clOrdId": "fl1", "reqId": "r1", "newPx": "5.10",
    }  # fmt: skip
    for wrong in (
        AskAmend(symbol=BTC, client_id="fl1"),
        AskAmend(symbol=BTC, qty=Decimal(1)),
        AskAmend(symbol=BTC, client_id="fl1", trigger=Decimal(1)),
    ):
        with pytest.raises(Misuse):
            asking(Op.AMEND, wrong)


def test_batches_hold_twenty_and_no_more() -> None:
    """If this failed, a batch would be refused as a whole by the venue."""
    many = tuple(order(client_id=f"fl{n}") for n in range(21))
    assert len(body(Op.PLACE_MANY, AskPlaceMany(many[:20]))) == 20
    for wrong in (AskPlaceMany(many), AskPlaceMany(())):
        with pytest.raises(Misuse, match="1 to 20"):
            asking(Op.PLACE_MANY, wrong)
    with pytest.raises(Misuse):
        asking(Op.CANCEL_MANY, AskCancelMany((AskCancel(symbol=BTC),)))


def test_what_must_not_be_repeated_is_marked_so() -> None:
    """If this failed, an order whose reply was lost would be sent again, and doubled."""
    effects = {op: row.effect for op, row in VENUE.endpoints.items() if row.method == "POST"}
    assert {op for op, effect in effects.items() if effect is Effect.ONCE} == {Op.PLACE, Op.PLACE_MANY, Op.CLOSE}
    assert set(effects.values()) == {Effect.ONCE, Effect.SETS}


@pytest.mark.parametrize(
    ("op", "asked", "charges"),
    [
        (Op.PLACE, order(), {("trade/order", 1, BTC)}),
        (Op.PLACE, order(SWAP), {("trade/order", 1, SWAP), ("orders", 1, "")}),
        (Op.PLACE_MANY, AskPlaceMany((order(),)), {("trade/order", 1, BTC)}),
        (
            Op.PLACE_MANY, AskPlaceMany((order(), order(SWAP), order(SWAP))),
            {("trade/batch-orders", 1, BTC), ("trade/batch-orders", 2, SWAP), ("orders", 2, "")},
        ),
        (
            Op.AMEND, AskAmend(symbol=SWAP, client_id="a", qty=Decimal(1)),
            {("trade/amend-order", 1, SWAP), ("orders", 1, "")},
        ),
        (Op.CANCEL, AskCancel(symbol=SWAP, client_id="a"), {("trade/cancel-order", 1, SWAP)}),
        (Op.CANCEL_MANY, AskCancelMany((AskCancel(symbol=BTC, client_id="a"),)), {("trade/cancel-order", 1, BTC)}),
    ],
)  # fmt: skip
def test_orders_are_counted_as_the_venue_counts(op: Op, asked: Any, charges: set[tuple[str, int, str]]) -> None:
    """If this failed, the venue would refuse orders that we thought were within its limits."""
    budgets = {one.name: one for one in VENUE.budgets}
    found: tuple[Charge, ...] = VENUE.endpoints[op].cost(asked)
    assert {(one.budget, one.units, one.of) for one in found} == charges
    assert all(bool(one.of) is (budgets[one.budget].of == "instrument") for one in found)


def ack(client: str = "", id: str = "", code: str = "0") -> dict[str, str]:
    return {"clOrdId": client, "ordId": id, "ts": "1764000000123", "sCode": code, "sMsg": ""}


def said(*acks: dict[str, str]) -> bytes:
    return msgspec.json.encode({"code": "0", "msg": "", "data": acks})


TWO = AskPlaceMany((order(client_id="a"), order(client_id="b")))


@pytest.mark.parametrize(
    ("acks", "found"),
    [
        ((ack("a", "1"), ack("b", "2")), ("1", "2")),
        ((ack("b", "2"), ack("a", "1")), ("1", "2")),  # by name, whatever the order
        ((ack("", "1"), ack("", "2")), ("1", "2")),  # without names, by place
        ((ack("b", "2"),), (None, "2")),
        ((ack("", "2"),), (None, None)),  # whose is it?
        ((), (None, None)),
        ((ack("a", "1"), ack("z", "9")), ("1", None)),
        ((ack("a", "1"), ack("b", "", "51149")), ("1", None)),
    ],
)
def test_each_order_of_a_batch_has_its_own_outcome(acks: Any, found: tuple[str | None, ...]) -> None:
    """If this failed, one order's acceptance would be booked on another, or a missing one be taken for refused."""
    outcomes = VENUE.endpoints[Op.PLACE_MANY].read(said(*acks), TWO, CTX)
    assert len(outcomes) == 2
    for outcome, id in zip(outcomes, found, strict=True):
        if id is None:
            assert isinstance(outcome, Fault)
            assert (outcome.kind, outcome.fate) == (Kind.SERVER, Fate.UNKNOWN)
        else:
            assert isinstance(outcome, Receipt)
            assert outcome.order_id == id


@pytest.mark.parametrize(
    ("op", "asked", "acks"),
    [
        (Op.PLACE, order(), (ack("fl0002", "1"),)),
        (Op.PLACE, order(), ()),
        (Op.CANCEL, AskCancel(symbol=BTC, order_id="7"), (ack("", "8"),)),
        (Op.CANCEL, AskCancel(symbol=BTC, client_id="a"), (ack("b", "8"),)),
        (Op.AMEND, AskAmend(symbol=BTC, order_id="7", qty=Decimal(1)), (ack("", "8"),)),
    ],
)
def test_a_reply_about_another_order_answers_nothing(op: Op, asked: Any, acks: Any) -> None:
    """If this failed, crossed replies would book one order's id on another."""
    with pytest.raises(Nonsense):
        VENUE.endpoints[op].read(said(*acks), asked, CTX)


ASKED: dict[Op, Any] = {
    Op.PLACE: order(),
    Op.PLACE_MANY: TWO,
    Op.AMEND: AskAmend(symbol=BTC, client_id="a", qty=Decimal(1)),
    Op.CANCEL: AskCancel(symbol=BTC, client_id="a"),
    Op.CANCEL_MANY: AskCancelMany((AskCancel(symbol=BTC, client_id="a"),)),
}


@given(st.sampled_from(list(ASKED)), st.binary(max_size=300))
def test_no_bytes_break_a_reader(op: Op, raw: bytes) -> None:
    """If this failed, a truncated reply to an order would stop the bot instead of leaving the order in doubt."""
    assert ASKED.keys() == trade.ENDPOINTS.keys()
    try:
        VENUE.endpoints[op].read(raw, ASKED[op], CTX)
    except (Nonsense, DecodeError):
        return


@given(st.sampled_from(list(ASKED)), st.recursive(
    st.none() | st.text(max_size=5) | st.integers() | st.sampled_from(["0", "1", "a", "51008"]),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(
        st.sampled_from(["code", "data", "sCode", "sMsg", "ordId", "clOrdId", "ts", "msg"]), each, max_size=5
    ),
    max_leaves=12,
))  # fmt: skip
def test_no_json_breaks_a_reader(op: Op, value: Any) -> None:
    """If this failed, a reply of another shape would stop the bot instead of leaving the order in doubt."""
    try:
        VENUE.endpoints[op].read(msgspec.json.encode(value), ASKED[op], CTX)
    except (Nonsense, DecodeError):
        return


def test_by_socket_an_instrument_goes_by_its_number() -> None:
    """If this failed, every order by socket would be refused for want of its instIdCode."""
    found = trade.by_socket(Op.PLACE, order(SWAP, until_ms=17), CTX)
    assert found["expTime"] == "17"
    [arg] = found["args"]
    assert arg["instIdCode"] == int(CTX.catalog.theirs(SWAP).names["code"])
    assert "instId" not in arg
    assert "expTime" not in arg
