"""What a caller did that can't be done, with the status code Google answers.

TasksError
├── InvalidArgumentError      INVALID_ARGUMENT
├── NotFoundError             NOT_FOUND
├── AlreadyExistsError        ALREADY_EXISTS: of tasks also when the name was used a short while ago
├── FailedPreconditionError   FAILED_PRECONDITION
└── UnsupportedError          UNIMPLEMENTED: Google has it, we don't
"""

from typing import ClassVar

import grpc


class TasksError(Exception):
    """A request that is refused; the message goes to the client as it is."""

    code: ClassVar[grpc.StatusCode] = grpc.StatusCode.UNKNOWN


class InvalidArgumentError(TasksError):
    """The request itself is wrong."""

    code = grpc.StatusCode.INVALID_ARGUMENT


class NotFoundError(TasksError):
    """The queue or task isn't there, or no longer."""

    code = grpc.StatusCode.NOT_FOUND


class AlreadyExistsError(TasksError):
    """The name is taken, or was until a short while ago."""

    code = grpc.StatusCode.ALREADY_EXISTS


class FailedPreconditionError(TasksError):
    """The request is fine, but not now."""

    code = grpc.StatusCode.FAILED_PRECONDITION


class UnsupportedError(TasksError):
    """Google's service can do this, the local one can't."""

    code = grpc.StatusCode.UNIMPLEMENTED
