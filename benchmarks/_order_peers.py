"""Other people's sides: ccxt by REST and by the trading socket, and OKX's own client by REST, which is all it has."""

from __future__ import annotations

import asyncio
from typing import Any

from _orders import PRICE, QTY, SYMBOL, given, measured


async def ccxt(at: dict[str, Any], verb: str) -> None:
    import ccxt.pro

    key = at["key"]
    named = {"apiKey": key["key"], "secret": key["secret"], "password": key["passphrase"]}
    okx = ccxt.pro.okx({**named, "enableRateLimit": False, "options": {"fetchMarkets": {"types": ["spot"]}}})
    okx.urls["api"] = {"rest": at["rest"], "ws": at["ws"] + "/ws/v5"}
    await okx.load_markets()
    call = getattr(okx, verb)

    async def place() -> None:
        assert (await call(SYMBOL, "limit", "buy", float(QTY), float(PRICE)))["id"]

    await measured(place)
    await okx.close()


async def sdk(at: dict[str, Any]) -> None:
    from okx.Trade import TradeAPI

    key = at["key"]
    okx = TradeAPI(key["key"], key["secret"], key["passphrase"], flag="0", domain=at["rest"])

    async def place() -> None:
        assert okx.place_order("BTC-USDT", "cash", "buy", "limit", QTY, px=PRICE)["code"] == "0"

    await measured(place)


SIDES = {
    "ccxt-rest": lambda at: ccxt(at, "create_order"),
    "ccxt-socket": lambda at: ccxt(at, "create_order_ws"),
    "sdk-rest": sdk,
}

if __name__ == "__main__":
    side, where = given()
    asyncio.run(SIDES[side](where))
