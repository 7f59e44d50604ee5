"""Hand-written operations: one a file, each an ordinary Strawberry field beside the generated ones."""

from collections.abc import Mapping
from typing import Final

from strawberry.types.scalar import ScalarDefinition

from resolvers.operations.publish_event import PUBLISH_EVENT
from resolvers.operations.scalars import JSONB, UUID_
from resolvers.role_schema import HandWritten, shared_scalar

HAND_WRITTEN: Final[tuple[HandWritten, ...]] = (PUBLISH_EVENT,)

#: Python types in resolvers' signatures → the scalars that generated fields use.
SCALARS: Final[Mapping[object, ScalarDefinition]] = {
    JSONB: shared_scalar("jsonb"),
    UUID_: shared_scalar("uuid"),
}
