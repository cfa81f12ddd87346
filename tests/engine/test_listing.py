"""What a venue lists and how our account is set up there, as every question is told of it."""

from __future__ import annotations

from typing import Any

import pytest

from fairlead.engine.listing import EVERY_MS
from fairlead.errors import Refused
from fairlead.wire.asks import Op
from fairlead.wire.endpoint import Mode
from tests.engine.stage import LISTED, Key, Stage, play, refusal

HEDGED = Mode(hedged=True, margin="cross", level="3")


def test_the_accounts_mode_is_asked_and_outlives_a_renewal_of_the_instruments() -> None:
    """If this failed, an order would be worded for a one-sided account, and open where it should close."""

    async def visit(stage: Stage) -> None:
        stage.replies[f"/{Op.MODE}"] = HEDGED
        await stage.desk.open()
        assert stage.desk.ctx.mode == HEDGED
        stage.replies["/instruments"] = LISTED[:1]
        await stage.wait(EVERY_MS + 1_000)
        assert len(stage.desk.ctx.catalog) == 1
        assert stage.desk.ctx.mode == HEDGED

    play(visit, is_open=False, signer=Key(), also=(Op.MODE,))


@pytest.mark.parametrize("knobs", [{"signer": Key()}, {"also": (Op.MODE,)}])
def test_no_mode_is_asked_without_a_key_or_where_the_venue_has_none(knobs: dict[str, Any]) -> None:
    """If this failed, markets could not be read without a key, or a venue without modes not be opened with one."""

    async def visit(stage: Stage) -> None:
        await stage.desk.open()
        assert not stage.asked(f"/{Op.MODE}")
        assert stage.desk.ctx.mode == Mode()

    play(visit, is_open=False, **knobs)


def test_an_account_whose_mode_cannot_be_had_is_not_opened() -> None:
    """If this failed, a key without rights would trade under a guess of how its account is set up."""

    async def visit(stage: Stage) -> None:
        stage.replies[f"/{Op.MODE}"] = refusal(400, "no rights")
        with pytest.raises(Refused, match="no rights"):
            await stage.desk.open()

    play(visit, is_open=False, signer=Key(), also=(Op.MODE,))
