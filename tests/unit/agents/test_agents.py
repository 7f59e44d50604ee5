"""What is true of every agent: its files, its topics, its settings, its operations."""

import asyncio
from importlib import import_module
from pathlib import Path

import httpx
import pytest

import agents
from agents.graphql.client import GraphQLClient
from agents.graphql.connections import Connections
from agents.notification.templates import MESSAGES
from agents.registry import AGENTS
from integrations.settings import ConfigurationError
from local.layout import AGENTS as LOCAL_AGENTS
from triggers.event_types import EVENT_TYPES
from triggers.topics import TOPICS

FILES = {"__init__.py", "app.py", "handlers.py", "operations.graphql", "operations.py", "settings.py", "README.md"}
FOLDER = Path(agents.__file__).parent

every_agent = pytest.mark.parametrize("name", AGENTS)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that any agent needs; nothing listens there."""
    for variable, value in {
        "CAREGRAPH_GRAPHQL_URL": "http://127.0.0.1:1/v1/graphql",
        "CAREGRAPH_PUSH_AUDIENCE": "http://127.0.0.1:2",
        "CAREGRAPH_PUSH_SERVICE_ACCOUNT": "push@example.iam.gserviceaccount.com",
        "CHARGEBEE_SITE": "test",
        "CHARGEBEE_API_KEY": "secret-key",
        "ITERABLE_API_KEY": "secret-key",
        "ZENDESK_BASE_URL": "http://127.0.0.1:3",
        "ZENDESK_EMAIL": "agent@example.com",
        "ZENDESK_API_TOKEN": "secret-key",
        "ZENDESK_USER_ID": "1",
        "ZENDESK_WEBHOOK_SECRET": "secret-key",
        "CHARGEBEE_WEBHOOK_USERNAME": "caregraph",
        "CHARGEBEE_WEBHOOK_PASSWORD": "secret-key",
        "ITERABLE_WEBHOOK_SECRET": "secret-key",
        "PHARMACY_WEBHOOK_SECRET": "secret-key",
        "PHARMACY_BASE_URL": "http://127.0.0.1:4",
        "PHARMACY_API_KEY": "secret-key",
        "CAREGRAPH_FIREBASE_PROJECT": "test",
    }.items():
        monkeypatch.setenv(variable, value)


@every_agent
def test_every_agent_has_the_same_files(name: str) -> None:
    assert {path.name for path in (FOLDER / name).iterdir()} >= FILES


def test_the_local_platform_runs_every_agent() -> None:
    assert set(LOCAL_AGENTS) == set(AGENTS)


@every_agent
def test_an_agent_listens_to_topics_that_exist_under_names_of_its_own(name: str) -> None:
    entry = AGENTS[name]

    assert set(entry.topics) <= {topic.name for topic in TOPICS}
    assert dict(entry.subscriptions) == {f"{name.replace('_', '-')}-{topic}": topic for topic in entry.topics}


@every_agent
@pytest.mark.usefixtures("environment")
def test_an_agent_starts_without_a_connection_to_anything(name: str) -> None:
    app = AGENTS[name].load()()

    async def ask() -> int:
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://agent") as client,
        ):
            return (await client.get("/healthz")).status_code

    assert asyncio.run(ask()) == 200


@every_agent
def test_an_agent_without_settings_names_all_that_is_missing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("CAREGRAPH_GRAPHQL_URL", "CAREGRAPH_PUSH_AUDIENCE", "CHARGEBEE_SITE", "ITERABLE_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    needed = {
        "contract": "CHARGEBEE_SITE",
        "notification": "ITERABLE_API_KEY",
        "zendesk": "ZENDESK_BASE_URL",
        "prescription": "PHARMACY_BASE_URL",
        "referral": "CHARGEBEE_SITE",
        "invoice": "CHARGEBEE_SITE",
        "subscription_change": "CHARGEBEE_SITE",
        "event_routing": "CHARGEBEE_WEBHOOK_USERNAME",
        "chargebee": "CHARGEBEE_SITE",
        "identity": "CAREGRAPH_FIREBASE_PROJECT",
        "data_deletion": "CAREGRAPH_FIREBASE_PROJECT",
    }[name]

    with pytest.raises(ConfigurationError) as caught:
        AGENTS[name].load()()

    for variable in ("CAREGRAPH_GRAPHQL_URL", "CAREGRAPH_PUSH_AUDIENCE", "CAREGRAPH_PUSH_SERVICE_ACCOUNT", needed):
        assert f"{variable} is missing" in str(caught.value)


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("value", ["", "not an address", "127.0.0.1:8080/v1/graphql", "ftp://x/y"])
def test_a_wrong_address_stops_the_start(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAREGRAPH_GRAPHQL_URL", value)

    with pytest.raises(ConfigurationError, match="CAREGRAPH_GRAPHQL_URL"):
        AGENTS["contract"].load()()


@every_agent
@pytest.mark.usefixtures("environment")
def test_secrets_do_not_show(name: str) -> None:
    settings = import_module(f"agents.{name}.settings").read_settings()

    assert "secret-key" not in repr(settings)


@every_agent
@pytest.mark.usefixtures("environment")
def test_an_agent_handles_only_declared_types_of_its_topics(name: str) -> None:
    topics = {EVENT_TYPES[event_type].topic.name for event_type in handled(name)}

    assert topics <= set(AGENTS[name].topics)


def test_every_notified_event_says_which_customer_it_is_about() -> None:
    for message in MESSAGES:
        assert "customer_id" in message.event.model_fields, message.event.TYPE
        assert EVENT_TYPES[message.event.TYPE].subject in message.event.model_fields


def test_no_message_is_in_the_table_twice() -> None:
    keys = [(message.event.TYPE, message.template, message.channel) for message in MESSAGES]

    assert len(set(keys)) == len(keys)


def handled(name: str) -> set[str]:
    """The event types that an agent's application has handlers for."""
    types: set[str] = set()
    module = import_module(f"agents.{name}.app")

    def build_app(*, open_handlers: object, **_: object) -> object:
        return open_handlers

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "build_app", build_app)
        open_handlers = module.create_app()

    async def collect() -> None:
        graphql = GraphQLClient(endpoint=Connections("http://127.0.0.1:1"), token=NoToken())
        async with open_handlers(graphql) as handlers:
            types.update(handlers)
            assert types or handlers.doors or set(handlers.tasks), "an agent that nothing can reach"

    asyncio.run(collect())
    return types


class NoToken:
    """A token source that is never asked."""

    async def get_token(self) -> str:
        raise AssertionError("nothing is sent here")

    def discard(self) -> None:
        raise AssertionError("nothing is sent here")
