"""An operation ready to be sent: document, variables, and what the answer becomes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from agents.graphql.documents import Document


class Answer(BaseModel):
    """Base of typed answers: the fields that a document selects, immutable."""

    model_config = ConfigDict(frozen=True, extra="ignore")


Result = TypeVar("Result", bound=Answer)


@dataclass(frozen=True, kw_only=True, slots=True)
class Query(Generic[Result]):
    """An operation whose answer matters, and the type of its `data`."""

    document: Document
    #: JSON values, or values that pydantic knows to write as JSON (UUID, date, datetime).
    variables: Mapping[str, Any]
    answer: type[Result]


@dataclass(frozen=True, kw_only=True, slots=True)
class Mutation:
    """A mutation whose answer nobody needs: it happened, or it raised."""

    document: Document
    variables: Mapping[str, Any]
