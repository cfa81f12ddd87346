"""core/rungs: exact levels from any text, against a plain dictionary of Decimals."""

from __future__ import annotations

from decimal import Context, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core import rungs as module
from fairlead.core.rungs import MEMO_MOST, BadLevel, Ladder, Rungs
from fairlead.model.numbers import unfixed

EXACT = Context(prec=200)
Level = tuple[str, str]


def spell(number: Decimal, style: int) -> str:
    """The same number as venues write it: plain, padded with zeros, with an exponent, or with a sign."""
    plain = format(number, "f")
    if style == 1:
        return f"{plain}{'' if '.' in plain else '.'}000"
    if style == 2:
        return f"{number.scaleb(7, EXACT):f}E-7"
    if style == 3:
        return f"00{plain}"
    return f"+{plain}" if style == 4 else plain


numbers = st.builds(
    lambda mantissa, decimals: Decimal(mantissa).scaleb(-decimals, EXACT),
    st.one_of(st.integers(0, 30), st.integers(0, 10**6), st.integers(0, 10**36)),
    st.integers(0, 18),
)
texts = st.builds(spell, numbers, st.integers(0, 5))
levels = st.tuples(texts.filter(lambda text: Decimal(text) > 0), texts)


def shown(rungs: Rungs) -> list[dict[Decimal, Decimal]]:
    """Both sides as Decimals, after a look at their order."""
    sides = []
    for ladder in (rungs.bids, rungs.asks):
        top = ladder.top(len(ladder.keys))
        assert [price for price, _ in top] == sorted((price for price, _ in top), reverse=ladder is rungs.bids)
        assert ladder.keys == sorted(ladder.qtys)
        sides.append({unfixed(p, rungs.price_decimals): unfixed(q, rungs.qty_decimals) for p, q in top})
    return sides


def decimals_of(number: Decimal) -> int:
    exponent = number.normalize(EXACT).as_tuple().exponent
    assert isinstance(exponent, int)
    return max(0, -exponent)


@given(
    st.lists(levels, max_size=12), st.lists(levels, max_size=12), st.lists(st.tuples(st.booleans(), levels)),
    st.integers(0, 6), st.integers(0, 6),
)  # fmt: skip
def test_any_texts_give_the_exact_book(
    bids: list[Level], asks: list[Level], changes: list[tuple[bool, Level]], price_decimals: int, qty_decimals: int
) -> None:
    """Some spelling or some number of decimals would lose a digit, double a level or leave a dead one standing."""
    rungs, oracle = Rungs(price_decimals, qty_decimals), [dict[Decimal, Decimal](), dict[Decimal, Decimal]()]

    def expect(side: int, level: Level) -> None:
        price, qty = Decimal(level[0]), Decimal(level[1])
        oracle[side].pop(price, None)
        if qty:
            oracle[side][price] = qty

    rungs.load(bids, asks)
    for side, given_levels in enumerate((bids, asks)):
        for level in given_levels:
            expect(side, level)
    assert shown(rungs) == oracle
    for is_bid, level in changes:
        rungs.change(rungs.bids if is_bid else rungs.asks, [level])
        expect(0 if is_bid else 1, level)
    assert shown(rungs) == oracle

    read = [*bids, *asks, *(level for _, level in changes)]
    prices = max((decimals_of(Decimal(price)) for price, _ in read), default=0)
    qtys = max((decimals_of(Decimal(qty)) for _, qty in read), default=0)
    assert rungs.price_decimals == max(price_decimals, prices)
    assert rungs.qty_decimals == max(qty_decimals, qtys)
    assert (rungs.widened > 0) == (prices > price_decimals or qtys > qty_decimals)


@given(st.lists(levels, max_size=30))
def test_one_batch_is_as_good_as_many(changes: list[Level]) -> None:
    """A text that widens the book in the middle of a message would leave the rest of it at the old scale."""
    once, singly = Rungs(1, 1), Rungs(1, 1)
    once.change(once.asks, changes)
    for level in changes:
        singly.change(singly.asks, [level])
    assert shown(once) == shown(singly)


@given(st.tuples(st.text(max_size=70), st.text(max_size=70)) | st.tuples(st.just("1.5"), st.text(max_size=70)))
def test_garbage_is_refused_and_nothing_else(level: Level) -> None:
    """A malformed level would end the stream with a foreign exception, or be taken for a number that it is not."""
    rungs = Rungs(2, 2)
    label = ""
    try:
        rungs.change(rungs.bids, [level])
    except BadLevel as bad:
        label = bad.label
    if label:
        assert label in ("zero", "negative", "not a number", "not a number in range")
    else:
        assert Decimal(level[0]) > 0
        assert Decimal(level[1]) >= 0


@pytest.mark.parametrize(
    ("price", "qty", "label"),
    [
        ("0.00", "1", "zero"),
        ("-1", "1", "negative"),
        ("1", "-0.1", "negative"),
        ("NaN", "1", "not a number"),
        ("1", "Infinity", "not a number"),
        ("1_000", "1", "not a number"),
        ("1.2.3", "1", "not a number"),
        ("", "1", "not a number"),
        ("٣", "1", "not a number"),
        ("1e-31", "1", "not a number in range"),
        ("1e999999999", "1", "not a number"),
        ("1" * 5_000, "1", "not a number"),
    ],
)
def test_a_level_that_cannot_be_says_why(price: str, qty: str, label: str) -> None:
    """An anomaly would be told under a wrong name, or an attack on int() would hold up the loop."""
    rungs = Rungs(2, 2)
    with pytest.raises(BadLevel) as caught:
        rungs.load([(price, qty)], [])
    assert caught.value.label == label
    assert len(str(caught.value)) < 100


