"""`fairlead candles`, `trades` and `instruments`: whole files with marks, times as they are typed, and lists."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from importlib import util
from itertools import pairwise
from pathlib import Path

import pytest

from fairlead.cli.files import checked_out, write
from fairlead.errors import Misuse
from tests.cli.typed import typed

HOUR = timedelta(hours=1)


def ago(time: timedelta) -> str:
    return f"{datetime.now(UTC) - time:%Y-%m-%dT%H:%M}"


@pytest.mark.parametrize("venue", ["binance", "kraken", "okx"])
def test_candles_have_no_hole_and_no_double(simulator: str, venue: str, tmp_path: Path) -> None:
    """If this failed, a downloaded series would lack bars, or hold one twice, and nobody would see it."""
    out = tmp_path / "bars.csv"
    words = ["candles", venue, "BTC/USDT", "1m", "--from", ago(5 * HOUR), "--hosts", simulator]
    ran = typed([*words, "--out", str(out)])
    assert (ran.code, ran.out) == (0, "")
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    times = [datetime.fromisoformat(row["time"]) for row in rows]
    assert len(times) in (300, 301)
    assert {later - earlier for earlier, later in pairwise(times)} == {timedelta(minutes=1)}
    assert {row["filled"] for row in rows} == {"false"}
    assert rows[0]["closed"] == "true"
    assert list(tmp_path.iterdir()) == [out], "nothing half written is left"
    lines = typed([*words, "--json"]).lines
    assert lines[0]["open"] == float(rows[0]["open"])


@pytest.mark.parametrize("venue", ["binance", "kraken", "okx"])
def test_trades_are_in_order_and_within_their_time(simulator: str, venue: str) -> None:
    """If this failed, a history of trades would have holes, doubles, or trades of another time."""
    begin, end = datetime.now(UTC) - HOUR, datetime.now(UTC) - HOUR / 2
    words = [
        "trades",
        venue,
        "BTC/USDT",
        "--from",
        f"{begin:%Y-%m-%dT%H:%M:%S}",
        "--to",
        str(int(end.timestamp()) * 1000),
    ]
    ran = typed([*words, "--hosts", simulator, "--json"])
    assert ran.code == 0
    times = [datetime.fromisoformat(line["time"]) for line in ran.lines]
    ids = [int(line["id"]) for line in ran.lines]
    assert len(times) > 500
    assert begin - timedelta(seconds=1) <= times[0]
    assert times[-1] < end
    assert times == sorted(times)
    assert sum(line["count"] for line in ran.lines[1:]) == ids[-1] - ids[0], "every trade is there"


def test_a_venue_that_does_not_go_back_so_far_is_told(simulator: str) -> None:
    """If this failed, a file that begins later than asked would look complete."""
    ran = typed(["candles", "kraken", "BTC/USDT", "1m", "--from", "3d", "--hosts", simulator])
    assert ran.code == 0
    assert "gives no 1m candles of BTC/USDT before" in ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["candles", "okx", "BTC/USDT", "1m", "--from", "yesterday"], "2024-01-31"),
        (["candles", "okx", "BTC/USDT", "1m", "--from", "2024-02-01", "--to", "2024-01-01"], "empty"),
        (["candles", "okx", "BTC/USDT", "1x", "--from", "1d"], "1w"),
        (["candles", "okx", "BTC/USD", "1m", "--from", "1d"], "BTC/USDT"),
        (["candles", "okx", "BTC/USDT", "1m", "--from", "1d", "--out", "bars.xlsx"], ".csv"),
        (["candles", "okx", "BTC/USDT", "1m", "--from", "1d", "--out", "no-such-folder/bars.csv"], "no-such-folder"),
        (["trades", "okx", "BTC/USDT", "--from", "1d", "--out", "bars.csv", "--json"], "--out"),
        (["trades", "okx", "BTC/USDT"], "--from"),
    ],
)
def test_what_cannot_be_downloaded_is_told_before_the_work(simulator: str, words: list[str], said: str) -> None:
    """If this failed, an hour of downloading could end in a refusal to write."""
    ran = typed([*words, "--hosts", simulator])
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_parquet_needs_its_extra_and_says_so(tmp_path: Path) -> None:
    """If this failed, the missing library would show itself as a defect, after the download."""
    out = tmp_path / "bars.parquet"
    if util.find_spec("duckdb") is None:
        with pytest.raises(Misuse, match="not installed") as told:
            checked_out(out, as_json=False)
        assert "fairlead[store]" in told.value.next
    else:
        write(("time", "id", "price"), [("2024-01-31T12:00:00.5Z", "12345678901234567890", 1.5)], out, as_json=False)
        import_module = __import__("importlib").import_module
        (row,) = import_module("duckdb").read_parquet(str(out)).fetchall()
        assert row[1:] == ("12345678901234567890", 1.5)


def test_cells_are_exact_and_marks_are_plain(capsys: pytest.CaptureFixture[str]) -> None:
    """If this failed, a price would be rounded in the file, or a mark be read as text."""
    write(("time", "price", "filled", "trades"), [("t", 0.1 + 0.2, True, None)], None, as_json=False)
    assert capsys.readouterr().out == "time,price,filled,trades\nt,0.30000000000000004,true,\n"


def test_instruments_are_listed_with_their_steps(simulator: str) -> None:
    """If this failed, the smallest order and the finest price could only be found in the venue's own documents."""
    ran = typed(["instruments", "okx", "--hosts", simulator, "--json"])
    assert [line["symbol"] for line in ran.lines] == ["BTC/USDT", "BTC/USDT:USDT", "ETH/USDT"]
    assert ran.lines[1]["venue_symbol"] == "BTC-USDT-SWAP"
    ran = typed(["instruments", "okx", "--like", "btc*:usdt", "--hosts", simulator])
    assert "BTC-USDT-SWAP" in ran.out
    assert "ETH" not in ran.out
    ran = typed(["instruments", "okx", "--like", "DOGE", "--hosts", simulator])
    assert ran.code == 2


def test_times_are_utc_and_milliseconds_are_taken_as_they_are(simulator: str) -> None:
    """If this failed, a file would begin hours off on a machine in another zone."""
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - 3 * HOUR
    texts = [f"{hour:%Y-%m-%dT%H:%M}", f"{hour + HOUR:%Y-%m-%dT%H:%M}+01:00", str(int(hour.timestamp() * 1000))]
    begins = []
    for text in texts:
        ran = typed(["candles", "binance", "BTC/USDT", "1h", "--from", text, "--hosts", simulator, "--json"])
        begins.append(ran.lines[0]["time"])
    assert begins == [f"{hour:%Y-%m-%dT%H:%M:%S}Z"] * 3
    assert json.loads(simulator)["venues"]
