"""Cases of connections: silence, ends announced and not, dead hosts, slammed doors, lost and refused subscriptions."""

from __future__ import annotations

from itertools import pairwise

from fairlead.core.backoff import SETTLED_MS
from fairlead.engine.line import FIRST_WAIT_MS, MOST_WAIT_MS
from fairlead.errors import Refused
from fairlead.model import events
from fairlead.model.market import State
from tests.conformance.case import Case
from tests.conformance.needs import ANNOUNCES, REFUSES
from tests.conformance.stage import OTHER, SLOTS, Stage

DEAD_MS = 600_000  # longer than any case


async def silent_book(at: Stage) -> None:
    await at.calm()
    allowed_ms = at.desk.feeds[at.book.topic]._pulse.allowed_ns / 1e6
    began_ms = at.mono_ms()
    at.strike("mute", kind="book", for_ms=20_000)
    await at.wait(40)
    at.saw(events.Stale)
    stale_ms = next((ms for ms, state in at.book.marks if state is State.STALE), 0.0) - began_ms
    at.must(0 < stale_ms < allowed_ms + 1_500, f"it took {stale_ms:.0f} ms to see, {allowed_ms:.0f} were allowed")


async def stuck_book(at: Stage) -> None:
    await at.calm()
    at.strike("stick", kind="book", most=1)
    await at.wait(60)
    at.saw(events.Stale)


async def closed(at: Stage) -> None:
    await at.calm()
    at.strike("cut", "conn", code=1001)
    await at.wait(12)
    at.must([lost.code for lost in at.heard(events.Lost)] == [1001], f"told {at.heard(events.Lost)}")
    at.saw(events.Connected, events.Resynced)


async def announced(at: Stage) -> None:
    await at.calm()
    at.strike("end", "conn", ms=8_000)
    await at.wait(15)
    at.saw(events.Retiring, events.Replaced)
    at.must(not at.book.was_marked, f"the book was interrupted: {at.book!r}")


async def half_open(at: Stage) -> None:
    await at.calm()
    at.strike("late", for_ms=1_000, ms=DEAD_MS)  # what stands behind a late frame waits for it
    began_ms = at.mono_ms()
    await at.wait(60)
    marked_ms = next((ms for ms, state in at.book.marks if state is not State.LIVE), 0.0) - began_ms
    quiet_ms = at.desk.streams[0].door.quiet_ms
    at.must(0 < marked_ms < quiet_ms, f"the dead connection was seen after {marked_ms:.0f} ms")
    at.must(at.heard(events.Lost) or at.heard(events.Replaced), "the dead connection was kept")


