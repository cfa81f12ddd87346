"""How Kraken's calls are written, signed, and checked by the venue; it sends nothing and never sees the secret.

Spot REST Authentication: API-Sign is the base64 of HMAC-SHA512, keyed with the decoded secret, over the path and the
SHA-256 of the nonce's text followed by the body, byte for byte as it is sent."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlencode

import msgspec
from msgspec import Raw

from fairlead.errors import Misuse
from fairlead.model.market import MS
from fairlead.model.orders import OrderType, Tif
from fairlead.venues.kraken.channels import rfc3339_ns
from fairlead.venues.kraken.faults import ARGUMENTS
from fairlead.venues.kraken.orders import BATCH_LEAST, BATCH_MOST, CANCELS_MOST, TYPES
from fairlead.wire.asks import AskNothing, Op
from fairlead.wire.conversation import Need, Out
from fairlead.wire.endpoint import Ctx
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.http import Request
from fairlead.wire.orders import AskAmend, AskCancel, AskCancelMany, AskPlace, AskPlaceMany
from fairlead.wire.signing import Signer, Stamp, Verifier

KEY_HEADER, SIGN_HEADER = "API-Key", "API-Sign"
FENCE_LEAST_MS, FENCE_MOST_MS = 2_000, 60_000  # how far ahead REST takes a deadline
TOKEN_NS = 600_000_000_000  # so old a token is not begun with any more: it is good for 15 minutes
NONCE_MOST_CHARS = 20  # an unsigned number of 64 bits
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


def encode(method: str, params: Mapping[str, Any]) -> tuple[str, bytes, Mapping[str, str]]:
    """GET puts its parameters into the query, POST into a form, or into JSON where lists are among them; signing adds
    the nonce."""
    if any(isinstance(value, list) for value in params.values()):
        return "", msgspec.json.encode(params), {"Content-Type": JSON}
    text = urlencode(params)
    return ("", text.encode(), {"Content-Type": FORM}) if method == "POST" else (text, b"", {})


def plain(number: Decimal) -> str:
    return format(number, "f")


def moment(ms: int) -> str:
    """RFC 3339 with milliseconds, as deadlines are written."""
    return f"{datetime.fromtimestamp(ms // 1_000, UTC):%Y-%m-%dT%H:%M:%S}.{ms % 1_000:03d}Z"


def fence(until_ms: int) -> dict[str, str]:
    """The engine matches nothing after the deadline; between 2 and 60 seconds ahead on REST."""
    return {"deadline": moment(until_ms)} if until_ms else {}


def sign(request: Request, signer: Signer, at: Stamp) -> Request:
    """The nonce joins the body as its first field; it must be greater than any this key has ever used."""
    nonce = str(at.nonce)
    if request.body[:1] == b"{":
        body = f'{{"nonce":"{nonce}",'.encode() + request.body[1:]
    else:
        body = f"nonce={nonce}".encode() + (b"&" + request.body if request.body else b"")
    signature = signer.sign(message(request.path, nonce, body))
    signed = {KEY_HEADER: signer.key_id, SIGN_HEADER: base64.b64encode(signature).decode()}
    return msgspec.structs.replace(request, headers={"Content-Type": FORM, **request.headers, **signed}, body=body)


def message(path: str, nonce: str, body: bytes) -> bytes:
    return path.encode() + hashlib.sha256(nonce.encode() + body).digest()


def nonce_of(content_type: str, body: bytes) -> str:
    """The nonce's text in a body of either kind, "" when there is none that is a number."""
    try:
        if content_type.startswith(JSON):
            found = str(msgspec.json.decode(body, type=dict[str, object]).get("nonce", ""))
        else:
            found = parse_qs(body.decode()).get("nonce", [""])[0]
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ""
    return found if found.isdecimal() and found.isascii() and len(found) <= NONCE_MOST_CHARS else ""


# ---- what can be asked


def checked(asked: AskPlace) -> AskPlace:
    """What the venue would refuse, or do otherwise than it is meant, is not sent."""
    why, instead = next((words for is_so, *words in _rules(asked) if is_so), ("", ""))
    if why:
        raise Misuse(f"Kraken: {why}.", next=instead)
    return asked


