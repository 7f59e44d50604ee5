"""Errors that a client of the endpoint sees (HASURA_DIALECT §7).

GraphQLRequestError
├── ValidationFailed      the document, its variables or arguments are wrong
└── ParseFailed           a value does not fit its column's type

Every one carries a stable code and a JSON path to the offending place.
"""

from typing import Any

import orjson


class GraphQLRequestError(Exception):
    """An error answered to the client as it is. `internal` is for admin eyes only."""

    def __init__(self, code: str, message: str, path: str = "$") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.path = path

    def as_json(self) -> dict[str, Any]:
        """The error object of a GraphQL response."""
        return {"message": self.message, "extensions": {"path": self.path, "code": self.code}}


class ValidationFailed(GraphQLRequestError):
    """The request is not valid against the role's schema."""

    def __init__(self, message: str, path: str = "$") -> None:
        super().__init__("validation-failed", message, path)


class ParseFailed(GraphQLRequestError):
    """A literal or JSON value does not fit its column's type."""

    def __init__(self, message: str, path: str = "$") -> None:
        super().__init__("parse-failed", message, path)


def error_body(error: GraphQLRequestError) -> bytes:
    """The response of a request that failed: there are no partial results."""
    return orjson.dumps({"errors": [error.as_json()]})
