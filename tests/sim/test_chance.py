"""Numbers by name: the ground on which one seed always tells one story."""

from itertools import islice

from fairlead.sim.chance import WORD, stream, words


def test_a_name_always_gives_the_same_words() -> None:
    """If it failed, no failing seed could be told to another machine: these words are written down once and for all."""
    assert words(3, 7, "north", 42) == (3836291204, 2656496368, 3210218989)
    assert words(3, 7, "north", 42) != words(3, 7, "north", 43)
    assert words(3, 7, "north", 42) != words(3, 8, "north", 42)


def test_fewer_words_are_the_beginning_of_more() -> None:
    """If it failed, the last trade count of a day would not be the first of the next, and ids would double or skip."""
    assert words(1_000, 7, "count", 5)[:3] == words(3, 7, "count", 5)


def test_a_stream_never_repeats_its_block() -> None:
    """If it failed, a market would live the same few minutes again and again and the voyages would prove nothing."""
    drawn = list(islice(stream(7, "flow"), 5_000))
    assert len(set(drawn)) > 4_990
    assert 0.48 < sum(drawn) / len(drawn) / WORD < 0.52
