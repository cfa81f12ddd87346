"""What can be staged against a bot, as a table: what goes wrong, who suffered it, why it matters; it stages nothing."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from fairlead.errors import UnknownName
from fairlead.sim.rules import Args, Match, Rule

PLACE, CANCEL = Match(op="place"), Match(op="cancel")
ORDERS = Match(kind="orders")
SILENT_MS = 8_000
PAGE = "<html><body>Welcome to the airport. Please accept our terms.</body></html>"


class Scenario(Struct, frozen=True):
    """`deed` is done to the bot or beside it, when its first order has arrived: kill, hand; "" is none."""

    name: str
    wrong: str  # what goes wrong
    matters: str  # what it costs whoever does not mind it
    users: tuple[str, ...]  # public projects whose users suffered it
    rules: tuple[Rule, ...] = ()
    deed: str = ""


def _rest(action: str, match: Match = PLACE, phase: str = "before", **args: object) -> Rule:
    return Rule(action, "rest", match=match, phase=phase, most=1, args=Args(**args))  # type: ignore[arg-type]


def _stream(action: str, most: int = 0, for_ms: int = 0, match: Match = ORDERS) -> Rule:
    return Rule(action, "ws", match=match, most=most, for_ms=for_ms)


SCENARIOS = (
    Scenario(
        "lost-answer", "an order is accepted, and its answer is lost", "whoever sends it again has it twice",
        ("ccxt", "catalyst"), (_rest("reset", phase="after"),),
    ),
    Scenario(
        "lost-order", "an order never arrives, and nobody says so", "whoever waits for it waits for ever", ("ccxt",),
        (_rest("reset"),),
    ),
    Scenario(
        "late-acceptance", "an order is accepted 1.5 s late, and its connection broke",
        "whoever looked once and found nothing has an order that he does not know", ("nautilus_trader",),
        (_rest("linger", ms=1_500), Rule("cut", "conn", from_ms=0, most=1)),
    ),
    Scenario(
        "unsure-venue", "the venue says that it does not know whether it took an order", "a rejection that is none",
        ("nautilus_trader",), (_rest("unsure", phase="after"),),
    ),
    Scenario(
        "outage", "502 to an order that was accepted, then no answer to any question for a while",
        "accepted orders are marked failed and dropped, and trade unwatched", ("hummingbot",),
        (_rest("status", phase="after", status=502),
         Rule("status", "rest", match=Match(op="reads"), for_ms=SILENT_MS, args=Args(status=503))),
    ),
    Scenario(
        "crash", "the bot is killed when its first order has arrived, and started again",
        "orders of before the crash are sent again, or forgotten", ("nautilus_trader", "OctoBot"), (), "kill",
    ),
    Scenario(
        "gone-order", "a cancel is answered with: there is no such order", "an order that stands is taken for gone",
        ("hummingbot", "freqtrade"), (_rest("decline", CANCEL, text="NOT_FOUND gone"),),
    ),
    Scenario(
        "lost-cancel", "a cancel is done, and its answer lost", "it is cancelled again until the bot is restarted",
        ("hummingbot",), (_rest("reset", CANCEL, "after"),),
    ),
    Scenario(
        "trailing-readings", "an order is accepted, its answer lost, and no reading shows it for 1 s",
        "not found right after its placing is taken for never placed", ("freqtrade", "nautilus_trader"),
        (_rest("hide", ms=1_000), _rest("reset", phase="after")),
    ),
    Scenario(
        "missed-fill", "the stream tells nothing of orders for a while, and heartbeats go on",
        "a position that nobody knows of", ("OctoBot", "Lean"), (_stream("mute", for_ms=SILENT_MS),),
    ),
    Scenario(
        "doubled-fill", "each word of the stream comes twice", "a position twice as large as it is",
        ("nautilus_trader",), (_stream("duplicate", for_ms=60_000),),
    ),
    Scenario(
        "fast-fill", "an order is filled before it is answered", "a fill of an order that was given up",
        ("nautilus_trader",), (_rest("delay", phase="after", ms=2_000),),
    ),
    Scenario(
        "other-hands", "somebody else has an order on the account", "his order is cancelled with the bot's own",
        ("Krypto-trading-bot",), (), "hand",
    ),
    Scenario(
        "wrong-region", "451 to an order: not served from here", "it is tried again until the address is banned",
        ("ccxt", "freqtrade"), (_rest("status", status=451),),
    ),
    Scenario(
        "wrong-clock", "the venue's clock is 3 s ahead", "every order is refused for its time",
        ("profit-trailer",), (Rule("skew", "clock", args=Args(ms=3_000)),),
    ),
    Scenario(
        "used-number", "another program used the key's next number", "orders are refused, and the key is locked out",
        ("krakenex", "freqtrade"), (_rest("decline", text="NONCE"),),
    ),
    Scenario(
        "silent-stream", "every stream is open and silent for a while", "a bot that trades on what was long ago",
        ("ccxt", "ibind"), (_stream("mute", for_ms=SILENT_MS, match=Match()),),
    ),
    Scenario(
        "closed-stream", "connections are closed with code 1000, and the next three at once",
        "a bot that took it for a good-bye, and hears nothing any more", ("nautilus_trader",),
        (Rule("cut", "conn", from_ms=1_500, most=4, args=Args(code=1000)), Rule("slam", "conn", from_ms=1_500, most=3)),
    ),
    Scenario(
        "torn-answer", "the answer to an order is a stranger's page with status 200",
        "an order that stands is taken for one that failed", ("freqtrade",),
        (_rest("status", phase="after", status=200, text=PAGE),),
    ),
    Scenario(
        "new-field", "answers and streams have a field that no document names", "a bot that breaks when venues grow",
        ("ccxt",),
        (Rule("stranger", "rest", most=20, args=Args(text="surprise")), _stream("stranger", most=20, match=Match())),
    ),
)  # fmt: skip
NAMED: Mapping[str, Scenario] = {one.name: one for one in SCENARIOS}


def named(name: str) -> Scenario:
    if name not in NAMED:
        raise UnknownName("scenario", name, NAMED)
    return NAMED[name]
