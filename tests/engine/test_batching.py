"""Orders in one request: each has its own fate, and what the answer leaves out is unknown, not refused."""

from __future__ import annotations

import pytest

from fairlead.core import facts
from fairlead.errors import Error, NotSent, RiskRefused
from fairlead.model.order import Life, Order
from fairlead.model.orders import Status
from fairlead.wire.asks import Op
from tests.engine.harbour import SETTLED_MS, SWAP, Harbour, ask, moor


def lives(done: tuple[Order | Error, ...]) -> list[str]:
    return [str(one.life) if isinstance(one, Order) else type(one).__name__ for one in done]


def test_orders_of_one_symbol_go_out_together_and_are_written_together() -> None:
    """If this failed, a batch could be at the venue with half of it on disk."""

    async def visit(harbour: Harbour) -> None:
        done = await harbour.desk.place_many([ask(), ask(symbol=SWAP), ask()])
        assert lives(done) == ["OPEN"] * 3
        assert (harbour.count(Op.PLACE_MANY), harbour.count(Op.PLACE)) == (1, 1)
        kinds = [type(facts.read(body)).__name__ for body in harbour.journal.bodies[1:5]]
        assert kinds == ["Intended", "Intended", "Sending", "Sending"]

    moor(visit)


def test_what_the_answer_leaves_out_is_found_out() -> None:
    """If this failed, an order of a batch that nobody spoke of would be forgotten (fault 24)."""

    async def visit(harbour: Harbour) -> None:
        harbour.streams = False
        harbour.mishap(Op.PLACE_MANY, "cut short")
        done = await harbour.desk.place_many([ask(), ask(), ask()])
        assert lives(done) == ["OPEN", "OPEN", "UNKNOWN"]
        await harbour.wait(3_000)
        assert [order.life for order in harbour.desk.running()] == [Life.OPEN] * 3

    moor(visit)


@pytest.mark.parametrize(
    ("mishap", "told", "ends"),
    [
        ("reply lost", "UNKNOWN", Life.OPEN),
        ("never arrived", "UNKNOWN", Life.NOT_ACCEPTED),
        ("refused", "Refused", Life.REJECTED),
        ("not sent", "NotSent", Life.ABANDONED),
    ],
)
def test_what_is_said_of_all_holds_for_each(mishap: str, told: str, ends: Life) -> None:
    """If this failed, a batch that failed as a whole would end in something else than its orders would."""

    async def visit(harbour: Harbour) -> None:
        harbour.streams = False
        harbour.mishap(Op.PLACE_MANY, mishap)
        assert lives(await harbour.desk.place_many([ask(), ask()])) == [told] * 2
        await harbour.wait(SETTLED_MS + 30_000)
        assert [track.order.life for track in harbour.desk.bench.account.tracks.values()] == [ends] * 2

    moor(visit)


def test_each_item_has_its_own_answer() -> None:
    """If this failed, one refusal would take the others along."""

    async def visit(harbour: Harbour) -> None:
        await harbour.desk.throw("first")
        assert lives(await harbour.desk.place_many([ask()])) == [RiskRefused.__name__]
        await harbour.desk.release("go on")
        harbour._many = lambda asked: (harbour._place(asked.orders[0]), *harbour.refusals(1))  # type: ignore[method-assign]
        done = await harbour.desk.place_many([ask(), ask()])
        assert lives(done) == ["OPEN", "Refused"]
        assert isinstance(done[0], Order)
        assert harbour.of(done[0].client_id).status is Status.OPEN

    moor(visit)


def test_a_venue_without_batches_is_sent_one_after_the_other() -> None:
    """If this failed, a batch would be refused where its orders would not."""

    async def visit(harbour: Harbour) -> None:
        harbour.mishap(Op.PLACE, "", "not sent")
        assert lives(await harbour.desk.place_many([ask(), ask()])) == ["OPEN", NotSent.__name__]
        assert harbour.count(Op.PLACE) == 2

    moor(visit, lacks=(Op.PLACE_MANY,))
