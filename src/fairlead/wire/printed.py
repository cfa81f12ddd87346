"""Values as JSON lines: structs under their field names with a `type`, numbers as the exact text they hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec
from msgspec import Raw, Struct

_RENAMED = {"type": "order_type"}  # an order's own type would hide what the struct is
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def printed(value: object) -> bytes:
    """One line of JSON."""
    return msgspec.json.encode(plain(value))


def plain(value: object) -> Any:
    """The value in dicts, lists and texts; raw JSON stays as it was sent."""
    if isinstance(value, Struct):
        fields = {_RENAMED.get(name, name): plain(getattr(value, name)) for name in value.__struct_fields__}
        return {"type": word_of(type(value)), **fields}
    if isinstance(value, Mapping):
        return {str(plain(name)): plain(one) for name, one in value.items()}
    if isinstance(value, (tuple, list, set, frozenset)):
        return [plain(one) for one in value]
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()  # lone surrogates of a header
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, (Raw, int, float)) or value is None else repr(value)


def word_of(kind: type) -> str:
    """FundingPaid is printed as funding_paid."""
    return _HUMP.sub("_", kind.__name__).lower()
