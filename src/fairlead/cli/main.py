"""The `fairlead` command: which families of commands there are, and how each of them ends.

Exit codes: 0 it worked; 1 it failed (the venue, the network, a demo that did not mend); 2 it was asked for something
that cannot be; 130 it was interrupted. Commands are loaded when they are used."""

from __future__ import annotations

import logging
import os
import sys
from asyncio import CancelledError
from collections.abc import Sequence

from cyclopts import App, Parameter

from fairlead import __version__
from fairlead.cli import trouble
from fairlead.errors import UnknownName

_HELP = {
    "demo": "the main job, offline: simulated venues, live books, things going wrong and mended",
    "sim": "the exchange city alone, for any client",
    "voyage": "bots trading through storms in virtual time, judged by the venues' own ledgers",
    "watch": "books, trades, quotes, candles and funding in the terminal",
    "instruments": "what a venue trades, with its steps and limits",
    "candles": "candles to CSV or Parquet, with holes mended and marked",
    "trades": "past trades to CSV or Parquet",
    "buy": "place an order to buy",
    "sell": "place an order to sell",
    "amend": "change an order of ours",
    "cancel": "cancel an order of ours",
    "cancel-all": "cancel every open order of ours",
    "close": "close a position at the market",
    "halt": "the kill switch: cancel what is ours, take nothing new",
    "orders": "our orders, those in doubt among them; or the venue's list",
    "fills": "what was traded",
    "balances": "what the account holds",
    "positions": "open positions",
    "leverage": "show or set a symbol's leverage",
    "chaos": "one thing goes wrong at a time under a bot, yours or ours",
    "wire": "what Fairlead sends, and what it makes of a message",
}
_HOMES = {
    "demo": "fairlead.cli.demo.command:demo",
    "sim": "fairlead.cli.sim:sim",
    "voyage": "fairlead.cli.voyage.command:voyage",
    "watch": "fairlead.cli.watch:watch",
    "instruments": "fairlead.cli.instruments:instruments",
    "candles": "fairlead.cli.history:candles",
    "trades": "fairlead.cli.history:trades",
    **{
        name: f"fairlead.cli.trade:{name.replace('-', '_')}"
        for name in ("buy", "sell", "amend", "cancel", "cancel-all", "close", "halt")
    },
    **{name: f"fairlead.cli.holdings:{name}" for name in ("orders", "fills", "balances", "positions", "leverage")},
    "chaos": "fairlead.cli.chaos.command:app",
    "wire": "fairlead.cli.wire:app",
}


def main(words: Sequence[str] | None = None) -> int:
    """Does what the words say and returns the exit code; what went wrong was told."""
    given = sys.argv[1:] if words is None else list(words)
    logging.getLogger().addHandler(logging.NullHandler())  # what libraries say of their own is for debugging
    try:
        _known(given)
        _app()(given, result_action="return_value")
    except trouble.Failed:
        return trouble.FAILED
    except BrokenPipeError:
        # Whoever read our output has seen enough; nothing more may be written, not even at the interpreter's end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return trouble.OK
    except (KeyboardInterrupt, CancelledError):  # the latter is what Ctrl-C becomes after a task group has failed
        return trouble.INTERRUPTED
    except Exception as wrong:  # noqa: BLE001 - the last net before a user: whatever it is, it is told in a sentence
        trouble.tell(wrong, "--json" in given)
        return trouble.code_of(wrong)
    return trouble.OK


def _known(given: Sequence[str]) -> None:
    """A first word that is no command is told here: the parser would load all commands to say so."""
    if given and given[0] not in _HOMES and not given[0].startswith("-"):
        raise UnknownName("command", given[0], _HOMES)


def _app() -> App:
    app = App(
        name="fairlead",
        help="Prices and orders on crypto venues, for bots that must not guess.",
        version=__version__,
        default_parameter=Parameter(negative=""),
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
    )
    for at, (name, home) in enumerate(_HOMES.items()):
        app.command(home, name=name, help=_HELP[name], sort_key=at)
    return app


if __name__ == "__main__":
    sys.exit(main())
