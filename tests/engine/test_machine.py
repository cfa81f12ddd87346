"""What our own machine does to us is told by the session, and nothing is left behind."""

from __future__ import annotations

import asyncio
import threading

from fairlead.engine.machine import Machine
from fairlead.io.clock import RealClock
from fairlead.io.names import Names
from fairlead.model import events


async def test_names_and_stalls_are_told_until_the_end() -> None:
    """If this failed, a resolver that died, or a plugin that blocks, would look like a venue's fault."""
    told: list[events.Health] = []
    names, threads = Names(RealClock()), threading.active_count()
    machine = Machine(RealClock(), names)
    machine.begin(told.append)
    names.tell("venue.example", 12.5)
    await asyncio.sleep(0.3)
    threading.Event().wait(2.0)
    await asyncio.sleep(0.6)
    machine.end()
    assert threading.active_count() == threads
    assert [(type(one), one.venue) for one in told] == [(events.OldName, ""), (events.Stalled, "")]
    assert "test_machine.py" in getattr(told[1], "where", "")
