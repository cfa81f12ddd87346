"""What OKX writes, from our nouns: each row with every documented key, for the simulated venue; it reads nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, TypeAlias

from fairlead.model.account import Balance, Position
from fairlead.model.instrument import Instrument
from fairlead.model.market import MS, Candle, Funding, FundingPaid, Index, Mark, Quote, Ticker, Trade
from fairlead.model.numbers import text_of
from fairlead.model.orders import Fill, OrderReport, OrderType, Status, Tif
from fairlead.venues.okx.channels import index_name
from fairlead.venues.okx.trade import usual_margin
from fairlead.wire.door import Side
from fairlead.wire.endpoint import Ctx

Row: TypeAlias = dict[str, Any] | list[str]
UID = "44705892343619584"  # of the simulated account
DEEP = 400  # levels a side of the deep book
LISTED_MS = "1606468572000"  # when the simulated instruments were listed


def plain(number: float | Decimal | None) -> str:
    """The shortest text without an exponent, "" for what does not apply: the venue writes 43666, not 43666.0."""
    if number is None or number != number:
        return ""
    text = format(Decimal(repr(number)) if isinstance(number, float) else number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def fixed(mantissa: int, decimals: int) -> str:
    text = text_of(mantissa, decimals)
    return text.rstrip("0").rstrip(".") if decimals else text


def instrument(one: Instrument) -> Row:
    parts, spot = one.parts, one.kind == "spot"
    contract = "" if spot else plain(one.contract_size)
    most = plain(one.max_qty) if one.max_qty else ""
    empty = dict.fromkeys(("alias", "auctionEndTime", "contTdSwTime", "expTime", "optType", "preMktSwTime", "stk"), "")
    return {
        **empty,
        "instType": "SPOT" if spot else "SWAP", "instId": one.venue_symbol,
        "baseCcy": parts.base if spot else "", "quoteCcy": parts.quote if spot else "", "settleCcy": parts.settle,
        "instFamily": "" if spot else one.venue_symbol.removesuffix("-SWAP"),
        "uly": "" if spot else index_name(one.symbol),
        "ctVal": contract, "ctMult": "" if spot else "1",
        "ctType": "" if spot else ("inverse" if parts.inverse else "linear"),
        "ctValCcy": "" if spot else (parts.quote if parts.inverse else parts.base),
        "tickSz": plain(one.price_tick), "lotSz": plain(one.qty_step), "minSz": plain(one.min_qty),
        "state": one.venue_status, "instIdCode": int(one.names["code"]) if "code" in one.names else None,
        "category": "1", "groupId": "1", "instCategory": "1", "lever": "10" if spot else "100", "listTime": LISTED_MS,
        "maxLmtAmt": "20000000", "maxLmtSz": most, "maxMktAmt": "1000000" if spot else "", "maxMktSz": "",
        "maxStopSz": "", "maxTriggerSz": most, "maxTwapSz": most, "maxIcebergSz": most,
        "openType": "call_auction" if spot else "", "ruleType": "normal", "futureSettlement": False,
        "tradeQuoteCcyList": [parts.quote] if spot else [], "upcChg": [],
        "initPxLmtPct": "0.05", "floatPxLmtPct": "0.03", "maxPxLmtPct": "0.15",
    }  # fmt: skip


def ticker(said: Ticker, one: Instrument) -> Row:
    spot = one.kind == "spot"
    base = None if said.volume is None else said.volume * float(one.contract_size)
    opened = plain(said.open)
    return {
        "instType": "SPOT" if spot else "SWAP", "instId": one.venue_symbol,
        "last": plain(said.last), "lastSz": plain(one.min_qty),
        "askPx": plain(said.ask), "askSz": plain(one.min_qty), "bidPx": plain(said.bid), "bidSz": plain(one.min_qty),
        "open24h": opened, "high24h": plain(said.high), "low24h": plain(said.low),
        "volCcy24h": plain(said.quote_volume if spot else base), "vol24h": plain(said.volume),
        "sodUtc0": opened, "sodUtc8": opened, "ts": ms(said.venue_ns),
    }  # fmt: skip


def levels(side: Side, one: Instrument) -> list[list[str]]:
    """Price, size, the "0" of an old field, and how many orders: none where the level goes."""
    price, qty = one.price_decimals, one.qty_decimals
    return [[fixed(p, price), fixed(q, qty), "0", "1" if q else "0"] for p, q in side]


def book(bids: Side, asks: Side, one: Instrument, venue_ns: int, seq: int) -> dict[str, Any]:
    return {"asks": levels(asks, one), "bids": levels(bids, one), "ts": ms(venue_ns), "seqId": seq}


def full_book(bids: Side, asks: Side, one: Instrument, venue_ns: int) -> dict[str, Any]:
    """Without the old field, and without a number."""
    short = {name: [[px, sz, count] for px, sz, _, count in levels(side, one)]
             for name, side in (("asks", asks), ("bids", bids))}  # fmt: skip
    return {**short, "ts": ms(venue_ns)}


def best(said: Quote) -> Row:
    asks = [[plain(said.ask), plain(said.ask_qty), "0", "1"]] if said.ask_qty else []
    bids = [[plain(said.bid), plain(said.bid_qty), "0", "1"]] if said.bid_qty else []
    return {"asks": asks, "bids": bids, "ts": ms(said.venue_ns), "seqId": said.seq}


def trade(said: Trade, one: Instrument) -> dict[str, Any]:
    """As REST has it; the socket adds `count` and `seqId`."""
    return {
        "instId": one.venue_symbol, "side": said.side, "sz": plain(said.qty), "source": "0", "px": plain(said.price),
        "tradeId": said.id, "ts": ms(said.venue_ns),
    }  # fmt: skip


def candle(said: Candle, one: Instrument) -> Row:
    """The three volumes: contracts or base; base (quote on spot); quote."""
    quote, spot = plain(said.quote_volume or 0.0), one.kind == "spot"
    base = plain(said.volume * float(one.contract_size))
    prices = [plain(price) for price in (said.open, said.high, said.low, said.close)]
    return [ms(said.open_ns), *prices, plain(said.volume), quote if spot else base, quote, "1" if said.closed else "0"]


def funding(said: Funding, one: Instrument) -> Row:
    rate = plain(said.rate)
    return {
        "formulaType": "noRate", "fundingRate": rate, "fundingTime": ms(said.due_ns), "impactValue": "",
        "instId": one.venue_symbol, "instType": "SWAP", "interestRate": "", "maxFundingRate": "0.00375",
        "method": "current_period", "minFundingRate": "-0.00375", "nextFundingRate": "",
        "nextFundingTime": ms(said.due_ns + said.interval_ms * MS) if said.interval_ms else "", "premium": rate,
        "settFundingRate": rate, "settState": "settled", "ts": ms(said.venue_ns),
    }  # fmt: skip


def paid(said: FundingPaid, one: Instrument) -> Row:
    rate = plain(said.rate)
    return {
        "formulaType": "noRate", "fundingRate": rate, "fundingTime": ms(said.venue_ns), "instId": one.venue_symbol,
        "instType": "SWAP", "method": "current_period", "realizedRate": rate,
    }  # fmt: skip


def mark(said: Mark, one: Instrument) -> Row:
    kind = "MARGIN" if one.kind == "spot" else "SWAP"
    return {"instType": kind, "instId": one.venue_symbol, "markPx": plain(said.price), "ts": ms(said.venue_ns)}


def index(said: Index, one: Instrument) -> Row:
    day = dict.fromkeys(("high24h", "sodUtc0", "open24h", "low24h", "sodUtc8"), plain(said.price))
    return {"instId": index_name(one.symbol), "idxPx": plain(said.price), **day, "ts": ms(said.venue_ns)}


_ZERO = """fixedBal interest isoEq isoLiab isoUpl liab maxLoan ordFrozen rewardBal stgyEq twap upl uplLiab colRes
    autoLendMtAmt borrowFroz smtSyncEq spotCopyTradingEq frpType colBorrAutoConversion crossLiab spotIsoBal"""
_EMPTY = """imr mgnRatio mmr notionalLever spotInUseAmt spotBal openAvgPx accAvgPx spotUpl spotUplRatio totalPnl
    totalPnlRatio clSpotInUseAmt"""
_ACCOUNT_EMPTY = """adjEq availEq borrowFroz imr mgnRatio mmr notionalUsd notionalUsdForBorrow notionalUsdForFutures
    notionalUsdForOption notionalUsdForSwap ordFroz upl"""


def account(balances: Sequence[Balance], at_ms: int, by_socket: bool = False) -> Row:
    """The worth in dollars is not ours to know: each asset counts as one."""
    details = [
        {
            **dict.fromkeys(_ZERO.split(), "0"), **dict.fromkeys(_EMPTY.split(), ""),
            "ccy": one.asset, "cashBal": plain(one.total), "availBal": plain(one.free), "availEq": plain(one.free),
            "frozenBal": plain(one.total - one.free), "eq": plain(one.total), "eqUsd": plain(one.total),
            "disEq": plain(one.total), "uTime": str(at_ms), "collateralEnabled": False, "autoLendStatus": "off",
            **({"coinUsdPrice": "1", "maxSpotInUseAmt": ""} if by_socket else {"maxSpotInUse": ""}),
        }
        for one in balances
    ]  # fmt: skip
    worth = plain(sum((one.total for one in balances), Decimal(0)))
    empty = dict.fromkeys(_ACCOUNT_EMPTY.split(), "")
    return {**empty, "details": details, "isoEq": "0", "totalEq": worth, "uTime": str(at_ms)}


_ORDER_EMPTY = """algoClOrdId algoId attachAlgoClOrdId cancelSourceReason ccy fillPx fillTime pxType pxUsd pxVol
    quickMgnType slOrdPx slTriggerPx slTriggerPxType source stpId tag tpOrdPx tpTriggerPx tpTriggerPxType tradeId"""
_STATES = {Status.PENDING: "live", Status.OPEN: "live", Status.PARTIAL: "partially_filled", Status.FILLED: "filled"}
# What the simulated engine says of an order's end (wire.mirror.ENDED) -> cancelSource; all else is the system's doing.
_SOURCES = {
    "user": "1", "amended": "1", "ioc": "14", "liquidity": "14", "fok": "13", "post only": "31", "dead man": "20",
    "reduce only": "22", "close": "17",
}  # fmt: skip


def order(said: OrderReport, ctx: Ctx) -> dict[str, Any]:
    """As REST has it. Of its fills a report tells only the sum: what a row says of the last one is left empty."""
    one = ctx.catalog.theirs(said.symbol)
    spot, parts = one.kind == "spot", one.parts
    market = said.type is OrderType.MARKET
    state = _STATES.get(said.status, "canceled")
    units = "quote_ccy" if said.quote_qty is not None else "base_ccy"
    return {
        **dict.fromkeys(_ORDER_EMPTY.split(), ""), "attachAlgoOrds": [], "linkedAlgoOrd": {"algoId": ""},
        "instType": "SPOT" if spot else "SWAP", "instId": one.venue_symbol, "ordId": said.order_id,
        "clOrdId": said.client_id, "side": said.side, "ordType": order_type(said), "state": state,
        "px": plain(said.price), "sz": plain(said.qty if said.quote_qty is None else said.quote_qty),
        "accFillSz": plain(said.filled or Decimal(0)), "avgPx": plain(said.average) if said.filled else "",
        "fillSz": "0", "fee": "0", "feeCcy": _fee_asset(said.side, one), "rebate": "0",
        "rebateCcy": parts.settle or parts.quote, "pnl": "0", "lever": "" if spot else "1",
        "posSide": said.pos_side or "net", "tdMode": said.margin or usual_margin(one, ctx),
        "reduceOnly": "true" if said.reduce_only else "false",
        "tgtCcy": units if spot and market else "", "category": "normal", "isTpLimit": "false",
        "stpMode": "cancel_maker", "tradeQuoteCcy": parts.quote if spot else "",
        "cancelSource": _SOURCES.get(said.reason, "0") if state == "canceled" else "",
        "cTime": ms(said.created_ns), "uTime": ms(said.venue_ns),
    }  # fmt: skip


def order_type(said: OrderReport) -> str:
    if said.type is OrderType.MARKET:
        return "market"
    return "post_only" if said.post_only else {Tif.IOC: "ioc", Tif.FOK: "fok"}.get(said.tif or Tif.GTC, "limit")


def _fee_asset(side: str, one: Instrument) -> str:
    """Spot pays from what it receives."""
    parts = one.parts
    return parts.settle or (parts.base if side == "buy" else parts.quote)


_FILL_EMPTY = "fillFwdPx fillIdxPx fillMarkPx fillMarkVol fillPxUsd fillPxVol tag"


def fill(said: Fill, one: Instrument) -> dict[str, Any]:
    """The id of a bill is the trade's here."""
    spot, when = one.kind == "spot", ms(said.venue_ns)
    return {
        **dict.fromkeys(_FILL_EMPTY.split(), ""),
        "instType": "SPOT" if spot else "SWAP", "instId": one.venue_symbol, "tradeId": said.id, "ordId": said.order_id,
        "clOrdId": said.client_id, "billId": said.id, "subType": "1" if said.side == "buy" else "2",
        "side": said.side, "posSide": "net", "fillPx": plain(said.price), "fillSz": plain(said.qty), "fillPnl": "0",
        "fee": cost(said.fee), "feeCcy": said.fee_asset, "feeRate": "", "execType": exec_type(said),
        "fillTime": when, "ts": when, "tradeQuoteCcy": one.parts.quote if spot else "",
    }  # fmt: skip


