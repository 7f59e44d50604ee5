"""The audit: every change of a clinical or financial row is recorded, and what is recorded stays."""

from alembic import op

from migrations.sql import run_script

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# Clinical and financial tables, and the columns that are left out: how to reach a person is neither, and would outlive
# the deletion of their data.
TABLES: dict[str, tuple[str, ...]] = {
    "chargebee.credit_note": (),
    "chargebee.customer": ("email", "first_name", "last_name", "phone", "billing_address"),
    "chargebee.invoice": (),
    "chargebee.invoice_line_item": (),
    "chargebee.item_price": (),
    "chargebee.subscription": (),
    "chargebee.transaction": (),
    "healthcare.allergy_intolerance": (),
    "healthcare.care_team": (),
    "healthcare.clinical_note": (),
    "healthcare.condition": (),
    "healthcare.encounter": (),
    "healthcare.medication": (),
    "healthcare.observation": (),
    "healthcare.patient": (),
    "healthcare.pharmacy": (),
    "healthcare.prescription": (),
    "healthcare.prescription_fill": (),
    "healthcare.questionnaire_response": (),
    "public.contract": (),
    "public.referral_reward": (),
    "public.treatment": (),
}

# Transition tables belong to a trigger of one kind of statement.
TRIGGERS = {
    "insert": "REFERENCING NEW TABLE AS new_rows",
    "update": "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "delete": "REFERENCING OLD TABLE AS old_rows",
    "truncate": "",
}


def upgrade() -> None:
    op.drop_constraint(op.f("change_op_check"), "change", schema="audit")
    op.create_check_constraint(
        op.f("change_op_check"), "change", "op IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE')", schema="audit"
    )
    op.execute("COMMENT ON COLUMN audit.change.row_id IS 'The row''s key as text; * for all rows (TRUNCATE).'")
    run_script("0008_audit")
    for table, left_out in TABLES.items():
        arguments = ", ".join(f"'{column}'" for column in left_out)
        for operation, tables in TRIGGERS.items():
            op.execute(
                f"CREATE TRIGGER audit_{operation} AFTER {operation.upper()} ON {table} {tables}"
                f" FOR EACH STATEMENT EXECUTE FUNCTION audit.record_change({arguments})"
            )


def downgrade() -> None:
    for table in TABLES:
        for operation in TRIGGERS:
            op.execute(f"DROP TRIGGER audit_{operation} ON {table}")
    for table in ("change", "access"):
        op.execute(f"DROP TRIGGER refuse ON audit.{table}")
    op.execute("DROP TRIGGER refuse_young ON audit.access")
    op.execute("DROP FUNCTION audit.forget_accesses(interval)")
    for function in ("refuse_young", "refuse", "record_change"):
        op.execute(f"DROP FUNCTION audit.{function}()")
    op.execute("COMMENT ON COLUMN audit.change.row_id IS 'The row''s primary key as text.'")
    op.drop_constraint(op.f("change_op_check"), "change", schema="audit")
    # An earlier version has no word for it.
    op.execute("DELETE FROM audit.change WHERE op = 'TRUNCATE'")
    op.create_check_constraint(
        op.f("change_op_check"), "change", "op IN ('INSERT', 'UPDATE', 'DELETE')", schema="audit"
    )
