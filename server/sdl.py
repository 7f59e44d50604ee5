"""A role's schema without a server."""

from permissions.view import role_view
from resolvers.role_schema import RoleSchema
from server.source import platform_source


def role_schema(role: str) -> RoleSchema:
    """The schema that the API gives `role`."""
    source = platform_source()
    return RoleSchema(role_view(source.catalogue, source.rules, role), source.hand_written, source.scalar_map)
