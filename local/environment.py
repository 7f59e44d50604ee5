"""Which settings each program of the local platform gets: a pure function, used by the supervisor and by tests.

The names are those that Terraform sets in production; here the addresses are loopback ones. A program gets what it
needs and no more: agents have no DATABASE_URL, only the one that talks to Chargebee has its key.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from local.keys import LocalKeys
from local.layout import AGENTS, HOST, LOCATION, PROJECT, QUEUE, Layout, service_account
from local.zendesk.users import API_USER_ID

#: Who signs the tokens that Pub/Sub pushes with.
PUSH_SERVICE_ACCOUNT = f"pubsub-push@{PROJECT}.iam.gserviceaccount.com"
#: Who signs the tokens that Cloud Tasks and Cloud Scheduler call with.
TASKS_SERVICE_ACCOUNT = f"tasks@{PROJECT}.iam.gserviceaccount.com"
CRON_SERVICE_ACCOUNT = f"cron@{PROJECT}.iam.gserviceaccount.com"
#: The scheduler's own, for the jobs that agents do.
SCHEDULER_SERVICE_ACCOUNT = f"scheduler@{PROJECT}.iam.gserviceaccount.com"
ZENDESK_EMAIL = "agent@caregraph.local"

#: What a program keeps of the environment that the platform is started in. Proxies are left out on purpose: every
#: address here is on this machine. So is PYTHONDONTWRITEBYTECODE: a dozen programs would compile everything anew.
_INHERITED = (
    "HOME",
    "LANG",
    "LC_ALL",
    "LOGNAME",
    "PATH",
    "PYTHONPYCACHEPREFIX",
    "SHELL",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TMPDIR",
    "USER",
    "CAREGRAPH_LOG_FORMAT",
    "CAREGRAPH_LOG_LEVEL",
)
#: OpenTelemetry's own: endpoint, headers, sampler, how long spans are gathered.
_INHERITED_PREFIX = "OTEL_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """All that the settings follow from."""

    layout: Layout
    keys: LocalKeys
    #: PostgreSQL to use: the embedded one's address, or the caller's own DATABASE_URL.
    database_url: str = field(repr=False)
    #: The environment that the platform is started in.
    inherited: Mapping[str, str] = field(default_factory=dict, repr=False)


def environment(site: Site, part: str) -> dict[str, str]:
    """The whole environment of one part (a name of `local.parts`); KeyError for an unknown one."""
    return {**_common(site), **_SPECIFIC[part](site)}


def operator_environment(site: Site) -> dict[str, str]:
    """What the commands of `caregraph` need when an operator types them in another terminal."""
    return {
        **_ports(site),
        **_database(site),
        **_pubsub(site),
        **_identity(site),
        "CAREGRAPH_ENVIRONMENT": "development",
        "CAREGRAPH_ADMIN_SECRET": site.keys.admin_secret,
        "CAREGRAPH_API_AUDIENCE": site.layout.url("api"),
        "CAREGRAPH_SERVICE_ACCOUNTS": _service_accounts(),
        "CAREGRAPH_GRAPHQL_URL": _graphql_url(site),
        # `caregraph chargebee` acts as the agent of that name.
        **_id_token(site, service_account("chargebee")),
        **_chargebee(site),
    }


def _common(site: Site) -> dict[str, str]:
    kept = {
        name: value
        for name, value in site.inherited.items()
        if name in _INHERITED or name.startswith(_INHERITED_PREFIX)
    }
    return {
        **kept,
        "PYTHONUNBUFFERED": "1",
        "CAREGRAPH_ENVIRONMENT": "development",
        "CAREGRAPH_HOME": str(site.layout.home),
        "GOOGLE_CLOUD_PROJECT": PROJECT,
        **_ports(site),
    }


def _ports(site: Site) -> dict[str, str]:
    """What makes `local.layout` give the same ports to everyone, however they were moved."""
    return {f"CAREGRAPH_PORT_{name.upper()}": str(number) for name, number in site.layout.ports.items()}


def _graphql_url(site: Site) -> str:
    return site.layout.url("api") + "/v1/graphql"


def _port(site: Site, name: str) -> dict[str, str]:
    return {"PORT": str(site.layout.ports[name])}


def _database(site: Site) -> dict[str, str]:
    return {"DATABASE_URL": site.database_url}


def _pubsub(site: Site) -> dict[str, str]:
    return {"PUBSUB_EMULATOR_HOST": f"{HOST}:{site.layout.ports['pubsub']}", "GOOGLE_CLOUD_PROJECT": PROJECT}


def _identity(site: Site) -> dict[str, str]:
    """Tokens as Google issues them, with keys from the stand-in. Issuers stay Google's own, only their keys differ."""
    identity = site.layout.url("identity")
    return {
        "CAREGRAPH_FIREBASE_PROJECT": PROJECT,
        "CAREGRAPH_FIREBASE_JWKS_URL": f"{identity}/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com",
        "CAREGRAPH_UNCLAIMED_ROLE": "newcomer",
        "CAREGRAPH_SERVICE_JWKS_URL": f"{identity}/oauth2/v3/certs",
        "FIREBASE_AUTH_EMULATOR_HOST": f"{HOST}:{site.layout.ports['identity']}",
    }


