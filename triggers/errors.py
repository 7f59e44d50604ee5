"""What can go wrong between outbox and Pub/Sub.

EventsError
├── RefusedError        Pub/Sub won't take this event
│   └── TooLargeError   because of its size, which nobody needs to ask it about
├── PublishError        it didn't work this time
├── ConnectionLostError PostgreSQL has ended the relay's session
├── UnknownEventError   no event of that id, key or filter
└── UnpublishedError    the relay has yet to send it
"""


class EventsError(Exception):
    """Base of all."""


class RefusedError(EventsError):
    """Pub/Sub refuses the event for what it is."""


class TooLargeError(RefusedError):
    """The event is larger than what Pub/Sub takes in a request."""

    def __init__(self, data_bytes: int) -> None:
        super().__init__(
            f"its data has {data_bytes:,} bytes; Pub/Sub takes 10,000,000 with the envelope. "
            "Publish an id instead and let agents read the rest."
        )


class PublishError(EventsError):
    """Pub/Sub, or the way there, failed; `code` is gRPC's name of the status (`UNAVAILABLE`)."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class ConnectionLostError(EventsError):
    """A connection to PostgreSQL ended, and with it the ownership of lanes."""


class UnknownEventError(EventsError):
    """Nothing was found; the message says what was looked for."""


class UnpublishedError(EventsError):
    """An event that is to be sent again has yet to be sent; the message says which."""
