"""OKX's shapes of orders, fills and holdings, each under a payload of the vendor's document, with the noun it means.

It asks and sends nothing. A row of an order is the same on REST and on the socket, but for what a push adds: the fields
of a fill speak of this very push there, and of the last fill on REST."""

from __future__ import annotations

from decimal import Decimal

from fairlead.model import numbers
from fairlead.model.account import Balance, Holding, Leverage, Position
from fairlead.model.market import MS
from fairlead.model.orders import Fill, OrderReport, OrderType, Receipt, Status, Tif
from fairlead.venues.okx.wire import NAME, Row, decimal
from fairlead.wire.endpoint import Ctx
from fairlead.wire.shapes import Nonsense, ms_of

STATES = {
    "live": Status.OPEN, "partially_filled": Status.PARTIAL, "filled": Status.FILLED, "canceled": Status.CANCELLED,
    "mmp_canceled": Status.CANCELLED,
}  # fmt: skip
# How long it stays is a part of the type: ordType -> our type, our time in force, whether it is post-only.
KINDS: dict[str, tuple[OrderType, Tif | None, bool]] = {
    "limit": (OrderType.LIMIT, Tif.GTC, False),
    "post_only": (OrderType.LIMIT, Tif.GTC, True),
    "ioc": (OrderType.LIMIT, Tif.IOC, False),
    "fok": (OrderType.LIMIT, Tif.FOK, False),
    "market": (OrderType.MARKET, None, False),
    "optimal_limit_ioc": (OrderType.MARKET, Tif.IOC, False),
    "rpi": (OrderType.LIMIT, Tif.GTC, True),
}
# cancelSource; a number that is not here is the venue's own doing.
SOURCES = {
    "0": "venue", "1": "user", "13": "fok", "14": "ioc", "15": "price limit", "17": "close", "20": "dead man",
    "21": "reduce only", "22": "reduce only", "23": "reduce only", "27": "price moved", "31": "post only",
    "32": "self trade", "33": "liquidity",
}  # fmt: skip


# {"instType":"SPOT","instId":"BTC-USDT","ordId":"1752588852617379840","clOrdId":"fl0001","state":"live","sz":"0.001",
#  "accFillSz":"0","avgPx":"","ordType":"post_only","tdMode":"cash",...}  GET / Order details; WS / Order channel
class OrderRow(Row):
    inst_id: str
    ord_id: str
    state: str
    cl_ord_id: str = ""
    inst_type: str = ""
    side: str = ""
    ord_type: str = ""
    sz: str = ""
    px: str = ""
    acc_fill_sz: str = ""
    avg_px: str = ""
    tgt_ccy: str = ""
    td_mode: str = ""
    pos_side: str = ""
    reduce_only: str = ""
    cancel_source: str = ""
    c_time: str = ""
    u_time: str = ""
    trade_id: str = ""
    fill_px: str = ""
    fill_sz: str = ""
    fill_time: str = ""
    fill_fee: str = ""
    fill_fee_ccy: str = ""
    exec_type: str = ""
    req_id: str = ""
    amend_result: str = ""
    code: str = ""
    msg: str = ""

    def report(self, ctx: Ctx, seen_ns: int = 0) -> OrderReport:
        kind, tif, post_only = KINDS.get(self.ord_type, (None, None, None))
        filled, average, size = amount(self.acc_fill_sz), amount(self.avg_px), amount(self.sz)
        if (filled or 0) < 0 or (size or 0) < 0:
            raise Nonsense(f"an order of {self.sz}, filled {self.acc_fill_sz}")
        return OrderReport(
            venue=NAME, symbol=symbol(self.inst_id, ctx), order_id=self.ord_id, client_id=self.cl_ord_id,
            # A state we never heard of is no end: the order stays alive here until the venue says that it ended.
            status=STATES.get(self.state, Status.PARTIAL if filled else Status.OPEN),
            venue_ns=_when(self.u_time), seen_ns=seen_ns, created_ns=_when(self.c_time),
            side=self.side, type=kind, tif=tif, post_only=post_only,
            qty=None if self.in_quote else size, quote_qty=size if self.in_quote else None,
            price=amount(self.px), filled=filled, average=average or None,
            reduce_only={"true": True, "false": False}.get(self.reduce_only),
            pos_side=_side(self.pos_side), margin=self.td_mode, reason=self._reason(), request=self.req_id,
        )  # fmt: skip

    @property
    def in_quote(self) -> bool:
        """The size of a spot market order may be an amount of quote; a buy that does not say so is one."""
        market = self.inst_type == "SPOT" and self.ord_type == "market"
        return market and (self.tgt_ccy == "quote_ccy" or (not self.tgt_ccy and self.side == "buy"))

    def fill(self, ctx: Ctx, seen_ns: int = 0) -> Fill | None:
        """What this push adds; a market order may be told as filled without a trade, which only marks the end."""
        if not self.trade_id or not amount(self.fill_sz):
            return None
        return Fill(
            venue=NAME, symbol=symbol(self.inst_id, ctx), order_id=self.ord_id, client_id=self.cl_ord_id,
            id=self.trade_id, side=self.side, price=_above(self.fill_px), qty=_above(self.fill_sz),
            fee=_paid(self.fill_fee), fee_asset=self.fill_fee_ccy, maker=MAKER.get(self.exec_type),
            venue_ns=_when(self.fill_time), seen_ns=seen_ns,
        )  # fmt: skip

    def _reason(self) -> str:
        if self.state not in STATES:
            return f"state {self.state}"
        if self.amend_result == "-1":
            return f"not amended: {self.code} {self.msg}".rstrip()
        return SOURCES.get(self.cancel_source, f"venue {self.cancel_source}") if self.cancel_source else ""


