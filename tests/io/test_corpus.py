from __future__ import annotations

import asyncio

import pytest

from fairlead.io.clock import RealClock
from fairlead.io.socket import Picows
from tests.io.corpus import CASES, LIMIT_BYTES, NOTHING, Case, closing
from tests.io.far import NO_TLS, Ear, client_frames, far_end, upgrade

SMALL = [case for case in CASES if len(case.sent) <= 400]


async def play(case: Case, chop: int) -> tuple[Ear, list[bytes], list[int]]:
    """The case over a real loopback connection: what our side was told, and the pongs and close codes it sent."""
    pongs: list[bytes] = []
    codes: list[int] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upgrade(reader, writer)
        sent = case.sent + (closing(1000) if case.says_goodbye else b"")
        for at in range(0, len(sent), chop):
            writer.write(sent[at : at + chop])
            await asyncio.sleep(0)
        if case.code == 1006:
            return
        async for opcode, payload in client_frames(reader):
            if opcode == 10:
                pongs.append(payload)
            else:
                assert opcode == 8, "nothing was said by our side but pongs and a goodbye"
                codes.append(int.from_bytes(payload[:2], "big"))
                writer.write_eof()

    ear = Ear()
    async with far_end(talk) as port:
        dialer = Picows(RealClock(), NO_TLS, message_bytes_max=LIMIT_BYTES)
        await dialer.dial(f"ws://127.0.0.1:{port}/", ear, 5_000)
        await asyncio.wait_for(ear.over.wait(), 10)
        await asyncio.sleep(0)  # a second closed would come here
    return ear, pongs, codes


def check(case: Case, ear: Ear, pongs: list[bytes], codes: list[int]) -> None:
    assert [code for code, _ in ear.ends] == [case.code]
    assert tuple(ear.heard) == case.heard
    assert tuple(pongs) == case.pongs
    if case.code == 1006:
        assert codes == []
    else:
        assert len(codes) <= 1
        assert (codes or [NOTHING])[0] in (case.answers or (case.code,))


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
async def test_rfc_6455(case: Case) -> None:
    """A server that breaks the rules would be believed, or one that keeps them be cut off."""
    check(case, *await play(case, chop=1 << 20))


@pytest.mark.parametrize("case", SMALL, ids=[case.name for case in SMALL])
async def test_rfc_6455_byte_by_byte(case: Case) -> None:
    """What a network's cutting does to the bytes would change what is understood."""
    check(case, *await play(case, chop=1))
