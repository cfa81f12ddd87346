"""The nouns' own sums and names, and what venues share: numbers, symbols, intervals, catalogue, strangers, printing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw, Struct

from fairlead.errors import BadNumber, Misuse, UnknownName
from fairlead.model import intervals, numbers
from fairlead.model.instrument import Catalog
from fairlead.model.intervals import NAMES, SECOND_NS
from fairlead.model.market import FundingPaid
from fairlead.model.symbols import Symbol, parse
from fairlead.testing import instrument
from fairlead.wire.printed import plain, printed
from fairlead.wire.shapes import (
    MS_MOST,
    NO_JSON,
    READERS,
    Inspector,
    LevelShape,
    Nonsense,
    ms_of,
    number_text,
    strangers,
)

DEEP = b"[" * 2_000 + b"]" * 2_000
DECIMALS = st.decimals(-(10**12), 10**12, allow_nan=False, allow_infinity=False, places=8)


# ---- numbers


@given(DECIMALS, st.integers(8, 18))
def test_fixed_point_gives_back_exactly_what_was_said(exact: Decimal, decimals: int) -> None:
    """If this failed, a digit of a price or quantity would be lost between the venue's text and the book."""
    text = format(exact, "f")
    mantissa = numbers.fixed(text, decimals)
    assert numbers.unfixed(mantissa, decimals) == exact
    assert Decimal(numbers.text_of(mantissa, decimals)) == exact
    assert numbers.nearest_float(mantissa, decimals) == float(text)


@pytest.mark.parametrize(
    ("text", "decimals", "mantissa"),
    [
        ("1.50", 1, 15), ("1.5", 3, 1500), ("0.00000001", 8, 1), ("1E-8", 8, 1), ("-0", 2, 0), ("-1.25", 2, -125),
        ("1e3", 0, 1000), ("62000.01000000", 2, 6200001), (".5", 1, 5), ("5.", 1, 50), ("+7", 0, 7),
    ],
)  # fmt: skip
def test_each_way_to_write_a_number_is_understood(text: str, decimals: int, mantissa: int) -> None:
    """If this failed, a venue that writes exponents, signs or padding would be misread."""
    assert numbers.fixed(text, decimals) == mantissa


def test_a_text_with_more_decimals_is_told_not_rounded() -> None:
    """If this failed, a price between two ticks would silently become another price."""
    with pytest.raises(numbers.MoreDecimals) as told:
        numbers.fixed("0.123", 2)
    assert told.value.decimals == 3
    assert numbers.fixed("0.1200", 2) == 12


@pytest.mark.parametrize(
    "text", ["", "x", "NaN", "Infinity", "1_000", "1,5", "１２", "9" * 65, "1e999", "1.2.3", " ", " 1", "1\n", "--1"]
)
def test_what_is_no_number_is_refused(text: str) -> None:
    """If this failed, nonsense from a venue could become a price, or a huge text hold up the feed."""
    with pytest.raises(ValueError):
        numbers.fixed(text, 2)


@pytest.mark.parametrize(
    ("mantissa", "decimals", "text"), [(5, 0, "5"), (5, 2, "0.05"), (-125, 2, "-1.25"), (0, 3, "0.000")]
)
def test_fixed_point_is_written_with_all_its_decimals(mantissa: int, decimals: int, text: str) -> None:
    """If this failed, checksums and replies would be made of other texts than the venue's."""
    assert numbers.text_of(mantissa, decimals) == text


@given(DECIMALS)
def test_a_short_text_survives_a_float_and_a_long_one_is_known(exact: Decimal) -> None:
    """If this failed, a price that a float cannot hold would be passed on untold."""
    text = format(exact, "f")
    if not numbers.long_text(text):
        assert Decimal(repr(float(text))) == exact


@pytest.mark.parametrize(
    ("text", "is_long"),
    [
        ("123456789.123456", False), ("1234567890.123456", True), ("0.000000000000001", False),
        ("62000.0100000000000", False),
        ("1.234567890123456e5", True), ("1000000000000000", True), ("-0.1234567890123456", True),
    ],
)  # fmt: skip
def test_how_many_digits_count(text: str, is_long: bool) -> None:
    """If this failed, padding would raise false alarms, or a sixteenth digit none."""
    assert numbers.long_text(text) is is_long


def test_a_users_number_is_taken_exactly_or_the_nearest_ones_are_named() -> None:
    """If this failed, an order would go out at a price that nobody wrote."""
    tick = Decimal("0.05")
    assert numbers.on_step("1.10", tick, "price") == Decimal("1.10")
    assert numbers.on_step(0.15, tick, "price") == Decimal("0.15")
    assert numbers.on_step(3, Decimal(0), "price") == 3
    with pytest.raises(BadNumber, match=r"1\.10 and 1\.15"):
        numbers.on_step("1.12", tick, "price")
    for nonsense in ("one", float("nan"), float("inf")):
        with pytest.raises(BadNumber):
            numbers.on_step(nonsense, tick, "price")


