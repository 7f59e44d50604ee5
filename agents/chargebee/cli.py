"""`caregraph chargebee backfill` and `caregraph chargebee reconcile`."""

from enum import StrEnum
from typing import Annotated

import typer

chargebee = typer.Typer(
    name="chargebee",
    help="Fill the mirror of Chargebee, and compare both.",
    no_args_is_help=True,
)


class ResourceName(StrEnum):
    """What can be named on the command line: Chargebee's listings."""

    ITEM_PRICES = "item_prices"
    CUSTOMERS = "customers"
    SUBSCRIPTIONS = "subscriptions"
    INVOICES = "invoices"
    TRANSACTIONS = "transactions"
    CREDIT_NOTES = "credit_notes"


Resources = Annotated[
    list[ResourceName] | None, typer.Argument(help="Which ones; all when none is named.", show_default=False)
]


@chargebee.command()
def backfill(
    resources: Resources = None,
    *,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="Begin anew, also when an earlier back-fill was interrupted.")
    ] = False,
) -> None:
    """Read everything from Chargebee into the mirror.

    An interrupted back-fill is gone on with where it was; it waits as long as Chargebee asks it to (429, Retry-After).
    What is newer in the mirror stays. Safe to run beside the ETL and the webhooks.
    """
    # Imported here, because `caregraph --help` must be fast.
    from agents.chargebee.commands import run_backfill

    raise typer.Exit(run_backfill([one.value for one in resources or ()], from_start=from_start))


@chargebee.command()
def reconcile(
    resources: Resources = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a difference, for programs.")] = False,
) -> None:
    """Compare everything in Chargebee with the mirror and name every difference.

    Exit status 1 when there is one. Values about persons are withheld.
    """
    from agents.chargebee.commands import run_reconcile

    raise typer.Exit(run_reconcile([one.value for one in resources or ()], as_json=as_json))