def test_more_digits_than_a_decimal_usually_holds_stay_exact() -> None:
    """Beyond 28 digits Python's decimals round in silence, and so would the book."""
    price, qty = "12345678901234567890.12345678901234567890", "9" * 40 + ".5"
    rungs = Rungs(2, 0)
    rungs.change(rungs.bids, [(price, qty)])
    assert shown(rungs) == [{Decimal(price): Decimal(qty)}, {}]
    assert rungs.widened == 2


def test_padding_never_widens() -> None:
    """Every book of a venue that pads its numbers would be told as widened, and the word be worth nothing."""
    rungs = Rungs(2, 1)
    rungs.load([("100.10000000", "0.500000000000")], [("1.001E+2", "5.00")])
    assert (rungs.widened, rungs.price_decimals, rungs.qty_decimals) == (0, 2, 1)


def test_widening_keeps_the_edge_where_it_was() -> None:
    """After one finer price the book would seem to have left its snapshot, or never to leave it."""
    rungs = Rungs(0, 0)
    rungs.load([("10", "1"), ("9", "1")], [])
    rungs.bids.end()
    rungs.change(rungs.bids, [("8.5", "1"), ("9.5", "1")])
    assert rungs.bids.top(9) == [(100, 1), (95, 1), (90, 1)]
    assert Rungs(0, 0).bids.top(9) == []


def test_beyond_the_edge_nothing_is_shown() -> None:
    """Levels deeper than the snapshot went would be shown as if there were none between them."""
    rungs = Rungs(0, 0)
    rungs.load([], [("11", "1"), ("12", "1"), ("14", "1")])
    rungs.asks.end()
    rungs.change(rungs.asks, [("20", "1"), ("13", "1"), ("11", "0")])
    assert rungs.asks.top(9) == [(12, 1), (13, 1), (14, 1)]
    rungs.change(rungs.asks, [("12", "0"), ("13", "0"), ("14", "0")])
    assert rungs.asks.top(9) == []
    rungs.load([], [("20", "1")])
    assert rungs.asks.top(9) == [(20, 1)], "a new whole has no edge yet"


def test_removing_what_is_not_there_is_normal() -> None:
    """A venue that removes levels which we never saw would break the book."""
    rungs = Rungs(2, 2)
    rungs.change(rungs.asks, [("1.00", "0"), ("1.00", "2"), ("1", "0.000"), ("1.0", "0")])
    assert shown(rungs) == [{}, {}]


def test_limits_hold_and_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """A book would grow without end, or forget its far levels and show the hole as if it were the market."""
    monkeypatch.setattr(module, "LEVELS_MOST", 5)
    rungs = Rungs(0, 0)
    rungs.load([(str(price), "1") for price in range(1, 10)], [])
    assert rungs.bids.keys == [5, 6, 7, 8, 9]
    rungs.change(rungs.bids, [("10", "1"), ("4", "1")])
    assert rungs.bids.keys == [6, 7, 8, 9, 10]
    assert set(rungs.bids.qtys) == {6, 7, 8, 9, 10}
    rungs.change(rungs.bids, [("9", "0"), ("5", "1")])
    assert [price for price, _ in rungs.bids.top(9)] == [10, 8, 7, 6], "5 may have neighbours that were forgotten"


def test_the_memos_are_bounded() -> None:
    """A day of ever new texts would fill the memory."""
    rungs = Rungs(2, 8)
    for number in range(1, 3 * MEMO_MOST):
        rungs.change(rungs.bids, [("1.00", f"0.{number:08d}")])
    assert len(rungs._qtys) <= MEMO_MOST
    assert rungs.bids.top(1) == [(100, 3 * MEMO_MOST - 1)]


@given(st.lists(levels, min_size=1, max_size=10), st.lists(levels, max_size=10))
def test_a_copy_lives_on_its_own(whole: list[Level], later: list[Level]) -> None:
    """Two connections' books would change together, or read the same text at each other's scale."""
    one, other = Rungs(1, 1), Rungs(4, 3)
    one.load(whole, [])
    other.change(other.bids, whole)
    other.copy_from(one)
    before = shown(one)
    assert shown(other) == before
    other.change(other.bids, [*whole, *later])
    assert shown(one) == before
    fresh = Rungs(1, 1)
    fresh.load([*whole, *later], [])
    assert shown(other) == shown(fresh)


def test_cutting_keeps_the_best() -> None:
    """A book of the subscribed depth would keep its worst levels instead."""
    ladder = Ladder(-1, 0, lambda _: None)
    ladder.load([(-1, 1), (-3, 1), (-2, 1)])
    ladder.cut(2)
    assert ladder.top(9) == [(1, 1), (2, 1)]
    ladder.cut(5)
    assert ladder.top(1) == [(1, 1)]
    assert sorted(ladder.qtys) == ladder.keys
