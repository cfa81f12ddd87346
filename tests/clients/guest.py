"""Other people's clients in their own interpreter, led by lines of JSON: opened, called, listened to; it never judges.

    python -m tests.clients.guest
    {"open": NAME, "kind": KIND, "venue": VENUE, "at": ADDRESSES, "config": {...}}
    {"call": NAME, "verb": METHOD, "args": [...], "named": {...}, "times": 1}

Each line is answered by one: {"said": [one answer each time]}, or {"refused": [the exception's classes, nearest first],
"why": text}. Nothing outside of the fence can be reached."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import socket
import sys
from collections.abc import Callable, Mapping
from functools import partial
from itertools import cycle
from typing import Any
from urllib.parse import urlsplit

from tests.clients import fence

NOWHERE = "http://127.0.0.1:9"  # a port where nobody listens
LINE_MOST_BYTES = 1 << 20
CALL_MOST_S = 15.0  # what takes longer is refused as a TimeoutError, so that the next line is heard
PLACES: Mapping[str, Mapping[str, str]] = {  # venue -> the host that ccxt knows -> our name of its address
    "binance": {"api.binance.com": "rest", "stream.binance.com": "ws", "ws-api.binance.com": "ws_api"},
    "kraken": {"api.kraken.com": "rest", "ws.kraken.com": "ws", "ws-auth.kraken.com": "ws_private"},
    "okx": {"{hostname}": "rest", "ws.okx.com": "ws"},
}

# The first of each venue: the others have their markets from it, or the venue would be asked for them too often.
KNOWN: dict[str, Any] = {}


async def main() -> None:
    loop, clients = asyncio.get_running_loop(), dict[str, Any]()
    reader = asyncio.StreamReader(limit=LINE_MOST_BYTES)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        print(await answered(clients, json.loads(line)), flush=True)
    await asyncio.gather(*(_ended(client.close()) for client in clients.values()))


async def answered(clients: dict[str, Any], asked: dict[str, Any]) -> str:
    try:
        if "open" in asked:
            opened = KINDS[asked["kind"]](asked["venue"], asked["at"], asked["config"])
            clients[asked["open"]] = await _ended(opened)
            return '{"said":[]}'
        async with asyncio.timeout(CALL_MOST_S):
            said = [await _said(clients[asked["call"]], asked) for _ in range(asked["times"])]
    except Exception as trouble:  # noqa: BLE001 - which one it is, is the answer
        return json.dumps({"refused": [one.__name__ for one in type(trouble).__mro__], "why": str(trouble)})
    return f'{{"said":[{",".join(said)}]}}'


async def _said(client: Any, asked: dict[str, Any]) -> str:
    """As text at once: what a client gives out is often alive and changes under one's hands."""
    verb = partial(getattr(client, asked["verb"]), *asked["args"], **asked["named"])
    said = await asyncio.to_thread(verb) if isinstance(client, Calls) else await _ended(verb())
    return json.dumps(said, default=str)


async def _ended(something: Any) -> Any:
    return await something if inspect.isawaitable(something) else something


# ---- ccxt


def exchange(venue: str, at: Mapping[str, str], config: dict[str, Any]) -> Any:
    """An exchange whose every address is one of the city's, or leads nowhere."""
    import ccxt.pro  # type: ignore[import-not-found]

    decimals = config.pop("decimals", None)
    opened = getattr(ccxt.pro, venue)(config)
    known = KNOWN.setdefault(venue, opened)
    if known.markets:
        opened.set_markets_from_exchange(known)
    opened.urls["api"] = _moved(opened.urls["api"], PLACES[venue], at)
    if decimals:
        _pad(opened, decimals)
    if venue == "binance":  # its errors are read by a table for each of the venue's addresses
        table = opened.get_exceptions_by_url
        opened.get_exceptions_by_url = lambda url, how: table(url.replace(at["rest"], "https://api.binance.com"), how)
    return opened


def _pad(kraken: Any, decimals: tuple[int, int]) -> None:
    """Its sum of a book takes texts, yet it keeps floats, which have also lost the zeros that count: both are given
    back. Prices and quantities come in turn."""
    places = cycle(decimals)
    kraken.format_number = lambda number: f"{number:.{next(places)}f}".replace(".", "").lstrip("0")


def _moved(urls: Any, places: Mapping[str, str], at: Mapping[str, str]) -> Any:
    if isinstance(urls, dict):
        return {name: _moved(url, places, at) for name, url in urls.items()}
    scheme, _, rest = urls.partition("://")
    name = places.get(rest.partition("/")[0].partition(":")[0], "")
    return at.get(name, NOWHERE) + urlsplit(f"{scheme}://x/{rest.partition('/')[2]}").path.rstrip("/")


# ---- the venues' own


