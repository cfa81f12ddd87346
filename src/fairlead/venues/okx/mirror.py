"""OKX from its own side: what a request asks, whether its signature holds, and the reply in the venue's words.

It answers from a world that others keep, and knows of no socket."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from fairlead.errors import Misuse
from fairlead.model import numbers
from fairlead.model.instrument import Instrument
from fairlead.model.market import MS
from fairlead.model.symbols import parse
from fairlead.venues.okx import auth, channels, engine, faults, office, replies, rest, trade
from fairlead.venues.okx.engine import given, instrument, number
from fairlead.venues.okx.faults import Denied, Wrong
from fairlead.venues.okx.hearing import Room
from fairlead.wire.asks import AskBook, AskCandles, AskFundings, AskListing, AskNothing, AskSymbol, AskTrades, Op
from fairlead.wire.endpoint import Ctx
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.http import Reply, Request
from fairlead.wire.mirror import Habits, Heard, Mirror, Terms
from fairlead.wire.signing import Stamp

Query = Mapping[str, str]
JSON = {"content-type": "application/json"}
FULL_BOOK_MOST = 5_000  # levels
FORGETS_MS = 7_200_000  # an order that was cancelled unfilled is not found after two hours
# What is said where the simulator knows only the kind: code, status, words.
_SAID = {
    Kind.MAINTENANCE: ("50001", 503, "Service temporarily unavailable. Please try again later"),
    Kind.LIMIT: (
        "50011", 429, "Rate limit reached. Please refer to API documentation and throttle requests accordingly.",
    ),
    Kind.SERVER: ("50026", 500, "System error. Try again later"),
}  # fmt: skip


# ---- what is asked
def hear(request: Request, ctx: Ctx) -> Heard | Fault:
    path = request.path.removeprefix("/api/v5/")
    read = _PATHS.get(path)
    if read is None and path not in engine.POSTED:
        return Fault(Kind.GONE, code="404", said="Invalid URL path", status=404)
    try:
        if request.method == "POST" and path in engine.POSTED:
            op, asked, tag = engine.hear_post(request, path, ctx)
        elif request.method == "GET" and read is not None:
            op, asked, tag = read(dict(parse_qsl(request.query, keep_blank_values=True)), ctx)
        else:
            return Fault(Kind.INVALID, code="50115", said="Invalid request method", status=405)
    except Wrong as wrong:
        return wrong.fault
    return Heard(op, asked, auth.header(request, auth.KEY), tag, request.path, newest=True)


def _rows(query: Query, usual: int, most: int, name: str = "limit") -> int:
    return min(number(query, name) or usual, most)


def _symbol(op: Op) -> Callable[[Query, Ctx], tuple[Op, Any, str]]:
    return lambda query, ctx: (op, AskSymbol(instrument(query, ctx).symbol), "")


def _time(query: Query, ctx: Ctx) -> tuple[Op, Any, str]:
    return Op.TIME, AskNothing(), ""


def _type(query: Query) -> str:
    inst_type = given(query, "instType")
    if inst_type not in ("SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION", "EVENTS"):
        raise Wrong("51000", "Parameter instType error")
    return inst_type


def _listing(query: Query, ctx: Ctx) -> tuple[Op, Any, str]:
    """Types that the simulator does not trade have no instruments, which is a list as well."""
    inst_type = _type(query)
    markets = {theirs: ours for ours, theirs in rest.TYPES.items()}
    return Op.INSTRUMENTS, AskListing(markets.get(inst_type, inst_type.lower())), query.get("instId", "")


def _tickers(query: Query, ctx: Ctx) -> tuple[Op, Any, str]:
    return Op.TICKER, AskSymbol(""), _type(query)


def _book(query: Query, ctx: Ctx) -> tuple[Op, Any, str]:
    one = instrument(query, ctx)
    return Op.BOOK, AskBook(one.symbol, _rows(query, 1, rest.BOOK_MOST, "sz")), ""


def _full_book(query: Query, ctx: Ctx) -> tuple[Op, Any, str]:
    return Op.BOOK, AskBook(instrument(query, ctx).symbol, _rows(query, 1, FULL_BOOK_MOST, "sz")), ""


def _trades(query: Query, ctx: Ctx) -> tuple[Op, Any, str]:
    return Op.TRADES, AskTrades(instrument(query, ctx).symbol, _rows(query, 100, rest.TRADES_MOST)), ""


def _old_trades(query: Query, ctx: Ctx) -> tuple[Op, Any, str]:
    """Trades older than the id `after`. Pages by time (type 2) and forward ones are not simulated."""
    number(query, "after")
    for name, value in (("type", "1"), ("before", "")):
        if query.get(name, value) != value:
            raise Wrong("51000", f"Parameter {name} error")
    limit = _rows(query, 100, rest.OLD_TRADES_MOST)
    return Op.TRADES, AskTrades(instrument(query, ctx).symbol, limit, page=query.get("after", "")), ""


def _candles(query: Query, ctx: Ctx) -> tuple[Op, Any, str]:
    """Bars of Hong Kong's days (without `utc`) are not simulated: refused rather than answered with others."""
    one, (begin_ns, end_ns), limit = instrument(query, ctx), _bounds(query), _rows(query, 100, rest.CANDLES_MOST)
    ours = {theirs: name for name, theirs in channels.BARS.items()}
    interval = ours.get(query.get("bar") or "1m")
    if interval is None:
        raise Wrong("51000", "Parameter bar error")
    return Op.CANDLES, AskCandles(one.symbol, interval, begin_ns, end_ns, limit), ""


