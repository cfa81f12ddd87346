"""Our own dead man's switch: a process beside the trading one, which cancels our orders when that one's heart stops.

It hears a beat on its standard input. A heart that was killed and one that stalls are the same to it; only a good-bye
ends it in peace. It cancels nothing but orders whose client id is of our installation, and places none. What it did
stands in a small file, and on its standard output while somebody reads there.

A watchdog that is set later writes its own token beside that file: the older one then leaves the account to it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from fairlead.core.backoff import Backoff
from fairlead.core.budget import Priority
from fairlead.core.vigil import MS, Pulse, Vigil
from fairlead.engine.desk import Desk, Windows
from fairlead.engine.session import Session
from fairlead.errors import Error, Misuse, cut
from fairlead.io.clock import RealClock, entropy
from fairlead.io.http import AioHttp
from fairlead.io.socket import Picows
from fairlead.io.store import FileStore
from fairlead.keys.sources import Environment, KeyFile
from fairlead.model.orders import OrderReport
from fairlead.venues import registry
from fairlead.wire.asks import Op
from fairlead.wire.face import Clock, Store
from fairlead.wire.orders import AskCancel, AskOpenOrders

LOOK_MS = 100
ROUND_MS, ROUND_MOST_MS = 1_000, 30_000  # between two looks at what is open, longer where they fail
GIVE_UP_MS = 6 * 3_600_000  # a venue that does not answer for so long needs a person
TOLD_MOST = 1_000  # cancelled orders that the file names
BEAT, BYE = b"beat", b"bye"


class Post(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a watchdog is told: the first line it hears, as JSON. No secret is in it: the key is read by its label."""

    venue: str
    prefix: str  # of the client ids that are ours
    limit_ms: int  # how long the heart may be silent
    folder: str  # where the report is written
    report: str  # the name of that file
    token: str  # of this watchdog
    environment: str = "live"
    hosts: Mapping[str, tuple[str, ...]] = {}  # instead of the venue's own
    keys: str = ""  # the key file; "": the environment's variables
    label: str = ""

    def __post_init__(self) -> None:
        if not self.prefix:
            raise Misuse("A watchdog without a prefix would cancel everybody's orders.", next="give the installation's")

    @property
    def claim(self) -> str:
        """The file that says whose watch it is: written once by each watchdog, and by the last one last."""
        return f"{self.report}.watch"


class Report(Struct, frozen=True, kw_only=True):
    """`state`: watching, acting; at the end: left (in peace), done (nothing of ours is open), resumed (the heart beats
    again: what was cancelled is told), relieved (by a later one), gave up, failed (it could not begin)."""

    token: str
    state: str
    at_ns: int
    pid: int = 0  # of the watchdog
    count: int = 0  # of orders that were cancelled
    cancelled: tuple[str, ...] = ()  # the last of them: symbol, the venue's id, our client id; in the file alone
    trouble: str = ""  # the last thing that went wrong


EXITS = {"left": 0, "done": 3, "resumed": 3, "relieved": 0, "gave up": 4, "failed": 2}


