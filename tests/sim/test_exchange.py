"""The simulated venues' engine: what is taken, refused, filled, cancelled and remembered, and where venues differ."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from fairlead.model.orders import OrderType, Receipt, Status, Tif
from fairlead.sim import records
from fairlead.sim.exchange import Twist
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.orders import AskAmend, AskCancel, AskCancelAll, AskFills, AskOpenOrders, AskOrder, AskOrders
from tests.sim.bourse import SPOT, Bourse

D = Decimal


def test_an_order_rests_is_filled_in_parts_and_pays_its_fees() -> None:
    """If this failed, what a client learns of its order would not be what happened."""
    here = Bourse()
    taken = here.place(client_id="a")
    assert taken.report is not None
    assert (taken.order_id, taken.client_id, taken.report.status, taken.fills) == ("1001", "a", Status.OPEN, ())
    assert (here.free("USDT"), here.total("USDT")) == ("249900", "250000")
    here.trade("sell", "100", "1.25")  # one is ahead of it
    here.trade("sell", "99.5", "3")
    assert here.events() == ["accepted open 0", "filled partial 0.25", "filled filled 1"]
    assert (here.free("USDT"), here.total("USDT"), here.total("BTC")) == ("249900", "249900", "3.4992")
    fills = here.exchange.truth.fills("1001")
    assert [(fill.id, fill.price, fill.qty, fill.fee, fill.maker) for fill in fills] == [
        ("T1", D(100), D("0.25"), D("0.0002"), True), ("T2", D(100), D("0.75"), D("0.0006"), True),
    ]  # fmt: skip
    assert here.account.open == {}


def test_a_taker_gets_the_levels_it_reaches_and_the_rest_of_it_rests() -> None:
    """If this failed, the reply to an order that trades at once would lack its fills."""
    here = Bourse()
    taken = here.place("buy", "2", "101.5")
    assert taken.report is not None
    assert [(fill.price, fill.qty, fill.maker) for fill in taken.fills] == [(D(101), D(1), False)]
    assert (taken.report.status, taken.report.filled, taken.report.average) == (Status.PARTIAL, D(1), D(101))
    assert here.free("USDT") == f"{D(250_000) - 101 - D('101.5'):f}"


@pytest.mark.parametrize(("habit", "status"), [("expired", Status.EXPIRED), ("cancelled", Status.CANCELLED)])
def test_what_may_not_rest_ends_as_the_venue_says(habit: str, status: Status) -> None:
    """If this failed, an IOC or market order would stay open, or end under another venue's word."""
    here = Bourse(rest=habit)
    ioc = here.place("buy", "2", "101", tif=Tif.IOC).report
    assert ioc is not None
    assert (ioc.status, ioc.filled, ioc.reason) == (status, D(1), "ioc")
    market = here.place("buy", "5", None).report
    assert market is not None
    assert (market.status, market.filled, market.reason) == (status, D(3), "liquidity")
    assert here.account.purse.held("1001") == here.account.purse.held("1002") == 0


@pytest.mark.parametrize(("habit", "ends"), [("expired", "expired"), ("cancelled", "cancelled"), ("refused", "")])
def test_all_or_nothing_is_nothing_when_it_is_not_all(habit: str, ends: str) -> None:
    """If this failed, a FOK order would be filled in part."""
    here = Bourse(fok=habit)
    if ends:
        report = here.place("buy", "2", "101", tif=Tif.FOK).report
        assert report is not None
        assert (report.status, report.filled, report.reason) == (Status(ends), D(0), "fok")
    else:
        assert here.refused("buy", "2", "101", tif=Tif.FOK) == ("MARKET_STATE", "liquidity")
    whole = here.place("buy", "3", "102", tif=Tif.FOK).report
    assert whole is not None
    assert (whole.status, whole.cost) == (Status.FILLED, D(305))


