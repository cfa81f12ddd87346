"""The two moments at which an attempt is written down: when it must wait for leave, and when the next thing is to send.

Orders that go out in one request are written in one commit."""

from __future__ import annotations

from collections.abc import Callable

from fairlead.core import facts
from fairlead.core.facts import AnyFact, Intended
from fairlead.engine.bench import Bench
from fairlead.errors import JournalFailed
from fairlead.io import failpoint
from fairlead.wire.orders import AskPlace, AskPlaceMany


class Steps:
    """`check` raises why an order may not be sent after all."""

    def __init__(
        self, bench: Bench, wanted: tuple[Intended, ...], attempt: int, check: Callable[[AskPlace], None]
    ) -> None:
        self._bench, self._wanted, self._attempt, self._check = bench, wanted, attempt, check
        self.is_written = attempt > 1  # INTENT is on disk
        self.is_sent = False  # SENDING is: from here on a byte may have left

    async def waiting(self) -> None:
        """What is wanted outlives us, and is given up after a restart."""
        await self._write(*self._intents())
        failpoint.reached("submit.after_intent")

    async def sending(self, question: AskPlace | AskPlaceMany, by: str) -> None:
        asked = question.orders if isinstance(question, AskPlaceMany) else (question,)
        for one in asked:
            self._check(one)
        failpoint.reached("submit.before_sending")
        told = [
            self._bench.fact(
                facts.Sending, client_id=one.client_id, attempt=self._attempt, until_ms=one.until_ms, by=by
            )
            for one in asked
        ]
        await self._write(*self._intents(), *told)
        self.is_sent = True
        failpoint.reached("submit.after_sending")
        for one in asked:
            self._check(one)  # a switch may have been thrown while the disk was busy: still not a byte has left

    def _intents(self) -> tuple[Intended, ...]:
        return () if self.is_written else self._wanted

    async def _write(self, *told: AnyFact) -> None:
        if not told:
            return
        if not self.is_written:
            failpoint.reached("submit.before_intent")
        try:
            await self._bench.scribe.write(*told)
        except JournalFailed as failed:
            self._bench.ails(failed)
            raise
        self.is_written = True

    def __repr__(self) -> str:
        state = "sent" if self.is_sent else "written" if self.is_written else "not written"
        return f"<Steps of {len(self._wanted)} orders, attempt {self._attempt}: {state}>"
