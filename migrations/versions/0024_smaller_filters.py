"""The outbox's ranges of blocks keep filters of the size that a range needs.

By default a filter is made for 931 different values. Two of those are over two kilobytes, which PostgreSQL compresses
whenever it changes one; every mark that puts a row into another range did so, and spent a quarter of its time on it.
"""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_TABLES = ("outbox", "outbox_archive")


def upgrade() -> None:
    _make_anew("(n_distinct_per_range = 32)", "(n_distinct_per_range = 384)")


def downgrade() -> None:
    _make_anew("", "")


def _make_anew(types: str, traces: str) -> None:
    for table in _TABLES:
        op.execute(f"DROP INDEX events.{table}_ranges_idx")
        op.execute(
            f"CREATE INDEX {table}_ranges_idx ON events.{table} USING brin (created_at,"
            f" type text_bloom_ops{types}, split_part(traceparent, '-', 2) text_bloom_ops{traces})"
            " WITH (pages_per_range = 32, autosummarize = on)"
        )
