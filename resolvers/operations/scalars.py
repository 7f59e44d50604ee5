"""Types for hand-written fields whose GraphQL scalars generated fields use too."""

from typing import Any, NewType

#: Any JSON value.
JSONB = NewType("JSONB", object)
#: A UUID's text; PostgreSQL judges it.
UUID_ = NewType("UUID_", str)
#: A time's text; PostgreSQL judges it.
TIMESTAMPTZ = NewType("TIMESTAMPTZ", str)
#: A day's text; PostgreSQL judges it.
DATE = NewType("DATE", str)
#: A number beyond GraphQL's 32 bits.
BIGINT = NewType("BIGINT", int)

JsonObject = dict[str, Any]
