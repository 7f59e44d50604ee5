"""The operations of `operations.graphql`, typed. Generated: change that file, run `make clients`."""

import datetime
import uuid
from typing import Any, Final, TypedDict

from agents.graphql.documents import Document
from agents.graphql.operations import Answer, Mutation, Query


class ChargebeeCustomerInsertInput(TypedDict, total=False):
    """`chargebee_customer_insert_input`: its scalar fields."""

    id: str | None
    email: str | None
    first_name: str | None
    last_name: str | None
    phone: str | None
    auto_collection: str | None
    net_term_days: int | None
    preferred_currency_code: str | None
    billing_address: Any
    card_status: str | None
    primary_payment_source_id: str | None
    promotional_credits: int | None
    refundable_credits: int | None
    excess_payments: int | None
    unbilled_charges: int | None
    created_at: datetime.datetime | None
    updated_at: datetime.datetime | None
    resource_version: int | None
    deleted: bool | None


class ChargebeeItemPriceInsertInput(TypedDict, total=False):
    """`chargebee_item_price_insert_input`: its scalar fields."""

    id: str | None
    name: str | None
    external_name: str | None
    description: str | None
    item_id: str | None
    item_family_id: str | None
    item_type: str | None
    status: str | None
    pricing_model: str | None
    price: int | None
    currency_code: str | None
    period: int | None
    period_unit: str | None
    created_at: datetime.datetime | None
    updated_at: datetime.datetime | None
    resource_version: int | None
    deleted: bool | None


class ChargebeeSubscriptionInsertInput(TypedDict, total=False):
    """`chargebee_subscription_insert_input`: its scalar fields."""

    id: str | None
    customer_id: str | None
    plan_item_price_id: str | None
    plan_quantity: int | None
    plan_unit_price: int | None
    subscription_items: Any
    currency_code: str | None
    billing_period: int | None
    billing_period_unit: str | None
    status: str | None
    auto_collection: str | None
    cf_contract_id: str | None
    remaining_billing_cycles: int | None
    start_date: datetime.datetime | None
    trial_start: datetime.datetime | None
    trial_end: datetime.datetime | None
    current_term_start: datetime.datetime | None
    current_term_end: datetime.datetime | None
    next_billing_at: datetime.datetime | None
    started_at: datetime.datetime | None
    activated_at: datetime.datetime | None
    pause_date: datetime.datetime | None
    resume_date: datetime.datetime | None
    cancelled_at: datetime.datetime | None
    cancel_reason: str | None
    cancel_reason_code: str | None
    due_invoices_count: int | None
    due_since: datetime.datetime | None
    total_dues: int | None
    mrr: int | None
    has_scheduled_changes: bool | None
    created_at: datetime.datetime | None
    updated_at: datetime.datetime | None
    resource_version: int | None
    deleted: bool | None


class ChargebeeInvoiceLineItemInsertInput(TypedDict, total=False):
    """`chargebee_invoice_line_item_insert_input`: its scalar fields."""

    id: str | None
    invoice_id: str | None
    customer_id: str | None
    subscription_id: str | None
    entity_type: str | None
    entity_id: str | None
    description: str | None
    date_from: datetime.datetime | None
    date_to: datetime.datetime | None
    quantity: int | None
    unit_amount: int | None
    amount: int | None
    discount_amount: int | None
    tax_amount: int | None
    updated_at: datetime.datetime | None
    resource_version: int | None
    deleted: bool | None


class ChargebeeInvoiceInsertInput(TypedDict, total=False):
    """`chargebee_invoice_insert_input`: its scalar fields."""

    id: str | None
    customer_id: str | None
    subscription_id: str | None
    status: str | None
    recurring: bool | None
    first_invoice: bool | None
    price_type: str | None
    date: datetime.datetime | None
    due_date: datetime.datetime | None
    net_term_days: int | None
    currency_code: str | None
    sub_total: int | None
    tax: int | None
    total: int | None
    amount_paid: int | None
    amount_adjusted: int | None
    credits_applied: int | None
    write_off_amount: int | None
    amount_due: int | None
    paid_at: datetime.datetime | None
    voided_at: datetime.datetime | None
    dunning_status: str | None
    next_retry_at: datetime.datetime | None
    issued_credit_notes: Any
    generated_at: datetime.datetime | None
    updated_at: datetime.datetime | None
    resource_version: int | None
    deleted: bool | None
    history_by: str | None
    history_paid: int | None


