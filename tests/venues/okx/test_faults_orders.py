"""Codes that answer orders, settings and lists of orders beyond the document's classes: why, and what became of it.

Judged by what the venue's words say of each, told here in our own."""

from __future__ import annotations

import json

import pytest

from fairlead.venues.okx import faults
from fairlead.wire.asks import Op
from fairlead.wire.faults import Fate, Kind
from fairlead.wire.http import Reply

PLACED, AMENDED, CANCELLED = (Op.PLACE, Op.PLACE_MANY), (Op.AMEND,), (Op.CANCEL, Op.CANCEL_MANY)
CLOSED, SETTING, READ = (Op.CLOSE, Op.PLACE), (Op.SET_MODE, Op.SET_LEVERAGE), (Op.ORDERS, Op.OPEN_ORDERS, Op.FILLS)
BATCHES = (Op.PLACE_MANY, Op.CANCEL_MANY)

# Codes, what they answer, why, what became of it, and whether a later try makes sense.
ROWS: list[tuple[str, tuple[Op, ...], Kind, Fate, bool]] = [
    # The request is wrong in itself.
    ("50044 50108 50109", PLACED, Kind.INVALID, Fate.REFUSED, False),  # no such broker's kind, exchange, or domain
    ("51204 51185", PLACED, Kind.INVALID, Fate.REFUSED, False),  # a limit order without a price; worth too much
    ("51047 51051 51277", PLACED, Kind.INVALID, Fate.REFUSED, False),  # a stop's or target's trigger on the wrong side
    ("51091", PLACED, Kind.INVALID, Fate.REFUSED, False),  # targets of two kinds in one order
    ("51090 51098", AMENDED, Kind.INVALID, Fate.REFUSED, False),  # a stop bound to a target keeps its shape
    ("51250 51254 51255 51258 51259", PLACED, Kind.INVALID, Fate.REFUSED, False),  # algos: price, iceberg, trail
    ("51268 51269 51271 51273", PLACED, Kind.INVALID, Fate.REFUSED, False),  # algos: spread over time, sweep, total
    ("51108", CLOSED, Kind.INVALID, Fate.REFUSED, False),  # too large to be closed at the market
    ("51409", CANCELLED, Kind.INVALID, Fate.REFUSED, False),  # names nothing to cancel
    ("51501 52000", AMENDED, Kind.INVALID, Fate.REFUSED, False),  # too many in one request; changes nothing
    ("51600 51602", READ, Kind.INVALID, Fate.REFUSED, False),  # no such state; names neither state nor order
    ("54009", PLACED, Kind.INVALID, Fate.REFUSED, False),  # a parameter beyond its range
    ("55103 55111", PLACED, Kind.INVALID, Fate.REFUSED, False),  # bots: a stop below the gain, a name that is taken
    ("51072 51159 51166 51321 51325", PLACED, Kind.INVALID, Fate.REFUSED, False),  # not so while others copy the trades
    # The words speak of orders filled or cancelled: an answer like that is no proof that nothing was done.
    ("51322", CLOSED, Kind.INVALID, Fate.UNKNOWN, False),
    ("51406", CANCELLED, Kind.INVALID, Fate.UNKNOWN, False),
    # Not available for the time being, as of the whole venue; it does not say what became of what it had in hand.
    ("50062", (*PLACED, *AMENDED, *CANCELLED), Kind.MAINTENANCE, Fate.UNKNOWN, True),
    # The market is in a phase that does not take it.
    ("51404", CANCELLED, Kind.MARKET_STATE, Fate.REFUSED, True),  # second phase of a call auction
    ("51508", AMENDED, Kind.MARKET_STATE, Fate.REFUSED, True),  # call auction
    ("54011 54072", PLACED, Kind.MARKET_STATE, Fate.REFUSED, True),  # before delivery only reducing; only to be viewed
    # The account's mode does not have it.
    ("51018 51019 51128 51133 51139 51329", PLACED, Kind.ACCOUNT, Fate.REFUSED, False),
    ("51735 59518 59519", (*PLACED, *SETTING), Kind.ACCOUNT, Fate.REFUSED, False),  # subaccounts; frozen
    # Open orders or positions stand in the way.
    ("51115 51125 51126", CLOSED, Kind.ACCOUNT, Fate.REFUSED, False),
    ("51163 54074 59100", SETTING, Kind.ACCOUNT, Fate.REFUSED, False),
    # So many orders of a kind are open.
    ("51117 51262", CLOSED, Kind.LIMIT, Fate.REFUSED, False),
    # Holdings, margin, funds.
    ("51134", CLOSED, Kind.RISK, Fate.REFUSED, False),  # holdings and what is pending do not allow to close
    ("59300 59301", SETTING, Kind.RISK, Fate.REFUSED, False),  # margin of a position that is not there; beyond the most
    ("51017 59201", PLACED, Kind.FUNDS, Fate.REFUSED, False),  # to be borrowed beyond the limit; less than nothing held
    # The country of the account's owner.
    ("51734", PLACED, Kind.REGION, Fate.REFUSED, False),
]
CASES = [(code, ops, kind, fate, is_later) for codes, ops, kind, fate, is_later in ROWS for code in codes.split()]


@pytest.mark.parametrize(("code", "ops", "kind", "fate", "is_later"), CASES)
def test_each_code_tells_why_and_what_became_of_it(
    code: str, ops: tuple[Op, ...], kind: Kind, fate: Fate, is_later: bool
) -> None:
    """If this failed, an order that may stand would be called refused, or a hopeless one be tried again."""
    whole = {"code": code, "msg": "words", "data": []}
    item = {"code": "1", "msg": "All operations failed", "data": [{"sCode": code, "sMsg": "words"}]}
    for op in ops:
        for said in (whole,) if op in BATCHES else (whole, item):
            fault = faults.fault(Reply(200, {}, json.dumps(said).encode()), op)
            assert fault is not None
            assert (fault.kind, fault.fate, fault.code, fault.said) == (kind, fate, code, "words")
            assert (fault.wait_ms > 0) is is_later
