"""A role's schema without a server."""

from permissions.rules import RULES
from permissions.view import role_view
from resolvers.operations import HAND_WRITTEN, SCALARS
from resolvers.role_schema import RoleSchema
from schema.from_metadata import catalogue_from_metadata
from schema.tables import metadata


def role_schema(role: str) -> RoleSchema:
    """The schema that the API gives `role`."""
    return RoleSchema(role_view(catalogue_from_metadata(metadata), RULES, role), HAND_WRITTEN, SCALARS)
