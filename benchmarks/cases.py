"""The cases: which operations are measured, as whom, and what is asked of us.

Each is a folder in `cases/` with the operation in every peer's words: GraphQL documents, and the limit's statement.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from benchmarks.material import Customer, Material

FOLDER: Final = Path(__file__).parent / "cases"

LIMIT: Final = "limit"
CAREGRAPH: Final = "caregraph"
POSTGRAPHILE: Final = "postgraphile"
HANDWRITTEN: Final = "handwritten"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, before a peer's HTTP is put round it."""

    variables: Mapping[str, Any]
    #: Who asks; None for the administrator.
    caller: Customer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An operation that all peers serve."""

    #: Its folder in `cases/`.
    name: str
    title: str
    #: The requests to send in turn.
    calls: Callable[[Material], list[Call]]
    #: What our requests a second are to be, as multiples of each peer's.
    targets: Mapping[str, float]
    #: Where the answer stands in `data`; "*" is for peers that are not named.
    answer: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: The table that it changes.
    changes: Literal["contract", "customer"] | None = None
    #: Among those that `--quick` measures.
    quick: bool = False

    def document(self, peer: str) -> str:
        """The GraphQL document for a peer. The limit reads ours, since it has to read something."""
        return _document(self.name, CAREGRAPH if peer == LIMIT else peer)

    def variables(self, peer: str, call: Call) -> dict[str, Any]:
        """The variables that the peer's document declares."""
        declared = re.findall(r"\$(\w+):", self.document(peer))
        return {name: call.variables[name] for name in declared}

    def find_answer(self, peer: str, data: Any) -> Any:
        """The answer proper, which peers wrap in their own ways."""
        if peer == LIMIT:
            return data["answer"]
        for key in self.answer.get(peer) or self.answer["*"]:
            data = data[key]
        return data


@cache
def _document(case: str, peer: str) -> str:
    return (FOLDER / case / f"{peer}.graphql").read_text()


def _own(customer: Customer, **variables: Any) -> Call:
    return Call(variables=variables, caller=customer)


CASES: Final = (
    Case(
        name="by_primary_key",
        title="by primary key, one nested object",
        calls=lambda m: [Call(variables={"id": customer.contract_id}) for customer in m.customers],
        answer={"*": ("contract",)},
        targets={LIMIT: 0.90, POSTGRAPHILE: 3.0, HANDWRITTEN: 15},
        quick=True,
    ),
    Case(
        name="list_of_50",
        title="50 rows, two nested objects each, filter and order",
        calls=lambda m: [Call(variables={"status": status}) for status in m.contract_statuses],
        answer={"*": ("contracts",)},
        targets={LIMIT: 0.90, POSTGRAPHILE: 3.0, HANDWRITTEN: 30},
        quick=True,
    ),
    Case(
        name="three_nested_lists",
        title="20 parents with three nested lists",
        calls=lambda m: [Call(variables={"last_name": name}) for name in m.last_names],
        answer={"*": ("customers",)},
        targets={LIMIT: 0.90, POSTGRAPHILE: 2.5, HANDWRITTEN: 20},
    ),
    Case(
        name="thousand_rows",
        title="1,000 rows of 10 columns",
        calls=lambda m: [Call(variables={"status": status}) for status in m.invoice_statuses],
        answer={"*": ("invoices",)},
        targets={LIMIT: 0.95, POSTGRAPHILE: 3.2, HANDWRITTEN: 25},
        quick=True,
    ),
    Case(
        name="aggregate",
        title="aggregate over 200,000 rows",
        calls=lambda _: [Call(variables={})],
        answer={"*": ("invoices",)},
        targets={LIMIT: 0.95, POSTGRAPHILE: 1.05, HANDWRITTEN: 1.5},
    ),
    Case(
        name="insert",
        title="insert one row, permission check and session recorded",
        calls=lambda m: [
            _own(
                customer,
                customer_id=customer.id,
                treatment_id=m.treatment_ids[number % len(m.treatment_ids)],
                start_date=m.next_month,
            )
            for number, customer in enumerate(m.customers)
        ],
        answer={"*": ("contract",), POSTGRAPHILE: ("created", "contract")},
        targets={LIMIT: 0.85, POSTGRAPHILE: 1.5, HANDWRITTEN: 8},
        changes="contract",
        quick=True,
    ),
    Case(
        name="update",
        title="update by primary key, the same",
        # Twice, so that every request changes something: what is equal is no event.
        calls=lambda m: [
            _own(customer, id=customer.id, phone=f"+1202555{last}")
            for last in ("0100", "0199")
            for customer in m.customers
        ],
        answer={"*": ("customer",), POSTGRAPHILE: ("updated", "customer")},
        targets={LIMIT: 0.85, POSTGRAPHILE: 1.4, HANDWRITTEN: 7},
        changes="customer",
    ),
)

#: Served as administrator and as the customer whose rows they are.
AS_EITHER: Final = (
    Case(
        name="by_primary_key",
        title="by primary key, one nested object",
        calls=lambda m: [_own(customer, id=customer.contract_id) for customer in m.customers],
        answer={"*": ("contract",)},
        targets={},
    ),
    Case(
        name="own_invoices",
        title="a customer's invoices with their subscriptions",
        calls=lambda m: [_own(customer, customer_id=customer.billing_id) for customer in m.customers],
        answer={"*": ("invoices",)},
        targets={},
    ),
)

#: A page's document as portals send it: a fragment a component, and `__typename` everywhere.
CONTRACT_PAGE: Final = Case(
    name="contract_page",
    title="a contract's page by primary key, in five fragments",
    calls=lambda m: [Call(variables={"id": customer.contract_id}) for customer in m.customers],
    answer={"*": ("contract",)},
    targets={},
)
