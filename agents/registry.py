"""The agents that exist: who listens to what. Data only; an agent's code is imported when it is started."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from starlette.applications import Starlette


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentEntry:
    """One agent: a program, a service account, and a push subscription on each of its topics."""

    #: Also the name of its folder, and its `x-hasura-user-id` at the endpoint.
    name: str
    #: What it does, in a line.
    summary: str
    topics: tuple[str, ...]

    @property
    def subscriptions(self) -> Mapping[str, str]:
        """Subscription id → topic, for example `contract-contract-events` → `contract-events`."""
        return {f"{self.name.replace('_', '-')}-{topic}": topic for topic in self.topics}

    def load(self) -> Callable[[], Starlette]:
        """The function that reads the agent's settings and builds its application."""
        app = importlib.import_module(f"agents.{self.name}.app")
        create_app: Callable[[], Starlette] = app.create_app
        return create_app


AGENTS: Mapping[str, AgentEntry] = MappingProxyType(
    {
        entry.name: entry
        for entry in (
            AgentEntry(
                name="contract",
                summary="Links contracts and Chargebee subscriptions, plans renewals, tells of a contract's life.",
                topics=("contract-events",),
            ),
            AgentEntry(
                name="notification",
                summary="Tells customers: which event sends which template by which channel, once.",
                topics=("contract-events", "invoice-events", "customer-events", "prescription-events"),
            ),
            AgentEntry(
                name="zendesk",
                summary="Keeps requesters and tickets in Zendesk in step with our customers and tickets.",
                topics=("customer-events", "contract-events", "invoice-events"),
            ),
            AgentEntry(
                name="prescription",
                summary="Sends prescriptions and refills to the pharmacy, follows them, says when a refill is due.",
                topics=("prescription-events",),
            ),
            AgentEntry(
                name="referral",
                summary="Completes referrals when a friend's first contract begins, and rewards both.",
                topics=("contract-events", "customer-events"),
            ),
            AgentEntry(
                name="invoice",
                summary="Tells of payments and their failure, recovers what failed, adds up what was received.",
                topics=("invoice-events", "customer-events"),
            ),
            AgentEntry(
                name="subscription_change",
                summary="Carries out changes of subscriptions in Chargebee: plan, pause, resume, cancellation.",
                topics=("customer-events",),
            ),
            AgentEntry(
                name="chargebee",
                summary="Keeps customers and subscriptions in Chargebee, and its mirror here.",
                topics=("customer-events", "contract-events"),
            ),
            AgentEntry(
                name="identity",
                summary="Keeps the accounts that people sign in with, and the roles in their tokens, in step.",
                topics=("customer-events",),
            ),
            AgentEntry(
                name="data_deletion",
                summary="Carries a request to be forgotten through every system, and proves what was done.",
                topics=(),
            ),
            AgentEntry(
                name="event_routing",
                summary="Takes webhooks of Chargebee, Iterable, Zendesk and the pharmacy, and routes them by rules.",
                topics=(),
            ),
        )
    }
)