def _rules(asked: AskPlace) -> Iterable[tuple[bool, str, str]]:
    is_market, is_limit = asked.type is OrderType.MARKET, asked.type.is_limit
    # Add Order, oflags: viqc, the volume in the quote currency, is for market orders that buy.
    yield (
        asked.quote_qty is not None and not (is_market and asked.side == "buy"),
        ("only a market order that buys takes an amount of quote"),
        "give `qty`, in base",
    )
    yield (asked.qty is None) == (asked.quote_qty is None), "an order has one quantity", "give `qty` or `quote_qty`"
    yield is_limit != (asked.price is not None), f"a {asked.type} order with this price", "a limit has a price, only it"
    yield (
        asked.type.is_triggered != (asked.trigger is not None),
        (f"a {asked.type} order with this trigger"),
        "stops and take-profits have a trigger, only they",
    )
    yield (
        asked.post_only and (asked.type is not OrderType.LIMIT or asked.tif is not Tif.GTC),
        ("post-only is for limit orders that stay"),
        "leave it out, or place a limit order with tif GTC",
    )
    # timeinforce: FOK is taken for plain limit orders alone.
    yield asked.tif is Tif.FOK and asked.type is not OrderType.LIMIT, "FOK is for limit orders", "use tif IOC or GTC"
    yield asked.tif is not Tif.GTC and not is_limit, "a time in force is for orders with a limit", "use tif GTC"
    yield (
        asked.reduce_only or bool(asked.pos_side) or asked.margin not in ("", "cash"),
        ("orders here are for cash: there is no position to reduce"),
        "leave reduce_only, pos_side and margin out",
    )


def batch(asked: AskPlaceMany) -> AskPlaceMany:
    """Add Order Batch: 2 to 15 orders of one pair."""
    alike = {(one.symbol, one.until_ms) for one in asked.orders}
    if not BATCH_LEAST <= len(asked.orders) <= BATCH_MOST or len(alike) != 1:
        raise Misuse(
            f"Kraken: a batch is {BATCH_LEAST} to {BATCH_MOST} orders of one symbol and one fence.",
            next="split it, or place them one by one",
        )
    return asked


def named(asked: AskAmend | AskCancel) -> dict[str, str]:
    if not asked.order_id and not asked.client_id:
        raise Misuse("Kraken: nothing says which order it is about.", next="give order_id or client_id")
    return {"txid": asked.order_id} if asked.order_id else {"cl_ord_id": asked.client_id}


def several(asked: AskCancelMany) -> AskCancelMany:
    if not 1 <= len(asked.orders) <= CANCELS_MOST:
        raise Misuse(f"Kraken: a batch cancels 1 to {CANCELS_MOST} orders.", next="split it")
    return asked


# ---- asking by socket: numbers are bare, and some words others


def _socket_order(asked: AskPlace) -> dict[str, Any]:
    checked(asked)
    told: dict[str, Any] = {"order_type": TYPES[asked.type], "side": asked.side}
    told |= {"cl_ord_id": asked.client_id} if asked.client_id else {}
    sizes = {"order_qty": asked.qty, "cash_order_qty": asked.quote_qty, "limit_price": asked.price}
    told |= {name: Raw(plain(value).encode()) for name, value in sizes.items() if value is not None}
    if asked.trigger is not None:
        told["triggers"] = {"reference": "last", "price": Raw(plain(asked.trigger).encode())}
    if asked.tif is not Tif.GTC:
        told["time_in_force"] = str(asked.tif).lower()
    return told | ({"post_only": True} if asked.post_only else {})


def socket_place(asked: AskPlace, ctx: Ctx) -> dict[str, Any]:
    return {**_socket_order(asked), "symbol": _symbol(asked.symbol, ctx), **fence(asked.until_ms)}


def socket_batch(asked: AskPlaceMany, ctx: Ctx) -> dict[str, Any]:
    first = batch(asked).orders[0]
    return {"symbol": _symbol(first.symbol, ctx), "orders": [_socket_order(one) for one in asked.orders],
            **fence(first.until_ms)}  # fmt: skip


def _symbol(symbol: str, ctx: Ctx) -> str:
    listed = ctx.catalog.theirs(symbol)
    if "ws" not in listed.names:
        raise Misuse(f"{symbol} is not on the socket.", next="place it by REST")
    return listed.names["ws"]


