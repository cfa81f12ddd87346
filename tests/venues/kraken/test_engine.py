"""The simulated venue's REST about orders: it refuses in the venue's words, and its answers read back as they were."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.model.account import DeadMan, Fees
from fairlead.model.orders import Fill, OrderReport, OrderType, Receipt, Status, Tif
from fairlead.venues.kraken.engine import LISTEN
from fairlead.venues.kraken.faults import Texts
from fairlead.venues.kraken.mirror import MIRROR, mirror
from fairlead.venues.kraken.replies import Manners, named
from fairlead.venues.kraken.venue import VENUE
from fairlead.wire.asks import AskNothing, AskSymbol, Op
from fairlead.wire.endpoint import build
from fairlead.wire.faults import Fate, Fault, Kind
from fairlead.wire.http import Request
from fairlead.wire.mirror import FAILED, Heard, Mirror
from fairlead.wire.orders import AskAmend, AskCancel, AskDeadMan, AskFills, AskOpenOrders, AskOrder, AskOrders
from tests.venues.kraken.places import AT, CTX
from tests.venues.kraken.test_trade import ID, LIMIT, OTHER, QUESTIONS, STOP

NS = 1_767_225_600_000_000_000


def heard(op: Op, asked: Any) -> Heard:
    found = MIRROR.hear(build(VENUE.endpoints[op], asked, CTX, VENUE.encode), CTX)
    assert isinstance(found, Heard), found
    return found


def back(op: Op, asked: Any, answer: Any, by: Mirror = MIRROR) -> Any:
    """What the adapter makes of the simulator's answer."""
    reply = by.say(heard(op, asked), answer, CTX, AT)
    return VENUE.fault(reply, op) or VENUE.endpoints[op].read(reply.body, asked, CTX)


def report(**changes: Any) -> OrderReport:
    plain = OrderReport(
        venue="kraken", symbol="BTC/USD", order_id=ID, status=Status.OPEN, client_id="fl0000000001", venue_ns=NS,
        created_ns=NS, side="buy", type=OrderType.LIMIT, tif=Tif.GTC, qty=Decimal("0.5"), price=Decimal("50000.0"),
        filled=Decimal(0), cost=Decimal(0), post_only=False,
    )  # fmt: skip
    return msgspec.structs.replace(plain, **changes)


DONE = {"filled": Decimal("0.25"), "cost": Decimal(12500), "average": Decimal(50000)}
REPORTS = [
    report(),
    report(post_only=True, tif=Tif.IOC),
    report(status=Status.PARTIAL, venue_ns=0, **DONE),
    report(status=Status.FILLED, **DONE),
    report(status=Status.CANCELLED, reason="User requested"),
    report(status=Status.EXPIRED, tif=Tif.FOK, **DONE),
    report(status=Status.PENDING, type=OrderType.STOP_LIMIT, trigger=Decimal("49000.5"), symbol="ETH/BTC",
           price=Decimal("0.03295"), client_id=""),
    report(type=OrderType.TAKE_PROFIT, price=None, trigger=Decimal("51000.5")),
    report(type=OrderType.MARKET, price=None, qty=None, quote_qty=Decimal("250.5"), status=Status.FILLED,
           filled=None, cost=Decimal("250.5"), average=Decimal(50000)),
]  # fmt: skip


def by_value(told: OrderReport) -> Any:
    """Numbers as such: zeros at their end are the venue's."""
    return msgspec.structs.asdict(told)


@pytest.mark.parametrize("told", REPORTS)
def test_a_report_reads_back_as_it_was(told: OrderReport) -> None:
    """If this failed, an order would look different through the wire: its state, its quantity or its price."""
    assert by_value(back(Op.ORDER, AskOrder(symbol="", order_id=ID), told)) == by_value(told)
    if not told.status.is_final:
        assert list(map(by_value, back(Op.OPEN_ORDERS, AskOpenOrders(), (told,)))) == [by_value(told)]
    else:
        assert list(map(by_value, back(Op.ORDERS, AskOrders(symbol=""), (told, report())))) == [by_value(told)]


def fill(number: int, symbol: str = "BTC/USD") -> Fill:
    return Fill(
        venue="kraken", symbol=symbol, order_id=ID, id=named("T", number), side="sell", price=Decimal("0.03295"),
        qty=Decimal("1E-8"), fee=Decimal("0.00001"), fee_asset=symbol.partition("/")[2], maker=True,
        venue_ns=NS + number * 1_000,
    )  # fmt: skip


