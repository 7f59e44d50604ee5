"""Rules of the schema `chargebee`: the mirror of billing.

Only the `service` role writes it (the ETL and webhooks), and never deletes. Customers see their own, the care
coordination team everyone's, providers nothing at all.
"""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Table

from permissions.model import EVERY_ROW, Insert, Select, TablePermissions, Update
from permissions.rules.persons import (
    AS_STAFF,
    ME,
    NOT_OF_DELETED,
    OF_PRESENT,
    OWN,
    OWN_BILLING,
    PAGE_OF_A_CUSTOMER,
    PAGE_OF_STAFF,
)
from schema.tables import chargebee
from schema.view import BoolExp

#: The mirror keeps what Chargebee has deleted; only the ETL needs to see that.
_LIVE: Final[BoolExp] = {"deleted": {"_eq": False}}

_CUSTOMER: Final = (
    *("id", "email", "first_name", "last_name", "phone", "billing_address", "preferred_currency_code"),
    *("auto_collection", "card_status", "promotional_credits", "refundable_credits", "excess_payments"),
    *("unbilled_charges", "net_term_days", "created_at", "updated_at"),
)
_ITEM_PRICE: Final = (
    *("id", "name", "external_name", "description", "item_id", "item_type", "status", "pricing_model", "price"),
    *("currency_code", "period", "period_unit"),
)
_SUBSCRIPTION: Final = (
    *("id", "customer_id", "plan_item_price_id", "plan_quantity", "plan_unit_price", "currency_code"),
    *("billing_period", "billing_period_unit", "status", "cf_contract_id", "start_date", "trial_start", "trial_end"),
    *("current_term_start", "current_term_end", "next_billing_at", "activated_at", "pause_date", "resume_date"),
    *("cancelled_at", "has_scheduled_changes", "created_at", "updated_at"),
)
_SUBSCRIPTION_OF_STAFF: Final = (
    *("cancel_reason", "cancel_reason_code", "due_invoices_count", "due_since", "total_dues", "mrr"),
    *("auto_collection", "remaining_billing_cycles", "started_at"),
)
_INVOICE: Final = (
    *("id", "customer_id", "subscription_id", "status", "date", "due_date", "currency_code"),
    *("sub_total", "tax", "total", "amount_paid", "amount_adjusted", "credits_applied", "amount_due"),
    *("paid_at", "voided_at", "updated_at"),
)
_INVOICE_OF_STAFF: Final = (
    *("recurring", "first_invoice", "write_off_amount", "dunning_status", "next_retry_at", "generated_at"),
)
_LINE_ITEM: Final = (
    *("id", "invoice_id", "subscription_id", "description", "date_from", "date_to", "quantity"),
    *("unit_amount", "amount", "discount_amount", "tax_amount"),
)
_TRANSACTION: Final = (
    *("id", "customer_id", "subscription_id", "invoice_id", "type", "status", "payment_method"),
    *("date", "currency_code", "amount", "masked_card_number", "updated_at"),
)
_TRANSACTION_OF_STAFF: Final = ("gateway", "amount_unused", "error_code", "error_text", "reference_transaction_id")
_CREDIT_NOTE: Final = (
    *("id", "customer_id", "subscription_id", "reference_invoice_id", "type", "status", "create_reason_code"),
    *("date", "currency_code", "sub_total", "total", "amount_allocated", "amount_refunded", "amount_available"),
    *("refunded_at", "voided_at"),
)
_CONTRACT: Final = (
    *("id", "customer_id", "subscription_id", "treatment_id", "status", "start_date", "end_date"),
    *("auto_renew", "renewed_from_id", "created_at", "updated_at"),
)


def _of_customer(*columns: str) -> TablePermissions:
    return TablePermissions(
        select=Select(columns=columns, filter={**OWN_BILLING, **_LIVE}, limit=PAGE_OF_A_CUSTOMER, aggregate=True)
    )


def _of_staff(*columns: str) -> TablePermissions:
    rows: BoolExp = {**AS_STAFF, **_LIVE, **NOT_OF_DELETED}
    return TablePermissions(select=Select(columns=columns, filter=rows, limit=PAGE_OF_STAFF, aggregate=True))


def _columns(table: Table, *left_out: str) -> tuple[str, ...]:
    return tuple(column.name for column in table.columns if column.name not in left_out)


