"""A stream in Binance's words, made up from a seed, so that every client reads the same bytes; it opens nothing.

One symbol's market: a book of 1,000 levels a side, then messages of 20 level changes, most of them near the best price;
trades; and best prices. Prices and quantities have eight decimals, as that venue writes them."""

from __future__ import annotations

import json
import os
import random
from bisect import bisect_left, insort
from dataclasses import dataclass
from pathlib import Path

LEVELS = 1_000  # a side
CHANGES = 20  # a message
MESSAGES = 5_000
STATM = Path("/proc/self/statm")
BEGIN_MS = 1_700_000_000_000
CADENCE_MS = 100  # between two messages
SWAY = 50  # by so many levels a side may be longer or shorter
RANK = 25  # changes happen on average this many levels away from the best
# As in a recording of BTCUSDT of 2024: half of the changes remove a level, two thirds of the quantities come again.
GOES, COMES = 0.46, 0.44
COMMON, SIZES, MOST_LOTS = 0.66, 150, 500_000


@dataclass(frozen=True)
class Recording:
    """Texts, each exactly as it would come."""

    symbol: str  # the venue's
    exchange_info: str
    snapshot: str
    depth: tuple[str, ...]
    trades: tuple[str, ...]
    quotes: tuple[str, ...]
    best: tuple[str, str]  # (bid, ask) after the last depth message, to see that everybody came to the same book


class _Side:
    """Prices in ticks, negated for bids, so that the best is first; quantities in lots."""

    def __init__(self, rng: random.Random, best: int, sign: int) -> None:
        self.rng, self.sign = rng, sign
        self.keys: list[int] = []
        self.qtys: dict[int, int] = {}
        key = best * sign
        while len(self.keys) < LEVELS:
            self.put(key)
            key += 1 + int(rng.expovariate(1 / 8))

    def put(self, key: int) -> None:
        if key not in self.qtys:
            insort(self.keys, key)
        common = self.rng.random() < COMMON
        self.qtys[key] = 1 + int(self.rng.expovariate(1 / SIZES)) * 100 if common else self.rng.randrange(1, MOST_LOTS)

    def take(self, key: int) -> None:
        del self.keys[bisect_left(self.keys, key)]
        del self.qtys[key]

    def change(self, beyond: int) -> int:
        """One level goes, comes (never at or beyond the other side's best), or gets another quantity; its key."""
        key = self.keys[min(int(self.rng.expovariate(1 / RANK)), len(self.keys) - 1)]
        chance = self.rng.random()
        if chance < GOES and len(self.keys) > LEVELS - SWAY:
            self.take(key)
        elif chance < GOES + COMES and len(self.keys) < LEVELS + SWAY:
            key = beyond + 1 + int(self.rng.expovariate(1 / (8 * RANK)))
            self.put(key)
        else:
            self.put(key)
        return key


def record(messages: int = MESSAGES, seed: int = 1) -> Recording:
    symbol = "BTCUSDT"
    rng = random.Random(seed)
    bids, asks = _Side(rng, 6_199_999, -1), _Side(rng, 6_200_001, 1)
    snapshot = _json({"lastUpdateId": 1_000, "bids": _levels(bids, bids.keys), "asks": _levels(asks, asks.keys)})
    depth, trades, quotes = [], [], []
    last, stream = 1_000, symbol.lower()
    for number in range(messages):
        at_ms = BEGIN_MS + CADENCE_MS * number
        changed: dict[int, list[int]] = {-1: [], 1: []}
        while len(changed[-1]) + len(changed[1]) < CHANGES:
            side, other = (bids, asks) if rng.random() < 0.5 else (asks, bids)
            key = side.change(-other.keys[0])
            if key not in changed[side.sign]:
                changed[side.sign].append(key)
        first, last = last + 1, last + rng.randrange(CHANGES, 3 * CHANGES)
        data = {"e": "depthUpdate", "E": at_ms, "s": symbol, "U": first, "u": last}
        data |= {"b": _levels(bids, changed[-1]), "a": _levels(asks, changed[1])}
        depth.append(_json({"stream": f"{stream}@depth@100ms", "data": data}))
        trades.append(_json({"stream": f"{stream}@trade", "data": _trade(symbol, number, at_ms, bids, asks, rng)}))
        quotes.append(_json({"stream": f"{stream}@bookTicker", "data": _quote(symbol, last, bids, asks)}))
    best = (_text(-bids.keys[0] * 10**6), _text(asks.keys[0] * 10**6))
    return Recording(symbol, _json(info([symbol])), snapshot, tuple(depth), tuple(trades), tuple(quotes), best)


def renamed(text: str, symbol: str) -> str:
    """The same for another symbol of as many letters."""
    return text.replace("BTCUSDT", symbol).replace("btcusdt", symbol.lower())


def names(count: int) -> list[str]:
    """As many symbols of the venue."""
    return [f"{chr(65 + at // 26 % 26)}{chr(65 + at % 26)}XUSDT" for at in range(count)]


def resident_mb() -> float:
    """Of this process, now."""
    pages = int(STATM.read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _levels(side: _Side, keys: list[int]) -> list[list[str]]:
    return [[_text(key * side.sign * 10**6), _text(side.qtys.get(key, 0) * 10**3)] for key in keys]


def _trade(symbol: str, number: int, at_ms: int, bids: _Side, asks: _Side, rng: random.Random) -> dict[str, object]:
    is_sale = rng.random() < 0.5
    price = -bids.keys[0] if is_sale else asks.keys[0]
    return {
        "e": "trade", "E": at_ms, "s": symbol, "t": 9_000_000 + number, "p": _text(price * 10**6),
        "q": _text(rng.randrange(1, 90_000) * 10**3), "T": at_ms, "m": is_sale, "M": True,
    }  # fmt: skip


def _quote(symbol: str, number: int, bids: _Side, asks: _Side) -> dict[str, object]:
    bid, ask = bids.keys[0], asks.keys[0]
    return {
        "u": number, "s": symbol, "b": _text(-bid * 10**6), "B": _text(bids.qtys[bid] * 10**3),
        "a": _text(ask * 10**6), "A": _text(asks.qtys[ask] * 10**3),
    }  # fmt: skip


def info(symbols: list[str]) -> dict[str, object]:
    """The venue's list of instruments."""
    filters = [
        {"filterType": "PRICE_FILTER", "minPrice": "0.01000000", "maxPrice": "1000000.00000000",
         "tickSize": "0.01000000"},
        {"filterType": "LOT_SIZE", "minQty": "0.00001000", "maxQty": "9000.00000000", "stepSize": "0.00001000"},
        {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True, "maxNotional": "9000000",
         "applyMaxToMarket": False, "avgPriceMins": 5},
    ]  # fmt: skip
    listed = [
        {
            "symbol": symbol, "status": "TRADING", "baseAsset": symbol[:-4], "baseAssetPrecision": 8,
            "quoteAsset": symbol[-4:], "quotePrecision": 8, "quoteAssetPrecision": 8, "orderTypes": ["LIMIT", "MARKET"],
            "isSpotTradingAllowed": True, "isMarginTradingAllowed": False, "filters": filters, "permissions": [],
            "permissionSets": [["SPOT"]],
        }
        for symbol in symbols
    ]  # fmt: skip
    return {"timezone": "UTC", "serverTime": BEGIN_MS, "rateLimits": [], "exchangeFilters": [], "symbols": listed}


def _text(units: int) -> str:
    """Units of 1e-8 with eight decimals."""
    whole, part = divmod(units, 10**8)
    return f"{whole}.{part:08d}"


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
