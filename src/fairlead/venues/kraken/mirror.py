"""Kraken's REST from the venue's side: hears a request, checks its signature, refuses in the venue's words.

Errors come with status 200 in the envelope; other statuses are Cloudflare's, which stands in front."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import partial
from string import ascii_letters, digits
from typing import Any

import msgspec

from fairlead.model import numbers
from fairlead.model.account import Fees
from fairlead.model.instrument import Instrument
from fairlead.venues.kraken import account, engine, faults, replies, trade, wire
from fairlead.venues.kraken.auth import KEY_HEADER, header, params_of, plain, proof
from fairlead.venues.kraken.channels import OURS
from fairlead.venues.kraken.engine import Params
from fairlead.venues.kraken.hearing import PublicHearing
from fairlead.venues.kraken.office import PrivateHearing
from fairlead.venues.kraken.rest import BOOK_MOST, BOOK_USUAL, PATHS, STATUS, TRADES_MOST
from fairlead.wire.asks import AskBook, AskCandles, AskListing, AskNothing, AskSymbol, AskTrades, Op
from fairlead.wire.endpoint import Ctx
from fairlead.wire.face import Rng
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.http import Reply, Request
from fairlead.wire.limits import Reading
from fairlead.wire.mirror import Habits, Heard, Minted, Mirror, Terms, drawn
from fairlead.wire.signing import Stamp

SECONDS_MOST = 100_000_000_000  # a smaller `since` is in seconds, a greater one in nanoseconds
NO_METHOD = "EGeneral:Unknown method"
TOKEN_S = 900  # within so long must a token be used
BANNED_PAGE = "error code: 1015"  # Cloudflare: you are being rate limited


# ---- what is asked


def hear(request: Request, ctx: Ctx) -> Heard | Fault:
    listen = _LISTEN.get(request.path)
    if listen is None or (request.path.startswith("/0/private/") and request.method != "POST"):
        return Fault(Kind.INVALID, said=NO_METHOD)
    heard = listen(params_of(request), ctx)
    if isinstance(heard, Fault):
        return heard
    return msgspec.structs.replace(heard, key_id=header(request, KEY_HEADER), path=request.path)


def _listing(params: Params, ctx: Ctx) -> Heard | Fault:
    """`pair` narrows the list; what it narrows to is kept in the tag."""
    found = _pairs(params.get("pair", ""), ctx)
    return found if isinstance(found, Fault) else Heard(Op.INSTRUMENTS, AskListing("spot"), tag=",".join(found))


def _tickers(params: Params, ctx: Ctx) -> Heard | Fault:
    found = _pairs(params.get("pair", ""), ctx)
    if isinstance(found, Fault):
        return found
    return Heard(Op.TICKER, AskSymbol(found[0] if len(found) == 1 else ""), tag=",".join(found))


def _pairs(given: str, ctx: Ctx) -> tuple[str, ...] | Fault:
    """Our symbols of a comma list in any of the venue's spellings."""
    found = [ctx.catalog.ours(name) for name in given.split(",") if name]
    if None in found:
        return Fault(Kind.SYMBOL, said=faults.NO_PAIR)
    return tuple(one.symbol for one in found if one is not None)


def _of_one(listen: Callable[[str, Params], Heard]) -> Callable[[Params, Ctx], Heard | Fault]:
    """A question about one market: `pair` must be there and known, numbers must be numbers and in range."""

    def listening(params: Params, ctx: Ctx) -> Heard | Fault:
        if not params.get("pair"):
            return Fault(Kind.INVALID, said=faults.ARGUMENTS)
        one = ctx.catalog.ours(params["pair"])
        if one is None:
            return Fault(Kind.SYMBOL, said=faults.NO_PAIR)
        try:
            return listen(one.symbol, params)
        except (ValueError, KeyError):
            return Fault(Kind.INVALID, said=faults.ARGUMENTS)

    return listening


def _book(symbol: str, params: Params) -> Heard:
    return Heard(Op.BOOK, AskBook(symbol, _within(params.get("count", str(BOOK_USUAL)), 1, BOOK_MOST)))


def _trades(symbol: str, params: Params) -> Heard:
    """`since` is exclusive, in nanoseconds or, as some send it, in seconds."""
    limit, since = _within(params.get("count", str(TRADES_MOST)), 1, TRADES_MOST), int(params.get("since", "0"))
    since_ns = since * wire.SECOND_NS if since < SECONDS_MOST else since
    return Heard(Op.TRADES, AskTrades(symbol, limit, since_ns + 1 if since else 0))


