"""Kraken spot as a value: where it is, what it sells, what it allows; the table of contents of this folder."""

from __future__ import annotations

from typing import Any

from fairlead.venues.kraken.account import account
from fairlead.venues.kraken.auth import KEY_HEADER, SIGN_HEADER, encode, sign
from fairlead.venues.kraken.channels import ACCOUNT, BOOK_RULE, DEPTHS, KINDS
from fairlead.venues.kraken.faults import BANNED_MS, CALLS, DIALS, ENGINE, FRAMES, PUBLIC, fault, readings
from fairlead.venues.kraken.private import PrivateStreams
from fairlead.venues.kraken.rest import INTERVALS, MARKET, NAME
from fairlead.venues.kraken.stream import MarketStreams
from fairlead.venues.kraken.trade import CALLED, TRADE
from fairlead.venues.kraken.wire import KeyInfo, asset
from fairlead.wire.door import Door
from fairlead.wire.endpoint import Access
from fairlead.wire.limits import Budget, Charge, Window
from fairlead.wire.venue import ClientId, Retirement, Settle, Venue

_REST = ("https://api.kraken.com",)
# There is no sandbox for spot. The beta sockets lead to the production engine with a newer API: never an alternate.
_HOSTS = {
    "live": {"rest": _REST, "ws": ("wss://ws.kraken.com",), "ws_private": ("wss://ws-auth.kraken.com",)},
    "beta": {"rest": _REST, "ws": ("wss://beta-ws.kraken.com",), "ws_private": ("wss://beta-ws-auth.kraken.com",)},
}

# Spot REST Rate Limits: a counter a key, here with the numbers of the lowest tier (higher ones decay by 0.5 and 1 a
# second and hold 20). Public calls: about one a second. Cloudflare counts the dials; frames have no published number.
# The matching engine counts for each pair, whatever way an order comes; higher tiers hold 125 and 180.
_BUDGETS = (
    Budget(CALLS, 1, 3_000, Window.DECAYING, "key", most=15),
    Budget(ENGINE, 1, 1_000, Window.DECAYING, "instrument", most=60),
    Budget(PUBLIC, 10, 10_000, Window.TOKENS, "ip"),
    Budget(DIALS, 150, BANNED_MS, Window.SLIDING, "ip"),
    Budget(FRAMES, 10, 1_000, Window.SLIDING, "connection"),
)

_DATED = (
    Retirement("the oflag no_mpp", "2025-09-18", "nothing: market orders are always protected"),
    Retirement("asset codes that end in .F", "2025-11-13", "the plain code"),
    Retirement("level3 on wss://ws.kraken.com/v2", "2025-12-02", "wss://ws-l3.kraken.com/v2"),
    Retirement("fee_schedule in TradeVolume", "2026-06-16", "schedules"),
)

# Get API Key Info, permissions; whatever leads money out of the account counts as leave to withdraw.
_RIGHTS = {
    "query-funds": "read", "query-open-trades": "read", "query-closed-trades": "read", "query-ledger": "read",
    "export-data": "read", "modify-trades": "trade", "close-trades": "trade", "add-funds": "transfer",
    "earn-funds": "transfer", "withdraw-funds": "withdraw", "add-withdraw-address": "withdraw",
    "update-withdraw-address": "withdraw",
}  # fmt: skip

DOOR = Door(
    name="public",
    host="ws",
    path=lambda topics, before: "/v2",
    speak=MarketStreams,
    topics=frozenset(KINDS),
    max_topics=250,  # no limit is published
    quiet_ms=10_000,  # neither heartbeat nor pong; the venue's advice is five seconds of silence
    dial_cost=(Charge(DIALS),),
    books=(("", BOOK_RULE),),
    depths=DEPTHS,
    alone=frozenset({"book"}),  # frames do not name the depth
    consecutive=frozenset({"trades"}),  # trade_id rises by one a symbol
)

PRIVATE = Door(
    name="private",
    host="ws_private",
    path=lambda topics, before: "/v2",
    speak=PrivateStreams,
    topics=frozenset(ACCOUNT),
    calls=frozenset(CALLED),
    free_of=frozenset({CALLS}),  # that counter is of REST alone; the matching engine's counts every way
    access=Access.SIGNED,
    quiet_ms=10_000,
    dial_cost=(Charge(DIALS),),
)


def rights(answer: Any) -> frozenset[str]:
    """Of wire.KeyInfo."""
    told: KeyInfo = answer
    bound = any((*told.ipAllowlist, *told.ip_allowlist))
    return frozenset(
        {_RIGHTS[word] for word in told.permissions if word in _RIGHTS} | ({"ip-bound"} if bound else set())
    )


VENUE = Venue(
    name=NAME,
    hosts=_HOSTS,
    markets=("spot",),
    intervals=INTERVALS,
    endpoints={**MARKET, **TRADE, **account()},
    doors=(DOOR, PRIVATE),
    budgets=_BUDGETS,
    encode=encode,
    sign=sign,
    fault=fault,
    readings=readings,
    rights=rights,
    # A deadline nearer than 2 s is out of range on REST; the engine matches nothing after it; reads trail by an
    # unpublished time.
    settle=Settle(fence_min_ms=2_000, fence_ms=5_000, engine_ms=0, lag_ms=5_000),
    client_id=ClientId(alphabet="abcdefghijklmnopqrstuvwxyz0123456789_-", longest=18, unique_among="open"),
    assets=asset,
    time_step_ms=1_000,  # Get Server Time: whole seconds
    nonces_rise=True,  # API authentication: a number below one that the key has used is refused
    key_kinds=("hmac-sha512:base64",),
    secret_words=frozenset({KEY_HEADER, SIGN_HEADER, "otp", "token"}),
    can=frozenset({"amend price", "amend up", "quote buy", "stops"}),
    dated=_DATED,
)
