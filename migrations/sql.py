"""Running the SQL scripts that stand beside the revisions."""

from pathlib import Path
from typing import Any

from alembic import context, op

_SCRIPTS = Path(__file__).parent / "versions" / "sql"


def run_script(name: str) -> None:
    """Run `versions/sql/{name}.sql`, any number of statements, in the transaction of the calling revision.

    Names in it must be qualified with their schema: migrations run with an empty search path.
    """
    script = (_SCRIPTS / f"{name}.sql").read_text(encoding="utf-8")
    if context.is_offline_mode():
        op.execute(script)
        return
    bind = op.get_bind()
    # SQLAlchemy begins the transaction with its first own statement; asyncpg's `execute`, which alone takes several
    # statements at once, would otherwise run before it and commit by itself.
    bind.exec_driver_sql("SELECT 1")
    adapted: Any = bind.connection.dbapi_connection
    adapted.run_async(lambda connection: connection.execute(script))
