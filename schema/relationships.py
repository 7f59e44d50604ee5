"""Relationships between tables that no foreign key tells of.

A foreign key already gives two relationships: an object on the side that holds the column and an array on the other.
What this module describes are the others: rows that belong together by value although the database doesn't enforce it
(everything that touches the mirror of Chargebee), and the object side of a one-to-one key.

They are declared with the table they start from, in `Table.info["relationships"]`:

    Table("contract", metadata, ..., info={"relationships": [
        to_one("subscription", "chargebee.subscription", subscription_id="id"),
    ]})
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

RelationshipKind = Literal["object", "array"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Relationship:
    """A named way from the rows of one table to the rows of another."""

    #: The field's name in GraphQL.
    name: str
    #: `object` for at most one row, `array` for any number of them.
    kind: RelationshipKind
    #: The other table as `schema.table`.
    target: str
    #: Column here → column there; all pairs must be equal.
    columns: Mapping[str, str]


def to_one(name: str, target: str, **columns: str) -> Relationship:
    """An object relationship: `to_one("customer", "public.customer", customer_id="id")`."""
    return Relationship(name=name, kind="object", target=target, columns=columns)


def to_many(name: str, target: str, **columns: str) -> Relationship:
    """An array relationship: `to_many("invoices", "chargebee.invoice", id="subscription_id")`."""
    return Relationship(name=name, kind="array", target=target, columns=columns)
