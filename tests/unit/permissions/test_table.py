"""The page about permissions."""

from pathlib import Path

import pytest

from permissions.rules import DIVISIONS, RULES
from permissions.table import condition_text, render
from schema.view import BoolExp

PAGE = Path(__file__).parents[3] / "docs" / "permissions.md"


def test_the_page_says_what_the_rules_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(RULES, DIVISIONS["service"]), "write it anew: make permissions"


@pytest.mark.parametrize(
    ("exp", "said"),
    [
        ({}, "any"),
        ({"agent": {"_eq": "X-Hasura-User-Id"}}, "agent = me"),
        ({"active": {"_eq": True}, "deleted": {"_eq": False}}, "active, not deleted"),
        ({"status": {"_in": ["sent", "delivered"]}}, "status in (sent, delivered)"),
        ({"read_at": {"_is_null": True}, "signed_at": {"_is_null": False}}, "read_at is null, signed_at is not null"),
        ({"patient": {"customer": {"last_name": {"_neq": "x"}}}}, "patient.customer.last_name ≠ x"),
        ({"thread": {"status": {"_neq": "closed"}, "staff_id": {"_gt": 1}}}, "thread (status ≠ closed, staff_id > 1)"),
        ({"treatment": {"_or": [{"active": {"_eq": True}}, {"_not": {"a": {"_eq": 1}}}]}},
         "treatment (active or not (a = 1))"),
        ({"_and": [{"a": {"_eq": 1}}, {"b": {"_lte": 2}}]}, "a = 1, b ≤ 2"),
        ({"encounter": {"patient_id": {"_ceq": ["$", "patient_id"]}}}, "encounter.patient_id = its patient_id"),
        ({"end_date": {"_cgt": "created_at"}}, "end_date > created_at"),
        ({"_exists": {"_table": {"schema": "public", "name": "staff"}, "_where": {"id": {"_eq": 1}}}},
         "there is a public.staff (id = 1)"),
        ({"customer": {"id": {"_eq": "X-Hasura-User-Id"}, "deleted_at": {"_is_null": True}}}, "customer is me"),
        ({"customer": {"deleted_at": {"_is_null": True}}}, "customer is present"),
    ],
)  # fmt: skip
def test_a_condition_reads_as_one_says_it(exp: BoolExp, said: str) -> None:
    assert condition_text(exp) == said
