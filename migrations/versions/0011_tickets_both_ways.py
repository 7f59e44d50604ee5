"""Tickets both ways: when Zendesk changed one last, the comments on them, and the events that tell of both."""

import sqlalchemy as sa
from alembic import op

from migrations.sql import run_script

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# As revision 0003 has it for every table.
TRIGGERS = {
    "insert": "REFERENCING NEW TABLE AS new_rows",
    "update": "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "delete": "REFERENCING OLD TABLE AS old_rows",
    "truncate": "",
}
KEYS = "'id', 'ticket_id', 'author_staff_id'"


def upgrade() -> None:
    op.add_column(
        "support_ticket",
        sa.Column(
            "zendesk_updated_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="Zendesk's moment of the last change that came from there; an earlier one changes nothing.",
        ),
        schema="public",
    )
    op.create_table(
        "support_ticket_comment",
        sa.Column("id", sa.Uuid(), server_default=sa.text("public.uuid_v7()"), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column(
            "author_staff_id", sa.Uuid(), nullable=True, comment="Null for a comment that was written in Zendesk."
        ),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column(
            "public",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Zendesk shows and mails it to the requester.",
        ),
        sa.Column(
            "zendesk_comment_id", sa.BigInteger(), nullable=True, comment="Zendesk's id; null until it is there."
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("author IN ('customer', 'cct', 'system')", name=op.f("support_ticket_comment_author_check")),
        sa.CheckConstraint(
            "author = 'cct' OR author_staff_id IS NULL", name=op.f("support_ticket_comment_author_staff_id_check")
        ),
        sa.CheckConstraint("length(body) BETWEEN 1 AND 65535", name=op.f("support_ticket_comment_body_check")),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["public.support_ticket.id"], name=op.f("support_ticket_comment_ticket_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["author_staff_id"], ["public.staff.id"], name=op.f("support_ticket_comment_author_staff_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("support_ticket_comment_pkey")),
        sa.UniqueConstraint("zendesk_comment_id", name=op.f("support_ticket_comment_zendesk_comment_id_key")),
        schema="public",
        comment="A comment on a ticket, written here or in Zendesk.",
    )
    for columns in (["author_staff_id"], ["ticket_id", "created_at"]):
        op.create_index(
            op.f(f"support_ticket_comment_{'_'.join(columns)}_idx"),
            "support_ticket_comment",
            columns,
            unique=False,
            schema="public",
        )
    op.execute(
        "CREATE TRIGGER touch_updated_at BEFORE UPDATE ON public.support_ticket_comment"
        " FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at()"
    )
    for operation, tables in TRIGGERS.items():
        op.execute(
            f"CREATE TRIGGER notify_live_{operation} AFTER {operation.upper()} ON public.support_ticket_comment"
            f" {tables} FOR EACH STATEMENT EXECUTE FUNCTION events.notify_live({KEYS})"
        )
    run_script("0011_tickets_both_ways")


def downgrade() -> None:
    op.drop_table("support_ticket_comment", schema="public")
    op.execute("DROP FUNCTION events.record_public_support_ticket_comment()")
    op.execute("DROP TRIGGER record_insert ON public.support_ticket")
    op.execute("DROP TRIGGER record_update ON public.support_ticket")
    op.execute("DROP FUNCTION events.record_public_support_ticket()")
    op.drop_column("support_ticket", "zendesk_updated_at", schema="public")
