"""Every row of the vendor's error list: why, what became of an order, what of a read, and how long to wait."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.venues.binance.faults import fault, readings
from fairlead.wire.asks import Op
from fairlead.wire.faults import Fate, Fault, Kind
from fairlead.wire.http import Reply
from fairlead.wire.limits import Reading
from tests import recorded

# status, code, how the words begin -> kind; whether an order's fate is then unknown
ROWS = [
    (400, -1021, "Timestamp for this request is outside of the recvWindow.", Kind.CLOCK, False),
    (400, -1021, "Timestamp for this request was 1000ms ahead of the server's time.", Kind.CLOCK, False),
    (400, -1022, "Signature for this request is not valid.", Kind.SIGNATURE, False),
    (401, -2014, "API-key format invalid.", Kind.KEY, False),
    (401, -2015, "Invalid API-key, IP, or permissions for action.", Kind.KEY, False),
    (401, -1002, "You are not authorized to execute this request.", Kind.PERMISSION, False),
    (400, -2028, "HMAC-SHA-256 API key is not supported.", Kind.KEY, False),
    (401, -1193, "", Kind.KEY, False),
    (429, -1003, "Too much request weight used; current limit is 6000 request weight per 1 MINUTE.", Kind.LIMIT, False),
    (418, -1003, "Way too much request weight used; IP banned until 1659146400000.", Kind.BAN, False),
    (429, -1003, "Way too many requests; IP banned until 1499865549590.", Kind.BAN, False),
    (429, -1015, "Too many new orders; current limit is 100 orders per 10 SECOND.", Kind.LIMIT, False),
    (429, -1034, "Too many connections.", Kind.LIMIT, False),
    (500, -1000, "An unknown error occurred while processing the request.", Kind.SERVER, True),
    (503, -1001, "Internal error; unable to process your request. Please try again.", Kind.SERVER, True),
    (400, -1006, "An unexpected response was received from the message bus.", Kind.SERVER, True),
    (408, -1007, "Timeout waiting for response from backend server.", Kind.SERVER, True),
    (503, -1008, "Server is currently overloaded with other requests.", Kind.MAINTENANCE, True),
    (400, -1016, "This service is no longer available.", Kind.MAINTENANCE, False),
    (400, -1014, "Unsupported order combination.", Kind.INVALID, False),
    (400, -1020, "This operation is not supported.", Kind.INVALID, False),
    (400, -1112, "No orders on book for symbol.", Kind.MARKET_STATE, False),
    (400, -1013, "Filter failure: LOT_SIZE", Kind.INVALID, False),
    *[
        (400, code, "", Kind.INVALID, False)
        for code in (
            -1100, -1101, -1102, -1103, -1104, -1105, -1106, -1108, -1111, -1114, -1115, -1116, -1117, -1118, -1119,
            -1128, -1130, -1134, -1135, -1151, -1158, -1160, -1165, -1166, -1168, -1196, -1197, -1198, -1199, -1210,
            -1211, -1222, -1223, -1224, -1225, -1120, -1122, -1127, -1139, -1145, -1152, -1153, -1155, -1161, -1194,
        )
    ],
    (400, -1121, "Invalid symbol.", Kind.SYMBOL, False),
    (400, -1220, "The symbol's status does not match the requested symbolStatus.", Kind.MARKET_STATE, False),
    (400, -2010, "Account has insufficient balance for requested action.", Kind.FUNDS, False),
    (400, -2010, "Duplicate order sent.", Kind.DUPLICATE, False),
    (400, -2010, "Order would immediately match and take.", Kind.POST_ONLY, False),
    (400, -2010, "Order would trigger immediately.", Kind.INVALID, False),
    *[
        (400, -2010, words, Kind.INVALID, False)
        for words in (
            "Unsupported order combination", "Price * QTY is zero or less.", "IcebergQty exceeds QTY.",
            "Market orders are not supported for this symbol.",
            "The relationship of the prices for the orders is not correct.",
        )
    ],
    (400, -2038, "Order amend (quantity increase) is not supported.", Kind.INVALID, False),
    *[
        (400, -1013, f"Filter failure: {name}", Kind.INVALID, False)
        for name in (
            "PRICE_FILTER", "NOTIONAL", "MIN_NOTIONAL", "PERCENT_PRICE_BY_SIDE", "MARKET_LOT_SIZE", "MAX_NUM_ORDERS",
            "MAX_NUM_ALGO_ORDERS", "MAX_POSITION",
        )
    ],
    (400, -2010, "Market is closed.", Kind.MARKET_STATE, False),
    (400, -2010, "Order book liquidity is less than `LOT_SIZE` filter minimum quantity.", Kind.MARKET_STATE, False),
    (400, -2010, "This symbol is not permitted for this account.", Kind.PERMISSION, False),
    (400, -2010, "This symbol is restricted for this account.", Kind.PERMISSION, False),
    (400, -2010, "This action is disabled on this account.", Kind.PERMISSION, False),
    (400, -2010, "This account may not place or cancel orders.", Kind.PERMISSION, False),
    (400, -2010, "Rest API trading is not enabled.", Kind.PERMISSION, False),
    (400, -1010, "Market is closed.", Kind.MARKET_STATE, False),
    (400, -2011, "Unknown order sent.", Kind.NOT_FOUND, False),
    (400, -2011, "Order was not canceled due to cancel restrictions.", Kind.INVALID, False),
    (400, -2011, "Cancel order is invalid. Check origClOrdId and orderId.", Kind.INVALID, False),
    (400, -2013, "Order does not exist.", Kind.NOT_FOUND, False),
    (400, -2026, "Order was archived.", Kind.NOT_FOUND, False),
    (400, -2039, "", Kind.INVALID, False),
    (409, -2021, "Order cancel-replace partially failed.", Kind.INVALID, True),
    (400, -2022, "Order cancel-replace failed.", Kind.INVALID, False),
    (400, -2035, "", Kind.DUPLICATE, False),
    (400, -2036, "", Kind.NOT_FOUND, False),
    (400, -2042, "", Kind.LIMIT, False),
    (400, -2038, "The requested action would change no state; rejecting", Kind.INVALID, False),
    (400, -2043, "", Kind.MARKET_STATE, False),
    (400, -1005, "No such IP has been white listed", Kind.ADDRESS, False),
    (400, -1004, "Server is busy, please wait and try again", Kind.SERVER, True),
    (400, -1011, "This IP cannot access this route.", Kind.ADDRESS, False),
    (400, -1099, "Not found, authenticated, or authorized.", Kind.PERMISSION, False),
    (400, -1109, "Invalid account.", Kind.ACCOUNT, False),
    (400, -2008, "Invalid Api-Key ID.", Kind.KEY, False),
    (400, -2017, "API Keys are locked on this account.", Kind.ACCOUNT, False),
    (400, -2018, "Balance is insufficient.", Kind.FUNDS, False),
    (400, -2010, "Order rejected - insufficient funds.", Kind.FUNDS, False),
    (400, -1013, "System is under maintenance.", Kind.MAINTENANCE, False),
    (400, -1013, "Too many requests, please wait.", Kind.LIMIT, False),
    (400, -1013, "API key does not exist", Kind.KEY, False),
    (400, 0, "Service unavailable from a restricted location according to the terms.", Kind.REGION, False),
    (400, -987_654, "Something nobody has heard of.", Kind.UNKNOWN_CODE, True),
]  # fmt: skip
READS = (Op.BOOK, Op.ORDER, Op.FILLS)
PAGES = [
    (401, Kind.KEY, False), (403, Kind.BLOCKED, False), (404, Kind.GONE, False), (405, Kind.GONE, False),
    (410, Kind.GONE, False), (418, Kind.BAN, False), (429, Kind.LIMIT, False), (451, Kind.REGION, False),
    (500, Kind.SERVER, True), (502, Kind.SERVER, True), (504, Kind.SERVER, True),
    (302, Kind.UNKNOWN_CODE, True), (408, Kind.UNKNOWN_CODE, True),
]  # fmt: skip


def refusal(status: int, code: int, words: str, headers: dict[str, str] | None = None) -> Reply:
    return Reply(status, headers or {}, b'{"code":%d,"msg":"%s"}' % (code, words.encode()))


@pytest.mark.parametrize(("status", "code", "words", "kind", "unsure"), ROWS)
def test_a_refusal_is_understood(status: int, code: int, words: str, kind: Kind, unsure: bool) -> None:
    """If this failed, the user would be told the wrong reason, or an order of unknown fate be taken for refused."""
    for op in (Op.PLACE, Op.PLACE_MANY, Op.AMEND, Op.CANCEL, Op.CANCEL_MANY, Op.DEAD_MAN, Op.BOOK, Op.ORDER, Op.FILLS):
        told = fault(refusal(status, code, words), op)
        assert told is not None
        assert (told.kind, told.code, told.said, told.status) == (kind, str(code), words, status)
        assert told.fate is (Fate.UNKNOWN if unsure and op not in READS else Fate.REFUSED)


@pytest.mark.parametrize(("status", "kind", "unsure"), PAGES)
def test_a_page_instead_of_json_is_understood(status: int, kind: Kind, unsure: bool) -> None:
    """If this failed, a firewall's or proxy's page would be taken for the venue's own word, or an order be called lost
    of which only the answer is."""
    for op in (Op.TIME, Op.PLACE, Op.AMEND, Op.CANCEL, Op.CANCEL_ALL):
        told = fault(Reply(status, {}, b"<html><h1>no</h1></html>"), op)
        assert told is not None
        assert (told.kind, told.code, told.status) == (kind, "", status)
        assert told.said == "<html><h1>no</h1></html>"
        assert told.fate is (Fate.UNKNOWN if unsure and op is not Op.TIME else Fate.REFUSED)


def test_only_so_much_of_what_was_said_is_kept() -> None:
    """If this failed, a refusal with endless words would be longer than a line of the journal may be, and block it."""
    told = fault(refusal(400, -2010, "no " * 1_000_000), Op.PLACE)
    assert told is not None
    assert len(told.said) < 1_000


def test_an_answer_is_no_fault_and_a_refusal_in_disguise_is_one() -> None:
    """If this failed, good answers would be thrown away, or a refusal with status 200 be read as data."""
    assert fault(Reply(200, {}, b"[]"), Op.TRADES) is None
    told = fault(Reply(200, {}, b'{"code":-1121,"msg":"Invalid symbol."}'), Op.BOOK)
    assert told is not None
    assert told.kind is Kind.SYMBOL


@pytest.mark.parametrize(
    ("reply", "wait_ms", "until_ms"),
    [
        (refusal(429, -1003, "Too much", {"retry-after": "17"}), 17_000, 0),
        (refusal(429, -1003, "Too much"), 60_000, 0),
        (refusal(418, -1003, "banned until 1659146400000.", {"retry-after": "120"}), 120_000, 1_659_146_400_000),
        (refusal(418, -1003, "banned"), 120_000, 0),
        (Reply(429, {"retry-after": "soon"}, b"slow down"), 60_000, 0),
        (refusal(400, -1121, "Invalid symbol."), 0, 0),
    ],
)
def test_how_long_to_wait_is_told(reply: Reply, wait_ms: int, until_ms: int) -> None:
    """If this failed, we would ask again too early and turn a limit into a ban, or wait without need."""
    told = fault(reply, Op.BOOK)
    assert told is not None
    assert (told.wait_ms, told.until_ms) == (wait_ms, until_ms)
    quiet = [(one.quiet_ms, one.quiet_until_ms, one.banned) for one in readings(reply)]
    assert quiet == ([(wait_ms, until_ms, told.kind is Kind.BAN)] if wait_ms else [])


def test_use_and_limits_are_read_from_what_the_venue_says() -> None:
    """If this failed, our own count would drift from the venue's, and a lowered limit go unnoticed."""
    assert readings(Reply(200, {"x-mbx-used-weight-1m": "123"}, b"{}")) == (Reading("weight", used=123),)
    assert readings(Reply(200, {"x-mbx-used-weight-1m": "many"}, b"{}")) == ()
    used = {"x-mbx-order-count-10s": "7", "x-mbx-order-count-1d": "70"}
    assert readings(Reply(200, used, b"{}")) == (Reading("orders", used=7), Reading("orders a day", used=70))
    listing = (
        b'{"timezone":"UTC","rateLimits":[{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","limit":1200},'
        b'{"rateLimitType":"ORDERS","interval":"SECOND","limit":50},'
        b'{"rateLimitType":"ORDERS","interval":"DAY","limit":160000},'
        b'{"rateLimitType":"RAW_REQUESTS","interval":"MINUTE","limit":61000},'
        b'{"rateLimitType":"FANCY","interval":"MINUTE","limit":5}],"symbols":[]}'
    )
    assert readings(Reply(200, {}, listing)) == (
        Reading("weight", limit=1200),
        Reading("orders", limit=50),
        Reading("orders a day", limit=160_000),
        Reading("raw", limit=61_000),
    )
    assert readings(Reply(200, {}, listing[:60])) == ()