def _mirror(table: Table, rows: BoolExp = NOT_OF_DELETED) -> TablePermissions:
    """Chargebee's row as it is, and as it changes: every column but the key.

    When it came, the database says (`synced_at`): an upsert has that written anew, and nobody gives or reads it.
    """
    return TablePermissions(
        select=Select(columns=_columns(table, "synced_at"), filter=rows),
        insert=Insert(columns=_columns(table, "synced_at"), check=EVERY_ROW),
        update=Update(columns=_columns(table, "id"), filter=EVERY_ROW),
    )


def _mirror_of_invoices() -> TablePermissions:
    """Only agent `chargebee` brings invoices as history, and nobody makes history of what is there."""
    is_news: BoolExp = {"history_by": {"_is_null": True}}
    by_the_etl: BoolExp = {"_and": [{"history_by": {"_eq": ME}}, {"history_by": {"_eq": "chargebee"}}]}
    return TablePermissions(
        select=Select(columns=_columns(chargebee.invoice, "synced_at"), filter=NOT_OF_DELETED, aggregate=True),
        insert=Insert(columns=_columns(chargebee.invoice, "synced_at"), check={"_or": [is_news, by_the_etl]}),
        update=Update(columns=_columns(chargebee.invoice, "id", "history_by", "history_paid"), filter=EVERY_ROW),
    )


CHARGEBEE: Final[Mapping[str, Mapping[str, TablePermissions]]] = {
    "chargebee.customer": {
        "cct": _of_staff(*_CUSTOMER),
        "service": _mirror(chargebee.customer),
    },
    # The catalogue of prices: nobody's.
    "chargebee.item_price": {
        "cct": TablePermissions(
            select=Select(columns=_ITEM_PRICE, filter={**AS_STAFF, **_LIVE}, limit=PAGE_OF_STAFF, aggregate=True)
        ),
        "service": _mirror(chargebee.item_price, EVERY_ROW),
    },
    "chargebee.subscription": {
        "user": _of_customer(*_SUBSCRIPTION),
        "cct": _of_staff(*_SUBSCRIPTION, *_SUBSCRIPTION_OF_STAFF),
        "service": _mirror(chargebee.subscription),
    },
    "chargebee.invoice": {
        "user": _of_customer(*_INVOICE),
        "cct": _of_staff(*_INVOICE, *_INVOICE_OF_STAFF),
        "service": _mirror_of_invoices(),
    },
    "chargebee.invoice_line_item": {
        "user": _of_customer(*_LINE_ITEM),
        "cct": _of_staff(*_LINE_ITEM, "customer_id", "entity_type", "entity_id"),
        "service": _mirror(chargebee.invoice_line_item),
    },
    "chargebee.transaction": {
        "user": _of_customer(*_TRANSACTION),
        "cct": _of_staff(*_TRANSACTION, *_TRANSACTION_OF_STAFF),
        "service": _mirror(chargebee.transaction),
    },
    "chargebee.credit_note": {
        "cct": _of_staff(*_CREDIT_NOTE),
        "service": _mirror(chargebee.credit_note),
    },
    "chargebee.sync_cursor": {
        # How far the ETL has come with a resource, and whose turn it is.
        "service": TablePermissions(
            select=Select(
                columns=(
                    *("resource", "status", "updated_after", "next_offset", "rows_read", "read_after", "seen_until"),
                    *("run_id", "lease_until", "created_at"),
                ),
                filter=EVERY_ROW,
            ),
            insert=Insert(columns=("resource", "updated_after"), check=EVERY_ROW),
            update=Update(
                columns=_columns(chargebee.sync_cursor, "resource", "created_at", "updated_at"), filter=EVERY_ROW
            ),
        ),
    },
    # A view of public.contract under Chargebee's name, with the id as text; providers read the contract itself.
    "chargebee.contract": {
        "user": TablePermissions(select=Select(columns=_CONTRACT, filter=OWN, limit=PAGE_OF_A_CUSTOMER)),
        "cct": TablePermissions(
            select=Select(columns=_CONTRACT, filter={**AS_STAFF, **OF_PRESENT}, limit=PAGE_OF_STAFF, aggregate=True)
        ),
        "service": TablePermissions(select=Select(columns=("id", "status"), filter=OF_PRESENT)),
    },
}
