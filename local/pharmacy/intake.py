"""What an order must bring, checked field by field as the network does it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from local.pharmacy.replies import invalid, missing, refusal
from local.standin.service import Refusal

_ADDRESS: Final = ("line1", "city", "state", "zip", "country")
_NEEDED: Final[Sequence[str]] = (
    "reference",
    "pharmacy.ncpdp_id",
    *(f"patient.{name}" for name in ("identifier", "first_name", "last_name", "gender")),
    *(f"patient.address.{name}" for name in _ADDRESS),
    *(f"prescriber.{name}" for name in ("npi", "first_name", "last_name")),
    *(f"medication.{name}" for name in ("code_system", "code", "display", "form", "strength")),
    *(
        f"prescription.{name}"
        for name in (
            *("id", "signed_at", "dosage_instruction", "quantity", "quantity_unit", "days_supply"),
            *("refills_allowed", "fill_number"),
        )
    ),
)
_NEEDED_OF_REFILL: Final[Sequence[str]] = ("reference", "fill_number", *(f"address.{name}" for name in _ADDRESS))
_NCPDP: Final = re.compile(r"[0-9]{7}")
_NPI: Final = re.compile(r"[0-9]{10}")


def check_order(body: Any, *, today: date) -> Mapping[str, Any]:
    """The body of an order; raises Refusal that names the first field which is missing or can't be."""
    order = _object(body, _NEEDED)
    if not _NCPDP.fullmatch(str(order["pharmacy"]["ncpdp_id"])):
        raise Refusal(refusal("pharmacy_unknown", "No pharmacy has this number.", 422, param="pharmacy.ncpdp_id"))
    if not _NPI.fullmatch(str(order["prescriber"]["npi"])):
        raise Refusal(invalid("prescriber.npi", "An NPI has ten digits."))
    given = order["prescription"]
    try:
        positive = isinstance(given["quantity"], str) and Decimal(given["quantity"]) > 0
    except InvalidOperation:
        positive = False
    if not positive:
        raise Refusal(invalid("prescription.quantity", "A quantity is decimal text above zero."))
    for name in ("days_supply", "refills_allowed", "fill_number"):
        if not isinstance(given[name], int) or given[name] < (1 if name == "days_supply" else 0):
            raise Refusal(invalid(f"prescription.{name}", "It is a whole number, and not below zero."))
    if given["fill_number"] > given["refills_allowed"] + 1:
        raise Refusal(invalid("prescription.fill_number", "There are not so many refills."))
    _moment("prescription.signed_at", given["signed_at"])
    check_valid(given, today=today, param="prescription.valid_until")
    return order


def check_refill(body: Any) -> Mapping[str, Any]:
    """The body of a refill; raises Refusal."""
    return _object(body, _NEEDED_OF_REFILL)


def check_valid(prescription: Mapping[str, Any], *, today: date, param: str) -> None:
    """Raise Refusal when the prescription's last day has passed."""
    until = prescription.get("valid_until")
    if until is None:
        return
    try:
        is_over = date.fromisoformat(until) < today
    except (TypeError, ValueError):
        raise Refusal(invalid(param, "It is a date, YYYY-MM-DD.")) from None
    if is_over:
        raise Refusal(invalid(param, "The prescription is no longer valid."))


def _object(body: Any, needed: Sequence[str]) -> Mapping[str, Any]:
    if not isinstance(body, Mapping):
        raise Refusal(refusal("invalid_request", "The body is a JSON object.", 400))
    for path in needed:
        value: Any = body
        for name in path.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        if value is None or value == "":
            raise Refusal(missing(path))
    return body


def _moment(param: str, value: Any) -> None:
    try:
        aware = datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        aware = False
    if not aware:
        raise Refusal(invalid(param, "It is a moment in RFC 3339, with its offset."))
