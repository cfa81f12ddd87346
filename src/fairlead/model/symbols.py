"""The grammar of symbols, both ways: BTC/USDT, BTC/USDT:USDT, BTC/USD:BTC, BTC/USDT:USDT-261225; it knows no venue."""

from __future__ import annotations

import re

from msgspec import Struct

from fairlead.errors import Misuse

_GRAMMAR = re.compile(r"(?P<base>[^\s/:]+)/(?P<quote>[^\s/:]+?)(?::(?P<settle>[^\s/:-]+)(?:-(?P<expiry>\d{6}))?)?")


class Symbol(Struct, frozen=True):
    """A market by its parts; `str()` gives the text back."""

    base: str
    quote: str
    settle: str = ""  # empty: spot
    expiry: str = ""  # YYMMDD; empty: perpetual or spot

    def __str__(self) -> str:
        text = f"{self.base}/{self.quote}"
        if self.settle:
            text += f":{self.settle}"
        return f"{text}-{self.expiry}" if self.expiry else text

    @property
    def kind(self) -> str:
        return "future" if self.expiry else "swap" if self.settle else "spot"

    @property
    def inverse(self) -> bool:
        """Settled in what is traded: profit is counted in the base asset."""
        return bool(self.settle) and self.settle == self.base


def parse(text: str) -> Symbol:
    """The parts of a symbol; Misuse when the text does not follow the grammar."""
    found = _GRAMMAR.fullmatch(text)
    if found is None:
        raise Misuse(
            f"{text!r} is not a symbol.",
            next="write BTC/USDT (spot), BTC/USDT:USDT (linear swap), BTC/USD:BTC (inverse) or BTC/USDT:USDT-261225",
        )
    return Symbol(found["base"], found["quote"], found["settle"] or "", found["expiry"] or "")