@pytest.mark.parametrize("op", [Op.ORDERS, Op.FILLS])
def test_pages_leave_nothing_out_though_they_hold_all_markets(op: Op) -> None:
    """If this failed, a fill or an order beyond the first fifty, or behind those of other markets, would be missed."""
    row = VENUE.endpoints[op]
    rows: tuple[Any, ...] = tuple(fill(n, "ETH/BTC" if n % 3 else "BTC/USD") for n in range(120))
    asked: Any = AskFills(symbol="BTC/USD")
    if op is Op.ORDERS:
        symbols = ["ETH/BTC" if n % 3 else "BTC/USD" for n in range(120)]
        rows = tuple(report(order_id=named("O", n), symbol=symbol, status=Status.CANCELLED, created_ns=NS + n * 1_000)
                     for n, symbol in enumerate(symbols))  # fmt: skip
        asked = AskOrders(symbol="BTC/USD")
    told, pages = [], 0
    while asked is not None:
        answer = back(op, asked, rows)
        told += [one.id if op is Op.FILLS else one.order_id for one in answer]
        assert row.after is not None
        asked, pages = row.after(asked, answer), pages + 1
    letter = "T" if op is Op.FILLS else "O"
    assert told == [named(letter, n) for n in range(117, -1, -3)]
    assert pages == 3


@pytest.mark.parametrize(
    ("op", "asked", "answer"),
    [
        (Op.FILLS, AskFills(symbol=""), (fill(2), fill(1, "ETH/BTC"))),
        (Op.FEES, AskSymbol("ETH/BTC"), Fees(symbol="ETH/BTC", maker=Decimal("0.0014"), taker=Decimal("0.0024"))),
        (Op.TOKEN, AskNothing(), "token"),
        (Op.DEAD_MAN, AskDeadMan(60_000), DeadMan(fires_ms=AT.venue_ms + 60_000)),
        (Op.DEAD_MAN, AskDeadMan(0), DeadMan(fires_ms=0)),
        (Op.PLACE, LIMIT, Receipt(order_id=ID, client_id="fl0000000001")),
        (Op.CANCEL, AskCancel(symbol="", order_id=ID), Receipt(order_id=ID)),
        (Op.AMEND, AskAmend(symbol="", order_id=ID, qty=Decimal(1)), Receipt(order_id=ID)),
    ],
)
@pytest.mark.parametrize(
    "manners",
    [
        Manners(),
        Manners(tells_client_id=True, timer_off=None, spells_fees="min_fee max_fee next_fee next_volume tiers"),
    ],
)
def test_an_answer_reads_back_however_the_venue_puts_it(op: Op, asked: Any, answer: Any, manners: Manners) -> None:
    """If this failed, the adapter would be right with one of the two ways in which the documents can be read."""
    assert back(op, asked, answer, mirror(manners)) == answer


# Kind and word of the engine, and as what it comes back: the venue tells less apart than its engine.
REFUSED = [
    (Fault(Kind.FUNDS), Kind.FUNDS), (Fault(Kind.DUPLICATE), Kind.DUPLICATE), (Fault(Kind.POST_ONLY), Kind.POST_ONLY),
    (Fault(Kind.SYMBOL), Kind.SYMBOL), (Fault(Kind.PERMISSION), Kind.PERMISSION),
    (Fault(Kind.NOT_FOUND), Kind.NOT_FOUND), (Fault(Kind.MARKET_STATE), Kind.MARKET_STATE),
    *[(Fault(Kind.INVALID, said=word), Kind.INVALID)
      for word in ("tick", "lot", "min qty", "max qty", "min notional", "price band", "trigger", "no change",
                   "amend up", "filled")],
    (Fault(Kind.CLOCK, said="deadline"), Kind.SERVER), (Fault(Kind.RISK, said="no position"), Kind.RISK),
    (Fault(Kind.RISK, said="grows"), Kind.RISK), (Fault(Kind.MARKET_STATE, said="liquidity"), Kind.UNKNOWN_CODE),
    (Fault(Kind.LIMIT, said="orders"), Kind.RISK), (Fault(Kind.NOT_FOUND, said="gone"), Kind.NOT_FOUND),
    (Fault(Kind.SERVER, Fate.UNKNOWN), Kind.SERVER), (Fault(Kind.RISK, said="leverage"), Kind.RISK),
    (Fault(Kind.ACCOUNT, said="busy"), Kind.ACCOUNT), (Fault(Kind.ACCOUNT, said="mode"), Kind.ACCOUNT),
]  # fmt: skip


