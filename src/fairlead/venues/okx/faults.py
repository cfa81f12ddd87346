"""OKX's refusals: its codes, what each means and what became of the request, and how the simulated venue words them.

It decides nothing about trying again."""

from __future__ import annotations

from typing import Any

from msgspec import DecodeError, Raw, Struct, json

from fairlead.errors import cut
from fairlead.model.market import MS
from fairlead.wire.asks import Op
from fairlead.wire.faults import Fate, Fault, Kind
from fairlead.wire.http import Reply
from fairlead.wire.limits import Reading
from fairlead.wire.mirror import Heard
from fairlead.wire.signing import Stamp

_NO, _UNKNOWN = Fate.REFUSED, Fate.UNKNOWN
WINDOW_MS = 2_000  # the venue counts in windows of two seconds
HOUR_MS = 3_600_000

# Vendor's document "Error codes": codes, kind, fate, how long to wait before another try makes sense (0: never)
_TABLE: tuple[tuple[str, Kind, Fate, int], ...] = (
    ("50001 50062", Kind.MAINTENANCE, _UNKNOWN, 5_000),
    ("50004 50026 51054 51149 51412 64007", Kind.SERVER, _UNKNOWN, 1_000),
    ("50005", Kind.GONE, _NO, 0),
    ("50011 50040 50061 60023 51113", Kind.LIMIT, _NO, WINDOW_MS),
    ("60014", Kind.LIMIT, _NO, HOUR_MS // 60),  # subscriptions and logins are counted by the hour
    ("4008 60020 60025", Kind.LIMIT, _NO, 0),  # so many channels, not so often
    ("50013", Kind.SERVER, _NO, 1_000),
    ("50000 50002 50006 50014 50015 50016 50024 50025 50038 50115 51000 51002 51003 51407", Kind.INVALID, _NO, 0),
    ("50007 50009 50012 50027 50028 50029 50030 50032 50033 51009 51024", Kind.ACCOUNT, _NO, 0),
    ("50017 50018 50019 50020 50021 50022 50023", Kind.ACCOUNT, _NO, 60_000),  # frozen while it is being unwound
    ("50008 50100 50101 50105 50111 50119 59505 60001 60003 60005 60009 60011 60024 60031 60032", Kind.KEY, _NO, 0),
    ("4001", Kind.KEY, _NO, 0),
    ("63999", Kind.SERVER, _NO, 1_000),
    ("50035 50110 50121", Kind.ADDRESS, _NO, 0),
    ("50036 50037 50102 50107 50112 60004 60006", Kind.CLOCK, _NO, 1_000),
    ("50051 50052 51155 51734", Kind.REGION, _NO, 0),
    ("50103 50104 50106 50113 60002 60007", Kind.SIGNATURE, _NO, 0),
    ("50114 50120 60021 60022 60029 60030 64003", Kind.PERMISSION, _NO, 0),
    ("51001 51012 51014 51015 51021 51130 60018", Kind.SYMBOL, _NO, 0),
    ("50122 51005 51007 51020 51101 51120 51121 51122 51150 51201 51202 51203", Kind.INVALID, _NO, 0),
    ("51006 51031 51116 51135 51136 51137 51138", Kind.INVALID, _NO, 0),  # beyond a price limit
    ("51008 51017 51119 51127 51131 51502 58350", Kind.FUNDS, _NO, 0),
    ("51004 51186 51187 54030 54031", Kind.RISK, _NO, 0),
    ("59102 59103 59104 59105 59106 59108 59109", Kind.RISK, _NO, 0),
    ("51023 51112 51148 51169 51170 51205", Kind.RISK, _NO, 0),  # reduce-only
    ("51104 51105 51106 51107", Kind.RISK, _NO, 0),  # so much in orders
    ("51025 51102 51103 51117 51174 51262", Kind.LIMIT, _NO, 0),  # so many pending orders
    ("50072 51010 51041 59000 59001 59101 59107 59112", Kind.ACCOUNT, _NO, 0),
    ("50071 51011 51016 51512", Kind.DUPLICATE, _NO, 0),
    ("50042", Kind.DUPLICATE, _UNKNOWN, 0),  # "repeated request": the first of them may have been done
    ("51022 51027 51028 51029 51030 51124", Kind.MARKET_STATE, _NO, 60_000),
    ("51400 51401 51402 51405 51410 51503 51509 51510 51603", Kind.NOT_FOUND, _NO, 0),
    ("51511", Kind.POST_ONLY, _NO, 0),
    ("50044 50108 50109 51047 51051 51072 51090 51091 51098 51108", Kind.INVALID, _NO, 0),
    ("51159 51166 51185 51204 51250 51254 51255 51258 51259 51268 51269 51271 51273 51277", Kind.INVALID, _NO, 0),
    ("51321 51325 51409 51501 51600 51602 52000 54009 55103 55111", Kind.INVALID, _NO, 0),
    ("51322 51406", Kind.INVALID, _UNKNOWN, 0),  # the words speak of what was filled or cancelled
    ("51404 51508 54011 54072", Kind.MARKET_STATE, _NO, 60_000),
    ("51018 51019 51115 51125 51126 51128 51133 51139 51163 51329", Kind.ACCOUNT, _NO, 0),
    ("51735 54074 59100 59518 59519", Kind.ACCOUNT, _NO, 0),
    ("51134 59300 59301", Kind.RISK, _NO, 0),
    ("59201", Kind.FUNDS, _NO, 0),
    ("51513 54004", Kind.INVALID, _NO, 1_000),  # amendments in flight; a partner in the batch failed
    ("60008 60017 60028 64000 64001 64002 64004", Kind.INVALID, _NO, 0),
    ("1009 4002 60012 60013 60019 60027 60033 70010", Kind.INVALID, _NO, 0),
    ("60015 60016 64008", Kind.SERVER, _UNKNOWN, 1_000),  # the connection ends, and with it what it had to answer
)
CODES: dict[str, tuple[Kind, Fate, int]] = {
    code: (kind, fate, wait_ms) for codes, kind, fate, wait_ms in _TABLE for code in codes.split()
}
_WORDLESS = {
    404: Kind.GONE,
    408: Kind.SERVER,
    410: Kind.GONE,
    451: Kind.REGION,
}  # HTTP's own meaning, where no code says more
_BATCHES = (Op.PLACE_MANY, Op.CANCEL_MANY)
_ACTS = frozenset(
    {*_BATCHES, Op.PLACE, Op.AMEND, Op.CANCEL, Op.CLOSE, Op.DEAD_MAN, Op.SET_MODE, Op.SET_LEVERAGE}
)  # fmt: skip
_BY_ITEM = ("0", "1", "2")  # what the envelope says where its items decide: all, none, some


# How the venue words what an engine refuses: by the check that failed, else by the kind and, where that makes a
# difference, by what was asked. Code, text, and the sub-code where the document has one.
_CHECKS: dict[str, tuple[str, str]] = {
    "tick": ("51150", "The precision of the number of trades or the price exceeds the limit."),
    "lot": ("51121", "Order quantity must be a multiple of the lot size."),
    "min qty": ("51020", "Your order should meet or exceed the minimum order amount."),
    "min notional": ("51020", "Your order should meet or exceed the minimum order amount."),
    "max qty": ("51101", "Entered amount exceeds the maximum pending order amount."),
    "price band": ("51006", "Order price is not within the price limit."),
    "deadline": ("50037", "Order expired."),
    "no position": ("51169", "Order failed because you don't have any positions in this direction to reduce or close."),
    "grows": ("51170", "Order failed because a reduce-only order can't be in the same direction as your position."),
    "orders": ("51174", "The number of your pending orders has reached the limit."),
    "busy": ("59000", "Setting failed. Cancel any open orders, close positions, and stop trading bots first."),
    "mode": ("51000", "Parameter posSide error"),
    "leverage": ("59102", "Leverage exceeds the maximum limit. Please lower the leverage."),
}
_KINDS: dict[Kind, tuple[str, str]] = {
    Kind.DUPLICATE: ("51016", "Client order ID already exists."),
    Kind.POST_ONLY: ("51511", "Operation failed. The amended price would make a post-only order a taker."),
    Kind.NOT_FOUND: ("51603", "Order does not exist"),
    Kind.MARKET_STATE: ("51022", "Instrument suspended."),
    Kind.SYMBOL: ("51001", "Instrument ID doesn't exist."),
    Kind.PERMISSION: ("50120", "This API key doesn't have permission to use this function."),
    Kind.SERVER: ("50004", "API endpoint request timeout (does not mean success or failure, please check the result)."),
    Kind.LIMIT: ("50011", "Rate limit reached. Please refer to API documentation and throttle requests accordingly."),
    Kind.MAINTENANCE: ("50001", "Service temporarily unavailable. Please try again later"),
    Kind.INVALID: ("51000", "Parameter newSz error"),
    Kind.FUNDS: ("51008", "Order failed. Insufficient balance in account"),
}
_ASKED: dict[tuple[Op, Kind], tuple[str, str]] = {
    (Op.CANCEL, Kind.NOT_FOUND): (
        "51400", "Order cancellation failed as the order has been filled, canceled or does not exist.",
    ),
    (Op.AMEND, Kind.NOT_FOUND): (
        "51503", "Order modification failed as the order has been filled, canceled or does not exist.",
    ),
    (Op.AMEND, Kind.FUNDS): ("51502", "Order modification failed due to insufficient balance."),
    (Op.CLOSE, Kind.RISK): ("51023", "Position doesn't exist."),
    (Op.SET_LEVERAGE, Kind.ACCOUNT): (
        "59107", "Leverage can't be adjusted while there are pending cross-margin orders of this instrument.",
    ),
}  # fmt: skip


def worded(op: Op, refused: Fault) -> tuple[str, str]:
    """Code and text of what an engine refused; a fault that has its code already keeps its words."""
    if refused.code:
        return refused.code, refused.said
    one = {Op.PLACE_MANY: Op.PLACE, Op.CANCEL_MANY: Op.CANCEL}.get(op, op)
    usual = _KINDS.get(refused.kind, ("50000", "Body for a POST request cannot be empty."))
    return _ASKED.get((one, refused.kind)) or _CHECKS.get(refused.said) or usual


class _Item(Struct, rename="camel"):
    s_code: str = ""
    s_msg: str = ""


class _Refusal(Struct):
    code: str | int
    msg: str = ""
    data: Raw = Raw(b"[]")


def fault(reply: Reply, op: Op) -> Fault | None:
    """What a reply refuses, or None. Where an item has an `sCode`, that decides, whatever the envelope says; in a batch
    each decides for itself, which is the reader's to tell."""
    try:
        said = json.decode(reply.body, type=_Refusal)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return _no_words(reply, op)
    code, words = str(said.code), said.msg
    items = [item for item in _items(said.data) if item.s_code]
    if items and op in _BATCHES and code in _BY_ITEM:
        return None
    for item in items:
        if item.s_code != "0":
            code, words = item.s_code, item.s_msg
            break
    if code == "0":
        return None if reply.status < 400 else _no_words(reply, op)
    return of_code(code, words, op, reply.status)


def of_code(code: str, words: str, op: Op, status: int = 0) -> Fault:
    """What a code means. One that we do not know leaves open whether an order was taken."""
    kind, fate, wait_ms = CODES.get(code, (Kind.UNKNOWN_CODE, Fate.UNKNOWN, 0))
    return Fault(kind, fate if op in _ACTS else Fate.REFUSED, code, cut(words), wait_ms, status=status)


def readings(reply: Reply) -> tuple[Reading, ...]:
    """OKX sends no header about what has been used: its budgets are counted here alone."""
    return ()


def _items(data: Raw) -> list[_Item]:
    try:
        return json.decode(data, type=list[_Item])
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return []  # rows that are arrays (candles) or a single object: no verdicts on items


def _no_words(reply: Reply, op: Op) -> Fault | None:
    """A reply without a code: from a firewall or a gateway on the way, or no refusal at all."""
    if reply.status < 400:
        return None
    words = cut(reply.body)
    if reply.status == 429:
        return Fault(Kind.LIMIT, _NO, "", words, WINDOW_MS, status=429)
    if reply.status >= 500:
        return Fault(Kind.SERVER, _UNKNOWN if op in _ACTS else _NO, "", words, 1_000, status=reply.status)
    kind = _WORDLESS.get(reply.status, Kind.BLOCKED)
    late = reply.status == 408 and op in _ACTS  # a gateway that lost patience does not know what became of it
    return Fault(kind, _UNKNOWN if late else _NO, "", words, status=reply.status)


ACKED = frozenset({Op.PLACE, Op.PLACE_MANY, Op.AMEND, Op.CANCEL, Op.CANCEL_MANY})  # answered order by order
_TOGETHER = {"0": "", "1": "All operations failed", "2": "Bulk operation partially succeeded."}
# Refusals of the request as a whole, and their HTTP status; all others stand in the row of their order.
_WHOLE = {
    Kind.LIMIT: 429, Kind.SERVER: 400, Kind.MAINTENANCE: 503, Kind.PERMISSION: 200, Kind.CLOCK: 400, Kind.BAN: 429,
}  # fmt: skip


class Wrong(Exception):
    """What the venue answers to a parameter; raised by the readers of parameters, caught by who hears."""

    def __init__(self, code: str, said: str, kind: Kind = Kind.INVALID, status: int = 400) -> None:
        super().__init__(said)
        self.fault = Fault(kind, code=code, said=said, status=status)


class Denied(Fault, frozen=True):
    """A refusal that stands in the row of each order, as the codes of orders do."""

    rows: tuple[tuple[str, str], ...] = ()  # (client id, order id) of each


class Verdict(Struct):
    status: int
    body: dict[str, Any]


def verdict(heard: Heard, outcome: Any, at: Stamp) -> Verdict:
    """The answer to what changes an order, or a refusal of whatever was asked."""
    if isinstance(outcome, Fault) and (heard.op not in ACKED or (outcome.kind in _WHOLE and outcome.said != "orders")):
        code, said = worded(heard.op, outcome)
        status = outcome.status or _WHOLE.get(outcome.kind, 200)
        return Verdict(status, {"code": code, "data": [], "msg": said})
    asked = heard.asked.orders if heard.op in (Op.PLACE_MANY, Op.CANCEL_MANY) else (heard.asked,)
    outcomes = outcome if isinstance(outcome, tuple) else (outcome,) * len(asked)
    rows = [_ack(heard.op, one, what, at) for one, what in zip(asked, outcomes, strict=True)]
    return Verdict(200, _enveloped(rows, at.venue_ms))


def _enveloped(rows: list[dict[str, Any]], venue_ms: int) -> dict[str, Any]:
    good = sum(row["sCode"] == "0" for row in rows)
    code = "0" if good == len(rows) else "2" if good else "1"
    us = venue_ms * 1_000
    return {"code": code, "msg": _TOGETHER[code], "data": rows, "inTime": str(us + 339), "outTime": str(us + 1_240)}


def _ack(op: Op, asked: Any, outcome: Any, at: Stamp) -> dict[str, Any]:
    code, said = worded(op, outcome) if isinstance(outcome, Fault) else ("0", "")
    order_id = getattr(asked, "order_id", "") if isinstance(outcome, Fault) else outcome.order_id
    client_id = asked.client_id if isinstance(outcome, Fault) else outcome.client_id or asked.client_id
    ts = at.venue_ms if isinstance(outcome, Fault) else outcome.venue_ns // MS or at.venue_ms
    row = {"clOrdId": client_id, "ordId": order_id, "ts": str(ts), "sCode": code, "sMsg": said}
    if op in (Op.CANCEL, Op.CANCEL_MANY):
        return row
    sub_code = {"51008": "1000", "51502": "1030"}.get(code, "")
    return row | ({"reqId": asked.request} if op is Op.AMEND else {"tag": ""}) | {"subCode": sub_code}


def denied(fault: Denied, venue_ms: int = 0) -> dict[str, Any]:
    """A parameter of an order is wrong: told in the rows of all that came with it."""
    same = {"tag": "", "ts": str(venue_ms), "sCode": fault.code, "sMsg": fault.said, "subCode": ""}
    return _enveloped([{"clOrdId": client, "ordId": order, **same} for client, order in fault.rows], venue_ms)
