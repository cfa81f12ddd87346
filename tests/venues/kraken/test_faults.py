"""Every error text that the documents name, and every one recorded, in the common language."""

from __future__ import annotations

import json

import pytest

from fairlead.venues.kraken.faults import BANNED_MS, CALLS_WAIT_MS, LATER_MS, LOCKOUT_MS, fault, readings, said_fault
from fairlead.wire.asks import Op
from fairlead.wire.faults import Fate, Fault, Kind
from fairlead.wire.http import Reply
from fairlead.wire.limits import Reading
from tests.recorded import lines

# Spot REST Errors, with what the venue's words mean for an order.
DOCUMENTED = """
KEY         REFUSED EAPI:Invalid key
SIGNATURE   REFUSED EAPI:Invalid signature
NONCE       REFUSED EAPI:Invalid nonce
INVALID     REFUSED EAPI:Bad request
GONE        REFUSED EAPI:Feature disabled
LIMIT       REFUSED EAPI:Domain rate limit exceeded
PERMISSION  REFUSED EGeneral:Permission denied
BAN         REFUSED EGeneral:Temporary lockout
DUPLICATE   REFUSED EGeneral:Invalid arguments:cl_ord_id not unique
INVALID     REFUSED EGeneral:Invalid arguments
INVALID     REFUSED EGeneral:Invalid arguments:volume
INVALID     REFUSED EGeneral:Invalid arguments:Index unavailable
INVALID     REFUSED EGeneral:Unknown method
SERVER      UNKNOWN EGeneral:Internal error
SERVER      UNKNOWN EGeneral:Internal error:17
SERVER      UNKNOWN EDatabase:Internal error
LIMIT       REFUSED EAPI:Rate limit exceeded
LIMIT       REFUSED EOrder:Rate limit exceeded
LIMIT       REFUSED EGeneral:Too many requests
LIMIT       REFUSED EService: Throttled: 1767225660
LIMIT       REFUSED EService:Throttled
MAINTENANCE UNKNOWN EService:Unavailable
SERVER      UNKNOWN EService:Busy
SERVER      UNKNOWN EService:Timeout
MARKET_STATE REFUSED EService:Market in cancel_only mode
MARKET_STATE REFUSED EService:Market in post_only mode
SERVER      UNKNOWN EService:Deadline elapsed
FUNDS       REFUSED EOrder:Insufficient funds
FUNDS       REFUSED EOrder:Insufficient margin
FUNDS       REFUSED EFunding:Invalid amount
INVALID     REFUSED EOrder:Order minimum not met
INVALID     REFUSED EOrder:Cost minimum not met
INVALID     REFUSED EOrder:Tick size check failed
INVALID     REFUSED EOrder:Invalid price
INVALID     REFUSED EOrder:Invalid order
POST_ONLY   REFUSED EOrder:Post only order
NOT_FOUND   REFUSED EOrder:Unknown order
DUPLICATE   UNKNOWN EOrder:Cancel pending
RISK        REFUSED EOrder:Margin position size exceeded
RISK        REFUSED EOrder:Reduce only:No position exists
RISK        REFUSED EOrder:Reduce only:Position is closed
RISK        REFUSED EOrder:Reduce only:Non-PC
RISK        REFUSED EOrder:Orders limit exceeded
RISK        REFUSED EOrder:Positions limit exceeded
RISK        REFUSED EOrder:Scheduled orders limit exceeded
RISK        REFUSED EOrder:Margin allowance exceeded
RISK        REFUSED EOrder:Margin level too low
RISK        REFUSED EOrder:Cannot open position
RISK        REFUSED EOrder:Cannot open opposing position
ACCOUNT     REFUSED EOrder:Trading agreement required
REGION      REFUSED EAccount:Invalid permissions
REGION      REFUSED EAccount:Invalid permissions:SOL trading restricted for US:NY.
ACCOUNT     REFUSED EAuth:Account temporary disabled
ACCOUNT     REFUSED EAuth:Account unconfirmed
ACCOUNT     REFUSED ETrade:User Locked
ACCOUNT     REFUSED ETrade:Locked
LIMIT       REFUSED EAuth:Rate limit exceeded
LIMIT       REFUSED EAuth:Too many requests
SYMBOL      REFUSED EQuery:Unknown asset pair
SYMBOL      REFUSED EQuery:Invalid asset pair
SYMBOL      REFUSED EQuery:Unknown asset
TOKEN       REFUSED ESession:Invalid session
SYMBOL      REFUSED Currency pair not supported ABC/DEF
SYMBOL      REFUSED Currency pair not in ISO 4217-A3 format foobar
DUPLICATE   REFUSED Already subscribed
LIMIT       REFUSED Exceeded msg rate
INVALID     REFUSED Subscription depth not supported
INVALID     REFUSED Public market data subscriptions are unavailable on this endpoint
SYMBOL      REFUSED EFunding:Unknown asset
INVALID     REFUSED EFunding:Unknown withdraw key
INVALID     REFUSED EFunding:No funding method
NOT_FOUND   REFUSED EOrder:Unknown position
SYMBOL      REFUSED Pair(s) not found
INVALID     REFUSED Malformed request
INVALID     REFUSED Unsupported field: 'price' for the given msg type: add order
INVALID     REFUSED Event(s) not found
INVALID     REFUSED Private data and trading are unavailable on this endpoint
UNKNOWN_CODE UNKNOWN ENew:Never heard of
"""
CHANGES = (Op.PLACE_MANY, Op.AMEND, Op.CANCEL, Op.CANCEL_MANY, Op.CANCEL_ALL, Op.DEAD_MAN)
READS = (Op.TICKER, Op.FEES, Op.BALANCES, Op.ORDER, Op.OPEN_ORDERS, Op.ORDERS, Op.FILLS)
CASES = [line.split(maxsplit=2) for line in DOCUMENTED.strip().splitlines()]
# Classes of another client and the kinds that mean the same.
SAME = {
    "BadSymbol": {Kind.SYMBOL},
    "InvalidAddress": {Kind.INVALID},
    "ExchangeNotAvailable": {Kind.MAINTENANCE, Kind.SERVER},
    "DDoSProtection": {Kind.LIMIT, Kind.BAN},
    "PermissionDenied": {Kind.PERMISSION},
    "InvalidOrder": {Kind.INVALID, Kind.NOT_FOUND},
    "AuthenticationError": {Kind.TOKEN, Kind.KEY},
    "InvalidNonce": {Kind.NONCE},
    "OnMaintenance": {Kind.MARKET_STATE},
    "CancelPending": {Kind.DUPLICATE},
    "ExchangeError": {Kind.LIMIT},
}


