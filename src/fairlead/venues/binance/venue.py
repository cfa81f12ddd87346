"""Binance spot as a value: where it is, what it sells, what it allows; the table of contents of this folder."""

from __future__ import annotations

from collections.abc import Mapping

from fairlead.model.market import MS
from fairlead.venues.binance import account, rest, trade
from fairlead.venues.binance.auth import KEY_HEADER, rights, sign
from fairlead.venues.binance.channels import BOOK_DEPTHS, INTERVALS, NAME, SORTS
from fairlead.venues.binance.faults import fault, readings
from fairlead.venues.binance.private import BALANCES, METHODS, ORDERS, PATH, Account
from fairlead.venues.binance.rest import encode
from fairlead.venues.binance.stream import PROBE_NS, Streams
from fairlead.wire.asks import Op
from fairlead.wire.door import BookRule, Continuity, Door
from fairlead.wire.endpoint import Access
from fairlead.wire.limits import Budget, Charge, Window
from fairlead.wire.shapes import LevelShape
from fairlead.wire.venue import ClientId, Retirement, Settle, Venue

# rest-api.md, General API information: api1 to api4 are faster and less stable. The market-only hosts serve where the
# others may not: an environment of their own, because they know no account.
_HOSTS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "live": {
        "rest": (
            "https://api.binance.com",
            "https://api-gcp.binance.com",
            "https://api1.binance.com",
            "https://api2.binance.com",
            "https://api3.binance.com",
            "https://api4.binance.com",
        ),
        "ws": ("wss://stream.binance.com:9443", "wss://stream.binance.com:443"),
        "ws_api": ("wss://ws-api.binance.com:443", "wss://ws-api.binance.com:9443"),
    },
    "market-only": {
        "rest": ("https://data-api.binance.vision",),
        "ws": ("wss://data-stream.binance.vision",),
    },
    "testnet": {
        "rest": ("https://testnet.binance.vision", "https://api1.testnet.binance.vision"),
        "ws": ("wss://stream.testnet.binance.vision", "wss://stream.testnet.binance.vision:9443"),
        "ws_api": ("wss://ws-api.testnet.binance.vision",),
    },
    "demo": {
        "rest": ("https://demo-api.binance.com",),
        "ws": ("wss://demo-stream.binance.com", "wss://demo-stream.binance.com:9443"),
        "ws_api": ("wss://demo-ws-api.binance.com",),
    },
}

# rest-api.md, Limits; web-socket-streams.md, Websocket Limits. Windows are fixed: weight is counted anew at :00.
_BUDGETS = (
    Budget("weight", 6_000, 60_000, Window.FIXED, "ip"),
    Budget("raw", 300_000, 300_000, Window.FIXED, "ip"),
    # Orders that are not filled. That the first fill gives some back is left to the venue, which tells what is used.
    Budget("orders", 100, 10_000, Window.FIXED, "account"),
    Budget("orders a day", 200_000, 86_400_000, Window.FIXED, "account"),
    Budget("dials", 300, 300_000, Window.SLIDING, "ip"),
    Budget("api dials", 300, 300_000, Window.SLIDING, "ip"),  # of the WebSocket API, counted apart
    Budget("frames", 5, 1_000, Window.SLIDING, "connection"),  # pongs count too; beyond: cut off, repeated: banned
)

STREAMS_MOST = 1_024  # of one connection
LIFE_MS = 24 * 3_600_000

# web-socket-streams.md, How to manage a local order book correctly (as corrected 2025-11).
_BOOK_RULE = BookRule(
    then=Continuity.RANGE,  # "U > bookId + 1: a gap; u < bookId: ignore"; normally U is the u before plus one
    start=Continuity.RANGE,  # the first change kept has U <= lastUpdateId + 1 <= u
    shape=LevelShape.PAIRS,
    whole_from=Op.BOOK,
)
_MARKET = Door(
    name="market",
    host="ws",
    path=lambda topics, before: "/stream",
    speak=Streams,
    topics=frozenset(SORTS),
    max_topics=STREAMS_MOST,
    life_ms=LIFE_MS,
    quiet_ms=3 * PROBE_NS // MS,
    dial_cost=(Charge("dials"),),
    books=(("", _BOOK_RULE),),
    depths=BOOK_DEPTHS,
    consecutive=frozenset({"trades"}),  # a symbol's trade ids rise by one
)

_ACCOUNT = Door(
    name="ws_api",
    host="ws_api",
    path=lambda topics, before: f"{PATH}?returnRateLimits=false",
    speak=Account,
    topics=frozenset({ORDERS, BALANCES}),
    calls=frozenset(METHODS),
    access=Access.SIGNED,
    life_ms=LIFE_MS,
    quiet_ms=3 * PROBE_NS // MS,
    dial_cost=(Charge("api dials"), Charge("weight", 2)),
)

_DATED = (
    Retirement("listenKey: /api/v3/userDataStream", "2026-02-20", "userDataStream.subscribe.signature on the WS API"),
    Retirement("/api/v1 market routes", "2026-03-25", "/api/v3"),
    Retirement("the stream !ticker@arr", "2026-03-26", "<symbol>@ticker or !miniTicker@arr"),
)


VENUE = Venue(
    name=NAME,
    hosts=_HOSTS,
    markets=("spot",),
    intervals=INTERVALS,
    endpoints={**rest.ENDPOINTS, **trade.ENDPOINTS, **account.ENDPOINTS},
    doors=(_MARKET, _ACCOUNT),
    budgets=_BUDGETS,
    encode=encode,
    sign=sign,
    fault=fault,
    readings=readings,
    rights=rights,
    # The window is checked up to just before the engine; then it may take 10 s until -1007. Reads have trailed by 40 s.
    settle=Settle(fence_min_ms=1, fence_ms=5_000, engine_ms=10_000, lag_ms=40_000),
    client_id=ClientId(
        alphabet=".ABCDEFGHIJKLMNOPQRSTUVWXYZ:/abcdefghijklmnopqrstuvwxyz0123456789_-", longest=36, unique_among="open"
    ),
    assets=lambda code: code,
    key_kinds=("hmac-sha256", "ed25519", "rsa-sha256"),
    can=frozenset({"order by client id", "quote buy", "quote sell", "stops"}),
    secret_words=frozenset({KEY_HEADER, "apiKey", "signature"}),
    dated=_DATED,
)