class ChargebeeTransactionInsertInput(TypedDict, total=False):
    """`chargebee_transaction_insert_input`: its scalar fields."""

    id: str | None
    customer_id: str | None
    subscription_id: str | None
    invoice_id: str | None
    type: str | None
    status: str | None
    payment_method: str | None
    gateway: str | None
    date: datetime.datetime | None
    currency_code: str | None
    amount: int | None
    amount_unused: int | None
    id_at_gateway: str | None
    masked_card_number: str | None
    error_code: str | None
    error_text: str | None
    reference_transaction_id: str | None
    linked_invoices: Any
    updated_at: datetime.datetime | None
    resource_version: int | None
    deleted: bool | None


class ChargebeeCreditNoteInsertInput(TypedDict, total=False):
    """`chargebee_credit_note_insert_input`: its scalar fields."""

    id: str | None
    customer_id: str | None
    subscription_id: str | None
    reference_invoice_id: str | None
    type: str | None
    status: str | None
    create_reason_code: str | None
    date: datetime.datetime | None
    currency_code: str | None
    sub_total: int | None
    total: int | None
    amount_allocated: int | None
    amount_refunded: int | None
    amount_available: int | None
    refunded_at: datetime.datetime | None
    voided_at: datetime.datetime | None
    generated_at: datetime.datetime | None
    updated_at: datetime.datetime | None
    resource_version: int | None
    deleted: bool | None


_MIRROR_CUSTOMERS: Final = Document(
    name="MirrorCustomers",
    kind="mutation",
    text="""\
mutation MirrorCustomers($rows: [chargebee_customer_insert_input!]!) {
  insert_chargebee_customer(
    objects: $rows
    on_conflict: {
      constraint: customer_pkey
      update_columns: [
        email
        first_name
        last_name
        phone
        auto_collection
        net_term_days
        preferred_currency_code
        billing_address
        card_status
        primary_payment_source_id
        promotional_credits
        refundable_credits
        excess_payments
        unbilled_charges
        created_at
        updated_at
        resource_version
        deleted
        synced_at
      ]
    }
  ) {
    affected_rows
  }
}""",
)


class MirrorCustomers(Answer):
    """The answer of `mirror_customers`."""

    class InsertChargebeeCustomer(Answer):
        """Of type `chargebee_customer_mutation_response`."""

        affected_rows: int

    insert_chargebee_customer: InsertChargebeeCustomer | None


def mirror_customers(*, rows: list[ChargebeeCustomerInsertInput]) -> Mutation[MirrorCustomers]:
    """The mutation `MirrorCustomers`."""
    variables: dict[str, Any] = {"rows": rows}
    return Mutation(document=_MIRROR_CUSTOMERS, variables=variables, answer=MirrorCustomers)


_MIRROR_ITEM_PRICES: Final = Document(
    name="MirrorItemPrices",
    kind="mutation",
    text="""\
mutation MirrorItemPrices($rows: [chargebee_item_price_insert_input!]!) {
  insert_chargebee_item_price(
    objects: $rows
    on_conflict: {
      constraint: item_price_pkey
      update_columns: [
        name
        external_name
        description
        item_id
        item_family_id
        item_type
        status
        pricing_model
        price
        currency_code
        period
        period_unit
        created_at
        updated_at
        resource_version
        deleted
        synced_at
      ]
    }
  ) {
    affected_rows
  }
}""",
)


class MirrorItemPrices(Answer):
    """The answer of `mirror_item_prices`."""

    class InsertChargebeeItemPrice(Answer):
        """Of type `chargebee_item_price_mutation_response`."""

        affected_rows: int

    insert_chargebee_item_price: InsertChargebeeItemPrice | None


def mirror_item_prices(*, rows: list[ChargebeeItemPriceInsertInput]) -> Mutation[MirrorItemPrices]:
    """The mutation `MirrorItemPrices`."""
    variables: dict[str, Any] = {"rows": rows}
    return Mutation(document=_MIRROR_ITEM_PRICES, variables=variables, answer=MirrorItemPrices)


_MIRROR_SUBSCRIPTIONS: Final = Document(
    name="MirrorSubscriptions",
    kind="mutation",
    text="""\
mutation MirrorSubscriptions($rows: [chargebee_subscription_insert_input!]!) {
  insert_chargebee_subscription(
    objects: $rows
    on_conflict: {
      constraint: subscription_pkey
      update_columns: [
        customer_id
        plan_item_price_id
        plan_quantity
        plan_unit_price
        subscription_items
        currency_code
        billing_period
        billing_period_unit
        status
        auto_collection
        cf_contract_id
        remaining_billing_cycles
        start_date
        trial_start
        trial_end
        current_term_start
        current_term_end
        next_billing_at
        started_at
        activated_at
        pause_date
        resume_date
        cancelled_at
        cancel_reason
        cancel_reason_code
        due_invoices_count
        due_since
        total_dues
        mrr
        has_scheduled_changes
        created_at
        updated_at
        resource_version
        deleted
        synced_at
      ]
    }
  ) {
    affected_rows
  }
}""",
)