def test_post_only_never_takes_whatever_the_venue_calls_that() -> None:
    """If this failed, a maker would pay a taker's fee."""
    assert Bourse().refused("buy", "1", "101", post_only=True) == ("POST_ONLY", "")
    for shown, events in ((True, ["accepted open 0", "cancelled cancelled 0"]), (False, ["cancelled cancelled 0"])):
        here = Bourse(post_only="cancelled", post_only_shown=shown)
        report = here.place("buy", "1", "101", post_only=True).report
        assert report is not None
        assert (report.status, report.reason, here.events()) == (Status.CANCELLED, "post only", events)
        assert here.free("USDT") == "250000"
    assert Bourse().place("buy", "1", "100.99", post_only=True).fills == ()


def test_an_amount_of_quote_buys_and_sells_whole_lots() -> None:
    """If this failed, a market order for an amount would overspend, or be reported with a quantity nobody asked."""
    here = Bourse()
    buy = here.place("buy", None, None, quote_qty="150").report
    assert buy is not None
    assert (buy.status, buy.qty, buy.quote_qty, buy.filled) == (Status.FILLED, None, D(150), D("1.48039"))
    assert buy.cost == D(101) + D("0.48039") * 102
    sell = here.place("sell", None, None, quote_qty="50").report
    assert sell is not None
    assert (sell.status, sell.filled, sell.cost) == (Status.FILLED, D("0.5"), D(50))


REFUSALS = [
    ({"price": "100.001"}, "INVALID", "tick"),
    ({"qty": "1.000001"}, "INVALID", "lot"),
    ({"qty": "101"}, "INVALID", "max qty"),
    ({"qty": "0.01"}, "INVALID", "min notional"),
    ({"price": "501"}, "INVALID", "price band"),
    ({"price": "19.99"}, "INVALID", "price band"),
    ({"qty": "50", "side": "sell", "price": "101"}, "FUNDS", ""),
    ({"symbol": "NO/PE"}, "SYMBOL", ""),
    ({"pos_side": "long"}, "ACCOUNT", "mode"),
    ({"reduce_only": True}, "RISK", "no position"),
    ({"type": OrderType.STOP_LIMIT, "trigger": D(99)}, "INVALID", "trigger"),
]


@pytest.mark.parametrize(("wish", "kind", "said"), REFUSALS, ids=[f"{kind}-{said}" for _, kind, said in REFUSALS])
def test_each_refusal_has_its_word_and_leaves_nothing_behind(wish: dict[str, Any], kind: str, said: str) -> None:
    """If this failed, a client would be told the wrong reason, or hold funds for an order that is not there."""
    here = Bourse()
    assert here.refused(client_id="x", **wish) == (kind, said)
    assert (here.told, here.free("USDT"), here.exchange.truth.accepted("x")) == ([], "250000", [])
    assert [row.said for row in here.exchange.truth.refused] == [said]


def test_a_market_that_does_not_trade_takes_only_what_its_status_allows() -> None:
    """If this failed, an order to a halted market would be accepted."""
    here = Bourse()
    for status, orders in {"halted": 0, "cancel-only": 0, "post-only": 1, "limit-only": 2}.items():
        here.exchange.status[SPOT] = status
        wishes: tuple[dict[str, Any], ...] = ({"post_only": True}, {}, {"price": None})
        taken = [here.exchange.place(here.account, here.ask(**wish), here.ns) for wish in wishes]
        assert sum(isinstance(one, Receipt) for one in taken) == orders, status


def test_client_ids_are_unique_among_open_orders_and_no_further() -> None:
    """If this failed, the simulator would hide the double that a blind resend makes after a fast fill."""
    here = Bourse()
    here.place(client_id="a")
    assert here.refused(client_id="a") == ("DUPLICATE", "")
    here.trade("sell", "99", "5")
    assert here.place(client_id="a").order_id == "1002"
    assert [one.order_id for one in here.exchange.truth.accepted("a")] == ["1001", "1002"]


