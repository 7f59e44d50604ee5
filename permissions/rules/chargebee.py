"""Rules of the schema `chargebee`: the mirror of billing.

Only the `service` role writes it (the ETL and webhooks), and never deletes. Providers see no billing at all.
"""

from collections.abc import Mapping
from typing import Final

from permissions.model import ALL, EVERY_ROW, Insert, Select, TablePermissions, Update
from permissions.rules.persons import (
    OF_MY_PATIENT_AS_CUSTOMER,
    OWN,
    OWN_BILLING,
    PAGE_OF_A_CUSTOMER,
    PAGE_OF_STAFF,
)
from schema.view import BoolExp

#: The mirror keeps what Chargebee has deleted; only the ETL needs to see that.
_LIVE: Final[BoolExp] = {"deleted": {"_eq": False}}
_OWN: Final[BoolExp] = {**OWN_BILLING, **_LIVE}

_MIRROR: Final = TablePermissions(
    select=Select(columns=ALL, filter=EVERY_ROW),
    insert=Insert(columns=ALL, check=EVERY_ROW),
    update=Update(columns=ALL, filter=EVERY_ROW),
)

_CUSTOMER: Final = ("id", "email", "first_name", "last_name", "preferred_currency_code", "auto_collection")
_ITEM_PRICE: Final = (
    *("id", "name", "external_name", "description", "status", "price"),
    *("currency_code", "period", "period_unit"),
)
_SUBSCRIPTION: Final = (
    *("id", "customer_id", "plan_item_price_id", "plan_quantity", "plan_unit_price", "currency_code"),
    *("billing_period", "billing_period_unit", "status", "cf_contract_id", "start_date", "trial_start", "trial_end"),
    *("current_term_start", "current_term_end", "next_billing_at", "activated_at", "pause_date", "resume_date"),
    *("cancelled_at", "created_at", "updated_at"),
)
_SUBSCRIPTION_OF_STAFF: Final = (
    *("cancel_reason", "cancel_reason_code", "due_invoices_count", "due_since", "total_dues", "mrr"),
    *("auto_collection", "remaining_billing_cycles", "started_at", "has_scheduled_changes"),
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
    *("id", "customer_id", "subscription_id", "reference_invoice_id", "type", "status", "date", "currency_code"),
    *("sub_total", "total", "amount_allocated", "amount_refunded", "amount_available", "refunded_at", "voided_at"),
)
_CONTRACT: Final = (
    *("id", "customer_id", "subscription_id", "treatment_id", "status", "start_date", "end_date"),
    *("auto_renew", "renewed_from_id", "created_at", "updated_at"),
)


def _of_customer(columns: tuple[str, ...], *, aggregate: bool = True) -> TablePermissions:
    return TablePermissions(select=Select(columns=columns, filter=_OWN, limit=PAGE_OF_A_CUSTOMER, aggregate=aggregate))


def _of_staff(columns: tuple[str, ...]) -> TablePermissions:
    return TablePermissions(select=Select(columns=columns, filter=_LIVE, limit=PAGE_OF_STAFF, aggregate=True))


CHARGEBEE: Final[Mapping[str, Mapping[str, TablePermissions]]] = {
    "chargebee.customer": {
        "user": _of_customer(_CUSTOMER, aggregate=False),
        "cct": _of_staff(
            (
                *(*_CUSTOMER, "phone", "billing_address", "card_status", "promotional_credits", "refundable_credits"),
                *("excess_payments", "unbilled_charges", "net_term_days", "created_at", "updated_at"),
            )
        ),
        "service": _MIRROR,
    },
    "chargebee.item_price": {
        "user": TablePermissions(
            select=Select(columns=_ITEM_PRICE, filter={**_LIVE, "status": {"_eq": "active"}}, limit=PAGE_OF_A_CUSTOMER)
        ),
        "cct": _of_staff((*_ITEM_PRICE, "item_id", "item_type", "pricing_model")),
        "service": _MIRROR,
    },
    "chargebee.subscription": {
        "user": _of_customer(_SUBSCRIPTION),
        "cct": _of_staff((*_SUBSCRIPTION, *_SUBSCRIPTION_OF_STAFF)),
        "service": _MIRROR,
    },
    "chargebee.invoice": {
        "user": _of_customer(_INVOICE),
        "cct": _of_staff((*_INVOICE, *_INVOICE_OF_STAFF)),
        "service": _MIRROR,
    },
    "chargebee.invoice_line_item": {
        "user": _of_customer(_LINE_ITEM),
        "cct": _of_staff((*_LINE_ITEM, "customer_id", "entity_type", "entity_id")),
        "service": _MIRROR,
    },
    "chargebee.transaction": {
        "user": _of_customer(_TRANSACTION),
        "cct": _of_staff((*_TRANSACTION, *_TRANSACTION_OF_STAFF)),
        "service": _MIRROR,
    },
    "chargebee.credit_note": {
        "user": _of_customer(_CREDIT_NOTE),
        "cct": _of_staff((*_CREDIT_NOTE, "create_reason_code")),
        "service": _MIRROR,
    },
    "chargebee.sync_cursor": {
        "service": _MIRROR,
    },
    # A view of public.contract under Chargebee's name, with the id as text.
    "chargebee.contract": {
        "user": TablePermissions(select=Select(columns=_CONTRACT, filter=OWN, limit=PAGE_OF_A_CUSTOMER)),
        "provider": TablePermissions(
            select=Select(
                columns=("id", "customer_id", "treatment_id", "status", "start_date", "end_date"),
                filter=OF_MY_PATIENT_AS_CUSTOMER,
                limit=PAGE_OF_STAFF,
            )
        ),
        "cct": TablePermissions(
            select=Select(columns=_CONTRACT, filter=EVERY_ROW, limit=PAGE_OF_STAFF, aggregate=True)
        ),
        "service": TablePermissions(select=Select(columns=_CONTRACT, filter=EVERY_ROW)),
    },
}
