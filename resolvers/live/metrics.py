"""What operators see of subscriptions."""

from typing import Final

from integrations.telemetry.metrics import COUNT_BUCKETS, DELAY_BUCKETS_S, counter, gauge, histogram

SUBSCRIBERS: Final = gauge("caregraph_live_subscribers", "Subscriptions open now.")
GROUPS: Final = gauge("caregraph_live_groups", "Statements that subscriptions share, by role and document.")
LISTENING: Final = gauge("caregraph_live_listening", "Whether changes are heard of (1) or only polled for (0).")
CHANGES: Final = counter("caregraph_live_changes_total", "Changes heard of.")
STATEMENTS: Final = counter("caregraph_live_statements_total", "Statements run for subscriptions.", ["outcome"])
BATCH: Final = histogram(
    "caregraph_live_batch_rows", "Different subscriptions that one statement answered.", buckets=COUNT_BUCKETS
)
RESULTS: Final = counter("caregraph_live_results_total", "Results for subscribers.", ["outcome"])
LAG: Final = histogram(
    "caregraph_live_lag_seconds",
    "From hearing of a change to handing its result to the subscriber's socket, in seconds.",
    buckets=DELAY_BUCKETS_S,
)
