"""When a relay may rely on NOTIFY."""

from datetime import timedelta

import pytest

from triggers.sleep import Mode, SleepCycle


@pytest.fixture
def cycle() -> SleepCycle:
    return SleepCycle(
        fast_poll=timedelta(milliseconds=5), slow_poll=timedelta(seconds=2), busy_rate=40, window=timedelta(seconds=1)
    )


def test_a_relay_begins_awake_and_wants_to_sleep(cycle: SleepCycle) -> None:
    cycle.saw(0, horizon=1, now=100.0)
    assert cycle.mode is Mode.AWAKE
    assert cycle.should_sleep
    assert cycle.poll_wait_s() == 0.005


def test_it_stays_drowsy_while_a_transaction_from_before_the_mark_runs(cycle: SleepCycle) -> None:
    cycle.fell_drowsy(mark=50)
    cycle.saw(0, horizon=49, now=1.0)
    assert cycle.mode is Mode.DROWSY
    assert cycle.poll_wait_s() < 0.2


def test_it_sleeps_once_the_horizon_reaches_the_mark(cycle: SleepCycle) -> None:
    cycle.fell_drowsy(mark=50)
    cycle.saw(0, horizon=50, now=1.0)
    assert cycle.mode is Mode.ASLEEP
    assert cycle.poll_wait_s() == 2.0


def test_drowsy_polls_slow_down_but_stay_frequent(cycle: SleepCycle) -> None:
    cycle.fell_drowsy(mark=50)
    for step in range(1_000):
        cycle.saw(0, horizon=1, now=float(step) / 100)
    assert cycle.poll_wait_s() == 0.1


def test_many_events_wake_it(cycle: SleepCycle) -> None:
    cycle.fell_drowsy(mark=50)
    cycle.saw(0, horizon=50, now=10.0)
    cycle.saw(39, horizon=51, now=10.1)
    assert not cycle.should_wake
    cycle.saw(1, horizon=51, now=10.2)
    assert cycle.should_wake
    cycle.woke()
    assert cycle.mode is Mode.AWAKE


def test_it_stays_awake_until_a_whole_window_was_calm(cycle: SleepCycle) -> None:
    cycle.saw(0, horizon=1, now=10.0)
    cycle.woke()
    cycle.saw(100, horizon=1, now=10.5)
    assert not cycle.should_sleep
    cycle.saw(0, horizon=1, now=11.1)
    assert not cycle.should_sleep, "the window that just ended held a hundred events"
    cycle.saw(0, horizon=1, now=12.2)
    assert cycle.should_sleep


def test_one_event_now_and_then_lets_it_sleep(cycle: SleepCycle) -> None:
    cycle.fell_drowsy(mark=50)
    for second in range(100):
        cycle.saw(5, horizon=60, now=float(second) * 1.01)
        assert not cycle.should_wake
    assert cycle.mode is Mode.ASLEEP
