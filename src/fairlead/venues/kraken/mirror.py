"""Kraken's REST from the venue's side: hears a request, checks its signature, refuses in the venue's words.

Errors come with status 200 in the envelope; other statuses are Cloudflare's, which stands in front."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from string import ascii_letters, digits
from urllib.parse import parse_qs

import msgspec

from fairlead.model import numbers
from fairlead.model.instrument import Instrument
from fairlead.venues.kraken import wire
from fairlead.venues.kraken.auth import KEY_HEADER, SIGN_HEADER, message, nonce_of
from fairlead.venues.kraken.channels import OURS
from fairlead.venues.kraken.faults import CALLS, DIALS, FRAMES, MSG_RATE, PUBLIC, TABLE
from fairlead.venues.kraken.hearing import PublicHearing
from fairlead.venues.kraken.replies import ASSETS, BALANCE, CANDLES_WALL, CODES, JSON, SHOWN, SYSTEM_STATUS, say
from fairlead.venues.kraken.rest import BOOK_MOST, BOOK_USUAL, PATHS, TRADES_MOST
from fairlead.wire.asks import AskBook, AskCandles, AskListing, AskNothing, AskSymbol, AskTrades, Op
from fairlead.wire.endpoint import Ctx
from fairlead.wire.face import Rng
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.http import Reply, Request
from fairlead.wire.limits import Reading
from fairlead.wire.mirror import Heard, Minted, Mirror, Terms, drawn
from fairlead.wire.signing import Stamp, Verifier

SECONDS_MOST = 100_000_000_000  # a smaller `since` is in seconds, a greater one in nanoseconds
ARGUMENTS, NO_PAIR, NO_METHOD = "EGeneral:Invalid arguments", "EQuery:Unknown asset pair", "EGeneral:Unknown method"
BANNED_PAGE = "error code: 1015"  # Cloudflare: you are being rate limited


# ---- what is asked


def hear(request: Request, ctx: Ctx) -> Heard | Fault:
    listen = _LISTEN.get(request.path)
    if listen is None or (request.path.startswith("/0/private/") and request.method != "POST"):
        return Fault(Kind.INVALID, said=NO_METHOD)
    given = request.query if request.method == "GET" else request.body.decode("utf-8", "replace")
    params = {name: values[-1] for name, values in parse_qs(given, keep_blank_values=True).items()}
    heard = listen(params, ctx)
    if isinstance(heard, Fault):
        return heard
    return msgspec.structs.replace(heard, key_id=_header(request, KEY_HEADER), path=request.path)


Params = Mapping[str, str]


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
        return Fault(Kind.SYMBOL, said=NO_PAIR)
    return tuple(one.symbol for one in found if one is not None)


def _of_one(listen: Callable[[str, Params], Heard]) -> Callable[[Params, Ctx], Heard | Fault]:
    """A question about one market: `pair` must be there and known, numbers must be numbers and in range."""

    def listening(params: Params, ctx: Ctx) -> Heard | Fault:
        if not params.get("pair"):
            return Fault(Kind.INVALID, said=ARGUMENTS)
        one = ctx.catalog.ours(params["pair"])
        if one is None:
            return Fault(Kind.SYMBOL, said=NO_PAIR)
        try:
            return listen(one.symbol, params)
        except (ValueError, KeyError):
            return Fault(Kind.INVALID, said=ARGUMENTS)

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
    return Heard(Op.CANDLES, AskCandles(symbol, interval, start_ns, limit=CANDLES_WALL), newest=True)


def _within(text: str, least: int, most: int) -> int:
    if not least <= int(text) <= most:
        raise ValueError(text)
    return int(text)


_LISTEN: Mapping[str, Callable[[Params, Ctx], Heard | Fault]] = {
    PATHS[Op.TIME]: lambda params, ctx: Heard(Op.TIME, AskNothing()),
    SYSTEM_STATUS: lambda params, ctx: Heard(Op.TIME, AskNothing()),
    PATHS[Op.INSTRUMENTS]: _listing,
    ASSETS: lambda params, ctx: Heard(Op.INSTRUMENTS, AskListing("spot")),
    PATHS[Op.TICKER]: _tickers,
    PATHS[Op.BOOK]: _of_one(_book),
    PATHS[Op.TRADES]: _of_one(_trades),
    PATHS[Op.CANDLES]: _of_one(_candles),
    PATHS[Op.BALANCES]: lambda params, ctx: Heard(Op.BALANCES, AskNothing()),
    BALANCE: lambda params, ctx: Heard(Op.BALANCES, AskNothing()),
}


def proof(request: Request, verifier: Verifier, at: Stamp) -> Fault | None:
    """The key, then the signature, then the nonce, which must be above every one the key has used."""
    key_id = _header(request, KEY_HEADER)
    if not key_id or not verifier.knows(key_id):
        return Fault(Kind.KEY, said="EAPI:Invalid key")
    nonce = nonce_of(_header(request, "Content-Type"), request.body)
    if not nonce or int(nonce) >= 1 << 64:
        return Fault(Kind.NONCE, said="EAPI:Invalid nonce")
    try:
        signature = base64.b64decode(_header(request, SIGN_HEADER), validate=True)
    except (binascii.Error, ValueError):
        signature = b""
    if not verifier.verify(key_id, message(request.path, nonce, request.body), signature):
        return Fault(Kind.SIGNATURE, said="EAPI:Invalid signature")
    if int(nonce) <= verifier.last_nonce(key_id):
        return Fault(Kind.NONCE, said="EAPI:Invalid nonce")
    verifier.note_nonce(key_id, int(nonce))
    return None


def _header(request: Request, name: str) -> str:
    return next((value for key, value in request.headers.items() if key.lower() == name.lower()), "")


# ---- what is refused

_WORDS = {row.kind: text for text, row in reversed([*TABLE.items()])} | {Kind.SYMBOL: NO_PAIR, Kind.INVALID: ARGUMENTS}


def refuse(fault: Fault) -> Reply:
    """In the envelope with status 200; with a status of its own where it is not the venue that speaks."""
    if fault.status >= 400 and fault.kind is not Kind.MAINTENANCE:
        after = {"retry-after": str(-(-fault.wait_ms // 1_000))} if fault.wait_ms else {}
        said = fault.said or f"error code: {fault.status}"
        return Reply(fault.status, {"content-type": "text/html", **after}, said.encode())
    said = fault.said or fault.code or _WORDS.get(fault.kind, "EGeneral:Internal error")
    return Reply(200, JSON, msgspec.json.encode({"error": [said]}))


def limit(budget: str, wait_ms: int) -> Fault:
    if budget == DIALS:
        return Fault(Kind.LIMIT, said=BANNED_PAGE, wait_ms=wait_ms, status=429)
    return Fault(Kind.LIMIT, said=_FULL[budget], wait_ms=wait_ms)


_FULL = {CALLS: "EAPI:Rate limit exceeded", PUBLIC: "EGeneral:Too many requests", FRAMES: MSG_RATE}


def ban(budget: str, wait_ms: int, until_ms: int) -> Fault | None:
    """Only who dials without end is shut out."""
    return Fault(Kind.BAN, said=BANNED_PAGE, wait_ms=wait_ms, status=429) if budget == DIALS else None


def toll(readings: tuple[Reading, ...]) -> Mapping[str, str]:
    """Kraken counts in silence."""
    return {}


# ---- what is listed


def listing(terms: Terms) -> Instrument:
    """Pairs of two old codes have them for a key (XXBTZUSD); others, like every altname, the names that are shown."""
    base, _, quote = terms.symbol.partition("/")
    shown = [SHOWN.get(name, name) for name in (base, quote)]
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
            "reply": CODES[base] + CODES[quote] if base in CODES and quote in CODES else alt,
            "alt": alt,
            "ws": terms.symbol,
            "wsname": "/".join(shown),
        },
    )


def mint(rng: Rng) -> Minted:
    """Both are base64, of 42 and 64 bytes."""
    secret = base64.b64encode(bytes(rng.randrange(256) for _ in range(64))).decode()
    return Minted(drawn(rng, 56, ascii_letters + digits + "+/"), secret, algorithm="hmac-sha512", in_base64=True)


MIRROR = Mirror(
    hear=hear,
    proof=proof,
    say=say,
    refuse=refuse,
    limit=limit,
    ban=ban,
    toll=toll,
    rooms={"public": PublicHearing},
    paths={"public": "/v2"},
    listing=listing,
    mint=mint,
)
