"""What a caller did that can't be done, with the status code Google answers.

PubSubError
├── InvalidArgumentError      INVALID_ARGUMENT
├── NotFoundError             NOT_FOUND
├── AlreadyExistsError        ALREADY_EXISTS
├── FailedPreconditionError   FAILED_PRECONDITION
│   └── InvalidAckIdsError    the same, and which ids (exactly-once delivery)
├── UnsupportedError          UNIMPLEMENTED: Google has it, we don't
└── UnavailableError          UNAVAILABLE: come back later
JournalError                  the state on disk can't be used; the server doesn't start
"""

from typing import ClassVar

import grpc


class PubSubError(Exception):
    """A request that is refused; the message goes to the client as it is."""

    code: ClassVar[grpc.StatusCode] = grpc.StatusCode.UNKNOWN


class InvalidArgumentError(PubSubError):
    """The request itself is wrong, whatever the state of the server."""

    code = grpc.StatusCode.INVALID_ARGUMENT


class NotFoundError(PubSubError):
    """The named topic, subscription or snapshot doesn't exist."""

    code = grpc.StatusCode.NOT_FOUND

    def __init__(self, name: str) -> None:
        super().__init__(f"Resource not found (resource={name.rpartition('/')[2]}).")


class AlreadyExistsError(PubSubError):
    """Something of that name exists."""

    code = grpc.StatusCode.ALREADY_EXISTS

    def __init__(self, name: str) -> None:
        super().__init__(f"Resource already exists in the project (resource={name.rpartition('/')[2]}).")


class FailedPreconditionError(PubSubError):
    """The request is fine, but not for this subscription as it is now."""

    code = grpc.StatusCode.FAILED_PRECONDITION


class InvalidAckIdsError(FailedPreconditionError):
    """Some acknowledgement ids are no longer valid; told only when exactly-once delivery is enabled."""

    def __init__(self, ack_ids: list[str]) -> None:
        super().__init__("Some acknowledgement ids in the request were invalid. Call may be retried.")
        self.ack_ids = ack_ids


class UnsupportedError(PubSubError):
    """Google's service can do this, the local one can't."""

    code = grpc.StatusCode.UNIMPLEMENTED


class UnavailableError(PubSubError):
    """The server is stopping; clients connect again."""

    code = grpc.StatusCode.UNAVAILABLE


class JournalError(Exception):
    """The state on disk can't be opened or written; the message says what to do."""