class Watchdog:
    """`tell` hears each report as it is written."""

    def __init__(
        self, post: Post, desk: Desk, store: Store, clock: Clock, vigil: Vigil, tell: Callable[[Report], None]
    ) -> None:
        self._post, self._desk, self._store, self._clock, self._vigil = post, desk, store, clock, vigil
        self._tell = tell
        self._backoff = Backoff(ROUND_MS, ROUND_MOST_MS, desk.rng)
        self._cancelled: dict[str, None] = {}
        self._trouble = ""

    async def watch(self) -> str:
        """Returns the state it ended in. OSError: the claim cannot be written, so an earlier watchdog would go on."""
        self._store.write(self._post.claim, self._post.token.encode())
        self._keep("watching")
        while True:
            await self._clock.sleep(LOOK_MS / 1000)
            match self._vigil.look(self._clock.mono_ns()):
                case Pulse.LEFT:
                    return self._keep("left")
                case Pulse.SILENT:
                    return self._keep(await self._clear())

    async def _clear(self) -> str:
        """Cancels what is ours until nothing is left, and then looks on for as long as an order that was on its way
        when the heart stopped may still come to be."""
        if self._is_relieved():
            return "relieved"
        self._keep("acting")
        settle, began_ns = self._desk.venue.settle, self._clock.mono_ns()
        settled_ns = began_ns + (settle.fence_ms + settle.engine_ms + settle.lag_ms) * MS
        while self._clock.mono_ns() - began_ns < GIVE_UP_MS * MS:
            begun_ns = self._clock.mono_ns()
            left = await self._round()
            if left == 0 and begun_ns >= settled_ns:
                return "done"
            if self._vigil.look(self._clock.mono_ns()) in (Pulse.BEATS, Pulse.LEFT):
                return "resumed"
            if self._is_relieved():
                return "relieved"
            if left is not None:
                self._backoff = Backoff(ROUND_MS, ROUND_MOST_MS, self._desk.rng)
            await self._clock.sleep(self._backoff.next_ms() / 1000)
        return "gave up"

    async def _round(self) -> int | None:
        """How many of ours were open; None: the list could not be read to its end, and so proves nothing."""
        try:
            pages = [page async for page in self._desk.pages(Op.OPEN_ORDERS, AskOpenOrders())]
        except Error as failed:
            self._trouble = cut(str(failed))
            self._keep("acting")
            return None
        ours = [one for page in pages for one in page if one.client_id.startswith(self._post.prefix)]
        await asyncio.gather(*(self._cancel(one) for one in ours))
        if ours:
            self._keep("acting")
        return len(ours)

    async def _cancel(self, one: OrderReport) -> None:
        try:
            await self._desk.answer(
                Op.CANCEL, AskCancel(symbol=one.symbol, order_id=one.order_id), priority=Priority.CANCEL
            )
        except Error as failed:  # the next look tells whether it is open still
            self._trouble = cut(str(failed))
        else:
            self._cancelled[f"{one.symbol} {one.order_id} {one.client_id}"] = None

    def _is_relieved(self) -> bool:
        """A claim that is gone or cut relieves nobody."""
        text = self._store.read(self._post.claim)
        return bool(text) and text != self._post.token.encode()

    def _keep(self, state: str) -> str:
        report = self._report(state)
        if state != "relieved":  # then the file is another's
            with contextlib.suppress(OSError):  # a full disk must not keep us from cancelling
                self._store.write(self._post.report, msgspec.json.encode(report))
        self._tell(report)
        return state

    def _report(self, state: str) -> Report:
        return Report(
            token=self._post.token,
            state=state,
            at_ns=self._clock.wall_ns(),
            pid=os.getpid(),
            count=len(self._cancelled),
            cancelled=tuple(self._cancelled)[-TOLD_MOST:],
            trouble=self._trouble,
        )

    def __repr__(self) -> str:
        return f"<Watchdog of {self._post.prefix}... at {self._post.venue}: {len(self._cancelled)} cancelled>"


def say(report: Report) -> None:
    """To whoever started us, if he still lives and reads. A pipe that is full may not hold us up, and so short a line
    goes into it whole or not at all."""
    out = sys.stdout.fileno()
    text = msgspec.json.encode(replace(report, cancelled=(), trouble=cut(report.trouble)))
    with contextlib.suppress(OSError):
        os.set_blocking(out, False)
        os.write(out, text + b"\n")


async def run() -> int:
    """The process: hears what it has to watch, opens the venue, and watches until the end."""
    clock, heard = RealClock(), asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(heard), sys.stdin)
    first = await heard.readline()
    if not first:
        return EXITS["left"]  # whoever started us was gone before he could say what for
    post = msgspec.json.decode(first, type=Post)
    store, vigil = FileStore(Path(post.folder)), Vigil(post.limit_ms, LOOK_MS, clock.mono_ns())
    ear = asyncio.create_task(_listen(heard, vigil, clock), name="ear")
    try:
        async with _session(post, clock, store) as session:
            dog = Watchdog(post, session.desk(post.venue), store, clock, vigil, say)
            return EXITS[await dog.watch()]
    except (Error, OSError) as failed:
        say(Report(token=post.token, state="failed", at_ns=clock.wall_ns(), trouble=str(failed)))
        return EXITS["failed"]
    finally:
        ear.cancel()
        await asyncio.gather(ear, return_exceptions=True)


def _session(post: Post, clock: Clock, store: Store) -> Session:
    source = KeyFile(Path(post.keys)) if post.keys else Environment(os.environ)
    signer = source.signer(post.venue, post.label, registry.venue(post.venue).key_kinds)
    return Session(
        (post.venue,),
        Windows(clock=clock, rng=entropy(), http=AioHttp(), ws=Picows(clock), store=store),
        environment=post.environment,
        hosts={post.venue: post.hosts} if post.hosts else None,
        signers={post.venue: signer},
    )


async def _listen(heard: asyncio.StreamReader, vigil: Vigil, clock: Clock) -> None:
    """An end without a good-bye is a death: then nothing is heard any more, and the limit runs out."""
    while line := await heard.readline():
        if line.strip() == BYE:
            vigil.leave()
        elif line.strip() == BEAT:
            vigil.beat(clock.mono_ns())


if __name__ == "__main__":
    sys.exit(asyncio.run(run()))
