"""What a venue says to one question it has understood: told or acted upon, and spoiled where a mishap is due.

It words nothing, and knows neither REST nor sockets: both ask here."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from fairlead.sim.acts import ACTS, Act, witness
from fairlead.sim.answers import Shop, answer
from fairlead.sim.mishaps import MS_NS, Mishaps
from fairlead.sim.rules import GROUPS, Match, Moment
from fairlead.sim.spoils import corrupted
from fairlead.sim.twists import mixed_up, twisted
from fairlead.wire.asks import Op
from fairlead.wire.faults import Fault
from fairlead.wire.mirror import Heard


class Wait(Struct, frozen=True):
    """Whoever carries this waits so long and asks on."""

    ms: int


class Teller:
    def __init__(self, shop: Shop, mishaps: Mishaps, venue: str, now_ns: Callable[[], int]) -> None:
        self._shop, self._mishaps, self._venue, self._now_ns = shop, mishaps, venue, now_ns
        self._last: dict[Op, Any] = {}  # as answered before, by operation

    def witness(self, heard: Heard, how: str) -> None:
        witness(self._shop.exchange.truth, heard, self._shop.venue_ns(), how)

    def said(self, heard: Heard, here: Match, how: str) -> Generator[Wait, None, Any]:
        """The answer, or the Fault that the account or engine answers; acting may take its time, and happens even if
        nobody waits for it any more."""
        if heard.op in ACTS:
            found = yield from self._acted(heard, here, how)
        else:
            found = answer(self._shop, heard)
        said, self._last[heard.op] = self._spoiled(found, heard, here), found
        return said

    def _acted(self, heard: Heard, here: Match, how: str) -> Generator[Wait, None, Any]:
        exchange, account, ns = self._shop.exchange, self._shop.account(heard), self._now_ns()
        handles = tuple(self._mishaps.struck(Moment.TAKE, self._venue, here))
        act = Act(exchange, account, heard.asked, ns, twisted(handles), how)
        wait_ms = sum(handle.rule.args.ms for handle in handles if handle.rule.action == "linger")
        if not wait_ms:
            return ACTS[heard.op](act)
        done: list[Any] = []
        exchange.later(ns + wait_ms * MS_NS, lambda due_ns: done.append(ACTS[heard.op](replace(act, ns=due_ns))))
        yield Wait(wait_ms)
        while not done:  # clocks wake a little early
            yield Wait(1)
        return done[0]

    def _spoiled(self, said: Any, heard: Heard, here: Match) -> Any:
        for handle in self._mishaps.struck(Moment.ANSWER, self._venue, here):
            match handle.rule.action, heard.op:
                case "stale", Op.BOOK:
                    stall = self._shop.stalls[heard.asked.symbol]
                    said = stall.whole(heard.asked.depth, max(1, handle.rule.args.count))
                case "stale", op if op in GROUPS["reads"]:
                    said = answer(replace(self._shop, past_ms=handle.rule.args.ms), heard)
                case "omit", _ if isinstance(said, tuple):
                    said = said[: -max(1, handle.rule.args.count)]
                case "swap", op if not isinstance(said, Fault):
                    said = mixed_up(said, self._last.get(op))
                case "lie", Op.TIME:
                    said += handle.rule.args.ms
                case "corrupt", _:
                    said = corrupted(said, handle.rule.args)
        return said

    def __repr__(self) -> str:
        return f"<Teller of {self._venue}: {self._shop.exchange!r}>"
