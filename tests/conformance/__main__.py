"""Runs every case on every venue and writes the page: `python -m tests.conformance`. Fails when one does not hold."""

from __future__ import annotations

import sys

from tests.conformance.case import Case
from tests.conformance.table import PAGE, claim, page, run


def main() -> int:
    failed: list[str] = []

    def verdict(name: str, case: Case) -> str:
        try:
            run(name, case)
        except Exception as breach:  # noqa: BLE001 - whatever it is, the page tells it
            failed.append(f"{case.number}, {case.fault}, {name}: {breach}")
            print(failed[-1], file=sys.stderr)
            return f"**it does not hold**: {breach}"
        return claim(name, case)

    PAGE.write_text(page(verdict), encoding="utf-8")
    print(f"{PAGE}: {'everything holds' if not failed else f'{len(failed)} do not hold'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
