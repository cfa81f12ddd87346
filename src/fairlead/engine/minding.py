"""Words a session's wish to be minded for each of its accounts, and names the watchdog's files; it minds nobody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from fairlead.core.deadman import Safety
from fairlead.core.ids import PREFIX
from fairlead.engine.account import AccountDesk
from fairlead.engine.leash import Leash
from fairlead.engine.minder import Minder
from fairlead.engine.watchdog import Post, Report
from fairlead.wire.face import Clock, Rng

TOKEN_BITS = 64


def minding(
    safety: Safety,
    clock: Clock,
    rng: Rng,
    *,
    folder: Path,
    environment: str,
    hosts: Mapping[str, Mapping[str, tuple[str, ...]]],
    keys: str | None,
) -> Callable[[AccountDesk], Minder]:
    """Of each account that has been opened. `keys` is the file that a process of its own can read them from, "" the
    environment; None: it cannot, so there can be no watchdog."""

    def of(desk: AccountDesk) -> Minder:
        account = desk.bench.account

        def leash(tell: Callable[[Report], None]) -> Leash:
            post = Post(
                venue=account.venue,
                prefix=f"{PREFIX}{account.installation}",
                limit_ms=safety.timeout_ms,
                folder=str(folder),
                report=f"watchdog-{account.venue}-{account.installation}.json",
                token=f"{rng.getrandbits(TOKEN_BITS):x}",
                environment=environment,
                hosts=hosts.get(account.venue, {}),
                keys=keys or "",
                label=account.account,
            )
            return Leash(post, clock, tell)

        return Minder(safety, desk.bench, desk.reckoner.want, None if keys is None else leash)

    return of
