"""Flow 4, over public surfaces only: a provider signs, the pharmacy ships, the customer sees it, and asks for more.

Time is turned at the pharmacy: its day is weeks ago, so that what it delivers has run out today.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from local.environment import CRON_SERVICE_ACCOUNT
from tests.e2e.outside import View
from tests.e2e.platform import RunningPlatform

PATIENTS = """
    query {
      care_teams: healthcare_care_team(
        where: {
          status: {_eq: "active"}
          staff: {active: {_eq: true}, npi: {_is_null: false}, firebase_uid: {_is_null: false}}
          patient: {
            active: {_eq: true}
            preferred_pharmacy_id: {_is_null: false}
            customer: {
              firebase_uid: {_is_null: false}
              address_line1: {_is_null: false}
              email_opt_out: {_eq: false}
              deleted_at: {_is_null: true}
              email: {_nin: ["ada@example.com", "bo@example.com", "cleo@example.com"]}
            }
          }
        }
        order_by: {id: desc}
      ) {
        staff { email license_states }
        patient { id state_code customer { id email } }
      }
      medications: healthcare_medication(
        where: {status: {_eq: "active"}, is_controlled: {_eq: false}}, order_by: {id: asc}, limit: 1
      ) { id code_display }
    }
"""
DRAFT = """
    mutation ($patient_id: uuid!, $medication_id: uuid!) {
      insert_healthcare_prescription_one(
        object: {
          patient_id: $patient_id, medication_id: $medication_id, dosage_instruction: "One every morning",
          quantity: "30", quantity_unit: "{tbl}", days_supply: 30, refills_allowed: 2
        }
      ) { id status }
    }
"""
SIGN = "mutation ($id: uuid!) { sign_prescription(id: $id) { status pharmacy_id } }"
ASK = "mutation ($id: uuid!) { request_refill(prescription_id: $id) { refill_requested_at repeated } }"
APPROVE = "mutation ($id: uuid!) { approve_refill(prescription_id: $id) { fill_number fill_status refills_remaining } }"
WATCH = """
    subscription ($id: uuid!) {
      healthcare_prescription_fill(where: {prescription_id: {_eq: $id}}, order_by: {fill_number: asc}) {
        fill_number status carrier tracking_number
      }
    }
"""
STORY = """
    query ($id: uuid!) {
      healthcare_prescription_by_pk(id: $id) { status refill_due_on refill_requested_at refills_remaining }
      healthcare_prescription_fill(where: {prescription_id: {_eq: $id}}, order_by: {fill_number: asc}) {
        fill_number status status_reason carrier tracking_number delivered_at
      }
    }