def reply(said: str, status: int = 200) -> Reply:
    return Reply(status, {}, json.dumps({"error": [said]}).encode())


def found(said: str, op: Op = Op.PLACE) -> Fault:
    told = fault(reply(said), op)
    assert told is not None
    return told


@pytest.mark.parametrize(("kind", "fate", "said"), CASES, ids=[case[2] for case in CASES])
def test_a_documented_error_has_its_kind_and_fate(kind: str, fate: str, said: str) -> None:
    """If this failed, an order that may stand would be called refused, or a hopeless call tried again."""
    assert (found(said).kind, found(said).fate, found(said).said) == (kind, fate, said)
    assert {found(said, op).fate for op in CHANGES} == {Fate[fate]}
    assert {found(said, op).fate for op in READS} == {Fate.REFUSED}  # a question changes nothing
    assert found(said).code in said.replace(": ", ":")


@pytest.mark.parametrize(
    ("said", "wait_ms", "until_ms"),
    [
        ("EAPI:Rate limit exceeded", CALLS_WAIT_MS, 0),
        ("EGeneral:Temporary lockout", LOCKOUT_MS, 0),
        ("EService:Throttled", LATER_MS, 0),
        ("EService: Throttled: 1767225660", 0, 1_767_225_660_000),
        ("EService:Throttled:1767225660", 0, 1_767_225_660_000),
        ("EService:Throttled:99999999999999999999", LATER_MS, 0),
        ("EAPI:Invalid key", 0, 0),
    ],
)
def test_a_refusal_says_how_long_to_wait(said: str, wait_ms: int, until_ms: int) -> None:
    """If this failed, we would hammer a venue that asked for quiet, which prolongs it."""
    assert (found(said).wait_ms, found(said).until_ms) == (wait_ms, until_ms)


def test_an_invalid_order_on_a_cancel_is_one_that_never_was() -> None:
    """If this failed, a cancel of an order that the venue never had would read like a malformed request."""
    assert found("EOrder:Invalid order", Op.CANCEL).kind is Kind.NOT_FOUND