async def all_down(at: Stage) -> None:
    await at.calm()
    first = len(at.ear.dials)
    at.strike("refuse", "conn", for_ms=60_000)
    await at.wait(59)
    at.must(not at.book.is_live, "a book is LIVE with every host dead")
    await at.wait(40)
    dials = at.ear.dials[first:]
    waits = [after - before for before, after in pairwise(dials)]
    at.must(len(dials) < 300, f"{len(dials)} dials in 100 s")
    at.must(waits and min(waits) >= FIRST_WAIT_MS / 2, f"it was dialled again after {min(waits):.0f} ms")
    at.must(len({round(wait) for wait in waits}) > len(waits) // 2, f"the waits are not spread: {waits}")


async def one_host_down(at: Stage) -> None:
    await at.calm()
    at.strike("refuse", "conn", slot=0, for_ms=DEAD_MS)
    await at.wait(20)
    at.saw(events.Lost, events.Switched, events.Connected)
    await at.market.ask_time()


async def slammed(at: Stage) -> None:
    await at.calm()
    first = len(at.ear.dials)
    slam = at.strike("slam", "conn", most=9)
    at.strike("cut", "conn")
    await at.wait(200)
    waits = [after - before for before, after in pairwise(at.ear.dials[first : first + slam.fired])]
    at.must(slam.fired == 9, f"{slam!r} did not do its work")
    at.must(max(waits) > 8 * FIRST_WAIT_MS, f"the waits did not grow: {waits}")
    at.must(max(waits) < MOST_WAIT_MS + SETTLED_MS, f"a wait outgrew its limit: {waits}")
    at.must(len(at.heard(events.Lost)) >= 9, "the storm was not told")


async def maintenance(at: Stage) -> None:
    await at.calm()
    at.city.maintain(at.name, True)
    await at.wait(20)
    at.must(not at.book.is_live, "a book is LIVE of a venue that is shut")
    at.city.maintain(at.name, False)
    await at.wait(40)
    at.saw(events.Lost, events.Resynced)


async def lost_ack(at: Stage) -> None:
    await at.calm()
    at.strike("deafen", most=1)
    at.strike("cut", "conn")
    await at.wait(40)
    at.saw(events.Resynced)


async def refused_topic(at: Stage) -> None:
    await at.calm()
    deny = at.strike("deny", most=1)
    try:
        book = await at.market.book(OTHER).first(20)
    except Refused as refused:
        at.must(refused.code or refused.kind, f"the refusal says nothing: {refused}")
    else:
        raise at.breach(f"a refused subscription gave {book!r}")
    at.must(deny.fired == 1, f"{deny!r} did not do its work")
    at.saw(events.Denied)
    at.must(not at.book.was_marked, "one refused topic took another with it")
    book = await at.market.book(OTHER).first(20)
    at.must(book.symbol == OTHER, "it could not be asked for again")


CASES = (
    Case(
        49, "an open connection falls silent", "the book says nothing for 20 s, heartbeats go on",
        "it is STALE as soon as the silence is longer than its own cadence, is renewed, and lives again", silent_book,
    ),
    Case(
        49, "a channel falls silent for good", "the book says nothing more until it is subscribed to anew",
        "it is STALE, is subscribed to anew, and lives again", stuck_book,
    ),
    Case(
        50, "the venue closes the connection", "closed with 1001",
        "it is told, dialled again, and everything begins anew", closed,
    ),
    Case(
        50, "the venue announces the end of the connection", "announced 8 s before",
        "another connection is live before it goes, and the book is never marked", announced, (ANNOUNCES,),
    ),
    Case(
        64, "the acknowledgement of a subscription is lost", "the connection is cut, and the first answers are lost",
        "it is asked for again", lost_ack,
    ),
    Case(
        64, "a subscription is refused", "the venue knows no such instrument, once",
        "it is told to whoever reads, with the venue's reason; others go on; it can be asked for again", refused_topic,
        (REFUSES,),
    ),
    Case(
        69, "a name cannot be resolved, or a host is dead", "the first of two hosts dies for good",
        "the other one serves, and that is told", one_host_down,
        proven=(
            "tests/io/test_http.py::test_a_name_that_does_not_exist_is_not_sent",
            "tests/io/test_socket.py::test_a_name_that_does_not_exist_is_not_sent",
        ),
    ),
    Case(
        70, "a certificate is expired, of another host, or nobody's", "servers with such certificates",
        "nothing is sent, and the reason is told",
        proven=(
            "tests/io/test_http.py::test_tls_is_trusted_only_by_its_certificate",
            "tests/io/test_socket.py::test_tls_is_trusted_only_by_its_certificate",
        ),
    ),
    Case(
        71, "a TLS handshake that never ends", "a server that takes the connection and says nothing",
        "it is given up in time, and nothing was sent",
        proven=("tests/io/test_socket.py::test_tls_with_a_far_end_that_speaks_none_is_not_sent",),
    ),
    Case(
        72, "a half-open connection", "not one byte more comes on the open connections",
        "the book is marked long before the connection is given up, and another connection takes over", half_open,
    ),
    Case(
        74, "everything is down, then up", f"all {SLOTS} hosts refuse connections for a minute",
        "nothing is LIVE meanwhile, dials are spread and within the limits, and all lives again", all_down,
    ),
    Case(
        75, "connections are accepted and closed at once", "nine in a row",
        "the waits grow up to their limit, each is told, and it comes back", slammed,
    ),
    Case(
        117, "maintenance", "the venue refuses everything for 20 s",
        "nothing is LIVE meanwhile, its limits are kept, and all begins anew", maintenance,
    ),
)  # fmt: skip