@pytest.mark.parametrize(
    ("words", "budget"),
    [
        ("Too many new orders; current limit is 100 orders per 10 SECOND.", "orders"),
        ("Too many new orders; current limit is 200000 orders per 1 DAY.", "orders a day"),
    ],
)
def test_too_many_orders_use_up_their_own_budget(words: str, budget: str) -> None:
    """If this failed, reads and cancels would stop for too many orders placed, or orders go on being placed."""
    [reading] = readings(refusal(429, -1015, words, {"retry-after": "4"}))
    assert reading == Reading(budget, quiet_ms=4_000)


def test_a_cancel_of_all_where_nothing_is_open_is_done() -> None:
    """If this failed, a panic button pressed once too often would look like a failure."""
    told = refusal(400, -2011, "Unknown order sent.")
    assert fault(told, Op.CANCEL_ALL) is None
    held = fault(refusal(400, -2011, "Order was not canceled due to cancel restrictions."), Op.CANCEL_ALL)
    assert held is not None
    assert held.kind is Kind.INVALID
    assert fault(told, Op.CANCEL) == Fault(Kind.NOT_FOUND, code="-2011", said="Unknown order sent.", status=400)


@given(st.integers(100, 599), st.binary(max_size=200), st.sampled_from([Op.PLACE, Op.BOOK]))
def test_any_reply_is_judged(status: int, body: bytes, op: Op) -> None:
    """If this failed, a broken proxy could crash whoever asks what its answer means."""
    told = fault(Reply(status, {"retry-after": "1" * 40}, body), op)
    assert told is not None or status < 300
    assert told is None or not (op is Op.PLACE and status >= 500) or told.fate is Fate.UNKNOWN
    readings(Reply(status, {}, body))


