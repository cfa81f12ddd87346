"""Other people's clients stay on this machine."""

from __future__ import annotations

import pytest

from tests.clients.town import Guest, Refused


@pytest.mark.parametrize("host", ["192.0.2.1", "api.example.com", "2001:db8::1"])
@pytest.mark.parametrize("way", ["connect", "dial"])
def test_nothing_outside_can_be_reached(guest: Guest, host: str, way: str) -> None:
    """If this failed, a client that was not wholly redirected could send a test's requests to a real venue."""
    with pytest.raises(Refused) as refused:
        getattr(guest.open("runaway", "", {}), way)(host)
    assert refused.value.kinds[0] == "Outside"
    assert host in refused.value.why
