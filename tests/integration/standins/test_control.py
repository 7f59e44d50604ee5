"""The stand-ins' own pages and controls."""

from typing import Any

import pytest

from integrations.chargebee.client import ChargebeeClient
from local.standin.run import Running
from tests.integration.standins.conftest import Operator


async def test_everything_received_is_listed_with_its_answer(
    chargebee: Running, chargebee_client: ChargebeeClient, operator: Operator
) -> None:
    await chargebee_client.update_subscription_contract("ada-basic", "contract-1", "event-1")
    [request] = await operator.received(chargebee)
    assert request["at"].endswith("Z")
    assert {name: request[name] for name in ("method", "path", "idempotency_key", "body", "status", "replayed")} == {
        "method": "POST",
        "path": "/api/v2/subscriptions/ada-basic/update_for_items",
        "idempotency_key": "event-1",
        "body": "cf_contract_id=contract-1",
        "status": 200,
        "replayed": False,
    }


async def test_credentials_are_not_kept(
    chargebee: Running, chargebee_client: ChargebeeClient, operator: Operator
) -> None:
    await chargebee_client.get_subscription("ada-basic")
    listed = (await operator.get(f"{chargebee.url}/_received")).text + (await operator.get(f"{chargebee.url}/")).text
    assert "site-key" not in listed
    assert "c2l0ZS1rZXk" not in listed, "nor in the form of basic authentication"


async def test_a_dropped_connection_is_listed_without_a_status(
    chargebee: Running, chargebee_client: ChargebeeClient, operator: Operator
) -> None:
    await operator.fault(chargebee, drop=True, after_work=True)
    await chargebee_client.update_subscription_contract("ada-basic", "contract-1", "event-1")
    dropped, replayed = await operator.received(chargebee)
    assert (dropped["status"], dropped["fault"]) == (None, "connection dropped, work done")
    assert (replayed["status"], replayed["replayed"]) == (200, True)


async def test_the_list_can_be_waited_for_and_forgotten(
    chargebee: Running, chargebee_client: ChargebeeClient, operator: Operator
) -> None:
    assert await operator.received(chargebee, at_least=1, wait_s=0.01) == []
    await chargebee_client.get_subscription("ada-basic")
    [first] = await operator.received(chargebee, at_least=1, wait_s=5)
    assert await operator.received(chargebee, since=first["seq"]) == []
    await operator.delete(f"{chargebee.url}/_received")
    assert await operator.received(chargebee) == []


@pytest.mark.parametrize(
    ("control", "body", "sentence"),
    [
        ("faults", {"status": 200}, "from 400 to 599"),
        ("faults", {"statsu": 500}, "no 'statsu'"),
        ("faults", {}, "needs a status"),
        ("faults", {"status": 500, "path": "("}, "regular expression"),
        ("faults", {"status": True}, "can't be True"),
        ("faults", {"drop": True, "times": 0}, "at least 1"),
        ("faults", {"delay_s": -1}, "from 0 to"),
        ("faults", [{"status": 500}, 1], "JSON object"),
        ("clock", {"now": "tomorrow"}, "tomorrow"),
        ("clock", {"now": 5}, "'now' of the body is text"),
        ("clock", {"advance_s": 1e30}, "can't be turned there"),
        ("clock", {"advance": 5}, "it has now, advance_s"),
        ("cards", {"cards": [{"customer": "ada"}]}, "a card has no 'customer'"),
        ("cards", {"customer_id": "ada", "decline": "mood"}, "no reason to decline"),
        ("renew", {"subscription_id": "nobody"}, "no active subscription"),
        ("renew", {}, "needs 'subscription_id'"),
        ("webhooks", {}, "needs 'url'"),
        ("webhooks", {"url": "somewhere"}, "an address like http://"),
        ("webhooks/send", {"event_type": "x", "content": 5}, "'content' of the body is an object"),
        ("webhooks/shape", {"twice": -1}, "can't be -1"),
        ("webhooks/shape", {"hold": "yes"}, "true or false"),
        ("webhooks/send", {"event_type": "x", "content": {"invoice_id": "7"}}, "no invoice '7'"),
        ("webhooks/release", {"order": "random"}, "random"),
        ("reset", [], "JSON object"),
    ],
)
async def test_a_control_used_wrongly_says_how_it_is_done(
    chargebee: Running, operator: Operator, control: str, body: Any, sentence: str
) -> None:
    response = await operator.raw(chargebee, control, body)
    assert response.status_code == 400
    assert sentence in response.json()["error"]