# What another library makes of a code, and what we may then make of it. Its table serves futures and margin as well.
CLASSES = {
    "AuthenticationError": {Kind.KEY, Kind.SIGNATURE, Kind.ACCOUNT},
    "PermissionDenied": {Kind.PERMISSION, Kind.ADDRESS, Kind.ACCOUNT},
    "RateLimitExceeded": {Kind.LIMIT, Kind.BAN},
    "InvalidNonce": {Kind.CLOCK},
    "InvalidOrder": {Kind.INVALID, Kind.NOT_FOUND},
    "BadRequest": {Kind.INVALID},
    "BadSymbol": {Kind.SYMBOL, Kind.INVALID},
    "InsufficientFunds": {Kind.FUNDS},
    "OrderNotFound": {Kind.NOT_FOUND},
    "OrderImmediatelyFillable": {Kind.INVALID},
    "OnMaintenance": {Kind.MAINTENANCE},
    "OperationFailed": {Kind.SERVER},
    "BadResponse": {Kind.SERVER},
    "RequestTimeout": {Kind.SERVER},
    "ExchangeError": {Kind.LIMIT, Kind.SERVER, Kind.INVALID, Kind.NOT_FOUND},  # it says no more
    "OperationRejected": {Kind.NOT_FOUND},
}
ELSEWHERE = {  # where the two differ, by the end of the id
    "0004": "-2022: both halves of a cancel and replace failed, which is a refusal",
    **dict.fromkeys(("0137", "0180", "0296"), "-2025 is futures'"),
    **dict.fromkeys(("0139", "0182", "0206", "0298"), "-2027 is futures' and options'"),
    **dict.fromkeys(("0140", "0183", "0299"), "-2028 is futures' leverage; here it is a key of the wrong kind"),
    **dict.fromkeys(("0278",), "-1015 limits orders; the other reading is margin's"),
    **dict.fromkeys(("0279",), "-1022 is a signature, of which the other reading makes a bad request"),
    **dict.fromkeys(("0281",), "-1109 is an account, of which the other reading makes a bad request"),
    **dict.fromkeys(("0294",), "-2018 is a lack of funds, of which the other reading makes a failure"),
    "0392": "told with -1000, which says enough",
    "0393": "told without a code, by the wallet",
}
CODES = range(-2999, -998)  # beyond are futures, options, margin and the wallet
SPELLED = {"self": "this"}  # what whoever translated the table did to the venue's words


