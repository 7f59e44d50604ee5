"""The parts of the local platform, in the order in which they are shown: what runs, after what, and how to see it."""

import os
import sys
from datetime import timedelta
from pathlib import Path

from local.environment import Site, environment
from local.layout import AGENTS, HOST
from local.postgres import Cluster
from local.supervisor.part import Part
from local.supervisor.process import Command
from local.supervisor.readiness import AskReady, HttpReady, Readiness, TcpReady

#: Building GraphiQL fetches its packages the first time.
_BUILD_TIMEOUT = timedelta(minutes=10)
_STEP_TIMEOUT = timedelta(minutes=5)
#: Longer than any program's own patience with requests under way (ten seconds).
_GRACE = timedelta(seconds=13)


def declare_parts(site: Site, cluster: Cluster | None) -> tuple[Part, ...]:
    """Every part, given the settings and the embedded database (None: DATABASE_URL names another one)."""
    layout = site.layout
    database = () if cluster is None else (_postgres(cluster),)
    agents = tuple(
        _program(
            site,
            f"agent-{agent}",
            (*_caregraph(), "agent", agent),
            port=f"agent_{agent}",
            depends_on=("identity",),
            purpose=f"the {agent} agent",
        )
        for agent in AGENTS
    )
    return (
        *database,
        _step(
            site,
            "migrate",
            (*_caregraph(), "migrate"),
            after=tuple(part.name for part in database),
            purpose="tables of this version",
        ),
        _step(site, "seed", (*_caregraph(), "seed"), after=("migrate",), purpose="demo data"),
        _program(
            site,
            "pubsub",
            _python("local.pubsub"),
            readiness=TcpReady(HOST, layout.ports["pubsub"]),
            url=f"{HOST}:{layout.ports['pubsub']}",
            purpose="Pub/Sub",
        ),
        _program(site, "identity", _python("local.identity"), purpose="Firebase Auth and Google ID tokens"),
        _program(site, "chargebee", _python("local.chargebee"), purpose="stand-in for Chargebee"),
        _program(site, "iterable", _python("local.iterable"), purpose="stand-in for Iterable"),
        _program(site, "zendesk", _python("local.zendesk"), purpose="stand-in for Zendesk"),
        _program(site, "pharmacy", _python("local.pharmacy"), purpose="stand-in for the pharmacy network"),
        _step(site, "provision", _python("local.provision"), after=("pubsub",), purpose="topics and subscriptions"),
        _step(
            site,
            "graphiql",
            (sys.executable, "portals/build.py", "graphiql"),
            timeout=_BUILD_TIMEOUT,
            # It is a page to try things in; without npm's registry all else still runs.
            required=False,
            purpose="front-end build",
        ),
        _program(
            site,
            "api",
            (*_caregraph(), "serve", "--port", str(layout.ports["api"])),
            depends_on=("migrate", "identity", "graphiql"),
            purpose="GraphQL at /v1/graphql, GraphiQL at /",
        ),
        _program(
            site,
            "relay",
            (*_caregraph(), "relay"),
            depends_on=("seed", "provision"),
            purpose="from the outbox to Pub/Sub",
        ),
        _program(
            site,
            "tasks",
            _python("local.tasks"),
            readiness=TcpReady(HOST, layout.ports["tasks"]),
            url=f"{HOST}:{layout.ports['tasks']}",
            purpose="Cloud Tasks",
        ),
        _program(
            site,
            "scheduler",
            (*_caregraph(), "scheduler"),
            depends_on=("seed", "tasks", "identity"),
            purpose="scheduled tasks to Cloud Tasks, cron jobs",
        ),
        _program(
            site,
            "cron",
            _python("local.scheduler"),
            depends_on=("scheduler",),
            purpose="Cloud Scheduler: calls cron jobs when due",
        ),
        *agents,
    )


def _postgres(cluster: Cluster) -> Part:
    return Part(
        name="postgres",
        command=cluster.command,
        readiness=AskReady(cluster.is_ready),
        url=cluster.url,
        purpose=f"PostgreSQL {cluster.version}",
    )


def _program(
    site: Site,
    name: str,
    argv: tuple[str, ...],
    *,
    port: str | None = None,
    readiness: Readiness | None = None,
    url: str | None = None,
    depends_on: tuple[str, ...] = (),
    purpose: str,
) -> Part:
    port = port or name
    return Part(
        name=name,
        command=_command(site, name, argv),
        readiness=readiness or HttpReady(HOST, site.layout.ports[port]),
        depends_on=depends_on,
        url=site.layout.url(port) if url is None else url,
        purpose=purpose,
    )


def _step(
    site: Site,
    name: str,
    argv: tuple[str, ...],
    *,
    after: tuple[str, ...] = (),
    timeout: timedelta = _STEP_TIMEOUT,
    required: bool = True,
    purpose: str,
) -> Part:
    return Part(
        name=name,
        command=_command(site, name, argv),
        depends_on=after,
        start_timeout=timeout,
        required=required,
        purpose=purpose,
    )


def _command(site: Site, name: str, argv: tuple[str, ...]) -> Command:
    return Command(
        argv=argv, env=environment(site, name), cwd=site.layout.root, log=site.layout.log(name), grace=_GRACE
    )


def _caregraph() -> tuple[str, ...]:
    """The `caregraph` of the environment that this process runs in."""
    return (os.fspath(Path(sys.executable).with_name("caregraph")),)


def _python(module: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module)