@pytest.mark.parametrize(
    ("op", "result", "kind"),
    [
        (Op.ORDER, {}, Kind.NOT_FOUND),
        (Op.CANCEL, {"count": 0}, Kind.NOT_FOUND),
        (Op.CANCEL, {"count": 1}, None),
        (Op.OPEN_ORDERS, {"open": {}}, None),
        (Op.CANCEL_ALL, {"count": 0}, None),
    ],
)
def test_an_answer_about_no_order_is_that_it_is_not_there(op: Op, result: object, kind: Kind | None) -> None:
    """If this failed, an order that is not there would be taken for a broken answer, or for a cancelled one."""
    told = fault(Reply(200, {}, json.dumps({"error": [], "result": result}).encode()), op)
    assert (told.kind if told else None) is kind


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("EGeneral:Invalid arguments:cl_ord_id", Kind.INVALID),  # its form
        ("EGeneral:Invalid arguments:cl_ord_id not unique", Kind.DUPLICATE),
        ("EOrder:Invalid order:cl_ord_id is in use", Kind.DUPLICATE),
    ],
)
def test_an_id_in_use_is_told_from_one_of_a_wrong_form(said: str, kind: Kind) -> None:
    """If this failed, an order that exists would be called a mistake, and placed again under another name."""
    assert (found(said).kind, found(said).fate) == (kind, Fate.REFUSED)


def test_warnings_and_answers_are_no_faults() -> None:
    """If this failed, an answer would be thrown away because the venue added a remark."""
    assert fault(Reply(200, {}, b'{"error":["WGeneral:Something"],"result":{}}'), Op.TIME) is None
    assert fault(Reply(200, {}, b'{"error":[],"result":{}}'), Op.TIME) is None
    assert fault(Reply(200, {}, b'{"error":["WGeneral:Careful","EService:Busy"]}'), Op.TIME) is not None
    assert fault(Reply(200, {}, b"<html>"), Op.TIME) is None  # reading it says that it is nonsense


@pytest.mark.parametrize(
    ("status", "kind", "fate"),
    [
        (502, Kind.SERVER, Fate.UNKNOWN),
        (504, Kind.SERVER, Fate.UNKNOWN),
        (520, Kind.SERVER, Fate.UNKNOWN),
        (429, Kind.BAN, Fate.REFUSED),
        (403, Kind.BLOCKED, Fate.REFUSED),
        (451, Kind.REGION, Fate.REFUSED),
        (404, Kind.GONE, Fate.REFUSED),
        (301, Kind.UNKNOWN_CODE, Fate.UNKNOWN),
    ],
)
def test_a_page_of_the_proxy_leaves_an_order_unknown(status: int, kind: Kind, fate: Fate) -> None:
    """If this failed, an order behind an error page would be called lost although it stands."""
    told = fault(Reply(status, {}, b"<html><title>no</title></html>"), Op.PLACE)
    assert told is not None
    assert (told.kind, told.fate, told.status) == (kind, fate, status)


def test_readings_tell_which_budget_wants_quiet() -> None:
    """If this failed, calls would go on into a full counter, and a lockout be forgotten."""
    assert readings(Reply(200, {}, b'{"error":[],"result":{}}')) == ()
    assert readings(reply("EAPI:Invalid key")) == ()
    assert readings(reply("EAPI:Rate limit exceeded")) == (Reading("calls", quiet_ms=CALLS_WAIT_MS),)
    assert readings(reply("EGeneral:Too many requests")) == (Reading("public", quiet_ms=LATER_MS),)
    assert readings(reply("EGeneral:Temporary lockout")) == (Reading("calls", quiet_ms=LOCKOUT_MS, banned=True),)
    assert readings(reply("EService: Throttled: 1767225660")) == (Reading("calls", quiet_until_ms=1_767_225_660_000),)
    assert readings(Reply(429, {"retry-after": "30"}, b"")) == (Reading("public", quiet_ms=30_000, banned=True),)
    assert readings(Reply(429, {}, b"")) == (Reading("public", quiet_ms=BANNED_MS, banned=True),)


def test_recorded_errors_mean_what_another_client_makes_of_them() -> None:
    """If this failed, a real refusal would be explained as something it is not."""
    compared = 0
    for line in (*lines("kraken/error_codes.jsonl"), *lines("kraken/errors.jsonl")):
        said = line.get("match") or next(iter(json.loads(line["raw"]).get("error", ())), "")
        if line.get("product", "spot") != "spot" or "expect_class" not in line:
            continue
        prefix = (
            "EOrder" if said in (":Invalid order", ":Cancel pending") else "EAPI" if "nonce" in said else "EGeneral"
        )
        told = said_fault(prefix + said if said.startswith(":") else said, Op.PLACE)  # some are the middle of a text
        assert told.kind in SAME[line["expect_class"]], said
        compared += 1
    assert compared == 23