def test_the_fence_is_looked_at_when_the_engine_takes_the_order() -> None:
    """If this failed, a request that was held up could still become an order after it was given up."""
    here = Bourse()
    now_ms = here.ns // 1_000_000
    here.place(until_ms=now_ms)
    here.wait(1)
    assert here.refused(until_ms=now_ms) == ("CLOCK", "deadline")
    late = here.exchange.place(here.account, here.ask(client_id="l", until_ms=now_ms), here.ns, Twist(is_unfenced=True))
    assert isinstance(late, Receipt)
    assert [one.is_late for one in here.exchange.truth.accepted("l")] == [True]


def test_a_cancel_frees_what_was_held_and_a_second_one_finds_nothing() -> None:
    """If this failed, a cancelled order could still be filled, or its funds stay held."""
    for habit, said in (("gone", "gone"), ("unknown", "")):
        here = Bourse(latest_cancel=habit)
        here.place(client_id="a")
        cancel = AskCancel(symbol=SPOT, client_id="a")
        done = here.exchange.cancel(here.account, cancel, here.ns)
        assert isinstance(done, Receipt)
        assert done.report is not None
        assert (done.report.status, done.report.reason, here.free("USDT")) == (Status.CANCELLED, "user", "250000")
        here.trade("sell", "90", "5")
        assert here.total("BTC") == "2.5"
        assert here.exchange.cancel(here.account, cancel, here.ns) == Fault(Kind.NOT_FOUND, said=said)
        never = AskCancel(symbol=SPOT, order_id="77")
        assert here.exchange.cancel(here.account, never, here.ns) == Fault(Kind.NOT_FOUND)


def test_cancel_all_cancels_this_market_or_all_of_them() -> None:
    """If this failed, a panic button would leave orders behind."""
    here = Bourse()
    here.show((("100", "1"),), (("101", "1"),), "BTC/USDT:USDT")
    for price in ("98", "97"):
        here.place(price=price)
    here.place(symbol="BTC/USDT:USDT", price="95")
    assert len(here.exchange.cancel_all(here.account, AskCancelAll(SPOT), here.ns)) == 2
    assert len(here.exchange.cancel_all(here.account, AskCancelAll(), here.ns)) == 1
    assert (here.account.open, here.free("USDT")) == ({}, "250000")


def test_a_stop_waits_hidden_from_the_book_and_takes_when_it_wakes() -> None:
    """If this failed, a stop would be filled before its price was there."""
    here = Bourse()
    here.place("buy", "1", None, type=OrderType.STOP, trigger=D(105))
    here.place("sell", "1", "94", type=OrderType.STOP_LIMIT, trigger=D(95))
    here.trade("sell", "95.01", "9")
    here.trade("buy", "104.99", "9")
    assert here.events() == ["accepted open 0", "accepted open 0"]
    here.trade("buy", "105", "1")
    assert here.events()[2:] == ["triggered open 0", "filled filled 1"]
    here.trade("sell", "95", "1")
    assert here.events()[4:] == ["triggered open 0", "filled filled 1"]


def test_a_stop_that_cannot_be_paid_when_it_wakes_ends() -> None:
    """If this failed, an account could spend what it does not have."""
    here = Bourse()
    here.show((("100", "1"),), (("101", "1000"),))
    here.place("buy", "10", None, type=OrderType.STOP, trigger=D(105))
    here.account.purse.move("USDT", D(-249_000))
    here.trade("buy", "105", "1")
    assert here.events()[1:] == ["triggered open 0", "cancelled cancelled 0"]


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"qty": D(1)}, "no change"), ({"price": D("99.999")}, "tick"), ({"qty": D("0.25")}, "filled"),
        ({"qty": D(2)}, "amend up"),
    ],
)  # fmt: skip
def test_amendments_that_cannot_be_are_refused_and_change_nothing(wish: dict[str, Any], said: str) -> None:
    """If this failed, an order would change into one that its venue could not have."""
    here = Bourse(amend_up=False)
    here.place(client_id="a")
    here.trade("sell", "100", "1.25")
    before = here.account.open["1001"].reports[-1]
    asked = AskAmend(symbol=SPOT, client_id="a", **wish)
    assert here.exchange.amend(here.account, asked, here.ns) == Fault(Kind.INVALID, said=said)
    assert here.account.open["1001"].reports[-1] == before


