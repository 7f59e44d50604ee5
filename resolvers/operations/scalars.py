"""Types for hand-written fields whose GraphQL scalars generated fields use too."""

from typing import Any, NewType

#: Any JSON value.
JSONB = NewType("JSONB", object)
#: A UUID's text; PostgreSQL judges it.
UUID_ = NewType("UUID_", str)

JsonObject = dict[str, Any]
