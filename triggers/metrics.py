"""What operators see of a relay at `/metrics`."""

from typing import Final

from integrations.telemetry.metrics import COUNT_BUCKETS, DELAY_BUCKETS_S, counter, gauge, histogram

WAITING: Final = gauge("caregraph_outbox_waiting_events", "Events that wait to be published, counted up to 100,000.")
OLDEST_AGE: Final = gauge("caregraph_outbox_oldest_age_seconds", "Since when the oldest waiting event waits.")
PUBLISHED: Final = counter("caregraph_relay_published_total", "Events that Pub/Sub has taken.", ["topic"])
FAILED: Final = counter("caregraph_relay_failed_total", "Publish requests that failed, by status.", ["topic", "code"])
DEAD_LETTERS: Final = counter("caregraph_relay_dead_letters_total", "Events given up by the relay.", ["topic"])
PUBLISH_LATENCY: Final = histogram(
    "caregraph_relay_publish_duration_seconds", "Time of one publish request.", ["topic"]
)
DELAY: Final = histogram(
    "caregraph_relay_delay_seconds",
    "From the start of an event's transaction to Pub/Sub's acknowledgement.",
    ["topic"],
    buckets=DELAY_BUCKETS_S,
)
BATCH: Final = histogram("caregraph_relay_batch_events", "Events of one publish request.", buckets=COUNT_BUCKETS)
IN_FLIGHT: Final = gauge("caregraph_relay_in_flight_events", "Events read and not yet marked.")
LANES_OWNED: Final = gauge("caregraph_relay_lanes", "Lanes that this relay owns.")
RELAYS: Final = gauge("caregraph_relay_living", "Relays that live, as this one sees it.")
AWAKE: Final = gauge("caregraph_relay_awake", "1 while writers need not notify this relay.")
HELD_KEYS: Final = gauge("caregraph_relay_held_keys", "Ordering keys that wait after a failure.")
RESTING_TOPICS: Final = gauge("caregraph_relay_resting_topics", "Topics that take nothing at the moment.")
RECONNECTS: Final = counter("caregraph_relay_reconnects_total", "Times that the relay lost PostgreSQL.")
