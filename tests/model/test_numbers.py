"""model/numbers: texts to exact numbers and back, and what a user's number must be."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.errors import BadNumber
from fairlead.model.numbers import MoreDecimals, fixed, long_text, nearest_float, on_step, text_of, unfixed

mantissas = st.integers(-(10**45), 10**45)


@given(mantissas, st.integers(0, 15))
def test_every_fixed_number_survives_its_own_text(mantissa: int, decimals: int) -> None:
    """A level would come back as another one, or lose the digits beyond the 28 that decimals usually keep."""
    text = text_of(mantissa, decimals)
    assert fixed(text, decimals) == mantissa
    assert unfixed(mantissa, decimals) == Decimal(text)
    assert nearest_float(mantissa, decimals) == float(text)


@given(mantissas.filter(lambda mantissa: mantissa % 10 != 0), st.integers(1, 15))
def test_too_few_decimals_say_how_many_would_do(mantissa: int, decimals: int) -> None:
    """The holder would widen too little and lose a digit, or never end widening."""
    with pytest.raises(MoreDecimals) as more:
        fixed(text_of(mantissa, decimals), decimals - 1)
    assert more.value.decimals == decimals


@pytest.mark.parametrize("price", ["1e40", "123456789012345678901234567890123456.78", 7, Decimal("0.10"), 0.07])
def test_a_number_on_its_step_is_taken_as_it_is(price: str | int | float | Decimal) -> None:
    """A long price would end in an error that is not ours, or be rounded."""
    assert on_step(price, Decimal("0.01"), "price") == Decimal(str(price))


@pytest.mark.parametrize(
    ("price", "below", "above"),
    [
        ("1.005", "1.00", "1.01"),
        (0.1 + 0.2, "0.30", "0.31"),
        ("12345678901234567890123456789012345.678", "5.67", "5.68"),
    ],
)
def test_a_number_off_its_step_names_its_neighbours(price: str | float, below: str, above: str) -> None:
    """An order would go out at a price that its sender never gave."""
    with pytest.raises(BadNumber) as bad:
        on_step(price, Decimal("0.01"), "price")
    assert f"{below} and " in str(bad.value)
    assert above in str(bad.value)


@pytest.mark.parametrize(
    ("text", "is_long"), [("123456789012345", False), ("0.00000123456789012345", False), ("1234567890123456", True),
                          ("0.1234567890123456", True), ("123456789012345.000", False), ("1.234567890123456e-7", True)],
)  # fmt: skip
def test_texts_beyond_a_float_are_known(text: str, is_long: bool) -> None:
    """A price would change its last digits on the way through a float, and nobody would be told."""
    assert long_text(text) is is_long
