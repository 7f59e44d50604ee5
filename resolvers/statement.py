"""A statement of a plan: its text, and how its arguments are taken from a request."""

from dataclasses import dataclass
from typing import Final

from resolvers.binding import Binder, Request, binder
from resolvers.doubts import Doubt, doubts_about
from resolvers.errors import ValidationFailed
from resolvers.sql.writer import Writer

#: The wire protocol counts a statement's arguments in 16 bits; the driver takes half of that.
_MOST_BINDS: Final = 32_767


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL text and how its arguments are taken from a request."""

    sql: str
    binders: tuple[Binder, ...]
    #: What has to be proven of the arguments before it runs.
    doubts: tuple[Doubt, ...] = ()

    def arguments(self, request: Request) -> list[object]:
        """The arguments of one run. Raises WrongKind or GraphQLRequestError."""
        return [bind(request) for bind in self.binders]


def make_statement(sql: str, writer: Writer) -> Statement:
    """The statement of a text that `writer` collected the binds of. Raises ValidationFailed for too many of them."""
    if len(writer.params) > _MOST_BINDS:
        raise ValidationFailed(
            f"the operation holds {len(writer.params)} values where one statement takes {_MOST_BINDS}: "
            "send it in parts, or give every object the same columns"
        )
    return Statement(sql, tuple(binder(param) for param in writer.params), doubts_about(writer.params))
