"""What `caregraph up` prints once everything runs: what is where, how to sign in, three things to try."""

import json
import os
import shlex
import sys
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table

from local.demo.people import ADA_SUBSCRIPTION, ADA_TREATMENT
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
    caregraph = _command(site)
    console.print()
    console.print("[bold]Caregraph runs.[/]")
    places = Table.grid(padding=(0, 2))
    places.add_row("  GraphQL", f"{api}/v1/graphql")
    places.add_row("  GraphiQL", f"{api}/")
    places.add_row("  PostgreSQL", without_password(site.database_url))
    places.add_row("  Pub/Sub", f"PUBSUB_EMULATOR_HOST=127.0.0.1:{layout.ports['pubsub']}")
    places.add_row("  Cloud Tasks", f"CLOUD_TASKS_EMULATOR_HOST=127.0.0.1:{layout.ports['tasks']}")
    places.add_row("  Identity", layout.url("identity"))
    for name in ("chargebee", "iterable", "zendesk", "pharmacy"):
        places.add_row(f"  {name.capitalize()} stand-in", layout.url(name))
    console.print(places)
    # Not in the table, which would break a long line in two.
    console.print(f"  All parts           {caregraph} status", soft_wrap=True)
    console.print(f"  Logs                {os.fspath(layout.logs)}", soft_wrap=True)
    console.print("\n[bold]To sign in as …[/] (each command prints a bearer token)")
    for role, who in _ROLES.items():
        console.print(f"  {caregraph} token --role {role:<8}  [dim]{who}[/]", soft_wrap=True)
    console.print("\n[bold]Three things to try[/]")
    for number, (title, command) in enumerate(things_to_try(site), start=1):
        console.print(f"  {number}. {title}", soft_wrap=True)
        # As it is, so that it can be copied: no wrapping, no markup.
        console.print(f"\n{command}\n", markup=False, soft_wrap=True)
    console.print("Ctrl-C stops everything.")


def things_to_try(site: Site) -> tuple[tuple[str, str], ...]:
    """Title and shell command of each; the commands work as they are in the current folder."""
    caregraph = _command(site)
    curl = f'curl -s {site.layout.url("api")}/v1/graphql -H "content-type: application/json"'

    def ask(document: str, *, who: str) -> str:
        bearer = f'-H "authorization: Bearer $({caregraph} token --role user --user {who})"'
        body = json.dumps({"query": document})
        return f"{curl} {bearer} -d '{body}'"

    listing = ask("{ contract { id status start_date end_date treatment { name } } }", who="bo@example.com")
    # Ada pays already and has no contract yet, so this is where hers begins.
    contract = f'{{treatment_id: "{ADA_TREATMENT}", subscription_id: "{ADA_SUBSCRIPTION}"}}'
    insert = ask(f"mutation {{ insert_contract_one(object: {contract}) {{ id }} }}", who="ada@example.com")
    return (
        ("List the contracts of Bo, a customer:", listing),
        (
            "Begin Ada's contract and read its story, from the mutation to the welcome e-mail:",
            f"contract=$({insert} | grep -oE '[0-9a-f]{{8}}-[0-9a-f-]{{27}}')\nsleep 3; {caregraph} trace $contract",
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


def _command(site: Site) -> str:
    """The `caregraph` command as one types it in the current folder, for a platform whose folder may have moved."""
    path = Path(sys.executable).with_name("caregraph")
    if path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    moved = site.layout.home != site.layout.root / ".caregraph"
    return f"CAREGRAPH_HOME={shlex.quote(str(site.layout.home))} {path}" if moved else str(path)
