"""The numbers of signed requests: always above those before, also for the next process."""

from __future__ import annotations

import pytest

from fairlead.engine.nonces import AHEAD_US, Nonces


class Shelf:
    """A store in memory, which may refuse to write."""

    def __init__(self) -> None:
        self.texts: dict[str, bytes] = {}
        self.writes = 0
        self.is_full = False

    def read(self, name: str) -> bytes | None:
        return self.texts.get(name)

    def write(self, name: str, text: bytes) -> None:
        if self.is_full:
            raise OSError("no space")
        self.writes += 1
        self.texts[name] = text


def test_numbers_rise_while_the_clock_stands_or_goes_back() -> None:
    """If this failed, the venue would refuse every request of a key after its clock was set back."""
    nonces = Nonces()
    assert [nonces.next(now_us) for now_us in (10, 10, 7, 12, 500)] == [10, 11, 12, 13, 500]


def test_a_new_process_goes_on_above_the_last_also_when_the_clock_was_set_back() -> None:
    """If this failed, a restart on a machine with a wrong clock would lock the key out: not even a cancel would go."""
    shelf = Shelf()
    before = Nonces(shelf, "n")
    last = [before.next(now_us) for now_us in (5_000, 5_001, 80_000_000)][-1]
    assert Nonces(shelf, "n").next(1) > last


def test_the_mark_is_written_ahead_and_so_rarely() -> None:
    """If this failed, every order would wait for one more write to disk."""
    shelf = Shelf()
    nonces = Nonces(shelf, "n")
    for now_us in range(0, AHEAD_US, AHEAD_US // 1_000):
        nonces.next(now_us)
    assert shelf.writes == 1
    nonces.next(2 * AHEAD_US)
    assert shelf.writes == 2


def test_two_programs_with_one_key_get_along_after_a_refusal() -> None:
    """If this failed, a glance at the balances would have every order of a running bot refused for a minute."""
    shelf = Shelf()
    bot = Nonces(shelf, "n")
    bot.next(1_000)
    glance = Nonces(shelf, "n")
    seen = glance.next(2_000)
    assert bot.next(3_000) < seen
    bot.doubt()
    assert bot.next(3_000) > seen


@pytest.mark.parametrize("text", [b"", b"word", b"-5", b"9" * 40, b"1.5"])
def test_a_text_that_is_not_ours_counts_as_nothing(text: bytes) -> None:
    """If this failed, a broken file would keep a key from ever signing again."""
    shelf = Shelf()
    shelf.texts["n"] = text
    assert Nonces(shelf, "n").next(7) == 7


def test_a_full_disk_is_told_and_keeps_no_request_back() -> None:
    """If this failed, a full disk would stop the cancels too."""
    shelf = Shelf()
    shelf.is_full = True
    nonces = Nonces(shelf, "n")
    assert nonces.next(7) == 7
    assert not nonces.is_kept
    shelf.is_full = False
    assert nonces.next(8) == 8
    assert nonces.is_kept