def socket_amend(asked: AskAmend, ctx: Ctx) -> dict[str, Any]:
    changes = {"order_qty": asked.qty, "limit_price": asked.price, "trigger_price": asked.trigger}
    numbers = {name: Raw(plain(value).encode()) for name, value in changes.items() if value is not None}
    return {**socket_named(asked), **numbers, **fence(asked.until_ms)}


def socket_named(asked: AskAmend | AskCancel) -> dict[str, Any]:
    return {"order_id" if name == "txid" else name: id for name, id in named(asked).items()}


def socket_cancels(asked: AskCancelMany, ctx: Ctx) -> dict[str, Any]:
    """cancel_order answers for each id alone; ids of ours and of theirs cannot be combined."""
    several(asked)
    names = [socket_named(one) for one in asked.orders]
    (kind, *others) = {name for one in names for name in one}
    if others:
        raise Misuse("Kraken: a call cancels by order_id or by client_id.", next="name all orders in the same way")
    return {kind: [one[kind] for one in names]}


class Leave:
    """The token of a private connection: an old one ends as soon as nothing stands that was begun with it."""

    def __init__(self, out: Out) -> None:
        self._out = out
        self.token, self._is_wanted, self._since_ns = "", False, 0

    def want(self, why: str) -> None:
        if not self._is_wanted:
            self._is_wanted = True
            self._out.need(Need(Op.TOKEN, AskNothing(), why))

    def lose(self, why: str) -> None:
        self.token = ""
        self.want(why)

    def take(self, answer: object, now_ns: int) -> None:
        self._is_wanted, self._since_ns = False, now_ns
        self.token = answer if isinstance(answer, str) else ""

    def is_old(self, now_ns: int) -> bool:
        return now_ns - self._since_ns >= TOKEN_NS


# ---- the venue's side


def proof(request: Request, verifier: Verifier, at: Stamp) -> Fault | None:
    """The key, then the signature, then the nonce, which must be above every one the key has used."""
    key_id = header(request, KEY_HEADER)
    if not key_id or not verifier.knows(key_id):
        return Fault(Kind.KEY, said="EAPI:Invalid key")
    nonce = nonce_of(header(request, "Content-Type"), request.body)
    if not nonce or int(nonce) >= 1 << 64:
        return Fault(Kind.NONCE, said="EAPI:Invalid nonce")
    try:
        signature = base64.b64decode(header(request, SIGN_HEADER), validate=True)
    except (binascii.Error, ValueError):
        signature = b""
    if not verifier.verify(key_id, message(request.path, nonce, request.body), signature):
        return Fault(Kind.SIGNATURE, said="EAPI:Invalid signature")
    if int(nonce) <= verifier.last_nonce(key_id):
        return Fault(Kind.NONCE, said="EAPI:Invalid nonce")
    verifier.note_nonce(key_id, int(nonce))
    return fenced(str(params_of(request).get("deadline", "")), FENCE_LEAST_MS, at)


def header(request: Request, name: str) -> str:
    return next((value for key, value in request.headers.items() if key.lower() == name.lower()), "")


def params_of(request: Request) -> dict[str, Any]:
    """What a request asks with, from its query, its form or its JSON, in which all but lists and orders are texts."""
    if header(request, "Content-Type").startswith(JSON):
        try:
            return {name: texts(value) for name, value in _OBJECT(request.body).items()}
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return {}
    given = request.query if request.method == "GET" else request.body.decode("utf-8", "replace")
    return {name: values[-1] for name, values in parse_qs(given, keep_blank_values=True).items()}


def texts(value: Any) -> Any:
    if isinstance(value, list):
        return [texts(one) for one in value]
    if isinstance(value, dict):
        return {name: texts(one) for name, one in value.items()}
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def fenced(deadline: str, least_ms: int, at: Stamp) -> Fault | None:
    """A deadline must be some time ahead, at most a minute; by one that has passed nothing is done."""
    try:
        ahead_ms = rfc3339_ns(deadline) // MS - at.venue_ms if deadline else least_ms
    except ValueError:
        ahead_ms = FENCE_MOST_MS + 1
    if ahead_ms <= 0:
        return Fault(Kind.CLOCK, said="EService:Deadline elapsed")
    return None if least_ms <= ahead_ms <= FENCE_MOST_MS else Fault(Kind.INVALID, said=f"{ARGUMENTS}:deadline")


_OBJECT = msgspec.json.Decoder(dict[str, Any], float_hook=str).decode
