"""Variables by columns, over HTTP: what a request names as such, and what can't be."""

import json
from typing import Any

import pytest

from server.protocol import GraphQLProtocol
from tests.integration.server.test_protocol import SECRET, first_answer, post, serving

INSERT = """
    mutation ($rows: [staff_insert_input!]!, $other: [referral_insert_input!] = []) {
      insert_staff(objects: $rows) { affected_rows returning { email role } }
      insert_referral(objects: $other) { affected_rows }
    }
"""
COLUMNS = {
    "email": ["a@clinic.example", "b@clinic.example"],
    "first_name": ["A", "B"],
    "last_name": ["A", "B"],
    "role": ["cct", "provider"],
}


async def ask(database_url: str, *requests: dict[str, Any]) -> list[dict[str, Any]]:
    headers = (b"x-hasura-admin-secret: " + SECRET.encode(),)
    async with serving(database_url, GraphQLProtocol) as served:
        return [
            json.loads((await first_answer(served, post(json.dumps(request).encode(), *headers))).body)
            for request in requests
        ]


async def test_rows_are_sent_by_columns(database_url: str) -> None:
    request = {"query": INSERT, "variables": {"rows": COLUMNS}, "extensions": {"columns": ["rows"]}}
    (answer,) = await ask(database_url, request)
    assert answer["data"]["insert_staff"]["returning"] == [
        {"email": "a@clinic.example", "role": "cct"},
        {"email": "b@clinic.example", "role": "provider"},
    ]


async def test_what_all_rows_have_may_be_said_once(database_url: str) -> None:
    columns = COLUMNS | {"role": {"each": "cct"}, "first_name": {"each": "A"}}
    request = {"query": INSERT, "variables": {"rows": columns}, "extensions": {"columns": ["rows"]}}
    (answer,) = await ask(database_url, request)
    assert answer["data"]["insert_staff"]["returning"] == [
        {"email": "a@clinic.example", "role": "cct"},
        {"email": "b@clinic.example", "role": "cct"},
    ]


@pytest.mark.parametrize(
    ("rows", "names", "path"),
    [
        (COLUMNS | {"role": {"every": "cct"}}, ["rows"], "$.variables.rows"),
        (COLUMNS | {"role": {"each": "cct", "other": 1}}, ["rows"], "$.variables.rows"),
        ({name: {"each": "cct"} for name in COLUMNS}, ["rows"], "$.variables.rows"),
        (COLUMNS | {"role": ["cct"]}, ["rows"], "$.variables.rows"),
        (COLUMNS | {"role": "cct"}, ["rows"], "$.variables.rows"),
        ([COLUMNS], ["rows"], "$.variables.rows"),
        ({}, ["rows"], "$.variables.rows"),
        (None, ["rows"], "$.variables.rows"),
        (COLUMNS, ["rows", "rows"], "$.variables.rows"),
        (COLUMNS, ["other"], "$.variables.other"),
        (COLUMNS, [["rows"]], "$.extensions.columns"),
        (COLUMNS, "rows", "$.extensions.columns"),
    ],
    ids=str,
)
async def test_what_is_no_list_of_objects_by_columns_is_refused(
    database_url: str, rows: Any, names: Any, path: str
) -> None:
    request = {"query": INSERT, "variables": {"rows": rows}, "extensions": {"columns": names}}
    (answer,) = await ask(database_url, request)
    (error,) = answer["errors"]
    assert (error["extensions"]["code"], error["extensions"]["path"]) == ("parse-failed", path)