class Stream:
    """What a client's callback is told."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.reading: asyncio.Task[None] | None = None
        self._loop, self._told = asyncio.get_running_loop(), asyncio.Queue[Any]()

    def tell(self, *args: Any) -> None:
        """In whatever thread the client has."""
        self._loop.call_soon_threadsafe(self._told.put_nowait, json.loads(args[-1]))

    async def heard(self, count: int) -> list[Any]:
        """The next so many."""
        return [await self._told.get() for _ in range(count)]

    async def join(self, names: list[Any]) -> None:
        if inspect.iscoroutinefunction(self.client.subscribe):
            await self.client.subscribe(names, self.tell)
        else:
            self.client.subscribe(names)

    async def close(self) -> None:
        if inspect.iscoroutinefunction(self.client.stop):
            await self.client.websocket.close()
        else:
            await asyncio.to_thread(self.client.stop)


class Calls:
    """A REST client; what it keeps open ends with the process."""

    def __init__(self, *clients: Any) -> None:
        self._clients = clients

    def __getattr__(self, verb: str) -> Any:
        return next(getattr(client, verb) for client in self._clients if hasattr(client, verb))

    def close(self) -> None:
        """Nothing is owed."""


def binance_rest(venue: str, at: Mapping[str, str], config: dict[str, Any]) -> Calls:
    from binance.spot import Spot  # type: ignore[import-not-found]

    return Calls(Spot(base_url=at["rest"], **config))


async def binance_stream(venue: str, at: Mapping[str, str], config: dict[str, Any]) -> Stream:
    from binance.websocket.spot.websocket_stream import (  # type: ignore[import-not-found]
        SpotWebsocketStreamClient,
    )

    stream = Stream(None)
    stream.client = await asyncio.to_thread(
        lambda: SpotWebsocketStreamClient(stream_url=at["ws"], on_message=stream.tell, **config)
    )
    return stream


class Caller(Stream):
    """A client that asks by its socket, and is answered in its callback."""

    async def said(self, verb: str, *args: Any, **named: Any) -> Any:
        """The answer to one call; what is told in between waits no longer."""
        getattr(self.client, verb)(*args, **named, id=verb)
        while (told := await self._told.get()).get("id") != verb:
            continue
        return told


async def binance_caller(venue: str, at: Mapping[str, str], config: dict[str, Any]) -> Caller:
    from binance.websocket.spot.websocket_api import SpotWebsocketAPIClient  # type: ignore[import-not-found]

    caller = Caller(None)
    caller.client = await asyncio.to_thread(
        lambda: SpotWebsocketAPIClient(stream_url=at["ws_api"] + "/ws-api/v3", on_message=caller.tell, **config)
    )
    return caller


def okx_rest(venue: str, at: Mapping[str, str], config: dict[str, Any]) -> Calls:
    from okx.Account import AccountAPI  # type: ignore[import-not-found]
    from okx.MarketData import MarketAPI  # type: ignore[import-not-found]
    from okx.PublicData import PublicAPI  # type: ignore[import-not-found]
    from okx.Trade import TradeAPI  # type: ignore[import-not-found]

    apis = (MarketAPI, PublicAPI, AccountAPI, TradeAPI)
    return Calls(*(api(domain=at["rest"], flag="0", **config) for api in apis))


async def okx_stream(venue: str, at: Mapping[str, str], config: dict[str, Any]) -> Stream:
    """Its own way to connect knows TLS alone, so it is handed a connection."""
    import websockets  # type: ignore[import-not-found]
    from okx.websocket.WsPrivateAsync import WsPrivateAsync  # type: ignore[import-not-found]
    from okx.websocket.WsPublicAsync import WsPublicAsync  # type: ignore[import-not-found]

    url = at["ws"] + config.pop("path")
    stream = Stream(WsPrivateAsync(url=url, **config) if config else WsPublicAsync(url))
    stream.client.websocket = await websockets.connect(stream.client.url)
    stream.reading = asyncio.create_task(stream.client.consume())
    return stream


# ---- the fence itself


class Runaway:
    def connect(self, host: str) -> None:
        socket.create_connection((host, 443), timeout=1)

    async def dial(self, host: str) -> None:
        await asyncio.open_connection(host, 443)

    def close(self) -> None:
        """It got nowhere."""


KINDS: Mapping[str, Callable[[str, Mapping[str, str], dict[str, Any]], Any]] = {
    "ccxt": exchange,
    "binance-rest": binance_rest,
    "binance-stream": binance_stream,
    "binance-caller": binance_caller,
    "okx-rest": okx_rest,
    "okx-stream": okx_stream,
    "runaway": lambda venue, at, config: Runaway(),
}

if __name__ == "__main__":
    fence.put_up()
    logging.disable()
    asyncio.run(main())
