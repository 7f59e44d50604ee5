"""What can go wrong between an agent and the endpoint.

::

    GraphQLError
    ├── EndpointUnavailable     no answer, or a broken one; the work may have been done: try again later
    ├── CredentialsRefused      the endpoint doesn't take our token, or our role: an operator must act, then it works
    ├── AnswerMismatch          the answer lacks what the operation's type names: the two are of different versions
    └── OperationRefused        the endpoint answered with an error; ``code`` is Hasura's, ``path`` says where
        ├── ConstraintViolated  a unique, foreign or not-null constraint; ``constraint`` names it
        ├── PermissionDenied    a check constraint or a permission's check
        └── ServerFault         code ``unexpected``: the database failed; trying again can help

Messages hold the endpoint's own sentence. Those of constraint violations can repeat values of the row, so programs
log ``code``, ``path`` and ``constraint``.
"""

import re
from typing import Any, Final

_CONSTRAINT: Final = re.compile(r'constraint "([^"]+)"')
_CREDENTIAL_CODES: Final = frozenset(
    {"access-denied", "invalid-headers", "invalid-jwt", "jwt-invalid-claims", "jwt-missing-role-claims"}
)


class GraphQLError(Exception):
    """An operation at the endpoint didn't give what was asked for."""


class EndpointUnavailable(GraphQLError):
    """No connection, no answer in time, or an answer that isn't GraphQL; the work may have been done."""


class CredentialsRefused(GraphQLError):
    """The endpoint refused this agent's token or role."""


class AnswerMismatch(GraphQLError):
    """The endpoint answered with something else than the operation's type says."""


class OperationRefused(GraphQLError):
    """The endpoint understood us and answered with an error."""

    def __init__(self, *, operation: str, code: str, path: str, message: str) -> None:
        self.operation = operation
        #: Hasura's code, such as `validation-failed`.
        self.code = code
        #: Where in the operation, such as `$.selectionSet.insert_events_inbox_one.args.object`.
        self.path = path
        self.message = message
        super().__init__(f"{operation}: {code} at {path}: {message}")


class ConstraintViolated(OperationRefused):
    """A constraint of the database doesn't allow it."""

    @property
    def constraint(self) -> str | None:
        """The constraint's name, as far as the endpoint tells it."""
        match = _CONSTRAINT.search(self.message)
        return match.group(1) if match else None


class PermissionDenied(OperationRefused):
    """The role may not write such a row."""


class ServerFault(OperationRefused):
    """The endpoint or its database failed."""


def error_from_answer(operation: str, errors: Any) -> GraphQLError:
    """The error that an answer's `errors` mean; the first one counts, Hasura sends one."""
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    extensions = first.get("extensions")
    extensions = extensions if isinstance(extensions, dict) else {}
    code = str(extensions.get("code", "unexpected"))
    message = str(first.get("message", "the endpoint gave no message"))
    if code in _CREDENTIAL_CODES:
        return CredentialsRefused(f"{operation}: {code}: {message}")
    kind = {
        "constraint-violation": ConstraintViolated,
        "permission-error": PermissionDenied,
        "unexpected": ServerFault,
    }.get(code, OperationRefused)
    return kind(operation=operation, code=code, path=str(extensions.get("path", "$")), message=message)
