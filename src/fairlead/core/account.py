"""An account as its journal tells it: the fold of all its facts; what is not in a fact is not known here.

Any prefix of the journal folds to what was true then, so a restart begins where the last process stopped."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping

from fairlead.core import facts, ids
from fairlead.core.track import Track, Turn
from fairlead.model.order import Life, Order
from fairlead.model.orders import Fill, OrderReport
from fairlead.wire.orders import AskAmend

ENDED_MOST = 50_000  # orders kept in memory after their end; the journal has them all
KEYS_MOST = 1_000_000  # callers' own names of wishes that stay used up: far longer than their orders


class Account:
    """Of one venue and one key."""

    def __init__(self, venue: str, account: str) -> None:
        self.venue, self.account = venue, account
        self.tracks: dict[str, Track] = {}  # by client id, oldest first
        self.frozen: dict[str, str] = {}  # symbol ("": all of it) -> why
        self.installation = ""
        self.last_id = 0
        self.seq = 0  # the last line that was of this account
        self._by_order: dict[tuple[str, str], str] = {}  # (symbol, the venue's id) -> client id
        self._by_key: OrderedDict[str, str] = OrderedDict()  # the caller's own name of a wish -> client id
        self._running: dict[str, None] = {}  # what may still change, or whose fills do not add up
        self._ended: OrderedDict[str, None] = OrderedDict()  # a dict grows slow when it loses its first again and again

    def take(self, fact: facts.AnyFact, seq: int) -> Turn | None:
        """Folds one line in; what it changed of an order, if it was about one that we know."""
        self.seq = seq
        match fact:
            case facts.Intended():
                return self._intend(fact, seq)
            case facts.Frozen():
                self.frozen[fact.symbol] = fact.why
            case facts.Thawed():
                self.frozen.pop(fact.symbol, None)
            case facts.Opened():
                self.installation, self.last_id = fact.installation, max(self.last_id, fact.last_id)
            case _:
                return self._turn(fact, seq)
        return None

    def _intend(self, fact: facts.Intended, seq: int) -> Turn:
        name = fact.asked.client_id
        known = self.tracks.get(name)
        if known is not None:
            return Turn(known.order, known.order)  # read a second time
        track = self.tracks[name] = Track(fact, seq)
        self._running[name] = None
        if ids.is_ours(name):
            self.last_id = max(self.last_id, ids.number_of(name))
        if fact.key:
            self._by_key[fact.key] = name
            if len(self._by_key) > KEYS_MOST:
                self._by_key.popitem(last=False)
        return Turn(None, track.order)

    def _turn(self, fact: facts.AnyFact, seq: int) -> Turn | None:
        name: str = getattr(fact, "client_id", "")
        track = self.tracks.get(name)
        if track is None:
            return None
        turn = track.take(fact, seq)
        if turn.now.order_id:
            self._by_order[(turn.now.symbol, turn.now.order_id)] = name
        for twin in track.twins:
            self._by_order[(turn.now.symbol, twin)] = name
        if turn.now.life.is_over and not track.missing and not track.surplus:
            self._running.pop(name, None)
            self._end(name)
        else:
            self._ended.pop(name, None)
            self._running[name] = None
        return turn

    def _end(self, name: str) -> None:
        self._ended[name] = None
        while len(self._ended) > ENDED_MOST:
            oldest, _ = self._ended.popitem(last=False)
            gone = self.tracks.pop(oldest)
            for order_id in (gone.order.order_id, *gone.twins):
                self._by_order.pop((gone.order.symbol, order_id), None)

    # ---- whose is it

    def named(self, client_id: str = "", symbol: str = "", order_id: str = "") -> Track | None:
        """The order of ours that this names; by the venue's own id where our name is not told."""
        if client_id in self.tracks:
            return self.tracks[client_id]
        return self.tracks.get(self._by_order.get((symbol, order_id), ""))

    def of(self, told: OrderReport | Fill) -> Track | None:
        return self.named(told.client_id, told.symbol, told.order_id)

    def used_for(self, key: str) -> str:
        """The client id that a caller's own name stands for, also if the order ended too long ago to be kept."""
        return self._by_key.get(key, "")

    def wished(self, key: str) -> Track | None:
        """The order that a caller's own name stands for."""
        return self.tracks.get(self._by_key.get(key, ""))

    # ---- what there is

    def running(self) -> Iterator[Track]:
        """What may still change: also ended orders whose fills do not add up yet."""
        yield from [self.tracks[name] for name in self._running]

    def doubtful(self) -> Iterator[Track]:
        yield from (track for track in self.running() if track.order.life.is_in_doubt)

    def orders(self, *, after: int = 0) -> tuple[Order, ...]:
        """All that changed after that line of the journal."""
        return tuple(track.order for track in self.tracks.values() if track.order.seq > after)

    def changes(self) -> Mapping[str, AskAmend]:
        """Amendments that were sent and of which nothing has shown yet what came of them."""
        return {track.order.client_id: track.amend for track in self.running() if track.amend is not None}

    def why_frozen(self, symbol: str) -> str:
        """Why no new order may go there; "" if it may."""
        return self.frozen.get("", "") or self.frozen.get(symbol, "")

    def __repr__(self) -> str:
        doubtful, running = sum(1 for _ in self.doubtful()), len(self._running)
        return (
            f"<Account {self.venue} {self.account}: {len(self.tracks)} orders, {running} running, "
            f"{doubtful} in doubt, frozen {sorted(self.frozen)}>"
        )


def abandoned(account: Account) -> Iterable[Track]:
    """Written down and never sent: after a restart these are given up, and not sent later by themselves."""
    return [track for track in account.running() if track.order.life is Life.INTENT]
