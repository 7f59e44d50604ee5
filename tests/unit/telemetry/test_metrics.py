import uuid

import pytest

from integrations.telemetry.metrics import DELAY_BUCKETS_S, counter, gauge, histogram, observe_all, render_metrics


def fresh(suffix: str) -> str:
    return f"test_{uuid.uuid4().hex}_{suffix}"


def shown() -> list[str]:
    body, content_type = render_metrics()
    assert content_type.startswith("text/plain")
    return body.decode().splitlines()


def test_what_was_counted_is_shown() -> None:
    name = fresh("total")
    counter(name, "Things.", ["kind"]).labels("a").inc(3)
    assert f'{name}{{kind="a"}} 3.0' in shown()


def test_asking_twice_gives_the_same_metric() -> None:
    name = fresh("open")
    gauge(name, "Open.").inc()
    gauge(name, "Open.").inc()
    assert f"{name} 2.0" in shown()


def test_a_name_cannot_mean_two_things() -> None:
    name = fresh("seconds")
    histogram(name, "Time.", buckets=DELAY_BUCKETS_S)
    for ask in (
        lambda: histogram(name, "Time."),
        lambda: histogram(name, "Time.", ["kind"], buckets=DELAY_BUCKETS_S),
        lambda: gauge(name, "Time."),
    ):
        with pytest.raises(ValueError, match=f"metric {name} exists"):
            ask()


def test_a_histogram_counts_into_the_given_buckets() -> None:
    name = fresh("seconds")
    histogram(name, "Time.", buckets=(0.1, 1.0)).observe(0.5)
    lines = shown()
    assert f'{name}_bucket{{le="0.1"}} 0.0' in lines
    assert f'{name}_bucket{{le="1.0"}} 1.0' in lines
    assert f'{name}_bucket{{le="+Inf"}} 1.0' in lines


def test_many_observations_at_once_count_like_single_ones() -> None:
    names = fresh("seconds"), fresh("seconds")
    singly, together = (histogram(name, "Time.", ["kind"], buckets=(0.1, 0.5, 1.0)).labels("a") for name in names)
    values = [0.0, 0.1, 0.1000001, 0.4, 0.5, 1.0, 1.1, 99.0]
    for value in values:
        singly.observe(value)
    observe_all(together, values)
    observe_all(together, [])
    first, second = (
        [line.split()[1] for line in shown() if line.startswith(name) and "_created" not in line] for name in names
    )
    assert first == second
    assert len(first) == 6


def test_the_process_itself_is_measured_and_openmetrics_is_offered() -> None:
    assert any(line.startswith("python_info") for line in shown())
    assert any(line.startswith("process_resident_memory_bytes ") for line in shown())
    body, content_type = render_metrics("application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")