async def test_an_unknown_control_is_answered_with_those_there_are(chargebee: Running, operator: Operator) -> None:
    response = await operator.raw(chargebee, "mood", {})
    assert response.status_code == 404
    assert "POST /_control/webhooks/shape, " in response.json()["error"]
    assert "POST /_control/cards" in response.json()["error"]


async def test_the_examples_on_the_pages_are_taken(
    chargebee: Running, iterable: Running, zendesk: Running, pharmacy: Running, operator: Operator
) -> None:
    for standin in (chargebee, iterable, zendesk, pharmacy):
        controls = (await operator.get(f"{standin.url}/_control")).json()["controls"]
        page = (await operator.get(f"{standin.url}/")).text
        for name, control in controls.items():
            assert f"curl -X POST {standin.url}/_control/{name} " in page
            response = await operator.raw(standin, name, control["example"])
            # What an example names need not be here; it must not be refused for its form.
            assert response.status_code in {200, 400, 404}, response.text
            refused = response.json().get("error", "")
            assert " of the body is " not in str(refused)
            assert "the body has no" not in str(refused)


async def test_faults_are_used_up_in_order_and_can_be_cleared(chargebee: Running, operator: Operator) -> None:
    await operator.post(chargebee, "faults", [{"status": 500}, {"status": 429, "retry_after_s": 3}, {"status": 503}])
    url, auth = f"{chargebee.url}/api/v2/customers/ada", ("site-key", "")
    answers = [await operator.get(url, auth=auth) for _ in range(2)]
    assert [one.status_code for one in answers] == [500, 429]
    assert answers[1].headers["retry-after"] == "3"
    assert answers[1].json()["api_error_code"] == "api_request_limit_exceeded"
    await operator.delete(f"{chargebee.url}/_control/faults")
    assert (await operator.get(url, auth=auth)).status_code == 200


async def test_a_fault_may_be_meant_for_some_requests_only(chargebee: Running, operator: Operator) -> None:
    await operator.fault(chargebee, method="POST", status=500)
    await operator.fault(chargebee, path="/invoices", status=503)
    auth = ("site-key", "")
    assert (await operator.get(f"{chargebee.url}/api/v2/customers", auth=auth)).status_code == 200
    assert (await operator.get(f"{chargebee.url}/api/v2/invoices", auth=auth)).status_code == 503


async def test_a_reset_brings_back_the_beginning(
    chargebee: Running, chargebee_client: ChargebeeClient, operator: Operator
) -> None:
    await chargebee_client.update_subscription_contract("ada-basic", "contract-1", "event-1")
    await operator.post(chargebee, "webhooks", {"url": "http://127.0.0.1:9/hook"})
    await operator.post(chargebee, "reset", {})
    assert (await chargebee_client.get_subscription("ada-basic")).contract_id is None
    status = (await operator.get(f"{chargebee.url}/_control")).json()
    assert status["webhooks"]["url"] == "http://127.0.0.1:9/hook"
    assert status["documents"] == {"customer": 1, "item_price": 4, "subscription": 1}
    again = await chargebee_client.update_subscription_contract("ada-basic", "contract-1", "event-1")
    assert not again.replayed
    assert (await operator.post(chargebee, "reset", {"seed": False}))["documents"] == {}


async def test_every_stand_in_has_a_page_and_is_alive(
    chargebee: Running, iterable: Running, zendesk: Running, operator: Operator
) -> None:
    for standin in (chargebee, iterable, zendesk):
        page = await operator.get(f"{standin.url}/")
        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")
        assert f"{standin.service.title} stand-in" in page.text
        assert (await operator.get(f"{standin.url}/healthz")).json() == {"status": "alive"}
        assert "caregraph_" in (await operator.get(f"{standin.url}/metrics")).text


async def test_an_unknown_path_is_refused_in_the_services_own_words(
    chargebee: Running, iterable: Running, zendesk: Running, operator: Operator
) -> None:
    site = await operator.get(f"{chargebee.url}/api/v2/nothing", auth=("site-key", ""))
    project = await operator.get(f"{iterable.url}/api/nothing/at/all", headers={"api-key": "api-key"})
    account = await operator.get(f"{zendesk.url}/api/v2/nothing.json", auth=("care@example.com/token", "token"))
    assert [one.status_code for one in (site, project, account)] == [404, 404, 404]
    assert site.json()["api_error_code"] == "site_not_found"
    assert project.json()["code"] == "NotFound"
    assert account.json()["error"] == "RecordNotFound"
