"""What tables tell of their changes."""

from resolvers.live.listener import _Hearing
from schema.from_metadata import catalogue_from_metadata
from schema.tables import base_tables, metadata
from tests.integration.live.conftest import Connection

#: Watching the watch would be no use, and what every event passes through has better to do; statements that read these
#: run by the clock.
SILENT = {"events.live_watch", "events.waiting", "events.publication"}


async def test_every_table_tells_its_key_and_the_columns_by_which_rows_refer_to_each_other(
    database: Connection,
) -> None:
    catalogue = catalogue_from_metadata(metadata)
    expected: dict[str, set[str]] = {
        table.fullname if table.schema else f"public.{table.name}": set() for table in base_tables()
    }
    for table in catalogue:
        expected.get(table.key, set()).update(table.primary_key)
        for relationship in table.relationships.values():
            if SILENT & {table.key, relationship.target}:
                continue
            for local, remote in relationship.columns:
                expected.get(table.key, set()).add(local)
                expected.get(relationship.target, set()).add(remote)
    told = await _Hearing(database, None)._read_triggers()  # type: ignore[arg-type] # it tells nobody
    assert told.keys() == expected.keys() - SILENT
    for key, columns in told.items():
        assert columns == expected[key], key
