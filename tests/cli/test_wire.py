"""`fairlead wire ask, read and fault`: the bytes that would be sent and the sense of what came, for every venue."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fairlead.venues import registry
from fairlead.wire.advice import ADVICE
from fairlead.wire.asks import QUESTIONS
from fairlead.wire.faults import Kind
from tests.cli.typed import typed

SECRET = "bXkgc2VjcmV0IGlzIHNhZmU="


@pytest.fixture
def key(tmp_path: Path) -> str:
    path = tmp_path / "key.json"
    path.write_text(json.dumps({"key": "id-1", "secret": SECRET, "passphrase": "sesame"}))
    return str(path)


def test_a_public_question_becomes_its_address() -> None:
    """If this failed, a bug report would show another request than the one that is sent."""
    ran = typed(["wire", "ask", "binance", "book", '{"symbol":"BTC/USDT","depth":100}'])
    url = "https://api.binance.com/api/v3/depth?symbol=BTCUSDT&limit=100"
    assert ran.lines == [{"type": "request", "method": "GET", "url": url, "headers": {}, "body": ""}]
    assert "guessed" in ran.err
    ran = typed(["wire", "ask", "okx", "funding", '{"symbol":"BTC/USDT:USDT"}', "--environment", "demo"])
    assert ran.lines[0]["headers"] == {"x-simulated-trading": "1"}
    assert ran.lines[0]["url"].endswith("/api/v5/public/funding-rate?instId=BTC-USDT-SWAP")


@pytest.mark.parametrize("venue", registry.names())
def test_a_signed_question_depends_on_time_number_and_secret_alone(venue: str, key: str) -> None:
    """If this failed, a signature could not be compared with the venue's, or the secret itself would be sent."""
    words = ["wire", "ask", venue, "balances", "--key", key, "--now-ms", "1700000000000"]
    first, again = typed(words), typed(words)
    assert first.code == 0
    assert first.lines == again.lines
    assert typed([*words[:-1], "1700000001000", "--nonce", "9"]).lines != first.lines
    assert "id-1" in first.out
    assert SECRET not in first.out
    text = first.lines[0]["body"] + first.lines[0]["url"] + json.dumps(first.lines[0]["headers"])
    assert "1700000000000" in text or "2023-11-14T22:13:20.000Z" in text


def test_the_vendors_recipe_is_what_signs(key: str) -> None:
    """If this failed, the tool would vouch for signatures that the venue refuses."""
    ran = typed(["wire", "ask", "kraken", "balances", "--key", key, "--nonce", "7", "--now-ms", "1"])
    assert ran.lines[0]["body"] == "nonce=7"
    # base64(HMAC-SHA512(decoded secret, path + SHA256("7" + "nonce=7"))).
    assert ran.lines[0]["headers"]["API-Sign"] == (
        "DzHkMbZHHeLcwChHRGiaOfD1pxUn5ob2D6nWwCDvvUqo8lG0cnsCJzs4tQywt4CLX8iCqNSyyTcY1Wy6z4JIBw=="
    )


def test_a_reply_is_read_as_its_answer() -> None:
    """If this failed, nobody could see what Fairlead makes of a reply that looks wrong."""
    assert typed(["wire", "read", "binance", "time"], b'{"serverTime":1499827319559}').out == "1499827319559\n"
    body = b'{"lastUpdateId":7,"bids":[["62000.01000000","0.431"]],"asks":[]}'
    (levels,) = typed(["wire", "read", "binance", "book", '{"symbol":"BTC/USDT"}'], body).lines
    assert (levels["type"], levels["last"], levels["bids"]) == ("levels", 7, [["62000.01000000", "0.431"]])


def test_a_refusal_read_is_a_fault_and_fails() -> None:
    """If this failed, a script would take a refusal for an answer."""
    ran = typed(["wire", "read", "kraken", "time"], b'{"error":["EAPI:Rate limit exceeded"]}')
    assert (ran.code, ran.lines[0]["type"], ran.lines[0]["kind"], ran.err) == (1, "fault", "LIMIT", "")


def test_nonsense_is_told_as_the_venues() -> None:
    """If this failed, a page of a firewall would be reported as a defect of ours."""
    ran = typed(["wire", "read", "kraken", "time"], b"<html>no</html>")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("The venue:")
    assert "<html>no</html>" in ran.err


def test_a_fault_tells_kind_fate_and_advice() -> None:
    """If this failed, an order of unknown fate would look refused, and be sent again."""
    (told,) = typed(["wire", "fault", "binance", "--status", "503", "--op", "place"], b"<html>").lines
    assert (told["kind"], told["fate"]) == ("SERVER", "UNKNOWN")
    assert "what became of it" in told["advice"]
    (read,) = typed(["wire", "fault", "binance", "--status", "503", "--op", "book"], b"<html>").lines
    assert read["fate"] == "REFUSED"
    words = ["wire", "fault", "binance", "--status", "429", "--header", "Retry-After: 3"]
    assert typed(words, b"Too many").lines[0]["wait_ms"] == 3000
    assert typed(["wire", "fault", "kraken", "--status", "200"], b'{"error":[],"result":{}}').of("no_fault")


def test_every_kind_has_advice_and_every_venue_answers_known_questions() -> None:
    """If this failed, some refusal would come without a word about what to do, or some operation could not be typed."""
    assert set(ADVICE) == set(Kind)
    for name in registry.names():
        assert set(registry.venue(name).endpoints) <= set(QUESTIONS)


def test_the_venues_own_list_replaces_guessing(tmp_path: Path) -> None:
    """If this failed, a symbol whose spelling cannot be guessed could not be asked for."""
    rows = (
        '{"symbol":"4BTCUSDT","status":"TRADING","baseAsset":"4BTC","baseAssetPrecision":8,"quoteAsset":"USDT",'
        '"quotePrecision":8,"quoteAssetPrecision":8,"filters":[{"filterType":"PRICE_FILTER","minPrice":"0.01",'
        '"maxPrice":"1000000","tickSize":"0.01"},{"filterType":"LOT_SIZE","minQty":"0.001","maxQty":"9000",'
        '"stepSize":"0.001"}]}'
    )
    path = tmp_path / "list.json"
    path.write_text(f'{{"timezone":"UTC","serverTime":1,"rateLimits":[],"exchangeFilters":[],"symbols":[{rows}]}}')
    words = ["wire", "ask", "binance", "ticker", "--instruments", str(path)]
    ran = typed([*words[:4], '{"symbol":"4BTC/USDT"}', *words[4:]])
    assert (ran.code, ran.err) == (0, "")
    assert ran.lines[0]["url"].endswith("symbol=4BTCUSDT")
    ran = typed([*words[:4], '{"symbol":"BTC/USDT"}', *words[4:]])
    assert ran.code == 2
    assert "4BTC/USDT" in ran.err
