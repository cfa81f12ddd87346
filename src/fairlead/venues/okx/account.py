"""OKX's calls about an account as a table that reads like the vendor's document; it sends nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import field
from msgspec.structs import replace

from fairlead.errors import Misuse
from fairlead.model import numbers
from fairlead.model.account import Balance, DeadMan, Fees, Leverage, Position
from fairlead.model.market import MS
from fairlead.model.orders import Fill, OrderReport, Receipt
from fairlead.model.symbols import parse
from fairlead.venues.okx import orders
from fairlead.venues.okx.orders import BalanceRow, ClosedRow, FillRow, LeverageRow, OrderRow, PositionRow, SwitchRow
from fairlead.venues.okx.rest import TYPES, charges, inst_id, nouns, only
from fairlead.venues.okx.trade import named, usual_margin
from fairlead.venues.okx.wire import REPLY, Row, known
from fairlead.wire.asks import AskNothing, AskSymbol, Op
from fairlead.wire.endpoint import Ctx, Effect, Endpoint, Mode
from fairlead.wire.orders import (
    AskClose,
    AskDeadMan,
    AskFills,
    AskLeverage,
    AskLeverages,
    AskOpenOrders,
    AskOrder,
    AskOrders,
    AskPositions,
    AskSetMode,
)
from fairlead.wire.shapes import Nonsense, ms_of

Params = Mapping[str, Any]
PAGE_MOST = 100  # rows of a reply
SWITCH_LEAST_MS, SWITCH_MOST_MS = 10_000, 120_000


# {"acctLv":"2","posMode":"net_mode","perm":"read_only,trade","ip":"203.0.113.7",...}  GET / Account configuration
class ConfigRow(Row):
    """What the key may do, from where ("" if from anywhere), and how the account is set up."""

    perm: str
    ip: str = ""
    acct_lv: str = ""
    pos_mode: str = ""

    def mode(self) -> Mode:
        """1: spot alone; 2: futures, spot still in cash; 3: several currencies; 4: portfolio."""
        margin = "cash" if self.acct_lv == "1" else "cross"
        return Mode(hedged=self.pos_mode == HEDGED, margin=margin, level=self.acct_lv)


CONFIG = """acctLv acctStpMode autoLoan ctIsoMode enableSpotBorrow feeType greeksType ip kycLv label level levelTmp
    liquidationGear mainUid mgnIsoMode opAuth perm posMode roleType settleCcy settleCcyList spotBorrowAutoRepay
    spotOffsetType spotRoleType spotTraderInsts stgyType traderInsts type uid"""
HEDGED, ONE_SIDED = "long_short_mode", "net_mode"


# {"posMode":"net_mode"}  POST / Set position mode
class ModeRow(Row):
    pos_mode: str


# {"instType":"SPOT","maker":"-0.0008","taker":"-0.001","feeGroup":[{"groupId":"1","maker":"-0.0008",..}],..} GET / Fees
class GroupRow(Row):
    maker: str
    taker: str


class FeesRow(Row):
    """What is paid is negative. By groups, where the venue says them: of several the dearest, since the catalogue does
    not know the instrument's. Else by what the contract is settled in (`makerU`: in USDT)."""

    maker: str = ""
    taker: str = ""
    maker_u: str = field(name="makerU", default="")
    taker_u: str = field(name="takerU", default="")
    maker_usdc: str = field(name="makerUSDC", default="")
    taker_usdc: str = field(name="takerUSDC", default="")
    fee_group: tuple[GroupRow, ...] = ()

    def noun(self, symbol: str) -> Fees:
        settle = parse(symbol).settle
        pairs = [(one.maker, one.taker) for one in self.fee_group] or [
            {"USDT": (self.maker_u, self.taker_u), "USDC": (self.maker_usdc, self.taker_usdc)}.get(
                settle, (self.maker, self.taker)
            )
        ]
        makers, takers = ([numbers.decimal(text) for text in side] for side in zip(*pairs, strict=True))
        return Fees(symbol=symbol, maker=numbers.EXACT.minus(min(makers)), taker=numbers.EXACT.minus(min(takers)))


FEES = """category delivery exercise feeGroup feeGroup.* fiat instType level maker makerU makerUSDC ruleType settle
    taker takerU takerUSDC ts uly"""


def _read_balances(body: bytes, asked: AskNothing, ctx: Ctx) -> tuple[Balance, ...]:
    accounts = nouns(body, BalanceRow, lambda row: tuple(one.noun() for one in row.details))
    return tuple(balance for balances in accounts for balance in balances)


def _ask_positions(asked: AskPositions, ctx: Ctx) -> Params:
    """Asked by its name, one that was closed lately comes as 0."""
    return {"instId": inst_id(asked.symbol, ctx)} if asked.symbol else {"instType": "SWAP"}