def _fundings(query: Query, ctx: Ctx) -> tuple[Op, Any, str]:
    begin_ns, end_ns = _bounds(query)
    limit = _rows(query, rest.FUNDINGS_MOST, rest.FUNDINGS_MOST)
    return Op.FUNDINGS, AskFundings(instrument(query, ctx).symbol, begin_ns, end_ns, limit), ""


def _bounds(query: Query) -> tuple[int, int]:
    """`before` and `after` exclude their own time, in ms."""
    before, after = number(query, "before"), number(query, "after")
    return (before + 1) * MS if before else 0, after * MS


def _index(query: Query, ctx: Ctx) -> tuple[Op, Any, str]:
    name = given(query, "instId")
    found = channels.by_index(name, ctx)
    if found is None:
        raise Wrong("51014", "Index doesn't exist.", Kind.SYMBOL, 200)
    return Op.INDEX, AskSymbol(found.symbol), ""


def _mark(query: Query, ctx: Ctx) -> tuple[Op, Any, str]:
    """The document wants `instType` as well; other clients leave it out, and are answered."""
    if "instType" in query:
        _type(query)
    return Op.MARK, AskSymbol(instrument(query, ctx).symbol), ""


def _balances(query: Query, ctx: Ctx) -> tuple[Op, Any, str]:
    return Op.BALANCES, AskNothing(), query.get("ccy", "")


_PATHS: dict[str, Callable[[Query, Ctx], tuple[Op, Any, str]]] = {
    "public/time": _time,
    "public/instruments": _listing,
    "market/ticker": _symbol(Op.TICKER),
    "market/tickers": _tickers,
    "market/books": _book,
    "market/books-full": _full_book,  # other clients ask it for more than 400 levels
    "market/trades": _trades,
    "market/history-trades": _old_trades,
    "market/candles": _candles,
    "market/history-candles": _candles,
    "public/funding-rate": _symbol(Op.FUNDING),
    "public/funding-rate-history": _fundings,
    "public/mark-price": _mark,
    "market/index-tickers": _index,
    "account/balance": _balances,
    "asset/currencies": _balances,  # clients with a key ask for it first; said from the catalogue
    **engine.READS,
}


# ---- what is answered
def say(heard: Heard, answer: Any, ctx: Ctx, at: Stamp) -> Reply:
    if heard.op in faults.ACKED or isinstance(answer, Fault):
        said = faults.verdict(heard, answer, at)
        return Reply(said.status, JSON, msgspec.json.encode(said.body))
    body = {"code": "0", "msg": "", "data": _data(heard, answer, ctx, at)}
    return Reply(200, JSON, msgspec.json.encode(body))


def _data(heard: Heard, answer: Any, ctx: Ctx, at: Stamp) -> list[Any]:
    symbol = getattr(heard.asked, "symbol", "")
    one = ctx.catalog.theirs(symbol) if symbol else None
    match heard.op:
        case Op.TIME:
            return [{"ts": str(answer)}]
        case Op.INSTRUMENTS:
            return [replies.instrument(listed) for listed in answer if heard.tag in ("", listed.venue_symbol)]
        case Op.TICKER:
            told = answer if isinstance(answer, tuple) else (answer,)
            pairs = [(ticker, ctx.catalog.theirs(ticker.symbol)) for ticker in told]
            return [
                replies.ticker(ticker, its) for ticker, its in pairs if heard.tag in ("", rest.TYPES.get(its.kind, ""))
            ]  # fmt: skip
        case Op.BALANCES if heard.path.endswith("currencies"):
            return [replies.currency(code) for code in _assets(ctx) if heard.tag in ("", code)]
        case Op.BALANCES:
            held = [balance for balance in answer if not heard.tag or balance.asset in heard.tag.split(",")]
            return [replies.account(held, at.venue_ms)]
        case Op.ORDER:
            return [replies.order(answer, ctx)]
        case Op.OPEN_ORDERS | Op.ORDERS:
            return _listed(heard, [replies.order(one, ctx) for one in reversed(answer)])
        case Op.FILLS:
            return _listed(heard, [replies.fill(one, ctx.catalog.theirs(one.symbol)) for one in reversed(answer)])
        case op if op in office.TOLD:
            return office.TOLD[op](heard, answer, ctx, at)
    assert one is not None
    if heard.op is Op.BOOK:
        bids, asks = answer.bids[: heard.asked.depth], answer.asks[: heard.asked.depth]
        if heard.path.endswith("-full"):
            return [replies.full_book(bids, asks, one, answer.venue_ns)]
        return [replies.book(bids, asks, one, answer.venue_ns, answer.last)]
    word: Callable[[Any, Instrument], Any] = _WORDS[heard.op]
    return [word(event, one) for event in (reversed(answer) if isinstance(answer, tuple) else (answer,))]


