"""PostgreSQL's errors as the dialect's, by SQLSTATE (HASURA_DIALECT §7).

Only messages about the client's own data travel; anything else becomes `unexpected` and is logged by the caller.
"""

from typing import Final

from asyncpg import PostgresError
from asyncpg.exceptions import IntegrityConstraintViolationError, QueryCanceledError

from resolvers.errors import GraphQLRequestError
from resolvers.sql.mutate import CHECK_MARKER

_PREFIXES: Final = {
    "23505": "Uniqueness violation. ",
    "23503": "Foreign key violation. ",
    "23502": "Not-NULL violation. ",
    "23514": "Check constraint violation. ",
    "23P01": "Exclusion violation. ",
}
#: Undefined objects and unusable conflict targets.
_CONSTRAINT_ERRORS: Final = frozenset({"42704", "42P10", "42P01", "42703"})
#: "Object not in prerequisite state".
_NOT_NOW: Final = "55000"


def translate(error: PostgresError, path: str, timeout_s: float | None = None) -> GraphQLRequestError | None:
    """The error for the client, or None when it must not learn more than that something went wrong.

    `path` is the place for errors about the written data; other errors of execution are at `$`. `timeout_s` is what the
    statement was allowed to take.
    """
    state = error.sqlstate or ""
    # Not str(): that adds PostgreSQL's DETAIL, which shows values of the row.
    message = str(error.args[0]) if error.args else "error"
    if CHECK_MARKER in message:
        text = "check constraint of an insert/update permission has failed"
        return GraphQLRequestError("permission-error", text, path)
    if isinstance(error, IntegrityConstraintViolationError):
        code = "permission-error" if state == "23514" else "constraint-violation"
        return GraphQLRequestError(code, f"{_PREFIXES.get(state, '')}{message}", path)
    if state == "22025":
        return GraphQLRequestError("bad-request", message)
    if state.startswith("22"):
        return GraphQLRequestError("data-exception", message)
    if isinstance(error, QueryCanceledError):
        allowed = "" if timeout_s is None else f" CAREGRAPH_STATEMENT_TIMEOUT_S: {timeout_s:g} s"
        return GraphQLRequestError("unexpected", f"the statement took longer than the limit{allowed} and was stopped")
    if state in _CONSTRAINT_ERRORS:
        return GraphQLRequestError("constraint-error", "the database does not have what this operation refers to", path)
    if state == _NOT_NOW and path != "$":
        # Of an insert: only the constraint of its conflict clause can be what isn't fit for it.
        text = "the constraint of the conflict clause can't be used: it is deferrable"
        return GraphQLRequestError("constraint-error", text, path)
    if state == "P0001":
        # RAISE EXCEPTION in a trigger or function is meant for the caller.
        return GraphQLRequestError("unexpected", message)
    return None