def _candles(symbol: str, params: Params) -> Heard:
    interval, since = OURS[int(params.get("interval", "1"))], int(params.get("since", "0"))
    start_ns = (since + 1) * wire.SECOND_NS if since else 0
    return Heard(Op.CANDLES, AskCandles(symbol, interval, start_ns, limit=replies.CANDLES_WALL), newest=True)


def _within(text: str, least: int, most: int) -> int:
    if not least <= int(text) <= most:
        raise ValueError(text)
    return int(text)


_LISTEN: Mapping[str, Callable[[Params, Ctx], Heard | Fault]] = {
    PATHS[Op.TIME]: lambda params, ctx: Heard(Op.TIME, AskNothing()),
    replies.SYSTEM_STATUS: lambda params, ctx: Heard(Op.TIME, AskNothing()),
    PATHS[Op.INSTRUMENTS]: _listing,
    replies.ASSETS: lambda params, ctx: Heard(Op.INSTRUMENTS, AskListing("spot")),
    PATHS[Op.TICKER]: _tickers,
    PATHS[Op.BOOK]: _of_one(_book),
    PATHS[Op.TRADES]: _of_one(_trades),
    PATHS[Op.CANDLES]: _of_one(_candles),
    **engine.LISTEN,
    replies.BALANCE: lambda params, ctx: Heard(Op.BALANCES, AskNothing()),
}


# ---- what is refused


