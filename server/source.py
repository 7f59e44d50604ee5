"""What a server serves: our own platform, or any database by its Hasura metadata.

The engine is the same for both; it takes a catalogue and rules and knows of nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
from strawberry.types.scalar import ScalarDefinition

from permissions.model import Rules
from permissions.parts import Divisions
from permissions.rules import DIVISIONS, RULES
from resolvers.engine import Engine
from resolvers.limits import OperationLimits
from resolvers.operations import HAND_WRITTEN, SCALARS
from resolvers.pool import Pool
from resolvers.role_schema import HandWritten
from resolvers.sensitive import AccessRecorder
from schema.catalogue import Catalogue
from schema.from_metadata import catalogue_from_metadata
from schema.reflect import reflect
from schema.reflect_functions import reflect_functions
from schema.tables import metadata
from server.hasura.enum_tables import read_enum_rows
from server.hasura.files import read_metadata
from server.hasura.metadata import Problem, apply_metadata, enum_tables_in, schemas_in

_CONNECT_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Everything that makes an engine, but the database's address."""

    catalogue: Catalogue
    rules: Rules
    inherited_roles: Mapping[str, Sequence[str]] = field(default_factory=dict)
    function_roles: Mapping[str, frozenset[str]] | None = None
    #: The roles of which each caller has a part.
    divisions: Divisions = field(default_factory=dict)
    hand_written: Sequence[HandWritten] = ()
    scalar_map: Mapping[object, ScalarDefinition] = field(default_factory=dict)
    #: Reads of sensitive tables are recorded in audit.access.
    has_access_log: bool = False
    #: What the metadata asks for and does not get.
    problems: tuple[Problem, ...] = ()

    def engine(
        self,
        pool: Pool,
        limits: Mapping[str, OperationLimits] | None = None,
        recorder: AccessRecorder | None = None,
        *,
        shares_reads: bool = True,
    ) -> Engine:
        """An engine that serves this from the pool's database, with limits by role (`*` for the others).

        `recorder` takes note of reads of sensitive tables.
        """
        return Engine(
            catalogue=self.catalogue,
            rules=self.rules,
            pool=pool,
            inherited_roles=self.inherited_roles,
            function_roles=self.function_roles,
            divisions=self.divisions,
            limits=limits or {},
            recorder=recorder,
            hand_written=self.hand_written,
            scalar_map=self.scalar_map,
            shares_reads=shares_reads,
        )


def platform_source() -> Source:
    """Caregraph itself. Pure."""
    return Source(
        catalogue=catalogue_from_metadata(metadata),
        rules=RULES,
        divisions=DIVISIONS,
        hand_written=HAND_WRITTEN,
        scalar_map=SCALARS,
        has_access_log=True,
    )


async def hasura_source(database_url: str, folder: Path) -> Source:
    """The database as the metadata in `folder` describes it.

    Raises MetadataError for a folder that can't be read, and what asyncpg raises when there is no database.
    """
    described = read_metadata(folder)
    connection = await asyncpg.connect(database_url, timeout=_CONNECT_TIMEOUT_S)
    try:
        schemas = schemas_in(described)
        # Metadata tracks what it wants.
        reflected = await reflect(connection, schemas, partitions=True)
        functions = await reflect_functions(connection, schemas)
        rows = await read_enum_rows(connection, enum_tables_in(described, reflected))
        served = apply_metadata(described, reflected, functions, rows)
    finally:
        await connection.close(timeout=5)
    return Source(
        catalogue=served.catalogue,
        rules=served.rules,
        inherited_roles=served.inherited_roles,
        function_roles=served.function_roles,
        problems=served.problems,
    )
