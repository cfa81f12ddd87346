"""One round of a killing: a city on real sockets, a trading process that dies at a named place, its restart, the truth.

The truth is the simulator's ledger; what is judged is what the restarted process says."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from fairlead.io.clock import RealClock, seeded
from fairlead.io.failpoint import VARIABLE
from fairlead.model.order import Life
from fairlead.sim.city import City
from fairlead.sim.rules import Args, Match, Rule
from fairlead.sim.server.web import Served
from fairlead.sim.truth import Truth
from fairlead.sim.world import World
from tests.conformance.audit import ENDS, NEVER, RUNS
from tests.conformance.pier import listings
from tests.kill.bot import Errand

PATIENCE_S = 120.0  # a limit for a process that hangs, never a measure
LOOK_S = 0.01
ANY_S = 1.0  # after the first request


class Step(Struct, frozen=True):
    """`dies` are the places of the first process and of those after it; without any it is killed from outside: as soon
    as the ledger has a row of the kind `when`, and without that at any moment.

    K5 is not among them: of a request written in part the venue sees what it sees at K4."""

    name: str
    deed: str
    dies: tuple[str, ...] = ()
    when: str = ""
    rule: Rule | None = None
    orders: int = -1  # that came to be at the venue; -1: however many


def _mishap(action: str, phase: str, ms: int) -> Rule:
    return Rule(action, "rest", match=Match(op="place"), phase=phase, most=1, args=Args(ms=ms))


STEPS = (
    Step("K1 before the intent is on disk", "bid", ("submit.before_intent",), orders=0),
    Step("K2 after the intent, before leave to send", "storm", ("submit.after_intent",)),
    Step("K3 with leave, before it is on disk as sent", "bid", ("submit.before_sending",), orders=0),
    Step("K3 within the commit", "bid", ("journal.before_commit:2",), orders=0),
    Step("K4 on disk as sent, before a byte leaves", "bid", ("submit.after_sending",), orders=0),
    Step("K4 likewise, among many", "storm", ("submit.after_sending:20",)),
    Step("K6 sent, not yet accepted", "bid", when="received", rule=_mishap("linger", "before", 700), orders=1),
    Step("K7 accepted, not answered", "bid", when="orders", rule=_mishap("delay", "after", 3_000), orders=1),
    Step("K8 answered, not on disk", "bid", ("submit.after_reply",), orders=1),
    Step("K9 the answer is on disk, nobody was told", "bid", ("submit.after_ack",), orders=1),
    Step("K10 a fill was heard, and is not on disk", "take", ("fill.heard",)),
    Step("K11 a fill is on disk, and nobody was told", "take", ("journal.after_commit:4",)),
    Step("K12 a cancel is on disk", "cancel", ("cancel.after_intent",), orders=1),
    Step("K12 an amendment is on disk", "amend", ("amend.after_intent",), orders=1),
    Step("K13 a cancel was answered", "cancel", ("cancel.after_reply",), orders=1),
    Step("K13 an amendment was answered", "amend", ("amend.after_reply",), orders=1),
    Step("K14 while it is held against the venue", "bid", ("submit.after_reply", "reconcile.middle"), orders=1),
    Step("K15 while the journal is folded", "many", ("journal.in_checkpoint",)),
    Step("K16 while it ends", "bid", ("shutdown.drain",), orders=1),
    Step("at any moment", "many"),
)


async def killed(name: str, step: Step, folder: Path, seed: int) -> list[str]:
    """What must not be; empty if nothing was lost, doubled or left untold."""
    clock = RealClock()
    city = City([name], World(seed, listings(name), clock.wall_ns()), clock, seeded(seed))
    async with Served(city, clock) as served:
        minted = city.keys[name]
        keys = folder / "keys.json"
        secret = {"key": minted.key, "secret": minted.secret, "passphrase": minted.passphrase}
        keys.write_text(json.dumps({name: {"bot-a": secret}}))
        keys.chmod(0o600)
        if step.rule is not None:
            city.mishaps.add(step.rule)
        hosts = {
            venue: {key: tuple(where) for key, where in known.items()} for venue, known in served.addresses.items()
        }
        errand = Errand(name, hosts, str(keys), str(folder / "state"), step.deed)
        truth, heard = city.mouth(name).truth, dict[str, Any]()
        for place in step.dies or ("",):
            heard |= await _dies(errand, place, truth, step.when, seeded(seed).random() * ANY_S)
            errand = msgspec.structs.replace(errand, seen=max((one["seq"] for one in heard.values()), default=0))
        last = await _lives(msgspec.structs.replace(errand, deed="look"))
        return [*breaches(truth, heard | last), *([] if step.orders in (-1, len(truth.orders)) else [_count(truth)])]


def _count(truth: Truth) -> str:
    return f"{len(truth.orders)} orders came to be"


async def _dies(errand: Errand, place: str, truth: Truth, when: str, after_s: float) -> dict[str, Any]:
    """What it said of its orders before it was killed."""
    point, _, times = place.partition(":")
    process = await _begun(errand, f"{point}:kill:{times or 1}" if place else "")
    if not place:
        while not len(getattr(truth, when or "received")) and process.returncode is None:
            await RealClock().sleep(LOOK_S)
        await RealClock().sleep(0 if when else after_s)
        if process.returncode is None:
            process.kill()
    said, complaint = await _ended(process)
    assert process.returncode == -signal.SIGKILL, (
        f"{errand.deed} ended with {process.returncode}: {complaint.decode()[-600:]}"
    )
    return _orders(said)


async def _lives(errand: Errand) -> dict[str, Any]:
    process = await _begun(errand, "")
    said, complaint = await _ended(process)
    assert process.returncode == 0, f"{errand.deed} ended with {process.returncode}: {complaint.decode()[-600:]}"
    return _orders(said)


async def _ended(process: asyncio.subprocess.Process) -> tuple[bytes, bytes]:
    """What it said and complained of; one that hangs is killed, so that nothing stays behind."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()


async def _begun(errand: Errand, failpoint: str) -> asyncio.subprocess.Process:
    around = {key: value for key, value in os.environ.items() if key != VARIABLE}
    around |= {VARIABLE: failpoint} if failpoint else {}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.kill.bot", stdin=PIPE, stdout=PIPE, stderr=PIPE, env=around
    )
    assert process.stdin is not None
    process.stdin.write(msgspec.json.encode(errand))
    process.stdin.write_eof()
    return process


def _orders(said: bytes) -> dict[str, Any]:
    """By client id, as it was told last; a line that death has torn is none."""
    lines = said.split(b"\n")[:-1]
    return {one["client_id"]: one for one in map(msgspec.json.decode, lines)}


def breaches(truth: Truth, told: dict[str, Any]) -> list[str]:
    found = []
    for row in truth.orders:
        if len(truth.accepted(row.client_id)) > 1:
            found.append(f"{row.client_id} was doubled")
        if row.client_id not in told:
            found.append(f"{row.client_id} is lost: nobody was told of it")
    for client_id, order in told.items():
        rows, life = truth.accepted(client_id), Life(order["life"])
        if not rows:
            found += [] if life in NEVER else [f"{client_id} is {life}, and was never accepted"]
            continue
        ended, fills = truth.end_of(rows[0].order_id), truth.fills(rows[0].order_id)
        if life not in (RUNS if ended is None else ENDS[ended.status]):
            found.append(f"{client_id} is {life}, the ledger says {ended or 'it is open'}")
        filled = sum((fill.qty for fill in fills), Decimal(0))
        if filled != Decimal(order["filled"]):
            found.append(f"{client_id} has {order['filled']} filled, {filled} in the ledger")
    return found