class MirrorSubscriptions(Answer):
    """The answer of `mirror_subscriptions`."""

    class InsertChargebeeSubscription(Answer):
        """Of type `chargebee_subscription_mutation_response`."""

        affected_rows: int

    insert_chargebee_subscription: InsertChargebeeSubscription | None


def mirror_subscriptions(*, rows: list[ChargebeeSubscriptionInsertInput]) -> Mutation[MirrorSubscriptions]:
    """The mutation `MirrorSubscriptions`."""
    variables: dict[str, Any] = {"rows": rows}
    return Mutation(document=_MIRROR_SUBSCRIPTIONS, variables=variables, answer=MirrorSubscriptions)


_MIRROR_INVOICE_LINE_ITEMS: Final = Document(
    name="MirrorInvoiceLineItems",
    kind="mutation",
    text="""\
mutation MirrorInvoiceLineItems($rows: [chargebee_invoice_line_item_insert_input!]!) {
  insert_chargebee_invoice_line_item(
    objects: $rows
    on_conflict: {
      constraint: invoice_line_item_pkey
      update_columns: [
        invoice_id
        customer_id
        subscription_id
        entity_type
        entity_id
        description
        date_from
        date_to
        quantity
        unit_amount
        amount
        discount_amount
        tax_amount
        updated_at
        resource_version
        deleted
        synced_at
      ]
    }
  ) {
    affected_rows
  }
}""",
)


class MirrorInvoiceLineItems(Answer):
    """The answer of `mirror_invoice_line_items`."""

    class InsertChargebeeInvoiceLineItem(Answer):
        """Of type `chargebee_invoice_line_item_mutation_response`."""

        affected_rows: int

    insert_chargebee_invoice_line_item: InsertChargebeeInvoiceLineItem | None


def mirror_invoice_line_items(*, rows: list[ChargebeeInvoiceLineItemInsertInput]) -> Mutation[MirrorInvoiceLineItems]:
    """Before the invoices: an invoice that gets newer marks the lines that are still of its older version as deleted."""
    variables: dict[str, Any] = {"rows": rows}
    return Mutation(document=_MIRROR_INVOICE_LINE_ITEMS, variables=variables, answer=MirrorInvoiceLineItems)


_MIRROR_INVOICES: Final = Document(
    name="MirrorInvoices",
    kind="mutation",
    text="""\
mutation MirrorInvoices($rows: [chargebee_invoice_insert_input!]!) {
  insert_chargebee_invoice(
    objects: $rows
    on_conflict: {
      constraint: invoice_pkey
      update_columns: [
        customer_id
        subscription_id
        status
        recurring
        first_invoice
        price_type
        date
        due_date
        net_term_days
        currency_code
        sub_total
        tax
        total
        amount_paid
        amount_adjusted
        credits_applied
        write_off_amount
        amount_due
        paid_at
        voided_at
        dunning_status
        next_retry_at
        issued_credit_notes
        generated_at
        updated_at
        resource_version
        deleted
        synced_at
      ]
    }
  ) {
    affected_rows
  }
}""",
)


class MirrorInvoices(Answer):
    """The answer of `mirror_invoices`."""

    class InsertChargebeeInvoice(Answer):
        """Of type `chargebee_invoice_mutation_response`."""

        affected_rows: int

    insert_chargebee_invoice: InsertChargebeeInvoice | None


def mirror_invoices(*, rows: list[ChargebeeInvoiceInsertInput]) -> Mutation[MirrorInvoices]:
    """The mutation `MirrorInvoices`."""
    variables: dict[str, Any] = {"rows": rows}
    return Mutation(document=_MIRROR_INVOICES, variables=variables, answer=MirrorInvoices)


_INSERT_INVOICE_LINE_ITEMS: Final = Document(
    name="InsertInvoiceLineItems",
    kind="mutation",
    text="""\
mutation InsertInvoiceLineItems($rows: [chargebee_invoice_line_item_insert_input!]!) {
  insert_chargebee_invoice_line_item(objects: $rows) {
    affected_rows
  }
}""",
)