def test_every_refusal_of_the_engine_is_known_here() -> None:
    """If this failed, a new refusal of the simulator would go out in words that no venue has."""
    assert {fault.said for fault, _ in REFUSED} - {""} == set(FAILED)


@pytest.mark.parametrize(("fault", "kind"), REFUSED)
def test_a_refusal_comes_back_as_its_kind(fault: Fault, kind: Kind) -> None:
    """If this failed, the adapter would take one refusal for another, or a doubt for a refusal."""
    found = back(Op.PLACE, LIMIT, fault)
    assert isinstance(found, Fault)
    assert found.kind is kind
    assert found.said not in ("", fault.said)
    is_doubtful = fault.fate is Fate.UNKNOWN or fault.said in ("deadline", "liquidity")
    assert (found.fate is Fate.UNKNOWN) is is_doubtful


@pytest.mark.parametrize("text", ["EService:Busy", "EService:Unavailable", "EGeneral:Internal error:17"])
def test_whatever_the_venue_calls_not_knowing_stays_unknown(text: str) -> None:
    """If this failed, an order that may live would be thought refused."""
    found = back(Op.PLACE, LIMIT, Fault(Kind.SERVER, Fate.UNKNOWN), mirror(Manners(texts=Texts(unsure=text))))
    assert (found.fate, found.said) == (Fate.UNKNOWN, text)


@pytest.mark.parametrize("words", [" not unique", " already in use", ":duplicate"])
def test_an_id_in_use_is_known_however_it_is_put(words: str) -> None:
    """If this failed, an order that exists would be taken for one that was never accepted."""
    told = Manners(texts=Texts(duplicate=f"EGeneral:Invalid arguments:cl_ord_id{words}"))
    assert back(Op.PLACE, LIMIT, Fault(Kind.DUPLICATE), mirror(told)).kind is Kind.DUPLICATE


@pytest.mark.parametrize("leaves_out", [True, False])
def test_an_order_that_is_not_there_is_not_found_either_way(leaves_out: bool) -> None:
    """If this failed, absence would be an error of ours, and never count as evidence."""
    asked = AskOrder(symbol="", order_id=ID)
    assert back(Op.ORDER, asked, Fault(Kind.NOT_FOUND), mirror(Manners(leaves_out=leaves_out))).kind is Kind.NOT_FOUND


def post(path: str, body: str) -> Request:
    return Request("POST", "rest", f"/0/private/{path}", headers={"Content-Type": "application/x-www-form-urlencoded"},
                   body=f"nonce=1&{body}".encode())  # fmt: skip


GOOD = "pair=XBTUSD&type=buy&ordertype=limit&volume=1&price=50000"
ARGUMENTS = "EGeneral:Invalid arguments"


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("AddOrder", GOOD.replace("XBTUSD", "NOPE"), "EQuery:Unknown asset pair"),
        ("AddOrder", GOOD.replace("pair=XBTUSD&", ""), ARGUMENTS),
        ("AddOrder", GOOD.replace("buy", "hold"), f"{ARGUMENTS}:type"),
        ("AddOrder", GOOD.replace("limit", "guess"), f"{ARGUMENTS}:ordertype"),
        ("AddOrder", GOOD.replace("volume=1", "volume=-1"), f"{ARGUMENTS}:volume"),
        ("AddOrder", GOOD.replace("volume=1&", ""), f"{ARGUMENTS}:volume"),
        ("AddOrder", GOOD.replace("50000", "NaN"), f"{ARGUMENTS}:price"),
        ("AddOrder", GOOD.replace("&price=50000", ""), f"{ARGUMENTS}:price"),
        ("AddOrder", GOOD.replace("limit", "stop-loss-limit"), f"{ARGUMENTS}:price2"),
        ("AddOrder", f"{GOOD}&timeinforce=GTX", f"{ARGUMENTS}:timeinforce"),
        ("AddOrder", f"{GOOD}&timeinforce=IOC&oflags=post", f"{ARGUMENTS}:oflags"),
        ("AddOrder", f"{GOOD}&oflags=nothing", f"{ARGUMENTS}:oflags"),
        ("AddOrder", f"{GOOD}&oflags=viqc", f"{ARGUMENTS}:viqc"),
        ("AddOrder", f"{GOOD}&deadline=soon", f"{ARGUMENTS}:deadline"),
        ("AddOrder", f"{GOOD}&cl_ord_id=ABC", f"{ARGUMENTS}:cl_ord_id"),
        ("AddOrder", f"{GOOD}&cl_ord_id={'a' * 19}", f"{ARGUMENTS}:cl_ord_id"),
        ("AddOrder", f"{GOOD}&cl_ord_id=a&userref=1", f"{ARGUMENTS}:cl_ord_id"),
        ("AddOrder", f"{GOOD}&leverage=5:1", f"{ARGUMENTS}:leverage"),
        ("AddOrder", f"{GOOD}&validate=true", f"{ARGUMENTS}:validate"),
        ("AddOrderBatch", "pair=XBTUSD&orders=1", f"{ARGUMENTS}:orders"),
        ("AmendOrder", f"txid={ID}", ARGUMENTS),
        ("AmendOrder", f"txid={ID}&cl_ord_id=a&order_qty=1", ARGUMENTS),
        ("CancelOrder", "", ARGUMENTS),
        ("CancelOrder", "txid=17", "EOrder:Invalid order"),
        ("CancelOrderBatch", "", f"{ARGUMENTS}:orders"),
        ("QueryOrders", "cl_ord_id=a", ARGUMENTS),
        ("ClosedOrders", "start=yesterday", f"{ARGUMENTS}:start"),
        ("TradesHistory", "ofs=-1", f"{ARGUMENTS}:ofs"),
        ("TradeVolume", "pair=NOPE", "EQuery:Unknown asset pair"),
        ("CancelAllOrdersAfter", "timeout=86400", f"{ARGUMENTS}:timeout"),
        ("CancelAllOrdersAfter", "", f"{ARGUMENTS}:timeout"),
    ],
)
def test_a_wrong_question_is_refused_in_the_venues_words(path: str, body: str, said: str) -> None:
    """If this failed, a mistake in an order would work in the simulator and fail at the venue."""
    found = MIRROR.hear(post(path, body), CTX)
    assert isinstance(found, Fault)
    assert json.loads(MIRROR.refuse(found).body) == {"error": [said]}