"""
SET_STATUS = """
    mutation ($id: uuid!, $status: String!) {
      update_healthcare_prescription_by_pk(pk_columns: {id: $id}, _set: {status: $status}) { id }
    }
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A customer and the provider who prescribes for them."""

    patient_id: str
    customer_id: str
    customer: str
    provider: str
    medication_id: str
    medication: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """The pharmacy, as a pharmacist sees it."""

    platform: RunningPlatform
    client: httpx.Client

    def orders(self, prescription_id: str) -> list[dict[str, Any]]:
        """What was ordered for a prescription, in the order of its fills."""
        key = json.loads(self.platform.layout.keys.read_text())["pharmacy_api_key"]
        found = []
        for number in range(4):
            answer = self.client.get(
                f"{self.platform.layout.url('pharmacy')}/v1/orders",
                params={"reference": f"{prescription_id}.{number}"},
                headers={"authorization": f"Bearer {key}"},
            )
            found += answer.json()["orders"]
        return found

    def control(self, name: str, body: Any) -> Any:
        answer = self.client.post(f"{self.platform.layout.url('pharmacy')}/_control/{name}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def has_sent_everything(self) -> bool:
        """Whether every webhook has arrived."""
        counts = self._status()["webhooks"]["counts"]
        return not counts.get("pending") and not counts.get("held")

    @contextmanager
    def without_webhooks(self) -> Iterator[None]:
        """What happens meanwhile is told to nobody."""
        url = self._status()["webhooks"]["url"]
        self.control("webhooks", {"url": None})
        try:
            yield
        finally:
            self.control("webhooks", {"url": url})

    def _status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get(f"{self.platform.layout.url('pharmacy')}/_control").json()
        return found

    def received(self) -> list[dict[str, Any]]:
        url = f"{self.platform.layout.url('pharmacy')}/_received"
        found: list[dict[str, Any]] = self.client.get(url, params={"limit": "20000"}).json()["received"]
        return found


@pytest.fixture(scope="module")
def view(platform: RunningPlatform) -> Iterator[View]:
    with httpx.Client(timeout=30, trust_env=False) as client:
        yield View.of(platform, client)


@pytest.fixture(scope="module")
def cases(view: View) -> Iterator[Case]:
    """Patients and their providers, a fresh pair for each test."""
    return find_cases(view)


@pytest.fixture
def desk(view: View) -> Iterator[Desk]:
    """The pharmacy, forty days ago; today again afterwards."""
    desk = Desk(platform=view.platform, client=view.client)
    desk.control("clock", {"now": (datetime.now(UTC) - timedelta(days=40)).isoformat()})
    yield desk
    desk.client.delete(f"{view.platform.layout.url('pharmacy')}/_control/faults")
    desk.control("webhooks/shape", {"twice": 0, "hold": False})
    desk.control("webhooks/release", {})
    desk.control("clock", {})


def find_cases(view: View) -> Iterator[Case]:
    data = view.ask(PATIENTS)
    (medication,) = data["medications"]
    seen = set()
    for team in data["care_teams"]:
        patient = team["patient"]
        if patient["state_code"] in team["staff"]["license_states"] and patient["id"] not in seen:
            seen.add(patient["id"])
            yield Case(
                patient_id=patient["id"],
                customer_id=patient["customer"]["id"],
                customer=view.platform.token("user", patient["customer"]["email"]),
                provider=view.platform.token("provider", team["staff"]["email"]),
                medication_id=medication["id"],
                medication=medication["code_display"],
            )


def test_from_signature_to_the_second_fill(view: View, desk: Desk, cases: Iterator[Case]) -> None:
    case = next(cases)
    prescription_id = draft(view, case)
    with watching(view, case, prescription_id) as live:
        signed = view.ask(SIGN, case.provider, id=prescription_id)["sign_prescription"]
        assert signed["status"] == "active"
        see(live, "sent")
        (order,) = desk.orders(prescription_id)
        assert order["status"] == "received"

        # By the pharmacy's clock: accepted, packed, handed to the carrier.
        desk.control("clock", {"advance_s": 31 * 3600})
        shipped = see(live, "shipped")
        (order,) = desk.orders(prescription_id)
        assert shipped["tracking_number"] == order["shipment"]["tracking_number"]
        assert shipped["carrier"] == order["shipment"]["carrier"]
        desk.control("clock", {"advance_s": 60 * 3600})
        see(live, "delivered")

    # It was for thirty days, and came more than thirty days ago: the next one is due.
    wait_for_events(view, prescription_id, {"prescription.refill_due"})
    due = view.ask(STORY, case.customer, id=prescription_id)["healthcare_prescription_by_pk"]
    delivered_at = datetime.fromisoformat(order_of(desk, prescription_id)["delivered_at"])
    assert due["refill_due_on"] == (delivered_at + timedelta(days=23)).date().isoformat()

    asked = view.ask(ASK, case.customer, id=prescription_id)["request_refill"]
    assert asked["repeated"] is False
    waiting = view.ask(STORY, case.provider, id=prescription_id)["healthcare_prescription_by_pk"]
    assert waiting["refill_requested_at"] == asked["refill_requested_at"]
    assert len(desk.orders(prescription_id)) == 1, "nothing is ordered before the provider agrees"

    approved = view.ask(APPROVE, case.provider, id=prescription_id)["approve_refill"]
    assert (approved["fill_number"], approved["refills_remaining"]) == (1, 1)
    view.platform.wait_until(lambda: len(desk.orders(prescription_id)) == 2)
    first, second = desk.orders(prescription_id)
    assert second["refill_of"] == first["id"]

    # The customer heard of each thing once, and nobody but the pharmacy of the medication.
    templates = {"prescription_shipped", "prescription_delivered", "refill_due"}
    told = [
        message["campaignName"]
        for message in view.messages(case.customer_id)
        if message["dataFields"].get("prescription_id") == prescription_id and message["messageMedium"] == "Email"
    ]
    assert sorted(told) == sorted(templates)
    events = json.dumps(view.events(prescription_id))
    for private in (case.medication, "One every morning"):
        assert private not in events
    (call,) = [
        one
        for one in desk.received()
        if (one["method"], one["path"]) == ("POST", "/v1/orders") and prescription_id in str(one["body"])
    ]
    assert call["body"]["medication"]["display"] == case.medication


def test_a_fill_that_the_pharmacy_rejects_is_the_care_teams_to_sort_out(
    view: View, desk: Desk, cases: Iterator[Case]
) -> None:
    case = next(cases)
    prescription_id = draft(view, case)
    # The order is taken, and the answer lost, as often as one attempt asks.
    fault = {"status": 500, "after_work": True, "times": 4, "method": "POST", "path": "^/v1/orders$"}
    desk.control("faults", fault)
    view.ask(SIGN, case.provider, id=prescription_id)
    wait_for_events(view, prescription_id, {"prescription.sent"})
    order = order_of(desk, prescription_id)

    move = {"id": order["id"], "to": "rejected", "code": "out_of_stock", "reason": "Not before next month."}
    desk.control("orders", move)
    wait_for_events(view, prescription_id, {"prescription.rejected"})
    view.platform.wait_until(lambda: ("prescription.rejected", "prescription", "done") in view.ends(prescription_id))

    (fill,) = view.ask(STORY, case.provider, id=prescription_id)["healthcare_prescription_fill"]
    assert (fill["status"], fill["status_reason"]) == ("rejected", "Not before next month.")
    tickets = view.ask(
        """
        query ($customer_id: uuid!) {
          support_ticket(where: {customer_id: {_eq: $customer_id}, category: {_eq: "clinical"}}, order_by: {id: desc}) {
            subject description status
          }
        }
        """,
        view.platform.token("cct"),
        customer_id=case.customer_id,
    )["support_ticket"]
    mine = [ticket for ticket in tickets if prescription_id in ticket["description"]]
    assert [ticket["subject"] for ticket in mine] == ["A pharmacy has rejected a prescription"]
    assert "next month" not in json.dumps(mine)


def test_a_prescription_that_is_stopped_is_not_dispensed_any_more(
    view: View, desk: Desk, cases: Iterator[Case]
) -> None:
    case = next(cases)
    prescription_id = draft(view, case)
    view.ask(SIGN, case.provider, id=prescription_id)
    wait_for_events(view, prescription_id, {"prescription.sent"})

    view.ask(SET_STATUS, id=prescription_id, status="stopped")
    view.platform.wait_until(lambda: order_of(desk, prescription_id)["status"] == "cancelled")

    def is_written() -> bool:
        fills = view.ask(STORY, case.customer, id=prescription_id)["healthcare_prescription_fill"]
        return [fill["status"] for fill in fills] == ["rejected"]

    view.platform.wait_until(is_written)
    assert "prescription.rejected" not in {event["type"] for event in view.events(prescription_id)}


def test_webhooks_that_come_twice_and_backwards_end_at_the_same(view: View, desk: Desk, cases: Iterator[Case]) -> None:
    case = next(cases)
    prescription_id = draft(view, case)
    view.ask(SIGN, case.provider, id=prescription_id)
    wait_for_events(view, prescription_id, {"prescription.sent"})
    desk.control("webhooks/shape", {"twice": 4, "hold": True})
    order = desk.control("orders", {"id": order_of(desk, prescription_id)["id"], "to": "delivered"})["order"]
    assert desk.control("webhooks/release", {"order": "reverse"}) == {"released": 8}
    view.platform.wait_until(desk.has_sent_everything)

    (fill,) = view.ask(STORY, case.customer, id=prescription_id)["healthcare_prescription_fill"]
    assert (fill["status"], fill["tracking_number"]) == ("delivered", order["shipment"]["tracking_number"])
    types = [event["type"] for event in view.events(prescription_id)]
    assert types.count("prescription.delivered") == 1
    # Whoever has the parcel needn't hear that it is on its way.
    assert not {"prescription.filled", "prescription.shipped"} & set(types)


def test_a_lost_webhook_is_made_up_for_by_the_hourly_check(view: View, desk: Desk) -> None:
    # Fills of the demo data are older than an hour, and the pharmacy has their orders.
    (fill,) = view.ask(
        """
        query {
          healthcare_prescription_fill(
            where: {status: {_in: ["sent", "accepted", "filled"]}, prescription: {status: {_eq: "active"}}}
            order_by: {created_at: asc}
            limit: 1
          ) { prescription_id fill_number pharmacy_order_id }
        }
        """
    )["healthcare_prescription_fill"]
    with desk.without_webhooks():
        order = desk.control("orders", {"id": fill["pharmacy_order_id"], "to": "shipped"})["order"]

    run_check(view)

    found = view.ask(STORY, id=fill["prescription_id"])["healthcare_prescription_fill"]
    (moved,) = [one for one in found if one["fill_number"] == fill["fill_number"]]
    assert (moved["status"], moved["tracking_number"]) == ("shipped", order["shipment"]["tracking_number"])
    assert "prescription.shipped" in {event["type"] for event in view.events(fill["prescription_id"])}


def run_check(view: View) -> None:
    """Have the scheduler run the check, as Cloud Scheduler does every hour."""
    url = view.platform.layout.url("scheduler")
    identity = f"{view.platform.layout.url('identity')}/computeMetadata/v1/instance/service-accounts"
    token = view.client.get(
        f"{identity}/{CRON_SERVICE_ACCOUNT}/identity",
        params={"audience": url, "format": "full"},
        headers={"metadata-flavor": "Google"},
    ).text
    answer = view.client.post(f"{url}/jobs/prescription-check", headers={"authorization": f"Bearer {token}"})
    assert answer.json() == {"outcome": "done"}, answer.text


def draft(view: View, case: Case) -> str:
    made = view.ask(DRAFT, case.provider, patient_id=case.patient_id, medication_id=case.medication_id)
    prescription_id: str = made["insert_healthcare_prescription_one"]["id"]
    return prescription_id


def order_of(desk: Desk, prescription_id: str) -> dict[str, Any]:
    """The one order of a prescription."""
    (order,) = desk.orders(prescription_id)
    return order


def wait_for_events(view: View, prescription_id: str, types: set[str]) -> None:
    view.platform.wait_until(lambda: types <= {event["type"] for event in view.events(prescription_id)}, within_s=60)


@contextmanager
def watching(view: View, case: Case, prescription_id: str) -> Iterator[ClientConnection]:
    """The customer's live query of a prescription's fills."""
    url = view.platform.graphql_url.replace("http://", "ws://")
    protocols: list[Any] = ["graphql-transport-ws"]
    with connect(url, subprotocols=protocols, proxy=None) as socket:
        headers = {"authorization": f"Bearer {case.customer}"}
        socket.send(json.dumps({"type": "connection_init", "payload": {"headers": headers}}))
        assert json.loads(socket.recv(timeout=10))["type"] == "connection_ack"
        payload = {"query": WATCH, "variables": {"id": prescription_id}}
        socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        yield socket


def see(live: ClientConnection, status: str) -> dict[str, Any]:
    """The customer's only fill, once the live query shows it in that status."""
    while True:
        message = json.loads(live.recv(timeout=30))
        if message["type"] == "ping":
            live.send(json.dumps({"type": "pong"}))
            continue
        assert message["type"] == "next", message
        fills: list[dict[str, Any]] = message["payload"]["data"]["healthcare_prescription_fill"]
        if [fill["status"] for fill in fills] == [status]:
            return fills[0]