class InsertInvoiceLineItems(Answer):
    """The answer of `insert_invoice_line_items`."""

    class InsertChargebeeInvoiceLineItem(Answer):
        """Of type `chargebee_invoice_line_item_mutation_response`."""

        affected_rows: int

    insert_chargebee_invoice_line_item: InsertChargebeeInvoiceLineItem | None


def insert_invoice_line_items(*, rows: list[ChargebeeInvoiceLineItemInsertInput]) -> Mutation[InsertInvoiceLineItems]:
    """Lines that are new to the mirror; refused, with all else in their transaction, when one of them is there already."""
    variables: dict[str, Any] = {"rows": rows}
    return Mutation(document=_INSERT_INVOICE_LINE_ITEMS, variables=variables, answer=InsertInvoiceLineItems)


_INSERT_INVOICES: Final = Document(
    name="InsertInvoices",
    kind="mutation",
    text="""\
mutation InsertInvoices($rows: [chargebee_invoice_insert_input!]!) {
  insert_chargebee_invoice(objects: $rows) {
    affected_rows
  }
}""",
)


class InsertInvoices(Answer):
    """The answer of `insert_invoices`."""

    class InsertChargebeeInvoice(Answer):
        """Of type `chargebee_invoice_mutation_response`."""

        affected_rows: int

    insert_chargebee_invoice: InsertChargebeeInvoice | None


def insert_invoices(*, rows: list[ChargebeeInvoiceInsertInput]) -> Mutation[InsertInvoices]:
    """Invoices that are new to the mirror."""
    variables: dict[str, Any] = {"rows": rows}
    return Mutation(document=_INSERT_INVOICES, variables=variables, answer=InsertInvoices)


_MIRROR_TRANSACTIONS: Final = Document(
    name="MirrorTransactions",
    kind="mutation",
    text="""\
mutation MirrorTransactions($rows: [chargebee_transaction_insert_input!]!) {
  insert_chargebee_transaction(
    objects: $rows
    on_conflict: {
      constraint: transaction_pkey
      update_columns: [
        customer_id
        subscription_id
        invoice_id
        type
        status
        payment_method
        gateway
        date
        currency_code
        amount
        amount_unused
        id_at_gateway
        masked_card_number
        error_code
        error_text
        reference_transaction_id
        linked_invoices
        updated_at
        resource_version
        deleted
        synced_at
      ]
    }
  ) {
    affected_rows
  }
}""",
)


class MirrorTransactions(Answer):
    """The answer of `mirror_transactions`."""

    class InsertChargebeeTransaction(Answer):
        """Of type `chargebee_transaction_mutation_response`."""

        affected_rows: int

    insert_chargebee_transaction: InsertChargebeeTransaction | None


def mirror_transactions(*, rows: list[ChargebeeTransactionInsertInput]) -> Mutation[MirrorTransactions]:
    """The mutation `MirrorTransactions`."""
    variables: dict[str, Any] = {"rows": rows}
    return Mutation(document=_MIRROR_TRANSACTIONS, variables=variables, answer=MirrorTransactions)


_MIRROR_CREDIT_NOTES: Final = Document(
    name="MirrorCreditNotes",
    kind="mutation",
    text="""\
mutation MirrorCreditNotes($rows: [chargebee_credit_note_insert_input!]!) {
  insert_chargebee_credit_note(
    objects: $rows
    on_conflict: {
      constraint: credit_note_pkey
      update_columns: [
        customer_id
        subscription_id
        reference_invoice_id
        type
        status
        create_reason_code
        date
        currency_code
        sub_total
        total
        amount_allocated
        amount_refunded
        amount_available
        refunded_at
        voided_at
        generated_at
        updated_at
        resource_version
        deleted
        synced_at
      ]
    }
  ) {
    affected_rows
  }
}""",
)


class MirrorCreditNotes(Answer):
    """The answer of `mirror_credit_notes`."""

    class InsertChargebeeCreditNote(Answer):
        """Of type `chargebee_credit_note_mutation_response`."""

        affected_rows: int

    insert_chargebee_credit_note: InsertChargebeeCreditNote | None


def mirror_credit_notes(*, rows: list[ChargebeeCreditNoteInsertInput]) -> Mutation[MirrorCreditNotes]:
    """The mutation `MirrorCreditNotes`."""
    variables: dict[str, Any] = {"rows": rows}
    return Mutation(document=_MIRROR_CREDIT_NOTES, variables=variables, answer=MirrorCreditNotes)