def test_an_id_that_was_never_issued_is_told_from_one_that_has_ended() -> None:
    """If this failed, a cancellation of nothing would look like one that came too late."""
    asked = AskCancel(symbol="", order_id=OTHER)
    said = [back(Op.CANCEL, asked, fault) for fault in (Fault(Kind.NOT_FOUND), Fault(Kind.NOT_FOUND, said="gone"))]
    assert [one.said for one in said] == ["EOrder:Invalid order", "EOrder:Unknown order"]
    assert {one.kind for one in said} == {Kind.NOT_FOUND}


@given(st.integers(0, 2**60), st.integers(0, 2**60))
def test_names_of_orders_have_the_venues_form_and_are_never_given_twice(one: int, other: int) -> None:
    """If this failed, two orders of the simulator could be taken for one."""
    names = [MIRROR.order_name(number) for number in (one, other)]
    assert (names[0] == names[1]) is (one == other)
    for name in names:
        assert isinstance(MIRROR.hear(post("CancelOrder", f"txid={name}"), CTX), Heard)


@given(st.sampled_from(sorted(LISTEN)), st.text(max_size=60), st.booleans())
def test_any_body_is_heard_or_refused(path: str, text: str, is_json: bool) -> None:
    """If this failed, a client's nonsense would end the simulator."""
    kind = "application/json" if is_json else "application/x-www-form-urlencoded"
    for body in (text, f'{{"orders":{json.dumps(text)},"txid":[{json.dumps(text)}]}}'):
        found = MIRROR.hear(Request("POST", "rest", path, headers={"Content-Type": kind}, body=body.encode()), CTX)
        assert isinstance(found, Heard | Fault)


BODIES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from([ID, "XBTUSD", "open", "1.5"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["open", "closed", "trades", "orders", "count", "txid", "descr", "pair", "status", "vol", "vol_exec", "cost",
         "price", "price2", "ordertype", "type", "opentm", "fees", "fee", "token", "triggerTime", "error", ID]), inner),
    max_leaves=25,
)  # fmt: skip


@given(st.sampled_from(QUESTIONS), BODIES | st.binary(max_size=60))
def test_any_reply_is_read_or_is_nonsense(question: tuple[Op, Any], body: Any) -> None:
    """If this failed, half a reply would break the program instead of leaving the order unknown."""
    op, asked = question
    text = body if isinstance(body, bytes) else json.dumps({"error": [], "result": body}).encode()
    try:
        VENUE.endpoints[op].read(text, asked, CTX)
    except (ValueError, msgspec.DecodeError):
        return


def test_a_stop_is_asked_by_its_trigger() -> None:
    """If this failed, a stop's trigger and limit could change places."""
    assert heard(Op.PLACE, STOP).asked.trigger == Decimal(48000)
