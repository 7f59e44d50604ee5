"""A statement of a plan: its text, and how its arguments are taken from a request."""

from dataclasses import dataclass

from resolvers.binding import Binder, Request, binder
from resolvers.sql.writer import Writer


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL text and how its arguments are taken from a request."""

    sql: str
    binders: tuple[Binder, ...]

    def arguments(self, request: Request) -> list[object]:
        """The arguments of one run. Raises WrongKind or GraphQLRequestError."""
        return [bind(request) for bind in self.binders]


def make_statement(sql: str, writer: Writer) -> Statement:
    """The statement of a text that `writer` collected the binds of."""
    return Statement(sql, tuple(binder(param) for param in writer.params))
