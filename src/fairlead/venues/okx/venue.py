"""OKX as a value: hosts, markets, limits and the tables of its neighbours in this folder; it does nothing by itself."""

from __future__ import annotations

from string import ascii_letters, digits
from typing import Any

from fairlead.venues.okx import account, auth, channels, faults, rest, trade
from fairlead.venues.okx.private import Private
from fairlead.venues.okx.stream import Channels
from fairlead.venues.okx.wire import NAME
from fairlead.wire.door import BookRule, Continuity, Door
from fairlead.wire.endpoint import Access
from fairlead.wire.limits import Budget, Charge, Window
from fairlead.wire.shapes import LevelShape
from fairlead.wire.venue import ClientId, Retirement, Settle, Venue

_REST = ("https://openapi.okx.com", "https://www.okx.com", "https://aws.okx.com")  # the two last are the older names


def _hosts(rest_hosts: tuple[str, ...], ws: str) -> dict[str, tuple[str, ...]]:
    return {"rest": rest_hosts, "ws": (f"wss://{ws}:8443", f"wss://{ws}:443")}  # both ports serve the same paths


_RIGHTS = {"read_only": "read", "trade": "trade", "withdraw": "withdraw"}


def rights(answer: Any) -> frozenset[str]:
    """Of account.ConfigRow. A word that we do not know is kept: whoever asks may be afraid of it."""
    told: account.ConfigRow = answer
    given = {_RIGHTS.get(word, word) for word in told.perm.split(",") if word}
    return frozenset(given | ({"ip-bound"} if told.ip else set()))


_LIMITS = {  # path under /api/v5 -> requests in two seconds, and who shares them (with "instrument", also the address)
    "public/time": (10, "ip"),
    "public/instruments": (20, "instrument"),  # here: the type of instruments
    "market/ticker": (20, "ip"),
    "market/books": (40, "ip"),
    "market/trades": (100, "ip"),
    "market/history-trades": (20, "ip"),
    "market/candles": (40, "ip"),
    "market/history-candles": (20, "ip"),
    "public/funding-rate": (10, "instrument"),
    "public/funding-rate-history": (10, "instrument"),
    "public/mark-price": (10, "instrument"),
    "market/index-tickers": (20, "ip"),
    "account/balance": (10, "account"),
    "account/positions": (10, "account"),
    "account/config": (5, "account"),
    "account/set-position-mode": (5, "account"),
    "account/leverage-info": (20, "account"),
    "account/set-leverage": (20, "account"),
    "account/trade-fee": (5, "account"),
    # Orders of one account and instrument, by REST and by socket together. A batch counts each of its orders.
    "trade/order": (60, "instrument"),
    "trade/batch-orders": (300, "instrument"),
    "trade/cancel-order": (60, "instrument"),
    "trade/cancel-batch-orders": (300, "instrument"),
    "trade/amend-order": (60, "instrument"),
    "trade/close-position": (20, "instrument"),
    "trade/order-details": (60, "account"),
    "trade/orders-pending": (60, "account"),
    "trade/orders-history": (40, "account"),
    "trade/fills": (60, "account"),
    "trade/fills-history": (10, "account"),
    trade.ORDERS_BUDGET: (1_000, "account"),  # new and amended ones of derivatives, all instruments together
}
WINDOW_MS = 2_000
_BUDGETS = (
    *(Budget(name, units, WINDOW_MS, Window.SLIDING, of) for name, (units, of) in _LIMITS.items()),
    Budget("trade/cancel-all-after", 1, 1_000, Window.SLIDING, "account"),
    Budget("dials", 3, 1_000, Window.SLIDING, "ip"),
    # subscribe, unsubscribe and login together; a request of many channels counts once
    Budget("requests", 480, 3_600_000, Window.SLIDING, "connection"),
)
# Of one connection. The venue names no number, advises fewer than 30 deep books, and ends who overdoes it.
TOPICS_MOST = 100
_CHANGES = BookRule(Continuity.PRIOR, LevelShape.ROWS, start=Continuity.PRIOR, crossed_ok=True)
_WHOLE = BookRule(Continuity.WHOLE, LevelShape.ROWS, crossed_ok=True)  # books cross in the call auction before listing
_DOORS = (
    Door(
        "public", "ws", lambda topics, before: "/ws/v5/public", Channels,
        topics=frozenset({"book", *channels.CHANNELS}), max_topics=TOPICS_MOST,
        dial_cost=(Charge("dials"),), books=(("5", _WHOLE), ("", _CHANGES)), depths=(400, 5),
        cadence_ms=(("book", 60_000), ("quote", 60_000), ("mark", 10_000), ("funding", 90_000)),
        consecutive=frozenset({"trades"}),  # "tradeId" is the last of `count` ids; every recorded one follows the other
    ),
    Door(
        "business", "ws", lambda topics, before: "/ws/v5/business", Channels, topics=frozenset({"candles"}),
        max_topics=TOPICS_MOST, dial_cost=(Charge("dials"),),
    ),
    Door(
        "private", "ws", lambda topics, before: "/ws/v5/private", Private, topics=frozenset(channels.ACCOUNT),
        calls=frozenset(trade.CALLS), access=Access.SIGNED, dial_cost=(Charge("dials"),),
    ),
)  # fmt: skip

VENUE = Venue(
    name=NAME,
    hosts={
        "live": _hosts(_REST, "ws.okx.com"),
        "live-eea": _hosts(("https://eea.okx.com",), "wseea.okx.com"),
        "live-us": _hosts(("https://us.okx.com",), "wsus.okx.com"),
        "demo": _hosts(_REST, "wspap.okx.com"),
        "demo-eea": _hosts(("https://eea.okx.com",), "wseeapap.okx.com"),
    },
    headers={"demo": auth.DEMO, "demo-eea": auth.DEMO},
    markets=tuple(rest.TYPES),
    intervals=channels.BARS,
    endpoints=rest.ENDPOINTS | trade.ENDPOINTS | account.ENDPOINTS,
    doors=_DOORS,
    budgets=_BUDGETS,
    encode=rest.encode,
    sign=auth.sign,
    fault=faults.fault,
    readings=faults.readings,
    rights=rights,
    # `expTime` bounds how long an order may still be taken; without it a signature is good for 30 s. Reads come from
    # caches that lag each other.
    settle=Settle(fence_min_ms=1_000, fence_ms=5_000, engine_ms=2_000, lag_ms=3_000),
    client_id=ClientId(ascii_letters + digits, 32, "open"),
    assets=lambda code: code,
    can=frozenset(
        {
            "order by client id",
            "amend price",
            "amend up",
            "quote buy",
            "quote sell",
            "hedge",
            "funding",
            "mark",
            "index",
        }
    ),
    secret_words=auth.SECRET_WORDS,
    dated=(
        Retirement("the names books-elp, elp and isElpTakerAccess", "2026-10-31", "books-rpi, rpi, rpiTakerAccess"),
        Retirement("book checksums (0 since then)", "2026-06-23", "seqId and prevSeqId"),
    ),
)