def _read_positions(body: bytes, asked: AskPositions, ctx: Ctx) -> tuple[Position, ...]:
    return tuple(nouns(body, PositionRow, lambda row: row.noun(ctx)))


def _read_mode(body: bytes, asked: AskNothing, ctx: Ctx) -> Mode:
    return only(nouns(body, ConfigRow, ConfigRow.mode))


def _read_set_mode(body: bytes, asked: AskSetMode, ctx: Ctx) -> Mode:
    return only(nouns(body, ModeRow, lambda row: replace(ctx.mode, hedged=row.pos_mode == HEDGED)))


def _ask_leverage(asked: AskLeverage, ctx: Ctx) -> Params:
    """Of a cross position it holds for both sides."""
    margin = asked.margin or "cross"
    side = {"posSide": asked.pos_side} if asked.pos_side and margin == "isolated" else {}
    lever = format(asked.leverage, "f")
    return {"instId": inst_id(asked.symbol, ctx), "lever": lever, "mgnMode": margin} | side


def _read_leverages(body: bytes, asked: AskLeverage | AskLeverages, ctx: Ctx) -> tuple[Leverage, ...]:
    return tuple(nouns(body, LeverageRow, lambda row: row.noun(ctx)))


def _ask_fees(asked: AskSymbol, ctx: Ctx) -> Params:
    """Spot by the pair, a swap by its family: BTC-USDT, BTC-USD_UM."""
    one = ctx.catalog.theirs(asked.symbol)
    name, of = ("instId", one.venue_symbol) if one.kind == "spot" else ("instFamily", family(one.venue_symbol))
    return {"instType": TYPES[one.kind], name: of}


def family(name: str) -> str:
    return "-".join(name.split("-")[:2])


def _read_fees(body: bytes, asked: AskSymbol, ctx: Ctx) -> Fees:
    return only(nouns(body, FeesRow, lambda row: row.noun(asked.symbol)))


# ---- query
def _ask_open(asked: AskOpenOrders, ctx: Ctx) -> Params:
    """It cannot be asked by our id: that one would be found among all."""
    of = {"instId": inst_id(asked.symbol, ctx)} if asked.symbol else {}
    return of | _page(asked.page, PAGE_MOST)


def _page(page: str, limit: int) -> dict[str, str]:
    """`after` an id: older than it."""
    return ({"after": page} if page else {}) | {"limit": str(limit)}


def _rows_most(limit: int) -> int:
    return min(limit or PAGE_MOST, PAGE_MOST)


