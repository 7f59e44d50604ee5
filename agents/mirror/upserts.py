"""Rows of the mirror as mutations, in the order in which they are to be written."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from agents.graphql.columns import ByColumns
from agents.graphql.operations import Mutation
from agents.mirror.operations import (
    insert_invoice_line_items,
    insert_invoices,
    mirror_credit_notes,
    mirror_customers,
    mirror_invoice_line_items,
    mirror_invoices,
    mirror_item_prices,
    mirror_subscriptions,
    mirror_transactions,
)
from integrations.chargebee.rows import ColumnRows, Rows

#: Table → the operation that writes rows of it. Lines before invoices: an invoice that gets newer marks those lines as
#: deleted that are still of its older version.
UPSERTS: Final[Mapping[str, Callable[..., Mutation[Any]]]] = MappingProxyType(
    {
        "customer": mirror_customers,
        "item_price": mirror_item_prices,
        "subscription": mirror_subscriptions,
        "invoice_line_item": mirror_invoice_line_items,
        "invoice": mirror_invoices,
        "transaction": mirror_transactions,
        "credit_note": mirror_credit_notes,
    }
)

#: Those of tables whose rows come by columns, for rows that are new.
_INSERTS: Final[Mapping[str, Callable[..., Mutation[Any]]]] = MappingProxyType(
    {"invoice_line_item": insert_invoice_line_items, "invoice": insert_invoices}
)


def mirror(rows: Rows) -> tuple[Mutation[Any], ...]:
    """The mutations that write the rows of all tables; run them in one transaction (`GraphQLClient.mutate`).

    Safe to repeat, and in any order with older and newer versions: the newest one stays. Each row of a table once
    (`integrations.chargebee.rows.collect`).
    """
    return tuple(upsert(rows=rows[table]) for table, upsert in UPSERTS.items() if rows.get(table))


def mirror_columns(rows: ColumnRows, *, new: bool = False) -> tuple[Mutation[Any], ...]:
    """What `mirror` gives, for rows by columns (`integrations.chargebee.rows.columns_of_invoices`).

    With `new` they are refused when one of them is in the mirror, ConstraintViolated, and cost PostgreSQL a twelfth
    less: it looks for no row that they would change.
    """
    writers = _INSERTS if new else UPSERTS
    return tuple(
        write(rows=ByColumns(rows[table])) for table, write in writers.items() if table in rows and rows[table]["id"]
    )
