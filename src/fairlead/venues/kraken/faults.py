"""Kraken's errors in the common language and back: texts, matched from their beginning since the venue appends words.

Spot REST Errors. "E" begins an error, "W" a warning. What the table calls UNKNOWN is so for calls that act: a question
that failed did nothing."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from fairlead.errors import cut
from fairlead.venues.kraken.wire import UNREADABLE, Result, Trouble
from fairlead.wire.asks import Op
from fairlead.wire.faults import Fate, Fault, Kind
from fairlead.wire.http import Reply
from fairlead.wire.limits import Reading
from fairlead.wire.mirror import FAILED
from fairlead.wire.orders import AskCancel

CALLS, PUBLIC, DIALS, FRAMES, ENGINE = "calls", "public", "dials", "frames", "engine"  # names of budgets

# How long to keep quiet; the venue says only "later", and that going on makes it longer.
CALLS_WAIT_MS = 15_000  # five calls' worth of decay for the slowest tier
LOCKOUT_MS = 15 * 60_000  # "a few minutes", older texts say fifteen
LATER_MS = 5_000
MODE_WAIT_MS = 60_000  # a market that is being brought back

QUESTIONS = frozenset(
    {
        Op.TIME, Op.INSTRUMENTS, Op.BOOK, Op.TICKER, Op.TRADES, Op.CANDLES, Op.FUNDING, Op.FUNDINGS, Op.MARK, Op.INDEX,
        Op.BALANCES, Op.KEY, Op.MODE, Op.TOKEN, Op.POSITIONS, Op.LEVERAGE, Op.FEES, Op.HISTORY, Op.ORDER,
        Op.OPEN_ORDERS, Op.ORDERS, Op.FILLS,
    }
)  # fmt: skip


class Row(Struct, frozen=True):
    kind: Kind
    fate: Fate = Fate.REFUSED
    wait_ms: int = 0
    budget: str = ""  # which one is used up
    banned: bool = False


_UNSURE = Fate.UNKNOWN
CLIENT_ID = ":cl_ord_id"
DUPLICATE = "EGeneral:Invalid arguments:cl_ord_id not unique"
TABLE: Mapping[str, Row] = {
    # keys and signatures
    "EAPI:Invalid key": Row(Kind.KEY),
    "EAPI:Invalid signature": Row(Kind.SIGNATURE),
    "EAPI:Invalid nonce": Row(Kind.NONCE),
    "EAPI:Bad request": Row(Kind.INVALID),
    "EAPI:Feature disabled": Row(Kind.GONE),
    "EGeneral:Permission denied": Row(Kind.PERMISSION),
    "EGeneral:Temporary lockout": Row(Kind.BAN, wait_ms=LOCKOUT_MS, budget=CALLS, banned=True),
    "EAuth:Account temporary disabled": Row(Kind.ACCOUNT),
    "EAuth:Account unconfirmed": Row(Kind.ACCOUNT),
    "ETrade:User Locked": Row(Kind.ACCOUNT),
    "ETrade:Locked": Row(Kind.ACCOUNT),
    "EOrder:Trading agreement required": Row(Kind.ACCOUNT),
    "EAccount:Invalid permissions": Row(Kind.REGION),
    "ESession:Invalid session": Row(Kind.TOKEN),
    # questions that make no sense
    DUPLICATE: Row(Kind.DUPLICATE),  # an OPEN order has this id
    "EGeneral:Invalid arguments": Row(Kind.INVALID),
    "EGeneral:Unknown method": Row(Kind.INVALID),
    "EQuery:Unknown asset": Row(Kind.SYMBOL),
    "EQuery:Unknown asset pair": Row(Kind.SYMBOL),
    "EQuery:Invalid asset pair": Row(Kind.SYMBOL),
    "EFunding:Unknown asset": Row(Kind.SYMBOL),
    "EFunding:Unknown withdraw key": Row(Kind.INVALID),
    "EFunding:No funding method": Row(Kind.INVALID),
    # too much
    "EAPI:Rate limit exceeded": Row(Kind.LIMIT, wait_ms=CALLS_WAIT_MS, budget=CALLS),
    "EAPI:Domain rate limit exceeded": Row(Kind.LIMIT, wait_ms=CALLS_WAIT_MS, budget=CALLS),
    "EAuth:Rate limit exceeded": Row(Kind.LIMIT, wait_ms=CALLS_WAIT_MS, budget=CALLS),
    "EAuth:Too many requests": Row(Kind.LIMIT, wait_ms=CALLS_WAIT_MS, budget=CALLS),
    "EGeneral:Too many requests": Row(Kind.LIMIT, wait_ms=LATER_MS, budget=PUBLIC),
    "EOrder:Rate limit exceeded": Row(Kind.LIMIT, wait_ms=LATER_MS),
    # the venue's own trouble
    "EGeneral:Internal error": Row(Kind.SERVER, _UNSURE, LATER_MS),
    "EDatabase:Internal error": Row(Kind.SERVER, _UNSURE, LATER_MS),
    "EService:Unavailable": Row(Kind.MAINTENANCE, _UNSURE, LATER_MS),
    "EService:Busy": Row(Kind.SERVER, _UNSURE, LATER_MS),
    "EService:Timeout": Row(Kind.SERVER, _UNSURE, LATER_MS),
    "EService:Deadline elapsed": Row(Kind.SERVER, _UNSURE),  # the engine will not match it later: look it up once
    "EService:Market in": Row(Kind.MARKET_STATE, wait_ms=MODE_WAIT_MS),  # cancel_only, post_only, limit_only mode
    # funds, orders, risk
    "EOrder:Insufficient funds": Row(Kind.FUNDS),
    "EOrder:Insufficient margin": Row(Kind.FUNDS),
    "EFunding:Invalid amount": Row(Kind.FUNDS),
    "EOrder:Order minimum not met": Row(Kind.INVALID),
    "EOrder:Cost minimum not met": Row(Kind.INVALID),
    "EOrder:Tick size check failed": Row(Kind.INVALID),
    "EOrder:Invalid price": Row(Kind.INVALID),
    "EOrder:Invalid order": Row(Kind.INVALID),
    "EOrder:Post only order": Row(Kind.POST_ONLY),
    "EOrder:Unknown order": Row(Kind.NOT_FOUND),
    "EOrder:Unknown position": Row(Kind.NOT_FOUND),
    "EOrder:Cancel pending": Row(Kind.DUPLICATE, _UNSURE),  # one is under way: its event tells what becomes of it
    "EOrder:Margin": Row(Kind.RISK),  # position size exceeded, allowance exceeded, level too low
    "EOrder:Reduce only": Row(Kind.RISK),
    "EOrder:Orders limit exceeded": Row(Kind.RISK),
    "EOrder:Positions limit exceeded": Row(Kind.RISK),
    "EOrder:Scheduled orders limit exceeded": Row(Kind.RISK),
    "EOrder:Cannot open": Row(Kind.RISK),  # position, opposing position
    # the socket's own words; "Exceeded msg rate" and "Throttled" stand anywhere in a text
    "Currency pair not": Row(Kind.SYMBOL),  # supported; in ISO 4217-A3 format
    "Pair(s) not found": Row(Kind.SYMBOL),
    "Already subscribed": Row(Kind.DUPLICATE),
    "Subscription": Row(Kind.INVALID),  # depth not supported, name invalid, ohlc interval not supported...
    "Malformed request": Row(Kind.INVALID),
    "Unsupported field": Row(Kind.INVALID),
    "Event(s) not found": Row(Kind.INVALID),
    "Public market data subscriptions are unavailable": Row(Kind.INVALID),
    "Private data and trading are unavailable": Row(Kind.INVALID),
}
MSG_RATE, THROTTLED = "Exceeded msg rate", "Throttled"
UNHEARD_OF = Row(Kind.UNKNOWN_CODE, _UNSURE)
ANYWHERE = {
    MSG_RATE: Row(Kind.LIMIT, wait_ms=LATER_MS, budget=FRAMES),
    THROTTLED: Row(Kind.LIMIT, wait_ms=LATER_MS, budget=CALLS),  # followed by the unix time when it ends, or by nothing
}


# ---- and back: what the simulator's engine refuses (wire.mirror.FAILED), in the venue's words


class Texts(Struct, frozen=True):
    """What the documents leave open."""

    duplicate: str = DUPLICATE  # known from one report
    unfilled: str = "EOrder:Insufficient liquidity"  # a FOK that is refused on the call: no text is published
    unsure: str = "EService:Timeout"  # or Busy, Unavailable, EGeneral:Internal error


ARGUMENTS, NO_PAIR, UNKNOWN_ORDER = "EGeneral:Invalid arguments", "EQuery:Unknown asset pair", "EOrder:Unknown order"
NO_ORDER = "EOrder:Invalid order"  # an id that was never issued
_FAILURES = {
    "tick": "EOrder:Tick size check failed",
    "lot": f"{ARGUMENTS}:volume",
    "min qty": "EOrder:Order minimum not met",
    "max qty": f"{ARGUMENTS}:volume",
    "min notional": "EOrder:Cost minimum not met",
    "price band": "EOrder:Invalid price",
    "trigger": "EOrder:Invalid price",
    "no change": NO_ORDER,
    "filled": NO_ORDER,
    "deadline": "EService:Deadline elapsed",
    "no position": "EOrder:Reduce only:No position exists",
    "grows": "EOrder:Reduce only:Non-PC",
    "orders": "EOrder:Orders limit exceeded",
    "gone": UNKNOWN_ORDER,
}
_WORDS = {row.kind: text for text, row in reversed([*TABLE.items()])} | {Kind.SYMBOL: NO_PAIR, Kind.INVALID: ARGUMENTS}
_WORDS |= {Kind.NOT_FOUND: UNKNOWN_ORDER, Kind.MARKET_STATE: "EService:Market in cancel_only mode"}


def worded(refused: Fault, asked: object, texts: Texts) -> str:
    """A fault that holds the venue's own words already keeps them."""
    if refused.fate is Fate.UNKNOWN and refused.kind is Kind.SERVER:
        return texts.unsure
    if refused.said in _FAILURES:
        return _FAILURES[refused.said]
    if refused.kind is Kind.NOT_FOUND and isinstance(asked, AskCancel) and asked.order_id:
        return NO_ORDER
    open_texts = {Kind.DUPLICATE: texts.duplicate, Kind.MARKET_STATE: texts.unfilled if refused.said else ""}
    said = refused.said if refused.said not in FAILED else ""
    return open_texts.get(refused.kind) or said or refused.code or _WORDS.get(refused.kind, "EGeneral:Internal error")


