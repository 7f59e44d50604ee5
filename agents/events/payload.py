"""The bases of event types: `DomainEvent` for what we publish, `RowInserted` and `RowUpdated` for changes of rows."""

from typing import Any, ClassVar, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

Row = TypeVar("Row", bound="Payload")

#: More problems than this are not listed; the first ones say enough.
_LISTED_PROBLEMS = 5


class MalformedEvent(Exception):
    """An event's data doesn't fit its type. The message names each field that is missing or wrong, never a value."""


class Payload(BaseModel):
    """Immutable fields out of JSON; unknown ones are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Event(Payload):
    """The data of one event type."""

    #: `ce-type`, for example `contract.created`.
    TYPE: ClassVar[str]

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """The typed event in `data` (JSON text in UTF-8); raises MalformedEvent."""
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            # Not the error's own text: it repeats the values, and events hold personal data.
            problems = error.errors(include_input=False, include_url=False, include_context=False)
            listed = [
                f"{'.'.join(str(part) for part in problem['loc']) or 'data'}: {problem['msg']}"
                for problem in problems[:_LISTED_PROBLEMS]
            ]
            if len(problems) > _LISTED_PROBLEMS:
                listed.append(f"and {len(problems) - _LISTED_PROBLEMS} more")
            raise MalformedEvent(f"{cls.TYPE}: {'; '.join(listed)}") from None


class DomainEvent(Event):
    """An event with fields of its own, published in the transaction of the change it tells of."""

    @property
    def subject(self) -> str:
        """The id of the aggregate that it is about; it orders the event among others."""
        raise NotImplementedError(f"{type(self).__name__} must say what it is about")

    def data(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return self.model_dump(mode="json")


class Inserted(Payload, Generic[Row]):
    """The row that came."""

    old: None = None
    new: Row


class Updated(Payload, Generic[Row]):
    """The row before and after."""

    old: Row
    new: Row


class RowInserted(Event, Generic[Row]):
    """A row was inserted: Hasura's event body with op INSERT."""

    op: Literal["INSERT"]
    data: Inserted[Row]

    @property
    def new(self) -> Row:
        """The row as it was inserted; it may have changed since."""
        return self.data.new


class RowUpdated(Event, Generic[Row]):
    """A row was updated: Hasura's event body with op UPDATE."""

    op: Literal["UPDATE"]
    data: Updated[Row]
    #: Names of the watched columns that differ, also of those that the payload leaves out.
    changed: frozenset[str]

    @property
    def old(self) -> Row:
        """The row before."""
        return self.data.old

    @property
    def new(self) -> Row:
        """The row after this update; it may have changed again since."""
        return self.data.new