def _id_token(site: Site, account: str) -> dict[str, str]:
    path = f"/computeMetadata/v1/instance/service-accounts/{account}/identity"
    return {"CAREGRAPH_ID_TOKEN_URL": site.layout.url("identity") + path}


def _service_accounts() -> str:
    return json.dumps({service_account(agent): agent for agent in AGENTS})


def _push(site: Site, audience: str) -> dict[str, str]:
    return {
        "CAREGRAPH_PUSH_AUDIENCE": audience,
        "CAREGRAPH_PUSH_SERVICE_ACCOUNT": PUSH_SERVICE_ACCOUNT,
        "CAREGRAPH_TASKS_SERVICE_ACCOUNT": TASKS_SERVICE_ACCOUNT,
        "CAREGRAPH_JOBS_SERVICE_ACCOUNT": SCHEDULER_SERVICE_ACCOUNT,
        "CAREGRAPH_SERVICE_JWKS_URL": _identity(site)["CAREGRAPH_SERVICE_JWKS_URL"],
    }


def _chargebee(site: Site) -> dict[str, str]:
    return {
        # The SDK puts site and domain together: https://SITE.DOMAIN becomes http://127.0.0.1:PORT.
        "CHARGEBEE_SITE": "127",
        "CHARGEBEE_DOMAIN": f"0.0.1:{site.layout.ports['chargebee']}",
        "CHARGEBEE_PROTOCOL": "http",
        "CHARGEBEE_API_KEY": site.keys.chargebee_api_key,
    }


def _iterable(site: Site) -> dict[str, str]:
    return {"ITERABLE_BASE_URL": site.layout.url("iterable"), "ITERABLE_API_KEY": site.keys.iterable_api_key}


def _zendesk(site: Site) -> dict[str, str]:
    return {
        "ZENDESK_BASE_URL": site.layout.url("zendesk"),
        "ZENDESK_EMAIL": ZENDESK_EMAIL,
        "ZENDESK_API_TOKEN": site.keys.zendesk_api_token,
    }


def _pharmacy(site: Site) -> dict[str, str]:
    return {"PHARMACY_BASE_URL": site.layout.url("pharmacy"), "PHARMACY_API_KEY": site.keys.pharmacy_api_key}


def _flags(site: Site) -> dict[str, str]:
    """Kameleoon's place is taken by a file: `{"sms-notifications": false}`; without it, flags have their defaults."""
    return {"CAREGRAPH_FLAGS_FILE": str(site.layout.home / "flags.json")}


def _webhooks(site: Site) -> Mapping[str, dict[str, str]]:
    """How each outside system proves its webhooks: what its stand-in signs with and event_routing checks."""
    return {
        "chargebee": {
            "CHARGEBEE_WEBHOOK_USERNAME": "caregraph",
            "CHARGEBEE_WEBHOOK_PASSWORD": site.keys.chargebee_webhook_password,
        },
        "iterable": {"ITERABLE_WEBHOOK_SECRET": site.keys.iterable_webhook_secret},
        "zendesk": {"ZENDESK_WEBHOOK_SECRET": site.keys.zendesk_webhook_secret},
        "pharmacy": {"PHARMACY_WEBHOOK_SECRET": site.keys.pharmacy_webhook_secret},
    }


def _standin(site: Site, name: str) -> dict[str, str]:
    """Port, secret, and where its webhooks go."""
    return {
        **_port(site, name),
        **_webhooks(site)[name],
        f"{name.upper()}_WEBHOOK_URL": f"{site.layout.agent_url('event_routing')}/webhooks/{name}",
    }


def _event_routing(site: Site) -> dict[str, str]:
    secrets = {variable: value for one in _webhooks(site).values() for variable, value in one.items()}
    return {**_agent(site, "event_routing"), **secrets, "ZENDESK_USER_ID": str(API_USER_ID)}


def _api(site: Site) -> dict[str, str]:
    return {
        **_port(site, "api"),
        **_database(site),
        **_identity(site),
        # Whose demo people GraphiQL offers.
        "CAREGRAPH_IDENTITY_URL": site.layout.url("identity"),
        "CAREGRAPH_ADMIN_SECRET": site.keys.admin_secret,
        "CAREGRAPH_API_AUDIENCE": site.layout.url("api"),
        "CAREGRAPH_SERVICE_ACCOUNTS": _service_accounts(),
    }


def _agent(site: Site, name: str) -> dict[str, str]:
    return {
        **_port(site, f"agent_{name}"),
        **_push(site, site.layout.agent_url(name)),
        **_id_token(site, service_account(name)),
        "CAREGRAPH_GRAPHQL_URL": _graphql_url(site),
        "CAREGRAPH_API_AUDIENCE": site.layout.url("api"),
    }


