"""The toy's signature: of the target and a rising number, in hexadecimal."""

from __future__ import annotations

from msgspec.structs import replace

from fairlead.wire.http import Request
from fairlead.wire.signing import Signer, Stamp


def sign(request: Request, signer: Signer, stamp: Stamp) -> Request:
    nonce = str(stamp.nonce)
    mark = signer.sign((request.target + nonce).encode()).hex()
    return replace(request, headers={"X-Key": signer.key_id, "X-Nonce": nonce, "X-Sign": mark})