def test_less_keeps_the_place_in_the_queue_and_another_price_loses_it() -> None:
    """If this failed, amending would be better or worse than venues make it."""
    here = Bourse()
    here.place(client_id="a")
    here.trade("sell", "100", "0.75")
    here.exchange.amend(here.account, AskAmend(symbol=SPOT, client_id="a", qty=D("0.5"), request="r1"), here.ns)
    assert here.free("USDT") == "249950"
    here.trade("sell", "100", "0.5")
    assert here.events()[1:] == ["amended open 0", "filled partial 0.25"]
    here.exchange.amend(here.account, AskAmend(symbol=SPOT, client_id="a", price=D(99)), here.ns)
    here.trade("sell", "99", "2")
    here.exchange.amend(here.account, AskAmend(symbol=SPOT, client_id="a", price=D(101)), here.ns)
    assert here.events()[3:] == ["amended partial 0.25", "amended partial 0.25", "filled filled 0.5"]
    requests = [event.report.request for kind, event in here.told if kind == "orders" and event.what == "amended"]
    assert requests == ["r1", "", ""]


def test_an_amendment_down_to_what_is_filled_ends_the_order_as_the_venue_says() -> None:
    """If this failed, an order would go on with nothing left."""
    for habit, status in (("filled", Status.FILLED), ("cancelled", Status.CANCELLED)):
        here = Bourse(amend_filled=habit)
        here.place(client_id="a")
        here.trade("sell", "100", "1.25")
        here.exchange.amend(here.account, AskAmend(symbol=SPOT, client_id="a", qty=D("0.2")), here.ns)
        found = here.exchange.records.order(here.account, SPOT, "a", "", here.ns)
        assert not isinstance(found, Fault)
        assert (found.status, found.filled, here.free("USDT")) == (status, D("0.25"), "249975")


def test_the_dead_mans_switch_fires_once_unless_it_is_fed() -> None:
    """If this failed, orders would outlive a client that has died, or die under one that lives."""
    here = Bourse()
    here.place()
    here.exchange.dead_man(here.account, 1_000, here.ns)
    here.wait(900)
    fires = here.exchange.dead_man(here.account, 1_000, here.ns)
    assert fires.fires_ms == here.ns // 1_000_000 + 1_000
    here.wait(999)
    assert len(here.account.open) == 1
    here.wait(1)
    assert here.account.open == {}
    ended = here.exchange.truth.end_of("1001")
    assert ended is not None
    assert ended.reason == "dead man"
    here.place()
    here.exchange.dead_man(here.account, 1_000, here.ns)
    assert here.exchange.dead_man(here.account, 0, here.ns).fires_ms == 0
    here.wait(5_000)
    assert len(here.account.open) == 1


def test_orders_are_found_by_either_name_and_only_by_their_owner() -> None:
    """If this failed, a probe would find somebody else's order, or not its own."""
    here = Bourse()
    here.place(client_id="a")
    kept, me = here.exchange.records, here.account

    def found(client_id: str = "", order_id: str = "", symbol: str = SPOT) -> str:
        report = kept.order(me, symbol, client_id, order_id, here.ns)
        return report.kind.value if isinstance(report, Fault) else report.order_id

    assert found("a") == found("", "1001") == found("a", "1001") == found("a", symbol="") == "1001"
    assert found("b") == found("b", "1001") == found("a", symbol="ETH/USDT") == "NOT_FOUND"
    stranger = type(me)("else")
    assert kept.order(stranger, SPOT, "a", "", here.ns) == Fault(Kind.NOT_FOUND)
    here.trade("sell", "99", "5")
    here.place(client_id="a")
    assert found("a") == "1002"