def fault(reply: Reply, op: Op) -> Fault | None:
    """What the reply refuses; None when it answers (or is not readable, which reading it will find)."""
    said = _trouble(reply.body)
    if said:
        return said_fault(said, op)
    if reply.status != 200:
        return _page(reply, op)
    # An order that is not there may be left out, one that could not be cancelled not be counted; neither is documented.
    if (op is Op.ORDER and _result(reply.body) == {}) or (op is Op.CANCEL and _result(reply.body) == {"count": 0}):
        return Fault(Kind.NOT_FOUND, said="the answer is about no order")
    return None


def said_fault(said: str, op: Op) -> Fault:
    """One of the venue's error texts, from REST or from a socket."""
    code, row = _find(said)
    fate = Fate.REFUSED if op in QUESTIONS else row.fate
    # Of an id that was never issued.
    is_named = op in (Op.CANCEL, Op.CANCEL_MANY, Op.ORDER) and code == "EOrder:Invalid order"
    kind = Kind.NOT_FOUND if is_named else row.kind
    until_ms = _throttled_until_ms(said)
    return Fault(kind, fate, code, cut(said), 0 if until_ms else row.wait_ms, until_ms)


def readings(reply: Reply) -> tuple[Reading, ...]:
    """Kraken sends no counters: only a refusal tells that one of them is full."""
    if reply.status == 429:
        return (Reading(PUBLIC, quiet_ms=_retry_after_ms(reply), banned=True),)
    said = _trouble(reply.body) if b'"error":[]' not in reply.body[:20] else ""
    row = _find(said)[1]
    if not row.budget:
        return ()
    until_ms = _throttled_until_ms(said)
    return (Reading(row.budget, quiet_ms=0 if until_ms else row.wait_ms, quiet_until_ms=until_ms, banned=row.banned),)


