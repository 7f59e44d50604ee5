"""Where everything of the local platform is: the one place for ports, folders and names of parts.

A `Layout` is a value; `read_layout` makes it from the environment:

- `CAREGRAPH_HOME`: folder of the local state (default: `.caregraph` in the checkout).
- `CAREGRAPH_PORT_BASE`: moves all ports together, to this number and up: room for a second platform.
- `CAREGRAPH_PORT_<NAME>`: moves one, for example `CAREGRAPH_PORT_API=9000`; wins over the base.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

PROJECT = "caregraph-local"
#: Where Cloud Tasks has its queue, and its name.
LOCATION = "local"
QUEUE = "scheduled-tasks"
HOST = "127.0.0.1"
_HIGHEST_PORT = 65535

#: The agents that exist; each is a program `caregraph agent NAME` and a part `agent-NAME`.
AGENTS = (
    "contract",
    "notification",
    "zendesk",
    "prescription",
    "referral",
    "invoice",
    "subscription_change",
    "event_routing",
    "chargebee",
    "identity",
    "data_deletion",
)

#: What listens where unless moved. The order gives the numbers above `CAREGRAPH_PORT_BASE`, so new names go last.
DEFAULT_PORTS: Mapping[str, int] = MappingProxyType(
    {
        "api": 8080,
        "postgres": 8432,
        "pubsub": 8085,
        "identity": 8099,
        "chargebee": 8201,
        "iterable": 8202,
        "zendesk": 8203,
        "relay": 8300,
        "agent_contract": 8101,
        "agent_notification": 8102,
        "agent_zendesk": 8103,
        "tasks": 8123,
        "tasks_control": 8124,
        "scheduler": 8301,
        "cron": 8302,
        "pharmacy": 8204,
        "agent_prescription": 8107,
        "agent_invoice": 8105,
        "agent_subscription_change": 8104,
        "agent_event_routing": 8109,
        "agent_chargebee": 8106,
        "agent_referral": 8108,
        "agent_identity": 8110,
        "agent_data_deletion": 8111,
    }
)


class LayoutError(Exception):
    """An environment variable holds no usable port or folder; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Folders and ports of one local platform."""

    #: The checkout, where programs run.
    root: Path
    #: Local state; everything that `reset` removes.
    home: Path
    #: Name to port, the names of DEFAULT_PORTS.
    ports: Mapping[str, int]

    @property
    def postgres(self) -> Path:
        """PostgreSQL's data directory."""
        return self.home / "postgres"

    @property
    def logs(self) -> Path:
        """One file a part."""
        return self.home / "logs"

    @property
    def run(self) -> Path:
        """Lock, state and settings of the running platform."""
        return self.home / "run"

    @property
    def keys(self) -> Path:
        """Keys made for this platform alone."""
        return self.home / "keys.json"

    @property
    def state_folders(self) -> tuple[Path, ...]:
        """Every folder that parts write to, PostgreSQL's excepted."""
        return tuple(self.home / name for name in ("pubsub", "tasks", "cron", "standins", "identity", "logs", "run"))

    def log(self, part: str) -> Path:
        """Where a part's output goes."""
        return self.logs / f"{part}.log"

    def url(self, name: str) -> str:
        """Base URL of what listens on the port of that name, for example `http://127.0.0.1:8080`."""
        return f"http://{HOST}:{self.ports[name]}"

    def agent_url(self, agent: str) -> str:
        """Base URL of an agent, which is also the audience of the tokens pushed to it."""
        return self.url(f"agent_{agent}")


def service_account(name: str) -> str:
    """E-mail of the service account of an agent (`contract` → `contract-agent@…`)."""
    return f"{name.replace('_', '-')}-agent@{PROJECT}.iam.gserviceaccount.com"


def read_layout(environ: Mapping[str, str] | None = None) -> Layout:
    """The layout that the environment asks for; LayoutError names every wrong value. Touches no file."""
    environ = os.environ if environ is None else environ
    root = Path(__file__).resolve().parent.parent
    home = Path(environ["CAREGRAPH_HOME"]).absolute() if environ.get("CAREGRAPH_HOME") else root / ".caregraph"
    problems: list[str] = []

    def port(variable: str, default: int) -> int:
        text = environ.get(variable, "")
        if not text:
            return default
        number = int(text) if text.isascii() and text.isdigit() else 0
        if not 1 <= number <= _HIGHEST_PORT:
            problems.append(f"{variable} must be a port between 1 and {_HIGHEST_PORT}, not {text!r}")
        return number

    base = port("CAREGRAPH_PORT_BASE", 0)
    if base + len(DEFAULT_PORTS) > _HIGHEST_PORT:
        problems.append(f"CAREGRAPH_PORT_BASE={base} leaves no room for {len(DEFAULT_PORTS)} ports")
    ports = {
        name: port(f"CAREGRAPH_PORT_{name.upper()}", base + offset if base else default)
        for offset, (name, default) in enumerate(DEFAULT_PORTS.items())
    }
    names_by_port: dict[int, list[str]] = {}
    for name, number in ports.items():
        names_by_port.setdefault(number, []).append(name)
    problems += [
        f"port {number} is given to {' and '.join(names)}"
        for number, names in names_by_port.items()
        # 0 stands for a value refused above.
        if len(names) > 1 and number
    ]
    if problems:
        raise LayoutError("; ".join(problems) + ".")
    return Layout(root=root, home=home, ports=MappingProxyType(ports))
