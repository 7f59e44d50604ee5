"""Filters, sorting and pages as Chargebee documents them, asked for over HTTP without the SDK."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from local.standin.run import Running
from tests.integration.standins.conftest import START, plain_client


@pytest.fixture
async def site(chargebee: Running) -> AsyncIterator[httpx.AsyncClient]:
    store = chargebee.service.store
    for number in range(6):
        invoice: dict[str, Any] = {
            "id": str(100 + number),
            "customer_id": "ada" if number % 2 else "42",
            "status": "paid" if number < 3 else "payment_due",
            "total": 1000 * number,
            "date": START + number,
            "updated_at": START + 1000 - number,
            "recurring": number < 2,
            "deleted": number == 5,
        }
        if number == 4:
            invoice["dunning_status"] = "in_progress"
        store.put(
            "invoice",
            invoice["id"],
            invoice,
            created_at=invoice["date"],
            updated_at=invoice["updated_at"],
            deleted=invoice["deleted"],
        )
    async with plain_client(base_url=f"{chargebee.url}/api/v2", auth=("site-key", "")) as http:
        yield http


async def ids(site: httpx.AsyncClient, **query: Any) -> list[str]:
    response = await site.get("/invoices", params=query)
    assert response.status_code == 200, response.text
    return [entry["invoice"]["id"] for entry in response.json()["list"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["104", "103", "102", "101", "100"]),
        ({"include_deleted": "true"}, ["105", "104", "103", "102", "101", "100"]),
        ({"sort_by[asc]": "date"}, ["100", "101", "102", "103", "104"]),
        ({"sort_by[asc]": "updated_at"}, ["104", "103", "102", "101", "100"]),
        ({"sort_by[desc]": "updated_at"}, ["100", "101", "102", "103", "104"]),
        ({"updated_at[after]": START + 998}, ["101", "100"]),
        ({"updated_at[before]": START + 997}, ["104"]),
        ({"updated_at[between]": f"[{START + 997},{START + 998}]"}, ["103", "102"]),
        ({"date[on]": START}, ["104", "103", "102", "101", "100"]),
        ({"id[is]": "103"}, ["103"]),
        ({"id[in]": '["100","104"]'}, ["104", "100"]),
        ({"id[in]": "['100', '104']"}, ["104", "100"]),
        ({"id[not_in]": '["100","104"]'}, ["103", "102", "101"]),
        ({"customer_id[is]": "42"}, ["104", "102", "100"]),
        ({"customer_id[is_not]": "42"}, ["103", "101"]),
        ({"customer_id[starts_with]": "ad"}, ["103", "101"]),
        ({"status[in]": "[paid]"}, ["102", "101", "100"]),
        ({"status[is]": "payment_due", "customer_id[is]": "42"}, ["104"]),
        ({"total[gte]": 3000}, ["104", "103"]),
        ({"total[lt]": 1000}, ["100"]),
        ({"recurring[is]": "true"}, ["101", "100"]),
        ({"dunning_status[is_present]": "true"}, ["104"]),
        ({"dunning_status[is_present]": "false"}, ["103", "102", "101", "100"]),
    ],
)
async def test_a_listing_is_filtered_and_sorted(
    site: httpx.AsyncClient, query: dict[str, Any], expected: list[str]
) -> None:
    assert await ids(site, **query) == expected


@pytest.mark.parametrize("sorting", [{}, {"sort_by[asc]": "updated_at"}, {"sort_by[desc]": "updated_at"}])
async def test_pages_together_are_the_whole(site: httpx.AsyncClient, sorting: dict[str, str]) -> None:
    whole = await ids(site, **sorting)
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2, **sorting}
    while True:
        answer = (await site.get("/invoices", params=query)).json()
        seen += [entry["invoice"]["id"] for entry in answer["list"]]
        if "next_offset" not in answer:
            break
        query["offset"] = answer["next_offset"]
    assert seen == whole


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"limit": 101}, "limit"),
        ({"limit": 0}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"offset": "here"}, "offset"),
        ({"sort_by[asc]": "total"}, "sort_by[asc]"),
        ({"total[like]": "1"}, "total[like]"),
        ({"updated_at[between]": "[1]"}, "updated_at[between]"),
    ],
)
async def test_a_wrong_parameter_is_named(site: httpx.AsyncClient, query: dict[str, Any], param: str) -> None:
    response = await site.get("/invoices", params=query)
    assert response.status_code == 400
    assert response.json()["api_error_code"] == "param_wrong_value"
    assert response.json()["param"] == param


async def test_hostile_text_is_only_text(site: httpx.AsyncClient) -> None:
    for text in ("' OR 1=1 --", '"]}', "\\", "%", json.dumps(["'"]), "🩺"):
        assert await ids(site, **{"customer_id[is]": text}) == []
    response = await site.get("/invoices", params={"status') OR 1=1 --[is]": "paid"})
    assert response.status_code == 200, "what is no filter's name is ignored"
    assert len(response.json()["list"]) == 5


async def test_errors_have_all_of_chargebees_attributes(site: httpx.AsyncClient) -> None:
    response = await site.get("/invoices/nobody")
    assert response.status_code == 404
    assert response.json() == {
        "message": "nobody not found",
        "type": "invalid_request",
        "api_error_code": "resource_not_found",
        "param": "invoice_id",
        "error_code": "resource_not_found",
        "error_msg": "nobody not found",
        "error_param": "invoice_id",
        "http_status_code": 404,
    }


async def test_each_subscription_comes_with_its_customer(site: httpx.AsyncClient) -> None:
    [entry] = (await site.get("/subscriptions")).json()["list"]
    assert entry["customer"]["id"] == entry["subscription"]["customer_id"] == "ada"