ORDER = """accFillSz algoClOrdId algoId attachAlgoClOrdId attachAlgoOrds attachAlgoOrds.* avgPx cTime cancelSource
    cancelSourceReason category ccy clOrdId fee feeCcy fillPx fillSz fillTime instId instType isElpTakerAccess isTpLimit
    lever linkedAlgoOrd linkedAlgoOrd.algoId ordId ordType outcome pnl posSide px pxType pxUsd pxVol quickMgnType rebate
    rebateCcy reduceOnly rpiTakerAccess side slOrdPx slTriggerPx slTriggerPxType source state stpId stpMode sz tag
    tdMode tgtCcy tpOrdPx tpTriggerPx tpTriggerPxType tradeId tradeQuoteCcy uTime"""
PUSHED = """amendResult amendSource code execType fillFee fillFeeCcy fillFwdPx fillIdxPx fillMarkPx fillMarkVol
    fillNotionalUsd fillPnl fillPxUsd fillPxVol lastPx msg notionalUsd reqId"""
MAKER = {"M": True, "T": False}


# {"instId":"BTC-USDT","ordId":"680800019749904384","tradeId":"744876980","billId":"680800019754098688","side":"buy",
#  "fillSz":"0.00192834","fillPx":"51858","fee":"-0.00000192834","feeCcy":"BTC","execType":"T",...}
# GET / Transaction details
class FillRow(Row):
    inst_id: str
    ord_id: str
    trade_id: str
    side: str
    fill_px: str
    fill_sz: str
    bill_id: str = ""
    cl_ord_id: str = ""
    fee: str = ""
    fee_ccy: str = ""
    exec_type: str = ""
    fill_time: str = ""
    ts: str = ""

    def noun(self, ctx: Ctx) -> Fill:
        return Fill(
            venue=NAME, symbol=symbol(self.inst_id, ctx), order_id=self.ord_id, client_id=self.cl_ord_id,
            id=self.trade_id, side=self.side, price=_above(self.fill_px), qty=_above(self.fill_sz),
            fee=_paid(self.fee), fee_asset=self.fee_ccy, maker=MAKER.get(self.exec_type),
            venue_ns=_when(self.fill_time or self.ts),
        )  # fmt: skip


FILL = """billId clOrdId execType fee feeCcy feeRate fillFwdPx fillIdxPx fillMarkPx fillMarkVol fillPnl fillPx fillPxUsd
    fillPxVol fillSz fillTime instId instType ordId outcome posSide side subType tag tradeId tradeQuoteCcy ts"""


# {"clOrdId":"fl0001","ordId":"312269865356374016","tag":"","ts":"1695190491421","sCode":"0","sMsg":"","subCode":""}
# POST / Place order, Cancel order, Amend order (with reqId); the same by socket
class AckRow(Row):
    s_code: str = "0"
    s_msg: str = ""
    ord_id: str = ""
    cl_ord_id: str = ""
    ts: str = ""

    def noun(self) -> Receipt:
        return Receipt(order_id=self.ord_id, client_id=self.cl_ord_id, venue_ns=_when(self.ts))


ACK = "clOrdId ordId reqId sCode sMsg subCode tag ts"


# {"instId":"BTC-USDT-SWAP","pos":"1","posSide":"net","mgnMode":"cross","avgPx":"2566.31","upl":"..","lever":"10",...}
# GET / Positions; WS / Positions channel
class PositionRow(Row):
    inst_id: str
    pos: str
    pos_side: str = ""
    mgn_mode: str = ""
    avg_px: str = ""
    mark_px: str = ""
    upl: str = ""
    lever: str = ""
    liq_px: str = ""
    u_time: str = ""

    def noun(self, ctx: Ctx, seen_ns: int = 0) -> Position:
        """One-sided, `pos` is signed; a short of two sides is told as a positive number."""
        qty = _needed(self.pos or "0")
        return Position(
            venue=NAME, symbol=symbol(self.inst_id, ctx), pos_side=_side(self.pos_side), margin=self.mgn_mode,
            qty=numbers.EXACT.minus(qty) if self.pos_side == "short" and qty > 0 else qty,
            entry=amount(self.avg_px), mark=amount(self.mark_px), unrealised=amount(self.upl),
            leverage=amount(self.lever), liquidation=amount(self.liq_px), venue_ns=_when(self.u_time), seen_ns=seen_ns,
        )  # fmt: skip


