"""When a topic rests, and how it comes back."""

from datetime import timedelta

import pytest

from triggers.backoff import Backoff
from triggers.outages import Outages


@pytest.fixture
def outages() -> Outages:
    return Outages(Backoff(first=timedelta(seconds=1), longest=timedelta(seconds=4)))


def fail_many(outages: Outages, topic: str, *, now: float = 0.0) -> list[bool]:
    return [outages.failed(topic, f"key {number}", now=now) for number in range(10)]


def test_a_topic_rests_when_ten_keys_fail_in_a_row(outages: Outages) -> None:
    assert fail_many(outages, "t") == [False] * 9 + [True]
    assert outages.resting() == ["t"]


def test_one_key_that_fails_for_ever_makes_no_outage(outages: Outages) -> None:
    assert not any(outages.failed("t", "the same", now=0.0) for _ in range(100))
    assert outages.resting() == []


def test_a_success_in_between_starts_the_count_anew(outages: Outages) -> None:
    for number in range(9):
        outages.failed("t", f"key {number}", now=0.0)
    outages.passed("t", now=0.0)
    assert fail_many(outages, "t") == [False] * 9 + [True]


def test_one_probe_is_made_after_the_rest(outages: Outages) -> None:
    fail_many(outages, "t")
    assert outages.begin_probe(now=0.4) is None
    assert outages.begin_probe(now=1.0) == "t"
    assert outages.begin_probe(now=1.0) is None, "one probe at a time"
    assert outages.resting() == ["t"]


def test_a_probe_that_fails_makes_the_rest_longer(outages: Outages) -> None:
    fail_many(outages, "t")
    for expected in (2.0, 4.0, 4.0):
        assert outages.begin_probe(now=100.0) == "t"
        outages.failed("t", "any", now=0.0)
        probe = outages.next_probe()
        assert probe is not None
        assert expected / 2 <= probe <= expected


def test_a_probe_is_of_more_keys_the_longer_the_outage_lasts(outages: Outages) -> None:
    fail_many(outages, "t")
    sizes = []
    for _ in range(8):
        assert outages.begin_probe(now=1000.0) == "t"
        sizes.append(outages.probe_size("t"))
        for number in range(3):
            outages.failed("t", f"key {number}", now=0.0)
    assert sizes == [1, 2, 4, 8, 16, 32, 64, 64]


def test_a_probe_that_passes_ends_the_outage(outages: Outages) -> None:
    fail_many(outages, "t")
    outages.begin_probe(now=10.0)
    assert outages.passed("t", now=0.0)
    assert outages.resting() == []


def test_other_topics_are_not_touched(outages: Outages) -> None:
    fail_many(outages, "t")
    assert not outages.is_resting("u")


def test_a_probe_that_finds_nothing_ends_the_outage_unless_keys_wait(outages: Outages) -> None:
    fail_many(outages, "t")
    outages.begin_probe(now=10.0)
    outages.found_nothing("t", now=10.0, some_held=True)
    assert outages.resting() == ["t"]
    assert outages.begin_probe(now=12.0) == "t"
    outages.found_nothing("t", now=12.0, some_held=False)
    assert outages.resting() == []


def test_a_probe_of_an_event_that_is_refused_for_what_it_is_is_made_anew(outages: Outages) -> None:
    fail_many(outages, "t")
    assert outages.begin_probe(now=10.0) == "t"
    outages.proved_nothing("t", now=10.0)
    assert outages.resting() == ["t"]
    assert outages.begin_probe(now=12.0) == "t"


def test_when_an_event_went_through_last_is_known_of_each_topic(outages: Outages) -> None:
    outages.passed("t", now=3.0)
    assert (outages.passed_at("t"), outages.passed_at("u")) == (3.0, None)


def test_a_probe_that_was_dropped_is_made_anew(outages: Outages) -> None:
    fail_many(outages, "t")
    assert outages.begin_probe(now=10.0) == "t"
    outages.forget_probes()
    assert outages.begin_probe(now=10.0) == "t"