def _listed(heard: Heard, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    kind, state, most = heard.tag.split(" ")
    kept = [row for row in rows if kind in ("", row["instType"]) and state in ("", row.get("state"))]
    return kept[: int(most)]


_WORDS: dict[Op, Callable[[Any, Instrument], Any]] = {
    Op.TRADES: replies.trade, Op.CANDLES: replies.candle, Op.FUNDING: replies.funding, Op.FUNDINGS: replies.paid,
    Op.MARK: replies.mark, Op.INDEX: replies.index,
}  # fmt: skip


def _assets(ctx: Ctx) -> list[str]:
    return sorted({asset for one in ctx.catalog for asset in (one.parts.base, one.parts.quote)})


def refuse(fault: Fault) -> Reply:
    if isinstance(fault, Denied):
        return Reply(200, JSON, msgspec.json.encode(faults.denied(fault)))
    code, status, said = _SAID.get(fault.kind, ("50000", 400, "Body for a POST request cannot be empty."))
    body = {"code": fault.code or code, "data": [], "msg": fault.said or said}
    return Reply(fault.status or status, JSON, msgspec.json.encode(body))


def limit(budget: str, wait_ms: int) -> Fault:
    code, status, said = _SAID[Kind.LIMIT]
    if budget == trade.ORDERS_BUDGET:
        code, said = "50061", "Sub-account rate limit reached. Please throttle requests accordingly."
    return Fault(Kind.LIMIT, code=code, said=said, wait_ms=wait_ms, status=status)


def listing(terms: Terms) -> Instrument:
    """The tick, lot and least size as they are; codes count up from the venue's own for swaps."""
    parts = parse(terms.symbol)
    if parts.expiry:
        raise Misuse(f"{terms.symbol} is a dated future.", next="the simulated venue lists spot pairs and swaps")
    family = f"{parts.base}-{parts.quote}"
    if parts.settle and parts.quote == "USD" and not parts.inverse:
        family += "_UM"  # settled in dollars; plain BTC-USD-SWAP is settled in BTC
    return Instrument(
        symbol=terms.symbol, venue_symbol=f"{family}-SWAP" if parts.settle else family,
        price_tick=terms.price_tick, qty_step=terms.qty_step,
        price_decimals=numbers.decimals_of(terms.price_tick), qty_decimals=numbers.decimals_of(terms.qty_step),
        venue_status="live", min_qty=terms.min_qty, max_qty=Decimal(100_000_000), contract_size=terms.contract_size,
        names={"code": str(10_458 + terms.number)},
    )  # fmt: skip


# A post-only order that would take is accepted, and ends without having been shown; what could not be filled at once is
# cancelled. A cancel does not tell an order that has ended from one there never was.
HABITS = Habits(
    post_only="cancelled", post_only_shown=False, fok="cancelled", rest="cancelled", latest_cancel="unknown",
    forgets_ms=FORGETS_MS, freeze_bps=500, amend_filled="filled", lists_open=False,
)  # fmt: skip
MIRROR = Mirror(
    hear=hear,
    proof=auth.proof,
    say=say,
    refuse=refuse,
    limit=limit,
    ban=lambda budget, wait_ms, until_ms: None,  # it publishes no ladder of bans
    toll=lambda readings: {},  # it sends no headers about use
    rooms={
        "public": lambda ctx, verifier, ear: Room(ctx, ear, business=False),
        "business": lambda ctx, verifier, ear: Room(ctx, ear, business=True),
        "private": office.Office,
    },
    paths={"public": "/ws/v5/public", "business": "/ws/v5/business", "private": "/ws/v5/private"},
    listing=listing,
    habits=HABITS,
    order_name=lambda n: str(1_752_588_852_617_000_000 + n),
    fill_name=lambda n: str(744_876_000 + n),
    mint=auth.mint,
)