def _front_end_build(site: Site) -> dict[str, str]:
    """The one part that asks beyond this machine: npm's registry, with whatever settings lead there."""
    names = {"NODE_EXTRA_CA_CERTS", "CAREGRAPH_NODE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"}
    return {
        name: value
        for name, value in site.inherited.items()
        if name in names or name.lower().startswith("npm_config_") or name.lower().endswith("_proxy")
    }


def _pubsub_server(site: Site) -> dict[str, str]:
    return {**_port(site, "pubsub"), **_id_token(site, PUSH_SERVICE_ACCOUNT)}


def _agent_urls(site: Site) -> str:
    return json.dumps({agent: site.layout.agent_url(agent) for agent in AGENTS})


def _clock(site: Site) -> dict[str, str]:
    return {"CAREGRAPH_CLOCK_URL": site.layout.url("tasks_control") + "/_control"}


def _tasks_server(site: Site) -> dict[str, str]:
    return {**_port(site, "tasks"), "CAREGRAPH_IDENTITY_URL": site.layout.url("identity")}


def _scheduler(site: Site) -> dict[str, str]:
    return {
        **_port(site, "scheduler"),
        **_database(site),
        **_id_token(site, SCHEDULER_SERVICE_ACCOUNT),
        **_clock(site),
        "CLOUD_TASKS_EMULATOR_HOST": f"{HOST}:{site.layout.ports['tasks']}",
        "CAREGRAPH_TASKS_QUEUE": f"projects/{PROJECT}/locations/{LOCATION}/queues/{QUEUE}",
        "CAREGRAPH_TASKS_SERVICE_ACCOUNT": TASKS_SERVICE_ACCOUNT,
        "CAREGRAPH_AGENT_URLS": _agent_urls(site),
        "CAREGRAPH_CRON_SERVICE_ACCOUNT": CRON_SERVICE_ACCOUNT,
        "CAREGRAPH_SCHEDULER_AUDIENCE": site.layout.url("scheduler"),
        "CAREGRAPH_SERVICE_JWKS_URL": _identity(site)["CAREGRAPH_SERVICE_JWKS_URL"],
    }


def _cron(site: Site) -> dict[str, str]:
    return {
        **_port(site, "cron"),
        **_clock(site),
        "CAREGRAPH_IDENTITY_URL": site.layout.url("identity"),
        "CAREGRAPH_AGENT_URLS": _agent_urls(site),
        "CAREGRAPH_CRON_SERVICE_ACCOUNT": CRON_SERVICE_ACCOUNT,
        "CAREGRAPH_SCHEDULER_AUDIENCE": site.layout.url("scheduler"),
    }


def _identity_server(site: Site) -> dict[str, str]:
    return {
        **_port(site, "identity"),
        "CAREGRAPH_FIREBASE_PROJECT": PROJECT,
        "CAREGRAPH_API_AUDIENCE": site.layout.url("api"),
        "CAREGRAPH_SERVICE_ACCOUNTS": _service_accounts(),
    }


_SPECIFIC: Mapping[str, Callable[[Site], dict[str, str]]] = {
    "graphiql": _front_end_build,
    "migrate": _database,
    "seed": lambda site: {**_database(site), **_chargebee(site)},
    "pubsub": _pubsub_server,
    "identity": _identity_server,
    "chargebee": lambda site: {**_chargebee(site), **_standin(site, "chargebee")},
    "iterable": lambda site: {**_iterable(site), **_standin(site, "iterable")},
    "zendesk": lambda site: {**_zendesk(site), **_standin(site, "zendesk")},
    "pharmacy": lambda site: {**_pharmacy(site), **_standin(site, "pharmacy")},
    "provision": _pubsub,
    "api": _api,
    "relay": lambda site: {**_port(site, "relay"), **_database(site), **_pubsub(site)},
    "tasks": _tasks_server,
    "scheduler": _scheduler,
    "cron": _cron,
    "agent-contract": lambda site: {**_agent(site, "contract"), **_chargebee(site)},
    "agent-event_routing": _event_routing,
    "agent-chargebee": lambda site: {**_agent(site, "chargebee"), **_chargebee(site), **_zendesk(site)},
    "agent-notification": lambda site: {**_agent(site, "notification"), **_iterable(site), **_flags(site)},
    "agent-zendesk": lambda site: {**_agent(site, "zendesk"), **_zendesk(site)},
    "agent-data_deletion": lambda site: {
        **_agent(site, "data_deletion"),
        **_identity(site),
        **_chargebee(site),
        **_iterable(site),
        **_zendesk(site),
        **_pharmacy(site),
    },
    "agent-identity": lambda site: {**_agent(site, "identity"), **_identity(site)},
    "agent-referral": lambda site: {**_agent(site, "referral"), **_chargebee(site)},
    "agent-prescription": lambda site: {**_agent(site, "prescription"), **_pharmacy(site), **_zendesk(site)},
    "agent-subscription_change": lambda site: {
        **_agent(site, "subscription_change"),
        **_chargebee(site),
        **_zendesk(site),
    },
    "agent-invoice": lambda site: {
        **_agent(site, "invoice"),
        **_chargebee(site),
        **_iterable(site),
        **_zendesk(site),
    },
}