_MIRROR_BEGUN: Final = Document(
    name="MirrorBegun",
    kind="query",
    text="""\
query MirrorBegun($resources: [String!]!) {
  cursors: chargebee_sync_cursor(
    where: { resource: { _in: $resources } }
    order_by: [{ created_at: asc }]
    limit: 1
  ) {
    created_at
  }
}""",
)


class MirrorBegun(Answer):
    """The answer of `mirror_begun`."""

    class Cursors(Answer):
        """Of type `chargebee_sync_cursor`."""

        created_at: datetime.datetime

    cursors: list[Cursors]


def mirror_begun(*, resources: list[str]) -> Query[MirrorBegun]:
    """When the mirror of a resource was begun: by the first of the runs that keep their place under these names."""
    variables: dict[str, Any] = {"resources": resources}
    return Query(document=_MIRROR_BEGUN, variables=variables, answer=MirrorBegun)


_BILLED_CUSTOMERS: Final = Document(
    name="BilledCustomers",
    kind="query",
    text="""\
query BilledCustomers($after: uuid!, $limit: Int!) {
  customers: customer(
    where: {
      id: { _gt: $after }
      chargebee_customer_id: { _is_null: false }
      deleted_at: { _is_null: true }
    }
    order_by: [{ id: asc }]
    limit: $limit
  ) {
    id
    chargebee_customer_id
    currency_code
    history_value
  }
}""",
)


class BilledCustomers(Answer):
    """The answer of `billed_customers`."""

    class Customers(Answer):
        """Of type `customer`."""

        id: uuid.UUID
        chargebee_customer_id: str | None
        currency_code: str
        history_value: int

    customers: list[Customers]


def billed_customers(*, after: uuid.UUID, limit: int) -> Query[BilledCustomers]:
    """Customers with a billing record, and how much of their lifetime value is history."""
    variables: dict[str, Any] = {"after": after, "limit": limit}
    return Query(document=_BILLED_CUSTOMERS, variables=variables, answer=BilledCustomers)


_PAID_IN_HISTORY: Final = Document(
    name="PaidInHistory",
    kind="query",
    text="""\
query PaidInHistory($customer_ids: [String!]!) {
  paid: chargebee_invoice_group_by(
    keys: [{ column: customer_id }, { column: currency_code }]
    where: { customer_id: { _in: $customer_ids }, history_by: { _is_null: false } }
  ) {
    key {
      customer_id
      currency_code
    }
    aggregate {
      count
      sum {
        history_paid
      }
    }
  }
}""",
)


class PaidInHistory(Answer):
    """The answer of `paid_in_history`."""

    class Paid(Answer):
        """Of type `chargebee_invoice_group`."""

        class Key(Answer):
            """Of type `chargebee_invoice_group_key`."""

            customer_id: str | None
            currency_code: str | None

        class Aggregate(Answer):
            """Of type `chargebee_invoice_aggregate_fields`."""

            class Sum(Answer):
                """Of type `chargebee_invoice_sum_fields`."""

                history_paid: int | None

            count: int
            sum: Sum | None

        key: Key
        aggregate: Aggregate

    paid: list[Paid]


def paid_in_history(*, customer_ids: list[str]) -> Query[PaidInHistory]:
    """What billing records had paid by invoices that came as history."""
    variables: dict[str, Any] = {"customer_ids": customer_ids}
    return Query(document=_PAID_IN_HISTORY, variables=variables, answer=PaidInHistory)


_COUNT_HISTORY: Final = Document(
    name="CountHistory",
    kind="mutation",
    text="""\
mutation CountHistory($id: uuid!, $counted: bigint!, $value: bigint!, $more: bigint!) {
  update_customer(
    where: { id: { _eq: $id }, history_value: { _eq: $counted } }
    _set: { history_value: $value }
    _inc: { lifetime_value: $more }
  ) {
    affected_rows
  }
}""",
)


class CountHistory(Answer):
    """The answer of `count_history`."""

    class UpdateCustomer(Answer):
        """Of type `customer_mutation_response`."""

        affected_rows: int

    update_customer: UpdateCustomer | None


def count_history(*, id: uuid.UUID, counted: int, value: int, more: int) -> Mutation[CountHistory]:
    """Count a customer's history in their lifetime value, unless somebody did since it was looked at."""
    variables: dict[str, Any] = {"id": id, "counted": counted, "value": value, "more": more}
    return Mutation(document=_COUNT_HISTORY, variables=variables, answer=CountHistory)