def _find(said: str) -> tuple[str, Row]:
    """The venue's code, which is its text up to the second colon, and what it means."""
    for text, row in ANYWHERE.items():
        if text in said:
            return text, row
    # Which words follow is known from one report only: what is said of an id beyond its name is that it is in use.
    if CLIENT_ID in said and not said.endswith(CLIENT_ID):
        return DUPLICATE, TABLE[DUPLICATE]
    found = max((text for text in TABLE if said.startswith(text)), key=len, default="")
    code = ":".join(said.split(":")[:2]) if said[:1] == "E" and ":" in said else ""
    return cut(max(found, code, key=len)), TABLE.get(found, UNHEARD_OF)


def _trouble(body: bytes) -> str:
    """The first error of a reply, "" when there are none but warnings."""
    try:
        errors = _TROUBLE(body).error
    except UNREADABLE:
        return ""
    return next((text for text in errors if not text.startswith("W")), "")


def _result(body: bytes) -> object:
    try:
        return _RESULT(body).result
    except UNREADABLE:
        return None


def _page(reply: Reply, op: Op) -> Fault:
    """Not the venue's own words but those of Cloudflare in front of it: nobody knows what became of the request."""
    unsure = Fate.REFUSED if op in QUESTIONS else Fate.UNKNOWN
    code, said = str(reply.status), cut(reply.body)
    if reply.status == 429:
        return Fault(Kind.BAN, Fate.REFUSED, code, said, wait_ms=_retry_after_ms(reply), status=429)
    if reply.status == 451:
        return Fault(Kind.REGION, Fate.REFUSED, code, said, status=451)
    if reply.status in (401, 403):
        return Fault(Kind.BLOCKED, Fate.REFUSED, code, said, wait_ms=LATER_MS, status=reply.status)
    if reply.status in (404, 405, 410):
        return Fault(Kind.GONE, Fate.REFUSED, code, said, status=reply.status)
    if reply.status >= 500:
        return Fault(Kind.SERVER, unsure, code, said, wait_ms=LATER_MS, status=reply.status)
    return Fault(Kind.UNKNOWN_CODE, unsure, code, said, status=reply.status)


def _throttled_until_ms(said: str) -> int:
    """`EService: Throttled: 1767225600`; the vendor prints a blank where clients have seen none."""
    stamp = said.partition(THROTTLED)[2].strip(": ")
    return int(stamp) * 1_000 if stamp.isdecimal() and stamp.isascii() and len(stamp) < 12 else 0


def _retry_after_ms(reply: Reply) -> int:
    told = reply.headers.get("retry-after", "")
    return int(told) * 1_000 if told.isdecimal() and told.isascii() and len(told) < 7 else BANNED_MS


BANNED_MS = 600_000  # Cloudflare, after 150 connections in ten minutes
_TROUBLE = msgspec.json.Decoder(Trouble).decode
_RESULT = msgspec.json.Decoder(Result).decode
