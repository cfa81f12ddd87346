"""How trouble reaches whoever typed a command: a plain paragraph or a JSON object, and an exit code; no traceback."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any

import msgspec
from cyclopts import CycloptsError

from fairlead.errors import Error, Misuse, cut

OK, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 130
_WHOSE = {"caller": "The command", "network": "The network", "venue": "The venue", "fairlead": "Fairlead itself"}


class Failed(Exception):
    """Everything was said already; only the exit code is left to say."""


def code_of(trouble: BaseException) -> int:
    if isinstance(trouble, (Misuse, CycloptsError)) or (isinstance(trouble, OSError) and trouble.filename):
        return MISUSED
    return FAILED


def tell(trouble: BaseException, as_json: bool) -> None:
    """Says it on standard error."""
    told = _told(trouble)
    if as_json:
        print(msgspec.json.encode(told).decode(), file=sys.stderr)
    else:
        words = [f"{_WHOSE.get(told['fault'], 'Unclear')}: {told['said']}"]
        words += [f"{name.capitalize()}: {told[name]}" for name in ("known", "next") if told[name]]
        print(" ".join(word if word.endswith((".", "!", "?")) else f"{word}." for word in words), file=sys.stderr)
    if os.environ.get("FAIRLEAD_DEBUG"):
        traceback.print_exception(trouble)


def _told(trouble: BaseException) -> dict[str, Any]:
    kind, fault, said, known, next = type(trouble).__name__, "fairlead", "", "", ""
    match trouble:
        case Error():
            fault, said, known, next = trouble.fault, trouble.said, trouble.known, trouble.next
        case CycloptsError():
            kind, fault, said, next = "Misuse", "caller", cut(str(trouble)), "fairlead --help lists what there is"
        case OSError() if trouble.filename:
            kind, fault, said = "Misuse", "caller", f"{trouble.filename}: {trouble.strerror}"
        case _:
            said = cut(f"{kind}: {trouble}")
            next = "report it with what you typed; FAIRLEAD_DEBUG=1 shows where it happened"
    return {"type": "error", "kind": kind, "fault": fault, "said": said, "known": known, "next": next}
