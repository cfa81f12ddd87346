"""Host names: the last good answer stands in for a while, and only then."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from fairlead.io.clock import VirtualClock, run_virtual
from fairlead.io.names import KEPT_S, LOOKUP_MOST_S, Address, Names
from fairlead.io.resolver import Resolver

HERE: Address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.7", 443))
Answer = list[Address] | Exception | None  # None: it says nothing at all


class Book:
    """A resolver that gives what it is told to give."""

    def __init__(self) -> None:
        self.answer: Answer = [HERE]
        self.asked = 0

    async def __call__(self, host: str, port: int) -> list[Address]:
        self.asked += 1
        if self.answer is None:
            await asyncio.sleep(3_600)
        if isinstance(self.answer, Exception):
            raise self.answer
        assert self.answer is not None
        return self.answer


def play(visit: Callable[[Names, Book, list[str]], Awaitable[None]]) -> None:
    async def main() -> None:
        book, told = Book(), list[str]()
        names = Names(VirtualClock(), book)
        names.tell = lambda host, age_s: told.append(f"{host} {age_s:.0f}")
        await visit(names, book, told)

    run_virtual(main)


@pytest.mark.parametrize("trouble", [socket.gaierror(socket.EAI_NONAME, "no"), OSError("no route"), None])
def test_the_last_good_answer_stands_in_for_ten_minutes_and_is_told(trouble: Answer) -> None:
    """If this failed, a resolver's hiccup would cut a bot off from its orders, or a venue that moved never be found."""

    async def visit(names: Names, book: Book, told: list[str]) -> None:
        assert await names.addresses("venue.example", 443) == [HERE]
        assert told == []
        book.answer = trouble
        await asyncio.sleep(KEPT_S - LOOKUP_MOST_S - 1)
        assert await names.addresses("venue.example", 443) == [HERE]
        assert [one.split()[0] for one in told] == ["venue.example"]
        await asyncio.sleep(LOOKUP_MOST_S + 2)
        with pytest.raises(OSError, match="not known"):
            await names.addresses("venue.example", 443)

    play(visit)


def test_a_name_that_was_never_found_is_an_error_and_a_number_needs_nobody() -> None:
    """If this failed, a mistyped host would be dialled somewhere, or every loopback dial take a thread."""

    async def visit(names: Names, book: Book, told: list[str]) -> None:
        book.answer = socket.gaierror(socket.EAI_NONAME, "no")
        with pytest.raises(OSError, match="not known"):
            await names.addresses("venue.example", 443)
        asked = book.asked
        assert (await names.addresses("127.0.0.1", 80))[0][4] == ("127.0.0.1", 80)
        assert book.asked == asked
        assert told == []

    play(visit)


def test_a_changed_address_is_taken_at_once() -> None:
    """If this failed, a venue that moved to other machines would be dialled at the old ones."""

    async def visit(names: Names, book: Book, told: list[str]) -> None:
        await names.addresses("venue.example", 443)
        moved: Address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.8", 443))
        book.answer = [moved]
        assert await names.addresses("venue.example", 443) == [moved]
        found = await Resolver(names).resolve("venue.example", 443)
        assert [one["host"] for one in found] == ["192.0.2.8"]
        assert await Resolver(names).resolve("venue.example", 443, socket.AF_INET6) == []
        assert told == []

    play(visit)