def _told(line: dict[str, str]) -> Fault | None:
    code, words = (line["match"], "") if line["match"].lstrip("-").isdigit() else ("-2010", line["match"])
    words = " ".join(SPELLED.get(word, word) for word in words.split())
    return fault(refusal(400, int(code), words), Op.PLACE) if int(code) in CODES else None


def test_recorded_codes_and_words_agree_with_another_reading() -> None:
    """If this failed, we would understand a refusal quite otherwise than those who have met it."""
    checked, wrong = 0, []
    for line in recorded.lines("binance/error_codes.jsonl"):
        told = _told(line)
        if told is None:
            continue
        checked += 1
        differs = told.kind not in CLASSES[line["expect_class"]]
        if differs != (line["id"].rpartition("/")[2] in ELSEWHERE):
            wrong.append((line["id"], line["match"], line["expect_class"], told.kind))
    assert wrong == []
    assert checked >= 80


def test_recorded_refusals_are_understood() -> None:
    """If this failed, a whole reply as the venue sent it would be judged otherwise than its code."""
    kinds = {}
    for line in recorded.lines("binance/errors.jsonl"):
        told = fault(Reply(400, {}, line["raw"].encode()), Op.BOOK)
        assert told is not None
        kinds[line["id"].rpartition("/")[2]] = told.kind
    futures = {number for number, kind in kinds.items() if kind is Kind.UNKNOWN_CODE}
    assert futures == {"0003", "0019", "0020"}  # -4046, -4028, -6021: codes of futures and of the wallet
    assert kinds["0007"] is Kind.BAN
    assert kinds["0013"] is Kind.FUNDS
    assert kinds["0014"] is Kind.PERMISSION
    assert kinds["0017"] is Kind.KEY