def refuse(fault: Fault) -> Reply:
    """In the envelope with status 200; with a status of its own where it is not the venue that speaks."""
    if fault.status >= 400 and fault.kind is not Kind.MAINTENANCE:
        after = {"retry-after": str(-(-fault.wait_ms // 1_000))} if fault.wait_ms else {}
        said = fault.said or f"error code: {fault.status}"
        return Reply(fault.status, {"content-type": "text/html", **after}, said.encode())
    return Reply(200, replies.JSON, msgspec.json.encode({"error": [faults.worded(fault, None, faults.Texts())]}))


def limit(budget: str, wait_ms: int) -> Fault:
    if budget == faults.DIALS:
        return Fault(Kind.LIMIT, said=BANNED_PAGE, wait_ms=wait_ms, status=429)
    return Fault(Kind.LIMIT, said=_FULL[budget], wait_ms=wait_ms)


_FULL = {faults.CALLS: "EAPI:Rate limit exceeded", faults.PUBLIC: "EGeneral:Too many requests",
         faults.FRAMES: faults.MSG_RATE,
         faults.ENGINE: "EOrder:Rate limit exceeded"}  # fmt: skip


def ban(budget: str, wait_ms: int, until_ms: int) -> Fault | None:
    """Only who dials without end is shut out."""
    return Fault(Kind.BAN, said=BANNED_PAGE, wait_ms=wait_ms, status=429) if budget == faults.DIALS else None


def toll(readings: tuple[Reading, ...]) -> Mapping[str, str]:
    return {}  # Kraken counts in silence


# ---- what is listed


def _say_pairs(heard: Heard, answer: Iterable[Instrument], ctx: Ctx, at: Stamp) -> Any:
    wanted = heard.tag.split(",") if heard.tag else ()
    return {one.names["reply"]: _pair(one) for one in answer if not wanted or one.symbol in wanted}


def _pair(one: Instrument) -> dict[str, Any]:
    base, _, quote = one.symbol.removesuffix(".d").partition("/")
    named = {"wsname": one.names["wsname"]} if "wsname" in one.names else {}  # dark pools are not on the socket
    return {
        "altname": one.names["alt"], **named, "aclass_base": "currency",
        "base": replies.code_of(base), "aclass_quote": "currency", "quote": replies.code_of(quote), "lot": "unit",
        "cost_decimals": 5, "pair_decimals": one.price_decimals, "lot_decimals": one.qty_decimals, "lot_multiplier": 1,
        "leverage_buy": [2, 3], "leverage_sell": [2, 3], "fees": [[0, 0.4], [10_000, 0.35]],
        "fees_maker": [[0, 0.25], [10_000, 0.2]], "fee_volume_currency": "ZUSD", "margin_call": 80, "margin_stop": 40,
        "ordermin": plain(one.min_qty), "costmin": plain(one.min_notional), "tick_size": plain(one.price_tick),
        "status": one.venue_status or _STATUSES[one.status], "long_position_limit": 250, "short_position_limit": 200,
        "execution_venue": "international",
    }  # fmt: skip


def _say_assets(heard: Heard, answer: Iterable[Instrument], ctx: Ctx, at: Stamp) -> Any:
    names = {name for one in answer for name in (one.parts.base, one.parts.quote)}
    return {replies.code_of(name): _asset(name) for name in sorted(names)}


def _asset(name: str) -> dict[str, Any]:
    decimals, shown = (4, 2) if replies.CODES.get(name, "").startswith("Z") else (10, 5)
    alt = replies.SHOWN.get(name, name)
    return {"aclass": "currency", "altname": alt, "decimals": decimals, "display_decimals": shown,
            "collateral_value": 1.0, "status": "enabled", "margin_rate": 0.02}  # fmt: skip


def _say_fees(answer: Fees, ctx: Ctx, manners: replies.Manners) -> Any:
    """In percent."""
    key, names = ctx.catalog.theirs(answer.symbol).names["reply"], manners.spells_fees.split()

    def row(share: Decimal) -> dict[str, Any]:
        percent = replies.padded(share.scaleb(2, numbers.EXACT), 4)
        return {"fee": percent, **dict(zip(names, (percent, percent, percent, "0.0000", "0.0000"), strict=True))}

    return {
        "currency": "ZUSD",
        "volume": "0.0000",
        "fees": {key: row(answer.taker)},
        "fees_maker": {key: row(answer.maker)},
    }


_STATUSES = {ours: theirs for theirs, ours in reversed(STATUS.items())}


def listing(terms: Terms) -> Instrument:
    """Pairs of two old codes have them for a key (XXBTZUSD); others, like every altname, the names that are shown."""
    base, _, quote = terms.symbol.partition("/")
    shown = [replies.SHOWN.get(name, name) for name in (base, quote)]
    alt = "".join(shown)
    return Instrument(
        symbol=terms.symbol,
        venue_symbol=alt,
        price_tick=terms.price_tick,
        qty_step=terms.qty_step,
        price_decimals=numbers.decimals_of(terms.price_tick),
        qty_decimals=numbers.decimals_of(terms.qty_step),
        venue_status="online",
        min_qty=terms.min_qty,
        min_notional=terms.min_notional,
        names={
            "reply": replies.CODES[base] + replies.CODES[quote]
            if base in replies.CODES and quote in replies.CODES
            else alt,
            "alt": alt,
            "ws": terms.symbol,
            "wsname": "/".join(shown),
        },
    )


def mint(rng: Rng) -> Minted:
    """Both are base64, of 42 and 64 bytes."""
    secret = base64.b64encode(bytes(rng.randrange(256) for _ in range(64))).decode()
    return Minted(drawn(rng, 56, ascii_letters + digits + "+/"), secret, algorithm="hmac-sha512", in_base64=True)


# ---- all of it


def say(manners: replies.Manners, heard: Heard, answer: Any, ctx: Ctx, at: Stamp) -> Reply:
    is_left_out = manners.leaves_out and heard.op is Op.ORDER and isinstance(answer, Fault)
    if isinstance(answer, Fault) and not is_left_out:
        return Reply(
            200, replies.JSON, msgspec.json.encode({"error": [faults.worded(answer, heard.asked, manners.texts)]})
        )
    path = heard.path or _PATHS[heard.op]
    result: Any = {}
    if heard.op is Op.FEES:
        result = _say_fees(answer, ctx, manners)
    elif heard.op is Op.DEAD_MAN:
        result = engine.timer_told(answer, at, manners)
    elif heard.op is Op.TOKEN:
        result = {"token": answer, "expires": TOKEN_S}
    elif is_left_out:
        result = {}
    elif path in engine.SAY:
        result = engine.SAY[path](heard, answer, ctx, manners)
    else:
        result = _SAY[path](heard, answer, ctx, at)
    return Reply(200, replies.JSON, msgspec.json.encode({"error": [], "result": result}))


_PATHS = {**PATHS, **trade.PATHS, **account.PATHS}
_SAY = {**replies.SAY, PATHS[Op.INSTRUMENTS]: _say_pairs, replies.ASSETS: _say_assets}


def mirror(manners: replies.Manners = replies.Manners(), habits: Habits = engine.HABITS) -> Mirror:
    """The venue as its documents have it, but for what they leave open."""
    return Mirror(
        hear=hear,
        proof=proof,
        say=partial(say, manners),
        refuse=refuse,
        limit=limit,
        ban=ban,
        toll=toll,
        rooms={
            "public": partial(PublicHearing, pads=manners.pads),
            "private": partial(PrivateHearing, manners=manners),
        },
        paths={"public": "/v2", "private": "/v2"},
        listing=listing,
        habits=habits,
        order_name=partial(replies.named, "O"),
        fill_name=partial(replies.named, "T"),
        mint=mint,
    )


MIRROR = mirror()
