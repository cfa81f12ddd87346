"""What Binance's refusals mean (errors.md), and what its headers tell about our use; a table, searched text first.

The codes -1010, -2010, -2011 and -2038 share one list of engine messages, so words come before codes."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from fairlead.errors import cut
from fairlead.venues.binance import wire
from fairlead.wire.asks import Op
from fairlead.wire.faults import Fate, Fault, Kind
from fairlead.wire.http import Reply
from fairlead.wire.limits import Reading

ORDERS = frozenset({Op.PLACE, Op.PLACE_MANY, Op.AMEND, Op.CANCEL, Op.CANCEL_MANY, Op.CANCEL_ALL, Op.DEAD_MAN})
WINDOW_MS = 60_000  # the weight's window: without Retry-After, quiet for one of them is enough
BAN_MS = 120_000  # the shortest ban

# (code or None for any, how the words begin or "" for any) -> kind. The first that fits.
WORDS: tuple[tuple[int | None, str, Kind], ...] = (
    (None, "Account has insufficient balance", Kind.FUNDS),
    (None, "Order rejected - insufficient", Kind.FUNDS),
    (None, "Duplicate order sent", Kind.DUPLICATE),
    (None, "Order would immediately match and take", Kind.POST_ONLY),
    (None, "Order was not canceled due to cancel restrictions", Kind.INVALID),
    (None, "Cancel order is invalid", Kind.INVALID),
    (None, "Unknown order sent", Kind.NOT_FOUND),
    (None, "Market is closed", Kind.MARKET_STATE),
    (None, "Order book liquidity is less than", Kind.MARKET_STATE),
    (None, "This symbol is not permitted for this account", Kind.PERMISSION),
    (None, "This symbol is restricted for this account", Kind.PERMISSION),
    (None, "This action is disabled on this account", Kind.PERMISSION),
    (None, "This account may not place or cancel orders", Kind.PERMISSION),
    (None, "Rest API trading is not enabled", Kind.PERMISSION),
    (None, "System is under maintenance", Kind.MAINTENANCE),
    (None, "Too many requests", Kind.LIMIT),
    (None, "API key does not exist", Kind.KEY),
    (-1003, "Way too m", Kind.BAN),  # "...any requests; IP banned until", "...uch request weight used; IP banned until"
    (0, "Service unavailable from a restricted location", Kind.REGION),
)
CODES: dict[int, Kind] = {
    -1000: Kind.SERVER,
    -1001: Kind.SERVER,
    -1002: Kind.PERMISSION,
    -1003: Kind.LIMIT,
    -1004: Kind.SERVER,
    -1005: Kind.ADDRESS,
    -1006: Kind.SERVER,
    -1007: Kind.SERVER,
    -1008: Kind.MAINTENANCE,
    -1010: Kind.INVALID,
    -1011: Kind.ADDRESS,
    -1013: Kind.INVALID,
    -1014: Kind.INVALID,
    -1015: Kind.LIMIT,
    -1016: Kind.MAINTENANCE,
    -1020: Kind.INVALID,
    -1021: Kind.CLOCK,
    -1022: Kind.SIGNATURE,
    -1034: Kind.LIMIT,
    -1099: Kind.PERMISSION,
    -1109: Kind.ACCOUNT,
    -1112: Kind.MARKET_STATE,
    -1121: Kind.SYMBOL,
    -1193: Kind.KEY,
    -1220: Kind.MARKET_STATE,
    -2008: Kind.KEY,
    -2010: Kind.INVALID,
    -2011: Kind.NOT_FOUND,
    -2013: Kind.NOT_FOUND,
    -2014: Kind.KEY,
    -2015: Kind.KEY,  # bad key, wrong address, missing permission or the other environment: it does not say which
    -2017: Kind.ACCOUNT,
    -2018: Kind.FUNDS,
    -2021: Kind.INVALID,
    -2022: Kind.INVALID,
    -2026: Kind.NOT_FOUND,
    -2028: Kind.KEY,
    -2035: Kind.DUPLICATE,
    -2036: Kind.NOT_FOUND,
    -2038: Kind.INVALID,
    -2039: Kind.INVALID,
    -2042: Kind.LIMIT,
    -2043: Kind.MARKET_STATE,
}
REQUESTS = range(-1299, -1099)  # errors.md, "11xx: request issues"; order lists and pegs went on with 12xx
STATUSES: dict[int, Kind] = {  # where no code was sent: a proxy or firewall answered
    401: Kind.KEY,
    403: Kind.BLOCKED,  # the web application firewall, also for words that look like SQL
    404: Kind.GONE,
    405: Kind.GONE,
    410: Kind.GONE,
    418: Kind.BAN,
    429: Kind.LIMIT,
    451: Kind.REGION,
}
# The venue may have acted all the same; -2021 did one half of two. So may it with a code that nobody has met.
UNSURE = frozenset({-1000, -1001, -1004, -1006, -1007, -1008, -2021})
# 408: "timeout waiting for response from backend server". 5xx "must not be treated as failure" (rest-api.md)
UNSURE_STATUSES = frozenset({408, *range(500, 600)})

# The legal ranges that -1100 names.
SYMBOL, INT, DECIMAL = r"^[A-Z0-9-_.]{1,20}$", r"^[0-9]{1,20}$", r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
SYMBOLS = r'^\[("[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}){0,1}\]$'
CLIENT_ID = r"^[\.A-Z\:/a-z0-9_-]{1,36}$"

_UNTIL = re.compile(r'(?:banned until |"retryAfter":)(\d{10,16})')  # in words, or in a socket's error
_REFUSAL = msgspec.json.Decoder(wire.Refusal).decode
_LIMITS = msgspec.json.Decoder(wire.Limits).decode
USED = {  # header -> our budget, of which it tells the use
    "x-mbx-used-weight-1m": "weight",
    "x-mbx-order-count-10s": "orders",
    "x-mbx-order-count-1d": "orders a day",
}
_LISTED = {  # (rateLimitType, interval) -> our budget
    ("REQUEST_WEIGHT", "MINUTE"): "weight",
    ("RAW_REQUESTS", "MINUTE"): "raw",
    ("ORDERS", "SECOND"): "orders",
    ("ORDERS", "DAY"): "orders a day",
}
_TOO_MANY_ORDERS, _CANCEL_REJECTED = -1015, -2011


class Refuse(Exception):
    """What the venue's end raises: a refusal in the venue's words."""

    def __init__(self, code: int, said: str, status: int = 400) -> None:
        super().__init__(said)
        self.fault = spoken(status, code, said)


def spoken(status: int, code: int, said: str, wait_ms: int = 0, until_ms: int = 0) -> Fault:
    """The fault that such a reply is."""
    kind = kind_of(status, wire.Refusal(code, said))
    return Fault(kind, code=str(code), said=said, status=status, wait_ms=wait_ms, until_ms=until_ms)


def legal(name: str, text: str, range: str) -> None:
    if not re.fullmatch(range, text):
        raise Refuse(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{range}'.")


def need(name: str, params: Mapping[str, str]) -> None:
    if not params.get(name):
        raise Refuse(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def fault(reply: Reply, op: Op) -> Fault | None:
    """None: the reply is the answer."""
    if reply.status < 300 and not reply.body.startswith(b'{"code":-'):
        return None
    refusal = _refusal(reply.body)
    if op is Op.CANCEL_ALL and refusal is not None and is_nothing_open(refusal):
        return None  # there was nothing to cancel, and now there is nothing
    kind = kind_of(reply.status, refusal)
    unsure = (
        kind is Kind.UNKNOWN_CODE or reply.status in UNSURE_STATUSES or (refusal is not None and refusal.code in UNSURE)
    )
    return Fault(
        kind=kind,
        fate=Fate.UNKNOWN if unsure and op in ORDERS else Fate.REFUSED,
        code=str(refusal.code) if refusal else "",
        said=cut(refusal.msg if refusal else reply.body),
        wait_ms=_wait_ms(reply, kind),
        until_ms=_until_ms(reply.body),
        status=reply.status,
    )


def is_nothing_open(refusal: wire.Refusal) -> bool:
    """How a cancel of all is answered where no order is open; the same code is given for other reasons too."""
    return refusal.code == _CANCEL_REJECTED and refusal.msg.startswith("Unknown order sent")


def kind_of(status: int, refusal: wire.Refusal | None) -> Kind:
    usual = STATUSES.get(status, Kind.SERVER if status >= 500 else Kind.UNKNOWN_CODE)
    if refusal is None or status == 418:  # 418, whatever the code: the answer to those who ignore 429
        return usual
    for code, words, kind in WORDS:
        if code in (None, refusal.code) and refusal.msg.startswith(words):
            return kind
    return CODES.get(refusal.code, Kind.INVALID if refusal.code in REQUESTS else usual)


def readings(reply: Reply) -> tuple[Reading, ...]:
    """The weight used this minute is on every reply, the orders placed are on those to orders; exchangeInfo names the
    limits; 429 and 418 want quiet."""
    told = []
    for header, budget in USED.items():
        used = reply.headers.get(header, "")
        if used.isdecimal() and len(used) < 10:
            told.append(Reading(budget, used=int(used)))
    if reply.status in (418, 429):
        refusal = _refusal(reply.body)
        kind = kind_of(reply.status, refusal)
        quiet_ms, until_ms = _wait_ms(reply, kind), _until_ms(reply.body)
        used_up = _used_up(refusal)
        told.append(Reading(used_up, quiet_ms=quiet_ms, quiet_until_ms=until_ms, banned=kind is Kind.BAN))
    elif reply.status == 200 and reply.body.startswith(b'{"timezone":'):
        told.extend(_limits(reply.body))
    return tuple(told)


def _used_up(refusal: wire.Refusal | None) -> str:
    """Too many new orders: "current limit is 100 orders per 10 SECOND." """
    if refusal is None or refusal.code != _TOO_MANY_ORDERS:
        return "weight"
    return "orders a day" if "DAY" in refusal.msg else "orders"


def _limits(body: bytes) -> list[Reading]:
    try:
        limits = _LIMITS(body).rate_limits
    except msgspec.DecodeError:
        return []  # the reader of the reply tells what is wrong with it
    named = ((_LISTED.get((one.rate_limit_type, one.interval)), one.limit) for one in limits)
    return [Reading(budget, limit=limit) for budget, limit in named if budget]


def _refusal(body: bytes) -> wire.Refusal | None:
    try:
        return _REFUSAL(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _wait_ms(reply: Reply, kind: Kind) -> int:
    """429: seconds to wait to avoid a ban; 418: seconds until the ban ends."""
    if kind not in (Kind.LIMIT, Kind.BAN):
        return 0
    seconds = reply.headers.get("retry-after", "")
    if seconds.isdecimal() and len(seconds) < 10:
        return int(seconds) * 1_000
    if _until_ms(reply.body):
        return 0  # the words say until when
    return BAN_MS if kind is Kind.BAN else WINDOW_MS


def _until_ms(body: bytes) -> int:
    found = _UNTIL.search(body[:1_000].decode("utf-8", "replace"))
    return int(found[1]) if found else 0
