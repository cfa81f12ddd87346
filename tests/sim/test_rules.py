"""Rules of mishaps are read as they are written; what cannot strike is refused."""

from __future__ import annotations

import msgspec
import pytest

from fairlead.errors import Misuse
from fairlead.sim.rules import Args, Rule, read_rules


def test_rules_are_read_from_toml_and_json() -> None:
    """If this failed, a file of mishaps would be read as other mishaps, or none."""
    toml = '[[fault]]\naction = "cut"\nchannel = "conn"\nfrom_ms = 500\nargs = { code = 1001 }\n'
    toml += '[[fault]]\naction = "drop"\n'
    rules = (Rule("cut", channel="conn", from_ms=500, args=Args(code=1001)), Rule("drop"))
    assert read_rules(toml) == rules
    assert read_rules(msgspec.json.encode(rules).decode()) == rules
    assert read_rules(msgspec.json.encode(rules[1]).decode()) == rules[1:]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ('{"action": "dorp"}', "drop"),
        ('{"action": "drop", "channel": "rset"}', "rest"),
        ('{"action": "hang"}', "mishap on channel ws"),
        ('{"action": "drop", "odds": 1}', "odds"),
        ('{"action": "drop", "prob": 2}', "prob"),
        ('{"action": "drop", "match": {"op": "bok"}}', "book"),
        ("[[fault]]\naction = 3", "str"),
        ("[[fualt]]\naction = 'drop'", "fualt"),
        ("= 3", "mishaps"),
    ],
)
def test_rules_that_cannot_strike_are_refused(text: str, hint: str) -> None:
    """If this failed, a misspelled mishap would never happen, and the test around it would pass."""
    with pytest.raises(Misuse, match=hint):
        read_rules(text)