def _ask_history(asked: AskOrders | AskFills, ctx: Ctx) -> Params:
    """`begin` and `end` are both within."""
    one = ctx.catalog.theirs(asked.symbol)
    order = {"ordId": asked.order_id} if isinstance(asked, AskFills) and asked.order_id else {}
    begin = {"begin": str(-(-asked.start_ns // MS))} if asked.start_ns else {}
    end = {"end": str(asked.end_ns // MS)} if asked.end_ns else {}
    of = {"instType": TYPES[one.kind], "instId": one.venue_symbol}
    return of | order | begin | end | _page(asked.page, _rows_most(asked.limit))


def _read_orders(body: bytes, asked: AskOpenOrders | AskOrders | AskOrder, ctx: Ctx) -> tuple[OrderReport, ...]:
    return tuple(reversed(nouns(body, OrderRow, lambda row: row.report(ctx))))  # the venue sends the newest first


def _more_open(asked: AskOpenOrders, answer: tuple[OrderReport, ...]) -> AskOpenOrders | None:
    return replace(asked, page=answer[0].order_id) if len(answer) >= PAGE_MOST else None


def _more_orders(asked: AskOrders, answer: tuple[OrderReport, ...]) -> AskOrders | None:
    """Who names no beginning wants the latest: one page."""
    full = len(answer) >= _rows_most(asked.limit)
    return replace(asked, page=answer[0].order_id) if asked.start_ns and full else None


class Bills(tuple[Fill, ...]):
    """A page of fills, with the id of its oldest bill: by that, and not by a trade's id, older ones are asked for."""

    oldest: str = ""


def _read_fills(body: bytes, asked: AskFills, ctx: Ctx) -> tuple[Fill, ...]:
    pairs = nouns(body, FillRow, lambda row: (row.noun(ctx), row.bill_id))
    found = Bills(fill for fill, _ in reversed(pairs))
    found.oldest = pairs[-1][1] if pairs else ""
    return found


def _more_fills(asked: AskFills, answer: tuple[Fill, ...]) -> AskFills | None:
    bill = answer.oldest if isinstance(answer, Bills) else ""
    full = len(answer) >= _rows_most(asked.limit)
    return replace(asked, page=bill) if asked.start_ns and full and bill else None


def fills_path(asked: AskFills) -> str:
    """The plain call holds three days only; whoever names a beginning may mean any of the last three months."""
    return "/api/v5/trade/fills-history" if asked.start_ns or asked.page else "/api/v5/trade/fills"


# ---- close, the dead man's switch
def _ask_close(asked: AskClose, ctx: Ctx) -> Params:
    one = ctx.catalog.theirs(asked.symbol)
    if one.kind == "spot":
        raise Misuse(f"{asked.symbol} is no position.", next="sell what you hold")
    if ctx.mode.hedged != bool(asked.pos_side):
        raise Misuse("pos_side must be given where positions have two sides, and only there.", next="see the mode")
    side = {"posSide": asked.pos_side} if asked.pos_side else {}
    found = {"instId": one.venue_symbol, "mgnMode": asked.margin or usual_margin(one, ctx)} | side
    return found | ({"clOrdId": asked.client_id} if asked.client_id else {})


def _read_close(body: bytes, asked: AskClose, ctx: Ctx) -> Receipt:
    """It names no order: that comes with the order's own report."""
    row = only(nouns(body, ClosedRow, lambda row: row))
    if row.inst_id != inst_id(asked.symbol, ctx):
        raise Nonsense(f"the reply is about another position: {row.inst_id}")
    return Receipt(client_id=row.cl_ord_id or asked.client_id)


def _ask_switch(asked: AskDeadMan, ctx: Ctx) -> Params:
    """In whole seconds, 10 to 120, rounded up: rather later than before its time."""
    if asked.timeout_ms and not SWITCH_LEAST_MS <= asked.timeout_ms <= SWITCH_MOST_MS:
        raise Misuse(f"OKX's switch takes 10 to 120 s, not {asked.timeout_ms} ms.", next="choose within, or 0 for off")
    return {"timeOut": str(-(-asked.timeout_ms // 1_000))}


def _read_switch(body: bytes, asked: AskDeadMan, ctx: Ctx) -> DeadMan:
    return DeadMan(fires_ms=only(nouns(body, SwitchRow, lambda row: ms_of(row.trigger_time) * 1_000)))


def _row(
    op: Op, path: str, ask: Callable[[Any, Ctx], Params], read: Callable[[bytes, Any, Ctx], Any], names: str,
    effect: Effect = Effect.READS, of: Callable[[Any], str] = lambda asked: "",
) -> Endpoint[Any, Any]:  # fmt: skip
    method, cost = "GET" if effect is Effect.READS else "POST", lambda asked: charges(path, of(asked))
    return Endpoint(op, method, f"/api/v5/{path}", ask, read, effect=effect, cost=cost, known=known(REPLY, names))


_of = lambda asked: asked.symbol  # noqa: E731

ENDPOINTS: dict[Op, Endpoint[Any, Any]] = {
    row.op: row
    for row in (
        _row(Op.BALANCES, "account/balance", lambda asked, ctx: {}, _read_balances, orders.BALANCE),
        _row(Op.POSITIONS, "account/positions", _ask_positions, _read_positions, orders.POSITION),
        _row(Op.MODE, "account/config", lambda asked, ctx: {}, _read_mode, CONFIG),
        _row(
            Op.SET_MODE, "account/set-position-mode",
            lambda asked, ctx: {"posMode": HEDGED if asked.hedged else ONE_SIDED}, _read_set_mode, "posMode",
            Effect.SETS,
        ),
        _row(
            Op.LEVERAGE, "account/leverage-info",
            lambda asked, ctx: {"instId": inst_id(asked.symbol, ctx), "mgnMode": asked.margin or "cross"},
            _read_leverages, orders.LEVERAGE,
        ),
        _row(Op.SET_LEVERAGE, "account/set-leverage", _ask_leverage, _read_leverages, orders.LEVERAGE, Effect.SETS),
        _row(Op.FEES, "account/trade-fee", _ask_fees, _read_fees, FEES),
        replace(
            _row(
                Op.ORDER, "trade/order", named, lambda body, asked, ctx: only(list(_read_orders(body, asked, ctx))),
                orders.ORDER,
            ),
            cost=lambda asked: charges("trade/order-details"),  # at the address of placing, with a budget of its own
        ),
        replace(
            _row(Op.OPEN_ORDERS, "trade/orders-pending", _ask_open, _read_orders, orders.ORDER), after=_more_open,
        ),
        replace(
            _row(Op.ORDERS, "trade/orders-history", _ask_history, _read_orders, orders.ORDER), after=_more_orders,
        ),
        Endpoint(
            Op.FILLS, "GET", fills_path, _ask_history, _read_fills, after=_more_fills,
            cost=lambda asked: charges(fills_path(asked)), known=known(REPLY, orders.FILL),
        ),
        _row(Op.CLOSE, "trade/close-position", _ask_close, _read_close, orders.CLOSED, Effect.ONCE, _of),
        _row(Op.DEAD_MAN, "trade/cancel-all-after", _ask_switch, _read_switch, "triggerTime tag ts", Effect.SETS),
    )
}  # fmt: skip