def exec_type(said: Fill) -> str:
    return "" if said.maker is None else "M" if said.maker else "T"


def cost(fee: Decimal | None) -> str:
    """What is paid is negative."""
    return plain(None if fee is None else fee.copy_negate() if fee else fee)


_POSITION_EMPTY = """adl availPos bePx bizRefId bizRefType ccy clSpotInUseAmt deltaBS deltaPA gammaBS gammaPA
    hedgedPos idxPx imr interest last liab liabCcy liqPx margin maxSpotInUseAmt mgnRatio mmr nonSettleAvgPx notionalUsd
    optVal pendingCloseOrdLiabVal posCcy settledPnl spotInUseAmt spotInUseCcy thetaBS thetaPA tradeId uplLastPx uplRatio
    uplRatioLastPx usdPx vegaBS vegaPA baseBal baseBorrowed baseInterest quoteBal quoteBorrowed quoteInterest"""


def position(said: Position, one: Instrument) -> dict[str, Any]:
    """Of two sides each is told as a positive number; one-sided, nothing is said to be available."""
    qty, when = abs(said.qty) if said.pos_side else said.qty, ms(said.venue_ns)
    zero = dict.fromkeys(("fee", "fundingFee", "liqPenalty", "pnl", "realizedPnl"), "0")
    return {
        **dict.fromkeys(_POSITION_EMPTY.split(), ""), **zero, "closeOrderAlgo": [],
        "instType": "SWAP", "instId": one.venue_symbol, "ccy": one.parts.settle, "posId": f"{one.names['code']}00",
        "pos": plain(qty), "availPos": plain(qty) if said.pos_side else "", "posSide": said.pos_side or "net",
        "mgnMode": said.margin or "cross", "avgPx": plain(said.entry), "markPx": plain(said.mark),
        "upl": plain(said.unrealised), "lever": plain(said.leverage), "liqPx": plain(said.liquidation),
        "cTime": when, "uTime": when,
    }  # fmt: skip


