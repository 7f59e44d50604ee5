"""What a request becomes before it reaches a database."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from permissions.session import Session
from resolvers.binding import Request
from resolvers.engine import Engine
from resolvers.errors import GraphQLRequestError, error_body
from resolvers.nested_plans import NestedUpdateSteps
from resolvers.plans import GeneratedRoot, NestedSteps
from resolvers.values import WrongKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Statements with their arguments, or the error that the client gets."""

    sql: tuple[str, ...] = ()
    arguments: tuple[tuple[Any, ...], ...] = ()
    roots: tuple[bytes, ...] = ()
    error: bytes = b""


def outcome(
    engine: Engine, session: Session, query: str, variables: Mapping[str, Any], operation: str | None = None
) -> Outcome:
    """What the engine makes of a request, by a plan that it has or makes. (Nested inserts: their first statement's.)"""
    try:
        plan = engine._plan(engine._role(session), query, variables, operation)
        request = Request(variables=variables, session=session)
        found = tuple(plan.statements())
        bound = found[:1] if any(_is_nested(root) for _, root in plan.roots) else found
        return Outcome(
            sql=tuple(item.sql for item in found),
            arguments=tuple(tuple(map(_hashable, item.arguments(request))) for item in bound),
            roots=tuple(prefix for prefix, _ in plan.roots),
        )
    except GraphQLRequestError as error:
        return Outcome(error=error_body(error))
    except WrongKind as error:
        return Outcome(error=error_body(engine._diagnose(session, query, variables, operation, error)))


def _is_nested(root: Any) -> bool:
    """Whether later statements take arguments from earlier ones' rows."""
    return isinstance(root, GeneratedRoot) and any(
        isinstance(step, NestedSteps | NestedUpdateSteps) for step in root.steps
    )


def _hashable(argument: Any) -> Any:
    return tuple(argument) if isinstance(argument, list) else argument
