"""Choosing among a venue's hosts."""

from __future__ import annotations

import random

import pytest

from fairlead.core.routes import HALF_LIFE_MS, MS, PENALTY_MOST_MS, Routes

A, B, C = "one.example", "two.example", "three.example"
S = 1_000 * MS


def test_the_venues_first_is_used_until_something_speaks_against_it() -> None:
    """If this failed, we would dial a host that the venue itself names last."""
    routes = Routes((A, B, C))
    assert routes.best(0) == A
    routes.worked(A, 80.0, 1 * S)
    assert routes.best(1 * S) == A


def test_a_failed_host_is_left_at_once_and_tried_again_when_time_has_passed() -> None:
    """If this failed, a dead host would keep the feed down, or one bad minute would ban the nearest host for ever."""
    routes = Routes((A, B))
    routes.worked(A, 20.0, 0)
    routes.worked(B, 90.0, 0)
    assert routes.best(0) == A
    routes.failed(A, 1 * S)
    assert routes.best(1 * S) == B
    assert routes.best(10 * S) == B
    assert routes.best(30 * 60 * S) == A


def test_when_all_fail_each_gets_its_turn() -> None:
    """If this failed, the one host that has come back would not be tried while the others are down."""
    routes = Routes((A, B, C))
    tried = []
    for second in range(9):
        address = routes.best(second * S)
        tried.append(address)
        routes.failed(address, second * S)
    assert all(set(tried[start : start + 3]) == {A, B, C} for start in (0, 3, 6))


def test_a_single_address_serves_whatever_happens() -> None:
    """If this failed, a venue with one host would be given up after its first refusal."""
    routes = Routes((A,))
    for second in range(50):
        routes.failed(A, second * S)
        assert routes.best(second * S) == A
    assert routes.scores(50 * S)[0].penalty_ms <= PENALTY_MOST_MS


def test_noise_between_equal_hosts_changes_nothing() -> None:
    """If this failed, the feed would be torn down and dialled anew for a gain that is not there."""
    rng = random.Random(3)
    routes = Routes((A, B))
    for second in range(2_000):
        routes.worked(A, rng.uniform(40.0, 60.0), second * S)
        routes.worked(B, rng.uniform(38.0, 58.0), second * S)
        assert routes.best(second * S) == A


def test_hosts_on_one_machine_are_not_told_apart_by_microseconds() -> None:
    """If this failed, half a millisecond against one would count as twice as good."""
    routes = Routes((A, B))
    routes.worked(A, 1.0, 0)
    routes.worked(B, 0.4, 0)
    assert routes.best(0) == A


def test_a_clearly_nearer_host_is_taken_and_kept() -> None:
    """If this failed, we would stay with a host half a world away, or swing back on the next measurement."""
    routes = Routes((A, B))
    routes.worked(A, 200.0, 0)
    routes.worked(B, 60.0, 0)
    assert routes.best(0) == B
    routes.worked(B, 180.0, 1 * S)
    assert routes.best(1 * S) == B


def test_a_very_slow_host_makes_an_unknown_one_worth_a_try() -> None:
    """If this failed, alternates that were never measured would never be used while the first limps."""
    routes = Routes((A, B))
    routes.worked(A, 2_000.0, 0)
    assert routes.best(0) == B


def test_a_failure_of_a_host_not_in_use_changes_nothing_now() -> None:
    """If this failed, trouble elsewhere would move a healthy feed."""
    routes = Routes((A, B))
    routes.worked(A, 300.0, 0)
    routes.worked(B, 290.0, 0)
    routes.failed(B, 0)
    assert routes.best(0) == A


def test_the_scores_tell_what_the_choice_stands_on() -> None:
    """If this failed, a view could not explain why a host was left."""
    routes = Routes((A, B))
    routes.worked(A, 40.0, 0)
    routes.failed(A, 0)
    assert routes.best(0) == B
    fresh = routes.scores(0)
    worn = routes.scores(round(HALF_LIFE_MS * MS))
    assert [(one.address, one.rtt_ms, one.failures, one.held) for one in fresh] == [
        (A, 40.0, 1, False),
        (B, 0.0, 0, True),
    ]
    assert worn[0].penalty_ms == pytest.approx(fresh[0].penalty_ms / 2)
    assert repr(routes) == f"<Routes: {B}, one of 2, 1 failures>"


def test_no_address_is_refused() -> None:
    """If this failed, a venue without hosts would fail later, with a worse word."""
    with pytest.raises(ValueError, match="without an address"):
        Routes(())
