"""OKX's refusals: its codes, what each means and what became of the request; it decides nothing about trying again."""

from __future__ import annotations

from msgspec import DecodeError, Raw, Struct, json

from fairlead.errors import cut
from fairlead.wire.asks import Op
from fairlead.wire.faults import Fate, Fault, Kind
from fairlead.wire.http import Reply
from fairlead.wire.limits import Reading

_NO, _UNKNOWN = Fate.REFUSED, Fate.UNKNOWN
WINDOW_MS = 2_000  # the venue counts in windows of two seconds
HOUR_MS = 3_600_000

# Vendor's document "Error codes": codes, kind, fate, how long to wait before another try makes sense (0: never)
_TABLE: tuple[tuple[str, Kind, Fate, int], ...] = (
    ("50001", Kind.MAINTENANCE, _UNKNOWN, 5_000),
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
    ("50051 50052 51155", Kind.REGION, _NO, 0),
    ("50103 50104 50106 50113 60002 60007", Kind.SIGNATURE, _NO, 0),
    ("50114 50120 60021 60022 60029 60030 64003", Kind.PERMISSION, _NO, 0),
    ("51001 51012 51014 51015 51021 51130 60018", Kind.SYMBOL, _NO, 0),
    ("50122 51005 51007 51020 51101 51120 51121 51122 51150 51201 51202 51203", Kind.INVALID, _NO, 0),
    ("51006 51031 51116 51135 51136 51137 51138", Kind.INVALID, _NO, 0),  # beyond a price limit
    ("51008 51119 51127 51131 51502 58350", Kind.FUNDS, _NO, 0),
    ("51004 51186 51187 54030 54031", Kind.RISK, _NO, 0),
    ("59102 59103 59104 59105 59106 59108 59109", Kind.RISK, _NO, 0),
    ("51023 51112 51148 51169 51170 51205", Kind.RISK, _NO, 0),  # reduce-only
    ("51025 51102 51103 51104 51105 51106 51107 51174", Kind.RISK, _NO, 0),  # so many orders, or so much in them
    ("50072 51010 51041 59000 59001 59101 59107 59112", Kind.ACCOUNT, _NO, 0),
    ("50042 50071 51011 51016 51512", Kind.DUPLICATE, _NO, 0),
    ("51022 51027 51028 51029 51030 51124", Kind.MARKET_STATE, _NO, 60_000),
    ("51400 51401 51402 51405 51410 51503 51509 51510 51603", Kind.NOT_FOUND, _NO, 0),
    ("51511", Kind.POST_ONLY, _NO, 0),
    ("51513 54004", Kind.INVALID, _NO, 1_000),  # amendments in flight; a partner in the batch failed
    ("60008 60017 60028 64000 64001 64002 64004", Kind.INVALID, _NO, 0),
    ("1009 4002 60012 60013 60019 60027 60033 70010", Kind.INVALID, _NO, 0),
    ("60015 60016 64008", Kind.SERVER, _NO, 1_000),  # the connection ends: idle, too slow, or an upgrade
)
CODES: dict[str, tuple[Kind, Fate, int]] = {
    code: (kind, fate, wait_ms) for codes, kind, fate, wait_ms in _TABLE for code in codes.split()
}
_WORDLESS = {404: Kind.GONE, 410: Kind.GONE, 451: Kind.REGION}  # HTTP's own meaning, where no code says more
_ACTS = frozenset(
    {Op.PLACE, Op.PLACE_MANY, Op.AMEND, Op.CANCEL, Op.CANCEL_MANY, Op.CANCEL_ALL, Op.DEAD_MAN}
)  # fmt: skip


class _Item(Struct, rename="camel"):
    s_code: str = "0"
    s_msg: str = ""


class _Refusal(Struct):
    code: str | int
    msg: str = ""
    data: Raw = Raw(b"[]")


def fault(reply: Reply, op: Op) -> Fault | None:
    """What a reply refuses, or None. Where an item has an `sCode`, that decides, whatever the envelope says."""
    try:
        said = json.decode(reply.body, type=_Refusal)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return _no_words(reply, op)
    code, words = str(said.code), said.msg
    for item in _items(said.data):
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
    except (DecodeError, RecursionError):
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
    return Fault(kind, _NO, "", words, status=reply.status)