@pytest.mark.parametrize(("step", "decimals"), [("0.010", 2), ("10", 0), ("1E+2", 0), ("0.00000001", 8), ("1", 0)])
def test_a_step_tells_its_decimals(step: str, decimals: int) -> None:
    """If this failed, books would keep too few decimals, or widen for nothing."""
    assert numbers.decimals_of(Decimal(step)) == decimals


# ---- symbols


@pytest.mark.parametrize(
    ("text", "parts", "kind", "inverse"),
    [
        ("BTC/USDT", Symbol("BTC", "USDT"), "spot", False),
        ("BTC/USDT:USDT", Symbol("BTC", "USDT", "USDT"), "swap", False),
        ("BTC/USD:BTC", Symbol("BTC", "USD", "BTC"), "swap", True),
        ("BTC/USDT:USDT-261225", Symbol("BTC", "USDT", "USDT", "261225"), "future", False),
        ("1000SATS/USDT", Symbol("1000SATS", "USDT"), "spot", False),
        ("币安人生/USDT", Symbol("币安人生", "USDT"), "spot", False),
        ("AI-PIN/USDT", Symbol("AI-PIN", "USDT"), "spot", False),
    ],
)
def test_a_symbol_is_taken_apart_and_put_together(text: str, parts: Symbol, kind: str, inverse: bool) -> None:
    """If this failed, a market would be taken for another kind of market."""
    assert (parse(text), str(parts), parts.kind, parts.inverse) == (parts, text, kind, inverse)


@pytest.mark.parametrize(
    "text", ["", "BTCUSDT", "BTC/", "/USDT", "BTC/USDT:", "BTC /USDT", "A/B:C-2612", "A/B/C", "A/B:C:D"]
)
def test_what_is_no_symbol_is_refused_with_advice(text: str) -> None:
    """If this failed, a misspelled market would travel on and fail where nobody understands it."""
    with pytest.raises(Misuse, match="BTC/USDT"):
        parse(text)


# ---- intervals


@given(st.sampled_from(NAMES), st.integers(0, 4_000_000_000))
def test_bars_follow_each_other_without_hole_or_overlap(interval: str, at_s: int) -> None:
    """If this failed, candles would overlap, or holes be seen where none are."""
    at_ns = at_s * SECOND_NS
    begin = intervals.start_ns(interval, at_ns)
    after = intervals.next_ns(interval, begin)
    assert begin <= at_ns < after
    assert intervals.start_ns(interval, begin) == intervals.start_ns(interval, after - 1) == begin
    assert intervals.start_ns(interval, after) == after
    assert after - begin <= intervals.length_ns(interval)


@pytest.mark.parametrize(
    ("interval", "at", "begin", "after"),
    [
        ("1M", "2024-02-29", "2024-02-01", "2024-03-01"),
        ("1M", "2025-12-31", "2025-12-01", "2026-01-01"),
        ("3M", "2026-11-20", "2026-10-01", "2027-01-01"),
        ("1w", "2026-11-20", "2026-11-16", "2026-11-23"),  # Mondays
        ("1d", "2026-11-20", "2026-11-20", "2026-11-21"),
    ],
)
def test_months_and_weeks_follow_the_calendar(interval: str, at: str, begin: str, after: str) -> None:
    """If this failed, bars of weeks and months would begin on the wrong day."""
    at_ns, begin_ns, after_ns = (int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * SECOND_NS
                                 for day in (at, begin, after))  # fmt: skip
    assert intervals.start_ns(interval, at_ns) == begin_ns
    assert intervals.next_ns(interval, begin_ns) == after_ns


# ---- catalogue


def test_a_catalogue_finds_both_ways_and_names_the_nearest() -> None:
    """If this failed, an event would go to the wrong market, or a misspelling not be told."""
    xbt = instrument("BTC/USD", "XBTUSD", "0.1", "0.00000001", ws="BTC/USD", reply="XXBTZUSD")
    catalog = Catalog([xbt, instrument("ETH/USD", "ETHUSD", "0.01", "0.0001")], lambda code: code[1:])
    for spelling, use in (("XBTUSD", ""), ("XXBTZUSD", ""), ("XXBTZUSD", "reply"), ("BTC/USD", "ws")):
        assert catalog.ours(spelling, use) is xbt
    assert catalog.ours("XXBTZUSD", "ws") is None
    assert catalog.theirs("BTC/USD") is xbt
    assert ("BTC/USD" in catalog, len(catalog), [one.symbol for one in catalog]) == (True, 2, ["BTC/USD", "ETH/USD"])
    assert catalog.asset("XETH") == "ETH"
    assert Catalog([]).asset("XXBT") == "XXBT"
    with pytest.raises(UnknownName, match="did you mean BTC/USD"):
        catalog.theirs("BTC/USDD")
    assert repr(catalog) == "<Catalog of 2 instruments>"


def test_an_instrument_leads_from_fixed_point_to_decimals() -> None:
    """If this failed, a book's integers would be shown as another price or quantity."""
    one = instrument("BTC/USDT:USDT", "BTC-USDT-SWAP", "0.1", "0.01")
    assert (one.price(620001), one.qty(5), one.kind) == (Decimal("62000.1"), Decimal("0.05"), "swap")


