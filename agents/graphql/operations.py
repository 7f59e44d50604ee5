"""An operation ready to be sent: document, variables, and what the answer becomes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, cast

from pydantic import BaseModel, ConfigDict
from typing_extensions import TypeVar

from agents.graphql.documents import Document


class Answer(BaseModel):
    """Base of typed answers: the fields that a document selects, immutable."""

    model_config = ConfigDict(frozen=True, extra="ignore")


#: `Mutation` alone is one whatever its answer.
Result = TypeVar("Result", bound=Answer, default=Answer, covariant=True)  # noqa: PLC0105 - its name stands in signatures


@dataclass(frozen=True, kw_only=True, slots=True)
class Query(Generic[Result]):
    """An operation that changes nothing, and the type of its `data`."""

    document: Document
    #: JSON values, or values that pydantic knows to write as JSON (UUID, date, datetime, Decimal).
    variables: Mapping[str, Any]
    answer: type[Result]


@dataclass(frozen=True, kw_only=True, slots=True)
class Mutation(Generic[Result]):
    """An operation that changes something: usually part of a write-back, where nobody needs its answer."""

    document: Document
    variables: Mapping[str, Any]
    answer: type[Result] = cast("type[Result]", Answer)  # noqa: RUF009 - a class, not a call
