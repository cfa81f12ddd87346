"""Cases of frames: too large, broken, torn, and with more or less in them than the venue documents."""

from __future__ import annotations

from fairlead.model import events
from tests.conformance.case import Case
from tests.conformance.real import Harbour
from tests.conformance.stage import Stage

TOO_LARGE_BYTES = 17 * 1024 * 1024


async def huge(at: Harbour) -> None:
    await at.strikes("huge", code=1009, count=TOO_LARGE_BYTES)


async def malformed(at: Harbour) -> None:
    await at.strikes("malformed", code=1002, text="rsv")
    await at.strikes("malformed", code=1007, text="utf8")


async def more(at: Stage) -> None:
    await at.calm()
    for depth in range(3):
        at.strike("stranger", most=4, count=depth)
        at.strike("stranger", "rest", most=1, count=depth)
        await at.wait(4)
    at.must(not at.book.was_marked, "a field that nobody knows took the book with it")


async def less(at: Stage) -> None:
    await at.calm()
    for action in ("truncate", "garbage"):
        for kind in ("book", "trades"):
            at.strike(action, kind=kind, most=1)
            await at.wait(12)
    at.saw(events.Strange, events.Resynced)


CASES = (
    Case(
        60, "a frame that is too large", f"{TOO_LARGE_BYTES // 2**20} MB over real sockets",
        "closed with 1009 before it is in memory, and everything begins anew", real=huge,
    ),
    Case(
        61, "bytes one by one, fragments, a flood of pings", "the corpus of RFC 6455, cut everywhere",
        "what is understood does not depend on the cutting, and pings cost one pong",
        proven=(
            "tests/io/test_corpus.py::test_rfc_6455_byte_by_byte",
            "tests/io/test_frames.py::test_cutting_changes_nothing",
            "tests/io/test_link.py::test_a_flood_of_pings_costs_one_pong",
        ),
    ),
    Case(
        62, "frames against RFC 6455", "a reserved bit, then a text that is not UTF-8, over real sockets",
        "closed with 1002 and 1007, and everything begins anew", real=malformed,
        proven=("tests/io/test_corpus.py::test_rfc_6455",),
    ),
    Case(
        63, "a compressed bomb", "50 MB packed into 50 kB; frames packed although nobody asked",
        "the reply ends at its limit, and packed frames are refused",
        proven=(
            "tests/io/test_http.py::test_a_reply_that_cannot_be_taken_is_unknown",
            "tests/io/test_socket.py::test_what_was_not_asked_for_is_refused",
        ),
    ),
    Case(
        68, "fields that nobody knows", "frames and replies get one more, on three depths",
        "nothing changes", more,
    ),
    Case(
        68, "frames of which a part is missing", "half a frame, and one that is no JSON, of the book and of the trades",
        "each is told, and what is missing is noticed", less,
    ),
)  # fmt: skip
