"""Rows into a file: CSV, Parquet or JSON lines; a file is whole or it is not there."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module, util
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TypeAlias

import msgspec

from fairlead.errors import Misuse, UnknownName

Cell: TypeAlias = str | float | int | bool | None
Row: TypeAlias = tuple[Cell, ...]
CSV, PARQUET = ".csv", ".parquet"
_IDS = {"id": {"id": "VARCHAR"}}


def checked_out(out: Path | None, as_json: bool) -> None:
    """Tells before the work what would go wrong after it."""
    if out is None:
        return
    if as_json:
        raise Misuse("--json writes to standard output, --out to a file.", next="leave one of them out")
    if out.suffix not in (CSV, PARQUET):
        raise UnknownName("kind of file", out.suffix or out.name, (CSV, PARQUET))
    if not out.parent.is_dir():
        raise Misuse(f"There is no folder {out.parent}.")
    if out.suffix == PARQUET and util.find_spec("duckdb") is None:
        raise Misuse(
            "Parquet needs DuckDB, which is not installed.", next='pip install "fairlead[store]", or write .csv'
        )


def write(heads: Sequence[str], rows: Iterable[Row], out: Path | None, as_json: bool) -> None:
    if out is None and as_json:
        for row in rows:
            print(msgspec.json.encode(dict(zip(heads, row, strict=True))).decode())
    elif out is None:
        _csv(heads, rows, sys.stdout)
    else:
        with TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as folder:
            plain = Path(folder) / "rows.csv"
            with plain.open("w", encoding="utf-8", newline="") as file:
                _csv(heads, rows, file)
            whole = plain if out.suffix == CSV else _parquet(plain)
            whole.replace(out)
        print(f"wrote {out}", file=sys.stderr)


def _csv(heads: Sequence[str], rows: Iterable[Row], file: IO[str]) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows([_text(cell) for cell in row] for row in rows)


def _text(cell: Cell) -> str:
    """Floats as their shortest exact text, truths in lower case, nothing as nothing."""
    if cell is None:
        return ""
    return str(cell).lower() if isinstance(cell, bool) else repr(cell) if isinstance(cell, float) else str(cell)


def _parquet(plain: Path) -> Path:
    """The same rows typed: times as timestamps in UTC, ids as text."""
    made = plain.with_suffix(PARQUET)
    rows = import_module("duckdb").read_csv(str(plain), dtype={"time": "TIMESTAMP_NS"} | _IDS.get(_heads(plain)[1], {}))
    rows.write_parquet(str(made))
    return made


def _heads(plain: Path) -> list[str]:
    with plain.open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file))
