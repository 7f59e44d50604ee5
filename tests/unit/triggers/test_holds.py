"""Which keys wait, and for how long."""

from datetime import timedelta

import pytest

from triggers.backoff import Backoff
from triggers.holds import MAX_HELD, HeldKeys


@pytest.fixture
def holds() -> HeldKeys:
    return HeldKeys(Backoff(first=timedelta(seconds=1), longest=timedelta(seconds=8)))


def test_a_key_that_failed_is_held_until_its_wait_is_over(holds: HeldKeys) -> None:
    holds.failed("a", "t", now=0.0)
    assert holds.held(now=0.4) == ["a"]
    release = holds.next_release()
    assert release is not None
    assert 0.5 <= release <= 1.0
    assert holds.held(now=release) == []


def test_waits_grow_with_failures_up_to_the_longest(holds: HeldKeys) -> None:
    for _ in range(20):
        holds.failed("a", "t", now=0.0)
    release = holds.next_release()
    assert release is not None
    assert 4.0 <= release <= 8.0


def test_a_success_forgets_earlier_failures(holds: HeldKeys) -> None:
    for _ in range(10):
        holds.failed("a", "t", now=0.0)
    holds.passed("a", 1)
    holds.failed("a", "t", now=0.0)
    release = holds.next_release()
    assert release is not None
    assert release <= 1.0


def test_a_refused_batch_is_sent_one_by_one_at_once(holds: HeldKeys) -> None:
    assert holds.refused("a", "t", together=3, now=0.0) == 0
    assert holds.held(now=0.0) == []
    for _ in range(3):
        assert holds.sends_one_by_one("a")
        holds.passed("a", 1)
    assert not holds.sends_one_by_one("a")


def test_refusals_of_one_event_are_counted_and_wait(holds: HeldKeys) -> None:
    assert [holds.refused("a", "t", together=1, now=0.0) for _ in range(3)] == [1, 2, 3]
    assert holds.held(now=0.0) == ["a"]


def test_a_topic_that_works_again_frees_its_keys_but_not_refused_ones(holds: HeldKeys) -> None:
    holds.failed("down", "t", now=0.0)
    holds.refused("poisoned", "t", together=1, now=0.0)
    holds.failed("elsewhere", "u", now=0.0)
    holds.release_topic("t")
    assert sorted(holds.held(now=0.0)) == ["elsewhere", "poisoned"]


def test_slow_keys_are_held_until_they_are_released(holds: HeldKeys) -> None:
    holds.hold_slow("a")
    assert holds.held(now=1e9) == ["a"]
    holds.release_slow("a")
    assert holds.held(now=1e9) == []


def test_too_many_held_keys_are_noticed(holds: HeldKeys) -> None:
    for number in range(MAX_HELD):
        assert not holds.is_full(now=0.0)
        holds.failed(f"key {number}", "t", now=0.0)
    assert holds.is_full(now=0.0)
    # Although nobody reads while it's full.
    assert not holds.is_full(now=1e9)


def test_refusals_count_anew_once_others_went_through(holds: HeldKeys) -> None:
    def refuse(now: float, passed_at: float | None) -> int:
        return holds.refused("a", "t", together=1, now=now, passed_at=passed_at)

    assert [refuse(1.0, None), refuse(2.0, 0.5)] == [1, 2]
    assert not holds.is_own_fault("a")
    assert [refuse(3.0, 2.5), refuse(4.0, 2.5)] == [1, 2]
    assert holds.is_own_fault("a")
    holds.passed("a", 1)
    assert not holds.is_own_fault("a")


def test_keys_that_failed_are_known_of_each_topic_until_they_pass(holds: HeldKeys) -> None:
    holds.failed("a", "t", now=0.0)
    holds.refused("b", "t", together=1, now=0.0)
    holds.failed("c", "u", now=0.0)
    assert sorted(holds.tried("t")) == ["a", "b"]
    holds.passed("a", 1)
    assert holds.tried("t") == ["b"]