def currency(code: str) -> Row:
    """One chain, open both ways and free of charge."""
    return {
        **dict.fromkeys(("ctAddr", "depEstOpenTime", "depQuotaFixed", "depQuoteDailyLayer2", "logoLink"), ""),
        **dict.fromkeys(("usedDepQuotaFixed", "wdEstOpenTime"), ""),
        **dict.fromkeys(("burningFeeRate", "fee", "maxFee", "maxFeeForCtAddr", "minFee", "minFeeForCtAddr"), "0"),
        **dict.fromkeys(("minDep", "minInternal", "minWd", "usedWdQuota"), "0"),
        "ccy": code, "chain": f"{code}-{code}", "name": code, "canDep": True, "canInternal": True, "canWd": True,
        "mainNet": True, "needTag": False, "maxWd": "1000000", "wdQuota": "1000000", "wdTickSz": "8",
        "minDepArrivalConfirm": "1", "minWdUnlockConfirm": "1",
    }  # fmt: skip


def ms(ns: int) -> str:
    return str(ns // MS)


def event(said: Any, one: Instrument) -> Row:
    """One row of a channel that is not a book's."""
    if isinstance(said, Trade):
        return trade(said, one) | {"count": str(said.count), "seqId": int(said.id)}
    if isinstance(said, Quote):
        return best(said)
    word: Callable[[Any, Instrument], Row] = _WORDS[type(said)]
    return word(said, one)


_WORDS: dict[type[Any], Callable[[Any, Instrument], Row]] = {
    Ticker: ticker, Candle: candle, Funding: funding, Mark: mark, Index: index,
}  # fmt: skip