def test_lists_are_paged_from_either_end_and_fills_come_once() -> None:
    """If this failed, a client that pages through its history would lose or repeat a fill."""
    here = Bourse()
    for _ in range(5):
        here.wait(1)
        here.place("buy", "0.1", "101", tif=Tif.IOC)
    kept, me = here.exchange.records, here.account
    asked = AskFills(symbol=SPOT, limit=2)
    assert [one.id for one in kept.fills(me, asked, here.ns, False)] == ["T1", "T2"]
    assert [one.id for one in kept.fills(me, replace(asked, page="T3"), here.ns, False)] == ["T3", "T4"]
    assert [one.id for one in kept.fills(me, asked, here.ns, True)] == ["T4", "T5"]
    assert [one.id for one in kept.fills(me, replace(asked, page="T4"), here.ns, True)] == ["T2", "T3"]
    since = replace(asked, start_ns=here.ns - 1_000_000, limit=0)
    assert [one.id for one in kept.fills(me, since, here.ns, False)] == ["T4", "T5"]
    assert [one.id for one in kept.fills(me, AskFills(symbol=SPOT, order_id="1002"), here.ns, False)] == ["T2"]
    orders = kept.orders(me, AskOrders(symbol=SPOT, page="1003"), here.ns, True)
    assert [one.order_id for one in orders] == ["1001", "1002"]
    assert kept.open(me, AskOpenOrders(), here.ns, False) == ()


def test_the_oldest_order_that_has_ended_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, a simulator that runs for weeks would fill the memory, or lose an open order."""
    monkeypatch.setattr(records, "ORDERS_KEPT", 2)
    here = Bourse()
    here.place(client_id="open")
    for client_id in ("old", "new"):
        here.place("buy", "0.1", None, client_id=client_id)
    known = here.exchange.records
    found = {name: known.order(here.account, SPOT, name, "", here.ns) for name in ("open", "old", "new")}
    assert [isinstance(one, Fault) for one in found.values()] == [False, True, False]
    assert len(known.fills(here.account, AskFills(symbol=SPOT), here.ns, False)) == 1


def test_a_list_of_orders_holds_open_ones_where_the_venue_lists_them() -> None:
    """If this failed, a page of ended orders would be short of rows, and look like the last one."""
    for lists_open, expected in ((True, ["1001", "1002"]), (False, ["1002"])):
        here = Bourse(lists_open=lists_open)
        here.place(price="98")
        here.place("buy", "1", None)
        told = here.exchange.records.orders(here.account, AskOrders(symbol=SPOT, limit=2), here.ns, True)
        assert [one.order_id for one in told] == expected


def test_what_was_cancelled_unfilled_is_forgotten_where_the_venue_forgets() -> None:
    """If this failed, a client would take a venue's memory for longer than it is."""
    here = Bourse(forgets_ms=1_000)
    here.place(client_id="a")
    here.exchange.cancel(here.account, AskCancel(symbol=SPOT, client_id="a"), here.ns)
    asked = AskOrder(symbol=SPOT, client_id="a")
    for wait_ms, is_known in ((1_000, True), (1, False)):
        here.wait(wait_ms)
        found = here.exchange.records.order(here.account, asked.symbol, asked.client_id, "", here.ns)
        assert isinstance(found, Fault) is not is_known


def test_a_market_purchase_freezes_more_than_it_costs_where_the_venue_does() -> None:
    """If this failed, an order that a venue refuses for lack of funds would pass here."""
    poor, rich = Bourse(freeze_bps=500), Bourse(freeze_bps=500)
    poor.account.purse.move("USDT", D(-249_894))
    rich.account.purse.move("USDT", D("-249_893.95"))
    assert poor.refused("buy", "1", None) == ("FUNDS", "")
    assert rich.place("buy", "1", None).fills