POSITION = """adl availPos avgPx baseBal baseBorrowed baseInterest bePx bizRefId bizRefType cTime ccy clSpotInUseAmt
    closeOrderAlgo closeOrderAlgo.* deltaBS deltaPA fee fundingFee gammaBS gammaPA hedgedPos idxPx imr instId instType
    interest last lever liab liabCcy liqPenalty liqPx margin markPx maxSpotInUseAmt mgnMode mgnRatio mmr nonSettleAvgPx
    notionalUsd optVal pTime pendingCloseOrdLiabVal pnl pos posCcy posId posSide quoteBal quoteBorrowed quoteInterest
    realizedPnl settledPnl spotInUseAmt spotInUseCcy thetaBS thetaPA tradeId uTime uly upl uplLastPx uplRatio
    uplRatioLastPx usdPx vegaBS vegaPA"""


# {"details":[{"ccy":"USDT","cashBal":"4850.4","availBal":"4834.3","frozenBal":"158.5",...}],"totalEq":"55837.4",...}
# GET / Balance
class AssetRow(Row):
    ccy: str
    cash_bal: str
    avail_bal: str = ""
    avail_eq: str = ""
    u_time: str = ""

    def noun(self) -> Balance:
        """`cashBal` is what is there, without the floating profit that `eq` adds."""
        return Balance(self.ccy, decimal(self.cash_bal), decimal(self.avail_bal or self.avail_eq))

    def holding(self, seen_ns: int) -> Holding:
        total, free = decimal(self.cash_bal), amount(self.avail_bal or self.avail_eq)
        return Holding(venue=NAME, asset=self.ccy, total=total, free=free, venue_ns=_when(self.u_time), seen_ns=seen_ns)


class BalanceRow(Row):
    details: list[AssetRow]


_DETAILS = """accAvgPx autoLendAmt autoLendMtAmt autoLendStatus autoStakingStatus availBal availEq borrowFroz cashBal
    ccy clSpotInUseAmt coinUsdPrice colBorrAutoConversion colRes collateralEnabled collateralRestrict crossLiab
    disEq eq eqUsd fixedBal frozenBal frpType imr interest isoEq isoLiab isoUpl liab maxLoan maxSpotInUse
    maxSpotInUseAmt mgnRatio mmr notionalLever openAvgPx ordFrozen rewardBal smtSyncEq spotBal spotCopyTradingEq
    spotInUseAmt spotIsoBal spotUpl spotUplRatio stgyEq totalPnl totalPnlRatio twap uTime upl uplLiab"""
BALANCE = """adjEq availEq borrowFroz delta deltaLever deltaNeutralStatus details imr isoEq mgnRatio mmr notionalUsd
    notionalUsdForBorrow notionalUsdForFutures notionalUsdForOption notionalUsdForSwap ordFroz totalEq uTime upl
    """ + " ".join(f"details.{name}" for name in _DETAILS.split())


# {"instId":"BTC-USDT-SWAP","mgnMode":"cross","posSide":"long","lever":"10"}  GET / Leverage; POST / Set leverage
class LeverageRow(Row):
    inst_id: str
    lever: str
    mgn_mode: str = ""
    pos_side: str = ""

    def noun(self, ctx: Ctx) -> Leverage:
        one, lever = symbol(self.inst_id, ctx), _needed(self.lever)
        return Leverage(symbol=one, leverage=lever, margin=self.mgn_mode, pos_side=_side(self.pos_side))


LEVERAGE = "ccy instId lever mgnMode posSide"


# {"triggerTime":"1587971460","tag":"","ts":"1587971400"}: in seconds, unlike every other time  POST / Cancel All After
class SwitchRow(Row):
    trigger_time: str


# {"clOrdId":"","instId":"BTC-USDT-SWAP","posSide":"long","tag":""}  POST / Close positions
class ClosedRow(Row):
    inst_id: str
    cl_ord_id: str = ""


CLOSED = "clOrdId instId posSide tag"


def symbol(inst_id: str, ctx: Ctx) -> str:
    """Ours; what the catalogue does not list (an option, say) keeps the venue's name, so that it can be shown."""
    found = ctx.catalog.ours(inst_id)
    return found.symbol if found is not None else inst_id


def amount(text: str) -> Decimal | None:
    return numbers.decimal(text) if text else None


def _needed(text: str) -> Decimal:
    if not text:
        raise Nonsense("a number is missing")
    return numbers.decimal(text)


def _above(text: str) -> Decimal:
    if (found := _needed(text)) <= 0:
        raise Nonsense(f"nothing is traded for {text}")
    return found


def _paid(text: str) -> Decimal | None:
    """What is paid is negative in the venue's rows, a rebate positive; ours are the other way round."""
    return numbers.EXACT.minus(numbers.decimal(text)) if text else None


def _when(text: str) -> int:
    return ms_of(text) * MS if text else 0


def _side(text: str) -> str:
    return text if text in ("long", "short") else ""
