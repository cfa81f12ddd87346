"""The command as a process of its own: for what must be interrupted, or shown in a real terminal."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

COMMAND = [sys.executable, "-m", "fairlead.cli.main"]
PATIENCE_S = 30.0


@contextmanager
def running(words: Sequence[str], env: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """A process that is ended, whatever happens."""
    with subprocess.Popen(
        [*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **(env or {})}
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def interrupted(process: subprocess.Popen[str]) -> tuple[int, float, str, str]:
    """Ctrl-C: the exit code, how long it took to end, and what else was printed."""
    begin_s = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_S)
    return process.returncode, time.monotonic() - begin_s, out, err


def in_terminal(words: Sequence[str], until: str = "", env: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Runs it in a terminal until its end, or until it has shown some words and was interrupted then."""
    master, slave = pty.openpty()
    whole = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "40", **(env or {})}
    with subprocess.Popen([*COMMAND, *words], stdin=slave, stdout=slave, stderr=slave, env=whole) as process:
        os.close(slave)
        shown, end_s = "", time.monotonic() + PATIENCE_S
        while time.monotonic() < end_s:
            if select.select([master], [], [], 0.1)[0]:
                try:
                    shown += os.read(master, 65_536).decode("utf-8", "replace")
                except OSError:
                    break  # the terminal's other end was closed: it has ended
            if until and until in shown:
                process.send_signal(signal.SIGINT)
                until = ""
        os.close(master)
        try:
            return process.wait(timeout=5), shown
        finally:
            process.kill()
