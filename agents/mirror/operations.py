"""The operations of `operations.graphql`, typed."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from agents.graphql.documents import Document, load_documents
from agents.graphql.operations import Mutation
from integrations.chargebee.rows import Row, Rows

#: Table → the operation that writes its rows, in the order in which they are to be written.
OPERATIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "customer": "MirrorCustomers",
        "item_price": "MirrorItemPrices",
        "subscription": "MirrorSubscriptions",
        "invoice_line_item": "MirrorInvoiceLineItems",
        "invoice": "MirrorInvoices",
        "transaction": "MirrorTransactions",
        "credit_note": "MirrorCreditNotes",
    }
)


@cache
def documents() -> Mapping[str, Document]:
    """The operations by name, read once."""
    return load_documents(Path(__file__).with_name("operations.graphql"))


def mirror(rows: Rows) -> tuple[Mutation, ...]:
    """The mutations that write the rows of all tables; run them in one transaction (`GraphQLClient.mutate`).

    Safe to repeat, and in any order with older and newer versions: the newest one stays. A table's rows must be of
    different resources (`integrations.chargebee.rows.collect`).
    """
    return tuple(_mutations(rows))


def _mutations(rows: Rows) -> Iterator[Mutation]:
    for table, name in OPERATIONS.items():
        listed: Sequence[Row] = rows.get(table, ())
        if listed:
            yield Mutation(document=documents()[name], variables={"rows": listed})
