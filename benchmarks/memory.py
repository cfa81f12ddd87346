"""Resident memory that 100 symbols' books of 1,000 levels a side add, after a while of changes."""

from __future__ import annotations

import sys

from _recording import STATM
from _sides import FOREIGN, peers, run, show

SYMBOLS, CHANGES = 100, 500  # messages a symbol


def main() -> None:
    if not STATM.exists():
        print("left out: this system does not tell a process's memory in /proc")
        return
    scripts = [(sys.executable, "_fairlead.py"), *((FOREIGN, f"_{peer}.py") for peer in peers())]
    sides = [run(python, script, "memory", str(SYMBOLS), str(CHANGES)) for python, script in scripts]
    mine = sides[0]
    rows = []
    for side in sides:
        books, whole = side["books_mb"], side["before_mb"] + side["books_mb"]
        times = f"{books / mine['books_mb']:.1f} x", f"{whole / (mine['before_mb'] + mine['books_mb']):.1f} x"
        rows.append((side["name"], f"{books:.0f} MB", times[0], f"{whole:.0f} MB", times[1]))
    show(f"memory of {SYMBOLS} books, {CHANGES} messages each", ("books", "ratio", "process", "ratio"), rows)


if __name__ == "__main__":
    main()
