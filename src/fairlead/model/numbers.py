"""Exact numbers: from a venue's text to fixed point, to Decimal, to the nearest float, and back; it never rounds.

Fixed point is an integer count of 10**-decimals. Texts come as "1.50", 1.5, "1E-8" or "-0"; a text that needs more
decimals than declared raises MoreDecimals, so that the holder can widen instead of losing digits.
"""

from __future__ import annotations

from decimal import Context, Decimal, InvalidOperation

from fairlead.errors import BadNumber

DIGITS_EXACT = 15  # as many significant digits as a float64 always gives back
POWERS: tuple[int, ...] = tuple(10**n for n in range(65))
TEXT_MOST_CHARS = 64  # no venue writes a longer number; longer is an attack on int()
EXACT = Context(prec=4 * TEXT_MOST_CHARS)  # Python's usual 28 digits would round what is longer, in silence


class MoreDecimals(ValueError):
    """The text says more than the declared decimals can hold: `decimals` would be enough."""

    def __init__(self, text: str, decimals: int) -> None:
        super().__init__(f"{text} needs {decimals} decimals")
        self.decimals = decimals


def fixed(text: str, decimals: int) -> int:
    """The text as an integer count of 10**-decimals; ValueError when it is no finite number."""
    whole, _, part = text.partition(".")
    if len(part) > decimals:
        if part[decimals:].strip("0"):
            return _fixed_slow(text, decimals)
        part = part[:decimals]
    digits = whole + part
    if not digits.isdigit() or not text.isascii() or len(text) > TEXT_MOST_CHARS:
        return _fixed_slow(text, decimals)
    return int(digits) * 10 ** (decimals - len(part)) if len(part) < decimals else int(digits)


def _fixed_slow(text: str, decimals: int) -> int:
    """Signs, exponents, too many decimals and nonsense: the rare texts."""
    number = decimal(text)
    exponent = number.normalize(EXACT).as_tuple().exponent
    assert isinstance(exponent, int)
    if -exponent > decimals:
        raise MoreDecimals(text, -exponent)
    return int(number.scaleb(decimals, EXACT))


def decimal(text: str) -> Decimal:
    """The text as an exact, finite Decimal; ValueError when it is none."""
    if len(text) > TEXT_MOST_CHARS or not text.isascii() or "_" in text or text.strip() != text:
        raise ValueError(f"not a number: {text[:TEXT_MOST_CHARS]!r}")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"not a number: {text!r}") from None
    if not number.is_finite() or number.adjusted() > TEXT_MOST_CHARS or number.adjusted() < -TEXT_MOST_CHARS:
        raise ValueError(f"not a number in range: {text!r}")
    return number


def unfixed(mantissa: int, decimals: int) -> Decimal:
    """Fixed point as the Decimal it stands for, with all its declared decimals."""
    return Decimal(mantissa).scaleb(-decimals, EXACT)


def text_of(mantissa: int, decimals: int) -> str:
    """Fixed point as a plain text with exactly `decimals` decimals."""
    if decimals <= 0:
        return str(mantissa)
    sign, digits = ("-", str(-mantissa)) if mantissa < 0 else ("", str(mantissa))
    digits = digits.rjust(decimals + 1, "0")
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}"


def nearest_float(mantissa: int, decimals: int) -> float:
    """The float64 nearest to the exact value: equal to float(text), since int/int rounds correctly."""
    return mantissa / POWERS[decimals]


def decimals_of(step: Decimal) -> int:
    """How many decimals a tick or step asks for: 0.010 needs 2, 10 needs 0."""
    exponent = step.normalize(EXACT).as_tuple().exponent
    assert isinstance(exponent, int)
    return max(0, -exponent)


def long_text(text: str) -> bool:
    """Whether a number's text holds more significant digits than a float64 always gives back."""
    if len(text) <= DIGITS_EXACT:
        return False
    mantissa = text.lower().partition("e")[0]
    digits = mantissa.replace(".", "").lstrip("-+0").rstrip("0") if "." in mantissa else mantissa.lstrip("-+0")
    return len(digits) > DIGITS_EXACT


def on_step(number: str | int | float | Decimal, step: Decimal, what: str) -> Decimal:
    """A user's number as Decimal, exactly on the step; a float only if its shortest text lies on it."""
    try:
        exact = decimal(repr(number) if isinstance(number, float) else str(number))
    except ValueError:
        raise BadNumber(f"The {what} {number!r} is not a number.", next="give text, int or Decimal") from None
    if step > 0 and EXACT.remainder(exact, step) != 0:
        below = EXACT.multiply(EXACT.divide_int(exact, step), step)
        raise BadNumber(
            f"The {what} {exact} is not a multiple of {step}.",
            next=f"the nearest ones are {below} and {EXACT.add(below, step)}; Fairlead never rounds for you",
        )
    return exact
