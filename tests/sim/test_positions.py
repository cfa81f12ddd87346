"""Positions and purses of the simulator: entries, gains, funding, both modes, and sums without a remainder."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fairlead.model.account import Leverage
from fairlead.model.numbers import EXACT
from fairlead.model.orders import Receipt, Tif
from fairlead.sim import settings
from fairlead.sim.positions import Held, Positions, worth
from fairlead.sim.purse import Purse
from fairlead.wire.endpoint import Mode
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.orders import AskCancelAll, AskClose, AskLeverage, AskLeverages, AskSetMode
from tests.sim.bourse import INSTRUMENTS, SPOT, SWAP, Bourse

D = Decimal
NET = (SWAP, "", "cross")


def swaps(mode: Mode = Mode(margin="cross")) -> Bourse:
    here = Bourse(mode)
    here.show((("100.0", "1000"),), (("100.1", "1000"),), SWAP)
    here.show((("100", "1000"),), (("101", "1000"),))
    return here


def test_a_position_grows_shrinks_and_turns() -> None:
    """If this failed, a client's profit would differ from its venue's."""
    here = swaps()
    here.place("buy", "10", None, symbol=SWAP)
    here.show((("110.0", "1000"),), (("110.1", "1000"),), SWAP)
    here.booths[SWAP].last_price = 1_100
    here.place("buy", "10", None, symbol=SWAP)
    [position] = here.exchange.pit.positions(here.account, "", here.ns)
    assert (position.qty, position.entry, position.unrealised) == (D(20), D("105.1"), D("-1.02"))
    assert (position.margin, position.leverage, position.pos_side) == ("cross", D(10), "")
    here.place("sell", "25", None, symbol=SWAP)
    [position] = here.exchange.pit.positions(here.account, SWAP, here.ns)
    assert (position.qty, position.entry) == (D(-5), D(110))
    moves = [(one.why, one.amount) for one in here.exchange.truth.moves if one.why == "realised"]
    assert moves == [("realised", D("0.98"))]
    assert here.account.purse.held(":".join(NET)) == D("0.55")
    closed = here.exchange.close(here.account, AskClose(symbol=SWAP, client_id="c"), here.ns)
    assert isinstance(closed, Receipt)
    told = [event for kind, event in here.told if kind == "positions"]
    assert [one.qty for one in told[-1]] == [0]
    assert here.exchange.pit.positions(here.account, "", here.ns) == ()
    assert here.free("USDT") == here.total("USDT")


def test_a_reduce_only_order_reduces_or_is_refused_and_ends_with_its_position() -> None:
    """If this failed, an order to get out could get somebody in."""
    here = swaps()
    assert here.refused("sell", "1", "100.1", symbol=SWAP, reduce_only=True) == ("RISK", "no position")
    here.place("buy", "2", None, symbol=SWAP)
    assert here.refused("buy", "1", "100", symbol=SWAP, reduce_only=True) == ("RISK", "grows")
    assert here.refused("sell", "3", "100.1", symbol=SWAP, reduce_only=True) == ("RISK", "grows")
    here.place("sell", "2", "105", symbol=SWAP, reduce_only=True, client_id="r")
    here.place("sell", "1.5", None, symbol=SWAP)
    here.trade("buy", "106", "9", SWAP)
    report = here.exchange.records.order(here.account, SWAP, "r", "", here.ns)
    assert not isinstance(report, Fault)
    assert (report.filled, report.reason) == (D("0.5"), "reduce only")
    assert here.account.positions.qty(NET) == 0


def test_two_sided_positions_live_apart_and_close_apart() -> None:
    """If this failed, a hedge would be taken for nothing."""
    here = swaps(Mode(hedged=True, margin="cross"))
    assert here.refused("buy", "1", None, symbol=SWAP) == ("ACCOUNT", "mode")
    assert here.refused("sell", "1", None, symbol=SWAP, pos_side="long") == ("RISK", "no position")
    here.place("buy", "3", None, symbol=SWAP, pos_side="long")
    here.place("sell", "2", None, symbol=SWAP, pos_side="short")
    qtys = {one.pos_side: one.qty for one in here.exchange.pit.positions(here.account, "", here.ns)}
    assert qtys == {"long": D(3), "short": D(-2)}
    here.exchange.close(here.account, AskClose(symbol=SWAP, client_id="", pos_side="short"), here.ns)
    assert {one.pos_side for one in here.exchange.pit.positions(here.account, "", here.ns)} == {"long"}


def test_settings_change_only_while_nothing_stands_on_them() -> None:
    """If this failed, a client could turn its positions into others by a setting."""
    here = swaps()
    me, pit = here.account, here.exchange.pit
    ten = Leverage(symbol=SWAP, leverage=D(10), margin="cross")
    assert settings.leverages(me, AskLeverages(symbol=SWAP)) == (ten,)
    too_much = AskLeverage(symbol=SWAP, leverage=D(101))
    assert settings.set_leverage(pit, me, too_much, here.ns) == Fault(Kind.RISK, said="leverage")
    here.place("buy", "1", None, symbol=SWAP)
    held = me.purse.held(":".join(NET))
    five = settings.set_leverage(pit, me, AskLeverage(symbol=SWAP, leverage=D(5)), here.ns)
    assert (five, me.purse.held(":".join(NET))) == ((replace(ten, leverage=D(5)),), 2 * held)
    busy = Fault(Kind.ACCOUNT, said="busy")
    assert settings.set_mode(me, AskSetMode(hedged=True)) == busy
    here.place("buy", "1", "99.9", symbol=SWAP)
    assert settings.set_leverage(pit, me, AskLeverage(symbol=SWAP, leverage=D(9)), here.ns) == busy
    fresh = swaps()
    assert settings.set_mode(fresh.account, AskSetMode(hedged=True)) == Mode(hedged=True, margin="cross")
    assert len(settings.leverages(fresh.account, AskLeverages(symbol=SWAP))) == 2


def test_funding_moves_money_from_the_long_to_the_short() -> None:
    """If this failed, balances would drift from positions every eight hours."""
    here = swaps()
    here.place("buy", "10", None, symbol=SWAP)
    before = here.account.purse.total("USDT")
    here.exchange.pit.funded([here.account], SWAP, D("0.0001"), here.ns)
    assert here.account.purse.total("USDT") - before == D("-0.001")
    assert [(one.why, one.amount) for one in here.exchange.truth.moves][-1] == ("funding", D("-0.001"))
    kinds = [kind for kind, _ in here.told[-2:]]
    assert kinds == ["balances", "positions"]


fills = st.lists(
    st.tuples(st.integers(-500, 500).filter(bool), st.integers(900, 1_100)), min_size=1, max_size=25
)  # hundredths of a contract, tenths of a price


@given(fills)
def test_what_is_realised_in_parts_is_what_was_paid_and_got(steps: list[tuple[int, int]]) -> None:
    """If this failed, profit would leak away a digit at a time: at no position, all of it is in the fills."""
    of, held = INSTRUMENTS[1], Held(INSTRUMENTS[1])
    cash = realised = D(0)
    for qty, price in [*steps, (-sum(qty for qty, _ in steps), 1_000)]:
        if qty:
            cash -= worth(of, of.price(price), of.qty(qty))
            realised += held.fill(of.qty(qty), of.price(price))
    assert (held.qty, held.cost) == (D(0), D(0))
    assert realised == cash


acts = st.lists(
    st.tuples(
        st.sampled_from(["buy", "sell"]), st.integers(1, 300), st.integers(97, 104), st.sampled_from([SPOT, SWAP]),
        st.sampled_from([Tif.GTC, Tif.IOC]), st.sampled_from(["buy", "sell"]), st.integers(1, 300),
    ),
    min_size=1, max_size=20,
)  # fmt: skip


@given(acts, st.sampled_from(["received", "quote"]))
def test_fills_fees_and_realised_gains_are_the_change_of_every_balance(
    wishes: list[tuple[str, int, int, str, Tif, str, int]], fee_of: str
) -> None:
    """If this failed, a checker could not tell a lost fill from a rounding: sums must agree to the last digit."""
    here = Bourse(fee_of=fee_of)
    here.show((("100.0", "2"), ("99.5", "1")), (("100.5", "2"), ("101.0", "1")), SWAP)
    for side, qty, price, symbol, tif, taker, passing in wishes:
        asked = here.ask(side, f"{qty / 100:.2f}", str(price), symbol=symbol, tif=tif)
        here.exchange.place(here.account, asked, here.ns)
        here.trade(taker, str(price), f"{passing / 100:.2f}", symbol)
        here.change(symbol)
    truth, purse = here.exchange.truth, here.account.purse
    for asset in ("BTC", "USDT"):
        assert here.account.began[asset] + truth.moved("me", asset) == purse.total(asset)
        assert purse.free(asset) >= 0 or asset == "USDT"  # losses of a swap are not covered by anybody
    spot = [fill for _, fill in truth.executions if fill.symbol == SPOT]
    bought = sum((fill.qty if fill.side == "buy" else -fill.qty for fill in spot), D(0))
    fees = sum((fill.fee or D(0) for fill in spot if fill.fee_asset == "BTC"), D(0))
    assert purse.total("BTC") == here.account.began["BTC"] + bought - fees
    for order_id in {one.order_id for one in truth.orders}:
        report = here.exchange.records.order(here.account, "", "", order_id, here.ns)
        assert not isinstance(report, Fault)
        mine = truth.fills(order_id)
        assert report.filled == sum((fill.qty for fill in mine), D(0))
        of = here.booths[report.symbol].instrument
        assert report.cost == sum((worth(of, fill.price, fill.qty) for fill in mine), D(0))
    ids = [fill.id for _, fill in truth.executions]
    assert len(ids) == len(set(ids))
    for symbol in (SPOT, SWAP):
        here.exchange.cancel_all(here.account, AskCancelAll(symbol), here.ns)
    held = here.account.purse.held(":".join(NET))
    assert EXACT.subtract(purse.total("USDT"), purse.free("USDT")) == held


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), max_size=30))
def test_what_is_free_is_what_is_not_held(holds: list[tuple[str, int]]) -> None:
    """If this failed, an account could order with what it had already promised."""
    purse, mine = Purse([("USDT", D(100))]), dict[str, int]()
    for what, amount in holds:
        purse.hold(what, "USDT", D(amount))
        mine[what] = amount
    assert purse.free("USDT") == 100 - sum(mine.values())
    assert not Positions()
