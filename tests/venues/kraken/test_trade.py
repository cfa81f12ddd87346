"""What is asked of orders: heard as it was asked, refused before it is sent where the venue could not do it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from fairlead.errors import Misuse
from fairlead.model.orders import OrderType, Receipt, Tif
from fairlead.venues.kraken.account import account
from fairlead.venues.kraken.mirror import MIRROR
from fairlead.venues.kraken.venue import VENUE
from fairlead.wire.asks import AskNothing, AskSymbol, Op
from fairlead.wire.endpoint import Effect, build
from fairlead.wire.faults import Fate, Fault, Kind
from fairlead.wire.limits import Charge
from fairlead.wire.mirror import Heard
from fairlead.wire.orders import (
    AskAmend,
    AskCancel,
    AskCancelAll,
    AskCancelMany,
    AskDeadMan,
    AskFills,
    AskOpenOrders,
    AskOrder,
    AskOrders,
    AskPlace,
    AskPlaceMany,
)
from fairlead.wire.signing import Stamp
from tests.venues.kraken.places import AT, CTX, Key, ring

ID, OTHER = "OUF4EM-FRGI2-MQMWZD", "OUF4EM-FRGI2-MQMWZE"
UNTIL_MS = AT.venue_ms + 5_000
LIMIT = AskPlace(
    symbol="BTC/USD", side="buy", type=OrderType.LIMIT, client_id="fl0000000001", qty=Decimal("0.01"),
    price=Decimal("50000.0"), until_ms=UNTIL_MS,
)  # fmt: skip


def place(**changes: Any) -> AskPlace:
    return msgspec.structs.replace(LIMIT, **changes)


MARKET = place(type=OrderType.MARKET, price=None)
STOP = place(type=OrderType.STOP, side="sell", price=None, trigger=Decimal("48000.0"))
ORDERS = [
    LIMIT,
    place(post_only=True),
    place(tif=Tif.IOC, until_ms=0),
    place(tif=Tif.FOK),
    place(qty=Decimal("1E-8")),
    place(symbol="DOGE/USDT", price=Decimal("0.1234567"), qty=Decimal("123456789012345.12345678")),
    MARKET,
    msgspec.structs.replace(MARKET, qty=None, quote_qty=Decimal("250.5")),
    STOP,
    msgspec.structs.replace(STOP, type=OrderType.STOP_LIMIT, price=Decimal("47900.5")),
    msgspec.structs.replace(STOP, type=OrderType.TAKE_PROFIT),
    msgspec.structs.replace(STOP, type=OrderType.TAKE_PROFIT_LIMIT, price=Decimal(48100), tif=Tif.IOC),
]
CANCEL, BY_NAME = AskCancel(symbol="", order_id=ID), AskCancel(symbol="", client_id="fl0000000001")
NS = 1_767_225_600_000_000_000
QUESTIONS: list[tuple[Op, Any]] = [
    *[(Op.PLACE, one) for one in ORDERS],
    (Op.PLACE_MANY, AskPlaceMany((LIMIT, place(side="sell", client_id="fl0000000002", post_only=True)))),
    (Op.AMEND, AskAmend(symbol="", order_id=ID, qty=Decimal("0.02"), price=Decimal("50001.5"), until_ms=UNTIL_MS)),
    (Op.AMEND, AskAmend(symbol="", client_id="fl0000000001", trigger=Decimal("47000.5"))),
    (Op.CANCEL, CANCEL),
    (Op.CANCEL, BY_NAME),
    (Op.CANCEL_MANY, AskCancelMany((CANCEL, AskCancel(symbol="", order_id=OTHER), BY_NAME))),
    (Op.CANCEL_ALL, AskCancelAll()),
    (Op.ORDER, AskOrder(symbol="", order_id=ID)),
    (Op.OPEN_ORDERS, AskOpenOrders()),
    (Op.OPEN_ORDERS, AskOpenOrders(client_id="fl0000000001")),
    (Op.ORDERS, AskOrders(symbol="", client_id="fl0000000001", start_ns=NS + 1, end_ns=NS + 1)),
    (Op.FILLS, AskFills(symbol="", start_ns=NS + 1)),
    (Op.FEES, AskSymbol("ETH/BTC")),
    (Op.TOKEN, AskNothing()),
    (Op.DEAD_MAN, AskDeadMan(60_000)),
    (Op.DEAD_MAN, AskDeadMan(0)),
]


@pytest.mark.parametrize(("op", "asked"), QUESTIONS)
def test_what_is_asked_is_heard_as_it_was(op: Op, asked: Any) -> None:
    """If this failed, the simulator would place, change or cancel another order than it was asked to."""
    request = VENUE.sign(build(VENUE.endpoints[op], asked, CTX, VENUE.encode), Key(), AT)
    heard = MIRROR.hear(request, CTX)
    assert isinstance(heard, Heard), heard
    assert (heard.op, heard.asked, heard.key_id) == (op, asked, Key.key_id)
    assert MIRROR.proof(request, ring(), AT) is None


@pytest.mark.parametrize(
    "asked",
    [
        place(quote_qty=Decimal(1)),
        place(qty=None),
        place(qty=None, quote_qty=Decimal(1)),
        msgspec.structs.replace(MARKET, side="sell", qty=None, quote_qty=Decimal(1)),
        place(price=None),
        msgspec.structs.replace(MARKET, price=Decimal(1)),
        place(trigger=Decimal(1)),
        msgspec.structs.replace(STOP, trigger=None),
        place(post_only=True, tif=Tif.IOC),
        msgspec.structs.replace(MARKET, post_only=True),
        msgspec.structs.replace(STOP, type=OrderType.STOP_LIMIT, price=Decimal(1), tif=Tif.FOK),
        msgspec.structs.replace(MARKET, tif=Tif.IOC),
        place(reduce_only=True),
        place(margin="cross"),
        place(pos_side="long"),
    ],
)
def test_an_order_that_the_venue_would_refuse_or_bend_is_not_sent(asked: AskPlace) -> None:
    """If this failed, an order could be sent whose outcome is another than was meant, or a refusal be paid for."""
    with pytest.raises(Misuse) as wrong:
        build(VENUE.endpoints[Op.PLACE], asked, CTX, VENUE.encode)
    assert wrong.value.next


@pytest.mark.parametrize(
    ("op", "asked"),
    [
        (Op.PLACE_MANY, AskPlaceMany((LIMIT,))),
        (Op.PLACE_MANY, AskPlaceMany((LIMIT,) * 16)),
        (Op.PLACE_MANY, AskPlaceMany((LIMIT, place(symbol="ETH/BTC")))),
        (Op.PLACE_MANY, AskPlaceMany((LIMIT, place(until_ms=0)))),
        (Op.CANCEL_MANY, AskCancelMany(())),
        (Op.CANCEL_MANY, AskCancelMany((CANCEL,) * 51)),
        (Op.CANCEL, AskCancel(symbol="BTC/USD")),
        (Op.CANCEL_ALL, AskCancelAll("BTC/USD")),
        (Op.ORDER, AskOrder(symbol="BTC/USD", client_id="fl0000000001")),
        (Op.DEAD_MAN, AskDeadMan(999)),
        (Op.DEAD_MAN, AskDeadMan(86_400_000)),
    ],
)
def test_what_cannot_be_asked_says_what_to_do_instead(op: Op, asked: Any) -> None:
    """If this failed, a caller would learn from the venue, too late, that it does not do this."""
    with pytest.raises(Misuse) as wrong:
        build(VENUE.endpoints[op], asked, CTX, VENUE.encode)
    assert wrong.value.next


def test_only_placing_may_not_be_repeated() -> None:
    """If this failed, an order could be placed twice, or a cancellation not be tried again."""
    effects = {op: row.effect for op, row in VENUE.endpoints.items()}
    once = {op for op, effect in effects.items() if effect is Effect.ONCE}
    sets = {op for op, effect in effects.items() if effect is Effect.SETS}
    assert once == {Op.PLACE, Op.PLACE_MANY}
    assert sets == {Op.AMEND, Op.CANCEL, Op.CANCEL_MANY, Op.CANCEL_ALL, Op.DEAD_MAN}


def test_the_engines_counter_is_charged_by_pair_and_the_counter_of_calls_by_call() -> None:
    """If this failed, orders would be refused for their number, or wait although there is room."""

    def cost(op: Op, asked: Any) -> tuple[Charge, ...]:
        return VENUE.endpoints[op].cost(asked)

    assert cost(Op.PLACE, LIMIT) == (Charge("engine", 1, "BTC/USD"),)
    assert cost(Op.PLACE_MANY, AskPlaceMany((LIMIT,) * 3)) == (Charge("calls"), Charge("engine", 2, "BTC/USD"))
    assert cost(Op.CANCEL, CANCEL) == ()
    assert cost(Op.CANCEL_ALL, AskCancelAll()) == (Charge("calls"),)
    fills = AskFills(symbol="")
    assert [account(units)[Op.FILLS].cost(fills) for units in (2, 4)] == [(Charge("calls", 2),), (Charge("calls", 4),)]
    assert cost(Op.FILLS, fills) == (Charge("calls", 4),)


@pytest.mark.parametrize("tells", ["", ',"cl_ord_id":"fl0000000001"'])
def test_an_order_is_placed_whether_its_name_is_told_back_or_not(tells: str) -> None:
    """If this failed, an accepted order would be taken for unknown, since the documents do not say what is told."""
    body = f'{{"error":[],"result":{{"descr":{{"order":""}},"txid":["{ID}"]{tells}}}}}'.encode()
    assert VENUE.endpoints[Op.PLACE].read(body, LIMIT, CTX) == Receipt(order_id=ID, client_id="fl0000000001")


@pytest.mark.parametrize(
    "result",
    ['{"txid":[]}', f'{{"txid":["{ID}","{OTHER}"]}}', f'{{"txid":["{ID}"],"cl_ord_id":"fl2"}}', "{}", "[]", "null"],
)
def test_an_answer_that_is_not_clearly_about_this_order_is_none(result: str) -> None:
    """If this failed, another order's id would be taken for this one's."""
    with pytest.raises((ValueError, msgspec.DecodeError)):
        VENUE.endpoints[Op.PLACE].read(f'{{"error":[],"result":{result}}}'.encode(), LIMIT, CTX)


def test_a_batch_tells_of_each_and_doubts_what_is_left_out() -> None:
    """If this failed, an order of a batch could be thought refused that was placed, or the other way."""
    asked = AskPlaceMany((LIMIT, place(client_id="b"), place(client_id="c"), place(client_id="d")))
    rows = f'{{"txid":"{ID}","descr":{{}}}},{{"error":"EOrder:Insufficient funds"}},{{"descr":{{}}}}'
    body = f'{{"error":[],"result":{{"orders":[{rows}]}}}}'.encode()
    told = VENUE.endpoints[Op.PLACE_MANY].read(body, asked, CTX)
    kinds = [(one.kind, one.fate) if isinstance(one, Fault) else one.order_id for one in told]
    doubt = (Kind.SERVER, Fate.UNKNOWN)
    assert kinds == [ID, (Kind.FUNDS, Fate.REFUSED), doubt, doubt]


@pytest.mark.parametrize(
    ("ahead_ms", "said"),
    [(-1, "EService:Deadline elapsed"), (1_999, "EGeneral:Invalid arguments:deadline"), (2_000, ""), (60_000, ""),
     (60_001, "EGeneral:Invalid arguments:deadline")],
)  # fmt: skip
def test_a_deadline_out_of_range_is_refused(ahead_ms: int, said: str) -> None:
    """If this failed, a fence that the venue does not take would seem to hold."""
    asked = place(until_ms=AT.venue_ms + ahead_ms)
    request = VENUE.sign(build(VENUE.endpoints[Op.PLACE], asked, CTX, VENUE.encode), Key(), Stamp(nonce=3))
    found = MIRROR.proof(request, ring(), AT)
    assert (found.said if found else "") == said