# ---- shapes


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        (LevelShape.PAIRS, b'[["62000.01","0.5"],["1","2"]]'),
        (LevelShape.PAIRS, b'[["62000.01","0.5","1700000000.5"],["1","2",[]]]'),
        (LevelShape.ROWS, b'[["62000.01","0.5","0","3"],["1","2","0","1"]]'),
        (LevelShape.ROWS, b'[["62000.01","0.5",3],["1","2",1]]'),
        (LevelShape.OBJECTS, b'[{"price":62000.01,"qty":0.5},{"price":"1","qty":"2","extra":0}]'),
    ],
)
def test_levels_are_read_as_texts_however_they_are_written(shape: LevelShape, text: bytes) -> None:
    """If this failed, a digit of a level would be lost, or a longer row be refused."""
    assert READERS[shape](Raw(text)) == [("62000.01", "0.5"), ("1", "2")]
    assert READERS[shape](b"[]") == []


@pytest.mark.parametrize("shape", LevelShape)
@pytest.mark.parametrize(
    "text", [b'[["1"]]', b"[[1,2]]", b"[[null,null]]", b'[["\xff","1"]]', b'[["1","2"],[0,%s]]' % DEEP]
)
def test_what_are_no_levels_is_nonsense(shape: LevelShape, text: bytes) -> None:
    """If this failed, half a level would be taken for one."""
    with pytest.raises(Nonsense):
        READERS[shape](text)


@pytest.mark.parametrize("text", ["", " 1", "-1", "1.5", "1_0", "１２", "x", "9" * 14, "9" * 400, str(MS_MOST + 1)])
def test_what_is_no_time_is_nonsense(text: str) -> None:
    """If this failed, a time beyond all calendars would reach sums that end in an overflow, or a day that is wrong."""
    with pytest.raises(Nonsense):
        ms_of(text)
    assert [ms_of(str(known)) for known in (0, 1_700_000_000_000, MS_MOST)] == [0, 1_700_000_000_000, MS_MOST]


def test_a_numbers_own_text_is_kept() -> None:
    """If this failed, 1.10 and 1.1 would be one, and a checksum over texts be wrong."""
    assert (number_text(Raw(b"1.10")), number_text(Raw(b'"1E-7"'))) == ("1.10", "1E-7")


@pytest.mark.parametrize(
    ("text", "known", "found"),
    [
        (b'{"a":1,"b":{"c":[{"d":1}]}}', "a b b.c b.c.d", ()),
        (b'{"a":1,"b":{"c":[{"d":1},{"e":2}]}}', "a b b.c b.c.d", ("b.c.e",)),
        (b'[{"a":1},{"x":1},{"x":2}]', "a", ("x",)),
        (b'{"data":{"BTC":{"p":1},"ETH":{"q":1}}}', "data data.*", ()),
        (b'{"new":{"deep":1}}', "", ("new",)),
        (b"[1,2]", "", ()),
        (b'{"a":"\xff"}', "a", (NO_JSON,)),
        (b'{"a":', "a", (NO_JSON,)),
        (b'{"a":' * 2_000 + b"1" + b"}" * 2_000, "a a.*", (NO_JSON,)),
    ],
)
def test_strangers_are_named_by_their_path(text: bytes, known: str, found: tuple[str, ...]) -> None:
    """If this failed, a venue's new field would go unnoticed, or known ones raise alarms."""
    assert strangers(text, frozenset(known.split())) == found


def test_an_inspector_looks_at_the_first_of_each_shape_and_then_now_and_then() -> None:
    """If this failed, a new field would be seen never, or every message be read twice."""
    inspector = Inspector(3)
    assert [inspector.due("a") for _ in range(7)] == [True, False, False, True, False, False, True]
    assert inspector.due("b")
    assert repr(inspector) == "<Inspector every 3: {'a': 7, 'b': 1}>"


class Word(StrEnum):
    YES = "yes"


class Inner(Struct, frozen=True):
    at: Decimal
    raw: Raw


class OuterThing(Struct, frozen=True):
    inner: tuple[Inner, ...]
    word: Word
    names: frozenset[str]
    table: dict[str, bytes]


def test_values_are_printed_under_their_names_and_numbers_as_they_were() -> None:
    """If this failed, a bug report would show other numbers than the venue sent."""
    value = OuterThing((Inner(Decimal("1E+2"), Raw(b'[["1.10","0"]]')),), Word.YES, frozenset({"n"}), {"k": b"v\xff"})
    assert printed(value) == (
        b'{"type":"outer_thing","inner":[{"type":"inner","at":"100","raw":[["1.10","0"]]}],"word":"yes","names":["n"],'
        b'"table":{"k":"v\xef\xbf\xbd"}}'
    )
    paid = FundingPaid(venue="v", symbol="A/B:B", venue_ns=1, seen_ns=0, rate=1e-4)
    assert json.loads(printed(paid))["type"] == "funding_paid"
    assert plain(object()).startswith("<object")
    assert printed({"a lone half": "\udcff"}) == b'{"a lone half":"?"}'
