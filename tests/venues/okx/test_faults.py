"""The venue's refusals: every code of its document, and replies that did not come from it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.venues.okx import faults
from fairlead.wire.asks import Op
from fairlead.wire.faults import Fate, Kind
from fairlead.wire.http import Reply
from tests.recorded import lines

# The document's classes, as a reader of it would group them: codes, kinds that fit, whether an order's fate is open.
ROWS: list[tuple[str, set[Kind], bool]] = [
    ("50001", {Kind.MAINTENANCE}, True),
    ("50026 50004 51149 51054 64007 51412", {Kind.SERVER}, True),
    ("50005", {Kind.GONE}, False),
    ("50011 50040 50061 60014 60023", {Kind.LIMIT}, False),
    ("50013 63999", {Kind.SERVER}, False),
    ("50000 50002 50006 50014 50015 50016 51000 50024 50025 51002 51003 51407 50115 50038", {Kind.INVALID}, False),
    ("50007 50009 50012 50017 50018 50019 50020 50021 50022 50023 50027 50028", {Kind.ACCOUNT}, False),
    ("50029 50030 50032 50033 51009 51024", {Kind.ACCOUNT}, False),
    ("50035 50110 50121", {Kind.ADDRESS}, False),
    ("50036 50037 50102 50112 60004 60006", {Kind.CLOCK}, False),
    ("50051 50052 51155", {Kind.REGION, Kind.PERMISSION}, False),
    ("50100 50101 50105 50111 50119 60005 60032 60009 60011 60024 60031", {Kind.KEY}, False),
    ("50103 50104 50106 50107", {Kind.SIGNATURE, Kind.CLOCK}, False),
    ("50113 60007", {Kind.SIGNATURE}, False),
    ("50114 50120 64003", {Kind.PERMISSION}, False),
    ("51001 51015 51021 60018", {Kind.SYMBOL}, False),
    ("51005 51007 51020 51101 51120 51121 51122 51150 51201 51202 51203 50122", {Kind.INVALID}, False),
    ("51006 51116 51135 51136 51137 51138", {Kind.INVALID}, False),
    ("51008 51502 51119 51127 51131 58350", {Kind.FUNDS}, False),
    ("51004 51186 51187 54030 54031 59102 59103 59104 59105 59106 59108 59109", {Kind.RISK}, False),
    ("51010 50072 51041 59000 59001 59101 59107 59112", {Kind.ACCOUNT}, False),
    ("51011 51016 50071 51512", {Kind.DUPLICATE}, False),
    ("50042", {Kind.DUPLICATE}, True),  # a repeated request: the first of them is to be asked about
    ("51022 51027 51028 51029 51030 51124", {Kind.MARKET_STATE}, False),
    ("51023 51112 51148 51169 51170 51205", {Kind.RISK}, False),
    ("51104 51105 51106 51107", {Kind.RISK}, False),
    ("51025 51102 51103 51174", {Kind.LIMIT}, False),  # so many orders are open
    ("51400 51405 51410 51401 51402 51503 51509 51510 51603", {Kind.NOT_FOUND}, False),
    ("51511", {Kind.POST_ONLY}, False),
    ("50008 59505 60001 60003 4001", {Kind.KEY}, False),
    ("60002", {Kind.SIGNATURE}, False),
    ("60021 60022 60029 60030", {Kind.PERMISSION}, False),
    ("51012 51014 51130", {Kind.SYMBOL}, False),
    ("51113 60020 60025 4008", {Kind.LIMIT}, False),
    ("60015 60016 64008", {Kind.SERVER}, True),  # the connection ends before it has answered
    ("51031 60017 60027 64000 70010 1009 4002", {Kind.INVALID}, False),
    ("51513 54004 60008 64001 64002 60028 60012 60013 60019 60033 64004", {Kind.INVALID}, False),
]
CASES = [(code, kinds, is_open) for codes, kinds, is_open in ROWS for code in codes.split()]


def reply(body: object, status: int = 200) -> Reply:
    return Reply(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode())


@pytest.mark.parametrize(("code", "kinds", "is_open"), CASES)
def test_each_code_means_what_the_document_says(code: str, kinds: set[Kind], is_open: bool) -> None:
    """If this failed, a refusal would be explained wrongly, or an order of open fate be sent again."""
    said = reply({"code": code, "msg": "words", "data": []}, 400)
    for op in (Op.PLACE, Op.PLACE_MANY, Op.AMEND, Op.CANCEL, Op.CANCEL_MANY, Op.CLOSE, Op.DEAD_MAN, Op.SET_LEVERAGE):
        order = faults.fault(said, op)
        assert order is not None
        assert order.kind in kinds
        assert (order.code, order.said, order.status) == (code, "words", 400)
        assert order.fate is (Fate.UNKNOWN if is_open else Fate.REFUSED)
    read = faults.fault(said, Op.ORDER)
    assert read is not None
    assert read.fate is Fate.REFUSED  # a read changes nothing


CLASSES = {  # how another client sorts the same codes -> what we may call them
    "AuthenticationError": {Kind.KEY, Kind.SIGNATURE, Kind.CLOCK, Kind.PERMISSION, Kind.ADDRESS},
    "BadSymbol": {Kind.SYMBOL},
    "InsufficientFunds": {Kind.FUNDS},
    "InvalidNonce": {Kind.CLOCK},
    "OnMaintenance": {Kind.MAINTENANCE},
    "OrderNotFound": {Kind.NOT_FOUND},
    "PermissionDenied": {Kind.PERMISSION, Kind.ACCOUNT},
    "RateLimitExceeded": {Kind.LIMIT},
    "RequestTimeout": {Kind.SERVER},
    "RestrictedLocation": {Kind.REGION},
    "ContractUnavailable": {Kind.MARKET_STATE},
    "AccountNotEnabled": {Kind.PERMISSION},
    "BadRequest": {Kind.INVALID, Kind.KEY},
    "InvalidOrder": {
        Kind.INVALID, Kind.RISK, Kind.LIMIT, Kind.ACCOUNT, Kind.MARKET_STATE, Kind.DUPLICATE, Kind.FUNDS,
    },
    "ExchangeNotAvailable": {Kind.SERVER},
    "AccountSuspended": {Kind.ACCOUNT},
    "NetworkError": {Kind.SERVER},
}  # fmt: skip
OTHERWISE = {
    "59103": "leverage too low for the margin: a risk limit, in the document's own words",
    "60018": "a channel or instrument that does not exist: of a subscription that is a wrong symbol",
    "51734": "the country of the account's owner: of rules of a region, as the document's compliance is",
    "60008": "a login on a public connection is a wrong request, not a wrong key",
}


# Recorded codes of calls that this adapter does not make.
ELSEWHERE = {
    "1": "the envelope's: its items say more",
    "429": "an HTTP status",
    "deposits, withdrawals, transfers": """58000 58103 58104 58107 58112 58125 58128 58200 58201 58202 58204 58205 58206
        58207 58209 58211 58212 58221 58224 58227 58228 58300""",
    "savings and loans": "51764 51765 51766 51768 51769 51771 51772 59313 59413 59414 59684",
    "custody": "59515 59517",
    "copy trading": "70016 70060 70061 70064 70065 70066 70067",
}


def test_every_recorded_code_of_ours_is_known() -> None:
    """If this failed, a refusal that others know would leave us in doubt whether an order was taken."""
    recorded = {line["match"] for line in lines("okx/error_codes.jsonl")}
    others = {code for what, codes in ELSEWHERE.items() for code in ([what] if what.isdecimal() else codes.split())}
    assert recorded - faults.CODES.keys() == others


def test_recorded_codes_are_sorted_as_others_sort_them() -> None:
    """If this failed, our reading of a code would be ours alone."""
    checked = 0
    for line in lines("okx/error_codes.jsonl"):
        code, kinds = line["match"], CLASSES.get(line["expect_class"])
        if kinds and code in faults.CODES and code not in OTHERWISE:
            assert faults.CODES[code][0] in kinds, code
            checked += 1
    assert checked >= 110


def test_recorded_refusals_are_understood() -> None:
    """If this failed, a refusal inside a reply of HTTP 200 would pass for an answer."""
    kinds = []
    for line in lines("okx/errors.jsonl"):
        fault = faults.fault(reply(line["raw"].encode()), Op.PLACE)
        assert fault is not None
        kinds.append((fault.code, fault.kind))
    assert kinds == [("51119", Kind.FUNDS), ("50113", Kind.SIGNATURE)]


@pytest.mark.parametrize("envelope", ["0", "1", "2"])
def test_the_code_of_an_item_decides(envelope: str) -> None:
    """If this failed, a refusal would hide behind an envelope that says all is well."""
    items = [{"sCode": "0", "sMsg": ""}, {"sCode": "51008", "sMsg": "Order failed. Insufficient balance"}]
    fault = faults.fault(reply({"code": envelope, "msg": "All operations failed", "data": items}), Op.PLACE)
    assert fault is not None
    assert (fault.kind, fault.said) == (Kind.FUNDS, "Order failed. Insufficient balance")


@pytest.mark.parametrize("op", [Op.PLACE_MANY, Op.CANCEL_MANY])
def test_a_batch_is_told_item_by_item(op: Op) -> None:
    """If this failed, one refusal in a batch would hide that the others were taken; or a refused batch pass for one
    whose items are silent."""
    items = [{"ordId": "17", "sCode": "0"}, {"ordId": "", "sCode": "51008", "sMsg": "no"}]
    assert faults.fault(reply({"code": "2", "msg": "", "data": items}), op) is None
    assert faults.fault(reply({"code": "1", "msg": "", "data": items[1:]}), op) is None
    whole = faults.fault(reply({"code": "50011", "msg": "", "data": []}, 429), op)
    assert whole is not None
    assert whole.kind is Kind.LIMIT
    silent = faults.fault(reply({"code": "1", "msg": "All operations failed", "data": []}), op)
    assert silent is not None
    assert silent.fate is Fate.UNKNOWN


def test_a_good_reply_is_no_fault() -> None:
    """If this failed, every answer would be thrown away."""
    replies: list[object] = [[], [["1597026383085", "3.7"]], [{"ts": "1"}], {"components": []}]
    for data in replies:
        assert faults.fault(reply({"code": "0", "msg": "", "data": data}), Op.CANDLES) is None


def test_a_code_nobody_knows_leaves_an_order_open() -> None:
    """If this failed, an order that was taken under a new code would be sent again."""
    fault = faults.fault(reply({"code": "59999", "msg": "new", "data": []}), Op.PLACE)
    assert fault is not None
    assert (fault.kind, fault.fate, fault.code) == (Kind.UNKNOWN_CODE, Fate.UNKNOWN, "59999")


@pytest.mark.parametrize(
    ("status", "kind", "fate"),
    [
        (403, Kind.BLOCKED, Fate.REFUSED),
        (404, Kind.GONE, Fate.REFUSED),
        (410, Kind.GONE, Fate.REFUSED),
        (451, Kind.REGION, Fate.REFUSED),
        (429, Kind.LIMIT, Fate.REFUSED),
        (408, Kind.SERVER, Fate.UNKNOWN),
        (502, Kind.SERVER, Fate.UNKNOWN),
        (504, Kind.SERVER, Fate.UNKNOWN),
    ],
)
def test_pages_of_firewalls_and_gateways_are_told_apart(status: int, kind: Kind, fate: Fate) -> None:
    """If this failed, a firewall's page would be taken for the venue's word, or a lost order for refused."""
    fault = faults.fault(reply(b"<html><title>error</title></html>", status), Op.PLACE)
    assert fault is not None
    assert (fault.kind, fault.fate, fault.status) == (kind, fate, status)


def test_a_limit_says_how_long_to_wait() -> None:
    """If this failed, a bot told to slow down would knock again at once, and be shut out."""
    for said in (reply({"code": "50011", "msg": "", "data": []}, 429), reply(b"slow down", 429)):
        fault = faults.fault(said, Op.TRADES)
        assert fault is not None
        assert fault.wait_ms == 2_000


@given(st.binary(max_size=200), st.sampled_from([200, 400, 401, 403, 404, 429, 500, 503]))
def test_any_reply_is_sorted_without_raising(body: bytes, status: int) -> None:
    """If this failed, a strange reply could stop the sender instead of being told."""
    fault = faults.fault(Reply(status, {}, body), Op.BALANCES)
    assert fault is not None or status < 400


def test_nothing_is_read_from_headers() -> None:
    """If this failed, a budget would be corrected by headers that this venue never sends."""
    assert faults.readings(Reply(200, {"x-ratelimit-remaining": "3"}, b"")) == ()
