"""Starts each side in its own interpreter and prints what they measured as one table; it measures nothing itself."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
FOREIGN = HERE.parent / ".venv-foreign" / "bin" / "python"
PEERS = ("ccxt", "cryptofeed")


def peers() -> tuple[str, ...]:
    """Those that are installed; of the others it says why they are left out."""
    if not FOREIGN.exists():
        sys.exit("other people's clients are not installed: make foreign")
    here = [peer for peer in PEERS if _python(FOREIGN, "-c", f"import {peer}", may_fail=True) is not None]
    for peer in PEERS:
        if peer not in here:
            print(f"{peer} is left out: it has no wheel for {version(FOREIGN)} (make FOREIGN_PYTHON=... foreign)")
    return tuple(here)


def run(python: Path | str, *arguments: str) -> Any:
    """What the child printed, as JSON."""
    return json.loads(_python(python, *arguments) or "null")


def version(python: Path | str) -> str:
    said = _python(python, "-c", "import sys; print('Python', sys.version.split()[0])")
    return (said or "").strip()


def show(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Our own row comes first."""
    table = [("", *heads), *rows]
    widths = [max(len(row[at]) for row in table) for at in range(len(table[0]))]
    print(f"\n{title}\nFairlead on {version(sys.executable)}, the others on {version(FOREIGN)}")
    for row in table:
        cells = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        print("  ".join([row[0].ljust(widths[0]), *cells]))
    print(f"again: {Path(sys.executable).name} {Path(sys.argv[0]).parent.name}/{Path(sys.argv[0]).name}")


def _python(python: Path | str, *arguments: str, may_fail: bool = False) -> str | None:
    done = subprocess.run([str(python), *arguments], cwd=HERE, capture_output=True, text=True, check=False)
    if done.returncode and not may_fail:
        sys.exit(f"{' '.join(arguments)} failed:\n{done.stderr}")
    return None if done.returncode else done.stdout
