"""Counters, gauges and histograms of this process, in Prometheus' terms.

Names start with `caregraph_`, carry their unit (`_seconds`, `_bytes`), and counters end in `_total`. Labels have few
values: never an id, never a path with an id in it. Asking twice for the same metric gives the same object, so that two
applications in one process (tests, `caregraph serve --relay`) share it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any, Final, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics import MetricWrapperBase

#: Everything `/metrics` shows of this process.
REGISTRY: Final = CollectorRegistry(auto_describe=True)

#: For answering requests and running statements: a quarter millisecond to ten seconds.
LATENCY_BUCKETS_S: Final = (
    0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip
#: For what may wait in queues (commit to effect, calls of outside systems with retries): a millisecond to an hour.
DELAY_BUCKETS_S: Final = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 1800.0, 3600.0,
)  # fmt: skip
#: For batches and result rows.
COUNT_BUCKETS: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 5000.0, 10000.0)
#: For bodies and payloads: 256 bytes to 16 MB.
SIZE_BUCKETS_BYTES: Final = tuple(float(256 * 4**power) for power in range(9))

_made: dict[str, tuple[MetricWrapperBase, tuple[object, ...]]] = {}
_process_collectors: list[ProcessCollector | PlatformCollector] = []

_Metric = TypeVar("_Metric", bound=MetricWrapperBase)


def counter(name: str, documentation: str, labels: Sequence[str] = ()) -> Counter:
    """The counter `name` of this process, made when asked for first.

    Raises ValueError when the name is taken by a metric of another kind, with other labels or buckets.
    """
    return _metric(Counter, name, documentation, tuple(labels), None)


def gauge(name: str, documentation: str, labels: Sequence[str] = ()) -> Gauge:
    """The gauge `name` of this process, made when asked for first; raises as `counter` does."""
    return _metric(Gauge, name, documentation, tuple(labels), None)


def histogram(
    name: str, documentation: str, labels: Sequence[str] = (), *, buckets: Sequence[float] = LATENCY_BUCKETS_S
) -> Histogram:
    """The histogram `name` of this process, made when asked for first; raises as `counter` does.

    `buckets` are upper bounds in the unit that the name ends in; +Inf is added.
    """
    return _metric(Histogram, name, documentation, tuple(labels), tuple(buckets))


def observe_all(histogram: Histogram, values: Sequence[float]) -> None:
    """Observe many values at once: the same as `observe` for each, in a tenth of the time.

    The library has no way to do that, so this counts in its buckets itself.
    """
    ordered = sorted(values)
    counted = 0
    # Only buckets between the smallest and the largest value: those of one batch are much alike.
    bounds = histogram._upper_bounds  # noqa: SLF001 - as said above; the test compares with `observe`
    bucket = bisect_left(bounds, ordered[0]) if ordered else 0
    while counted < len(ordered):
        # Bounds are upper bounds, and belong to their buckets.
        until = bisect_right(ordered, bounds[bucket], lo=counted)
        if until > counted:
            histogram._buckets[bucket].inc(until - counted)  # noqa: SLF001 - as above
            counted = until
        bucket += 1
    histogram._sum.inc(sum(values))  # noqa: SLF001 - as above


def render_metrics(accept: str = "") -> tuple[bytes, str]:
    """All metrics as (body, content type), in the exposition format that the `Accept` header prefers."""
    if not _process_collectors:
        # Made on the first scrape, because they read the machine.
        _process_collectors.extend((ProcessCollector(registry=REGISTRY), PlatformCollector(registry=REGISTRY)))
    encoder, content_type = choose_encoder(accept)
    return encoder(REGISTRY), content_type


def _metric(
    kind: type[_Metric],
    name: str,
    documentation: str,
    labels: tuple[str, ...],
    buckets: tuple[float, ...] | None,
) -> _Metric:
    asked = (kind, labels, buckets)
    known = _made.get(name)
    if known is not None:
        metric, made_as = known
        if made_as != asked or not isinstance(metric, kind):
            raise ValueError(f"metric {name} exists as {made_as}, asked for as {asked}; give one of them another name")
        return metric
    options: dict[str, Any] = {} if buckets is None else {"buckets": buckets}
    metric = kind(name, documentation, labels, registry=REGISTRY, **options)
    _made[name] = (metric, asked)
    return metric
