"""What `caregraph up` prints once everything runs: what is where, how to sign in, three things to try."""

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table

from local.environment import Site

_ROLES = {
    "user": "a customer: own contracts, invoices, prescriptions",
    "provider": "a clinician: the patients of their care team",
    "cct": "the care coordination team: every customer, no clinical notes",
    "admin": "an operator: everything",
}


def print_welcome(console: Console, site: Site) -> None:
    """Print the page."""
    layout = site.layout
    api = layout.url("api")
    caregraph = _command_path()
    console.print()
    console.print("[bold]Caregraph runs.[/]")
    places = Table.grid(padding=(0, 2))
    places.add_row("  GraphQL", f"{api}/v1/graphql")
    places.add_row("  GraphiQL", f"{api}/")
    places.add_row("  PostgreSQL", without_password(site.database_url))
    places.add_row("  Pub/Sub", f"PUBSUB_EMULATOR_HOST=127.0.0.1:{layout.ports['pubsub']}")
    places.add_row("  Identity", layout.url("identity"))
    for name in ("chargebee", "iterable", "zendesk"):
        places.add_row(f"  {name.capitalize()} stand-in", layout.url(name))
    places.add_row("  All parts", f"{caregraph} status")
    places.add_row("  Logs", os.fspath(layout.logs))
    console.print(places)
    console.print("\n[bold]To sign in as …[/] (each command prints a bearer token)")
    roles = Table.grid(padding=(0, 2))
    for role, who in _ROLES.items():
        roles.add_row(f"  {caregraph} token --role {role}", who)
    console.print(roles)
    console.print("\n[bold]Three things to try[/]")
    for number, (title, command) in enumerate(things_to_try(site), start=1):
        console.print(f"  {number}. {title}")
        # As it is, so that it can be copied: no wrapping, no markup.
        console.print(f"\n{command}\n", markup=False, soft_wrap=True)
    console.print("Ctrl-C stops everything.")


def things_to_try(site: Site) -> tuple[tuple[str, str], ...]:
    """Title and shell command of each; the commands work as they are in the checkout."""
    caregraph = _command_path()
    json = '-H "content-type: application/json"'
    curl = f"curl -s {site.layout.url('api')}/v1/graphql {json}"
    as_customer = f'{curl} -H "authorization: Bearer $({caregraph} token --role user)"'
    list_contracts = """-d '{"query": "{ contract { id status start_date treatment { name } } }"}'"""
    treatment = """-d '{"query": "{ treatment(limit: 1) { id } }"}'"""
    insert = """-d '{"query": "mutation { insert_contract_one(object: {treatment_id: \\"'$treatment'\\"}) { id } }"}'"""
    first_id = "grep -oE '[0-9a-f]{8}-[0-9a-f-]{27}' | head -1"
    return (
        ("List my contracts, as a customer:", f"{as_customer} {list_contracts}"),
        (
            "Insert a contract and read its story, from the mutation to the welcome e-mail:",
            f"treatment=$({curl} {treatment} | {first_id})\n"
            f"contract=$({as_customer} {insert} | {first_id})\n"
            f"sleep 2; {caregraph} trace $contract",
        ),
        ("Open GraphiQL in a browser and choose who you are:", site.layout.url("api") + "/"),
    )


def without_password(url: str) -> str:
    """A connection address with its password left out."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{parts.username}@{host}").geturl()


def _command_path() -> str:
    """The `caregraph` command, relative to the current folder where that is shorter."""
    path = Path(sys.executable).with_name("caregraph")
    try:
        return os.fspath(path.relative_to(Path.cwd()))
    except ValueError:
        return os.fspath(path)
