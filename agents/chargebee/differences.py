"""What is different between a resource of Chargebee and its copy, in words that an operator may see."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from integrations.chargebee.rows import Row

#: Columns about a person, or with whatever somebody wrote: their values are never shown.
WITHHELD: Final[Mapping[str, frozenset[str]]] = {
    "customer": frozenset({"email", "first_name", "last_name", "phone", "billing_address"}),
    "subscription": frozenset({"cancel_reason"}),
    "invoice_line_item": frozenset({"description"}),
    "transaction": frozenset({"masked_card_number", "error_text"}),
}

#: Ours, or Chargebee's count of its own changes: it differs between a listing and a webhook only when all else does.
_LEFT_OUT: Final = frozenset({"synced_at"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One thing that is not the same."""

    table: str
    id: str
    kind: Literal["missing", "extra", "field"]
    #: Of kind `field`: the column and both values as they may be shown.
    column: str | None = None
    chargebee: str | None = None
    mirror: str | None = None

    def __str__(self) -> str:
        """The difference as a sentence."""
        if self.kind == "missing":
            return f"{self.table} {self.id}: in Chargebee, not in the mirror"
        if self.kind == "extra":
            return f"{self.table} {self.id}: in the mirror, not in Chargebee"
        return f"{self.table} {self.id}: {self.column}: Chargebee {self.chargebee}, mirror {self.mirror}"


def differences(table: str, expected: Row, found: Mapping[str, Any] | None) -> Iterator[Difference]:
    """What differs between the row that Chargebee's resource makes and the mirror's (None: there is none)."""
    key = str(expected["id"])
    if found is None:
        yield Difference(table=table, id=key, kind="missing")
        return
    for column, wanted in expected.items():
        actual = found[column]
        if column in _LEFT_OUT or wanted == actual:
            continue
        if isinstance(actual, datetime) and isinstance(wanted, str) and datetime.fromisoformat(wanted) == actual:
            continue
        withheld = column in WITHHELD.get(table, ())
        yield Difference(
            table=table,
            id=key,
            kind="field",
            column=column,
            chargebee=_shown(wanted, withheld=withheld),
            mirror=_shown(actual, withheld=withheld),
        )


def _shown(value: Any, *, withheld: bool) -> str:
    if value is None:
        return "empty"
    if withheld:
        return f"withheld ({len(str(value))} characters)"
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)
