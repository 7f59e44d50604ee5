"""What the customer, an operator and the outside systems can see of a running platform."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from local.environment import ZENDESK_EMAIL
from tests.e2e.platform import RunningPlatform


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """A customer of the demo data who has a subscription in Chargebee."""

    id: str
    email: str
    first_name: str
    subscription_id: str
    treatment_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """A platform and the keys to its stand-ins."""

    platform: RunningPlatform
    client: httpx.Client
    admin: str

    @classmethod
    def of(cls, platform: RunningPlatform, client: httpx.Client) -> "View":
        return cls(platform=platform, client=client, admin=platform.token("admin"))

    def ask(self, document: str, token: str | None = None, **variables: Any) -> dict[str, Any]:
        """The data of an answer without errors; as operator unless a token says otherwise."""
        answer = self.client.post(
            self.platform.graphql_url,
            json={"query": document, "variables": variables},
            headers={"authorization": f"Bearer {token or self.admin}"},
        ).json()
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    def people(self) -> Iterator[Person]:
        """Customers with an active subscription who may be written to, and whom other tests don't know by name."""
        data = self.ask(
            """
            query {
              subscriptions: chargebee_subscription(
                where: {
                  status: {_eq: "active"}
                  profile: {
                    firebase_uid: {_is_null: false}
                    email_opt_out: {_eq: false}
                    deleted_at: {_is_null: true}
                    email: {_nin: ["ada@example.com", "bo@example.com", "cleo@example.com"]}
                  }
                }
                order_by: {id: asc}
              ) { id profile { id email first_name } }
              treatment(where: {active: {_eq: true}}, order_by: {id: asc}, limit: 1) { id }
            }
            """
        )
        treatment_id = data["treatment"][0]["id"]
        for subscription in data["subscriptions"]:
            yield Person(**subscription["profile"], subscription_id=subscription["id"], treatment_id=treatment_id)

    def events(self, subject: str) -> list[dict[str, Any]]:
        """The events about something, in order, with what agents did about each; replays are deliveries, not events."""
        document = """
            query ($subject: String!) {
              events: events_outbox(
                where: {subject: {_eq: $subject}, replay_of: {_is_null: true}}, order_by: {sequence: asc}
              ) {
                id type data traceparent deliveries(order_by: {started_at: asc}) { agent outcome attempt effects }
              }
            }
        """
        events: list[dict[str, Any]] = self.ask(document, subject=subject)["events"]
        return events

    def ends(self, subject: str) -> set[tuple[str, str, str]]:
        """(event type, agent, outcome) of every delivery about something."""
        return {
            (event["type"], delivery["agent"], delivery["outcome"])
            for event in self.events(subject)
            for delivery in event["deliveries"]
        }

    def subscription(self, subscription_id: str) -> dict[str, Any]:
        """A subscription as Chargebee has it."""
        found: dict[str, Any] = self._get("chargebee", f"/api/v2/subscriptions/{subscription_id}")["subscription"]
        return found

    def cancel_in_chargebee(self, subscription_id: str) -> None:
        """Somebody in Chargebee's own pages ends a subscription at once."""
        keys = json.loads(self.platform.layout.keys.read_text())
        answer = self.client.post(
            f"{self.platform.layout.url('chargebee')}/api/v2/subscriptions/{subscription_id}/cancel_for_items",
            auth=(keys["chargebee_api_key"], ""),
        )
        assert answer.status_code == 200, answer.text

    def contracts_given(self, subscription_id: str) -> list[str]:
        """Every contract id that a subscription was ever given in Chargebee, as its events tell; once each time."""
        given: list[str] = []
        offset: str | None = None
        while True:
            page = self._get("chargebee", "/api/v2/events", limit="100", **({"offset": offset} if offset else {}))
            for entry in page["list"]:
                event = entry["event"]
                changed = event["content"].get("subscription", {})
                if event["event_type"] == "subscription_changed" and changed.get("id") == subscription_id:
                    given.append(str(changed.get("cf_contract_id")))
            offset = page.get("next_offset")
            if offset is None:
                return given

    def messages(self, customer_id: str) -> list[dict[str, Any]]:
        """What Iterable sent to a customer."""
        answer = self._request(
            "iterable", "/api/users/getSentMessages", {"userId": customer_id, "limit": "5000"}, known=False
        )
        messages: list[dict[str, Any]] = answer.get("messages", [])
        return messages

    def requesters(self, customer_id: str) -> list[dict[str, Any]]:
        """The requester records of a customer in Zendesk."""
        users: list[dict[str, Any]] = self._get("zendesk", "/api/v2/users/search.json", external_id=customer_id)[
            "users"
        ]
        return users

    def traces(self, service: str) -> set[str]:
        """The trace ids of the requests that a stand-in received."""
        received = self._get(service, "/_received", limit="20000")["received"]
        return {one["traceparent"].split("-")[1] for one in received if one["traceparent"]}

    def _get(self, service: str, path: str, **query: str) -> dict[str, Any]:
        return self._request(service, path, query, known=True)

    def _request(self, service: str, path: str, query: Mapping[str, str], *, known: bool) -> dict[str, Any]:
        keys = json.loads(self.platform.layout.keys.read_text())
        auth = {
            "chargebee": (keys["chargebee_api_key"], ""),
            "zendesk": (f"{ZENDESK_EMAIL}/token", keys["zendesk_api_token"]),
        }.get(service)
        answer = self.client.get(
            self.platform.layout.url(service) + path,
            params=query,
            auth=auth or httpx.USE_CLIENT_DEFAULT,
            headers={"api-key": keys["iterable_api_key"]} if service == "iterable" else {},
        )
        assert answer.status_code == 200 or not known, answer.text
        body: dict[str, Any] = answer.json()
        return body
