"""Bare bytes: requests signed beforehand over an open connection, replies not looked into; less cannot be done."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from time import time
from typing import Any

from _orders import ORDERS, PRICE, QTY, WARM, given, measured
from aiohttp import ClientSession
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from fairlead.venues.okx.auth import LOGIN_PATH

PATH = "/api/v5/trade/order"
ORDER = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "sz": QTY, "px": PRICE}


def signature(key: dict[str, str], text: str) -> str:
    return base64.b64encode(hmac.digest(key["secret"].encode(), text.encode(), "sha256")).decode()


async def rest(at: dict[str, Any]) -> None:
    url, requests = at["rest"] + PATH, _signed(at["key"])
    async with ClientSession() as session:

        async def place() -> None:
            headers, body = next(requests)
            async with session.post(url, data=body, headers=headers) as reply:
                assert b'"sCode":"0"' in await reply.read()

        await measured(place)


def _signed(key: dict[str, str]) -> Iterator[tuple[dict[str, str], str]]:
    """As many as there will be orders."""
    body = json.dumps(ORDER)
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    headers = {
        "OK-ACCESS-KEY": key["key"],
        "OK-ACCESS-SIGN": signature(key, f"{at}POST{PATH}{body}"),
        "OK-ACCESS-TIMESTAMP": at,
        "OK-ACCESS-PASSPHRASE": key["passphrase"],
        "Content-Type": "application/json",
    }
    return iter([(headers, body)] * (WARM + ORDERS))


class Heard(WSListener):  # type: ignore[misc]  # its library gives no types
    def __init__(self) -> None:
        self.told: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is WSMsgType.TEXT:
            self.told.set_result(frame.get_payload_as_bytes())


async def socket(at: dict[str, Any]) -> None:
    key, now = at["key"], str(int(time()))
    transport, heard = await ws_connect(Heard, at["ws"] + "/ws/v5/private")

    async def ask(text: bytes) -> bytes:
        heard.told = asyncio.get_running_loop().create_future()
        transport.send(WSMsgType.TEXT, text)
        return await heard.told

    sign = signature(key, f"{now}GET{LOGIN_PATH}")
    login = {"apiKey": key["key"], "passphrase": key["passphrase"], "timestamp": now, "sign": sign}
    assert b'"login"' in await ask(json.dumps({"op": "login", "args": [login]}).encode())
    asked = {**ORDER, "instIdCode": await _code(at)}
    order = json.dumps({"id": "1", "op": "order", "args": [asked]}).encode()

    async def place() -> None:
        assert b'"sCode":"0"' in await ask(order)

    await measured(place)
    transport.disconnect()


async def _code(at: dict[str, Any]) -> int:
    """The market's number, by which the socket knows it."""
    async with (
        ClientSession() as session,
        session.get(at["rest"] + "/api/v5/public/instruments?instType=SPOT&instId=BTC-USDT") as reply,
    ):
        code: int = (await reply.json())["data"][0]["instIdCode"]
    return code


if __name__ == "__main__":
    side, where = given()
    asyncio.run({"rest": rest, "socket": socket}[side](where))
