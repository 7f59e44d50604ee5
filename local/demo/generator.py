"""Putting the demo data together."""

import datetime
from functools import lru_cache

from local.demo.billing import add_subscriptions
from local.demo.catalogue import add_catalogue
from local.demo.chance import Chance
from local.demo.chart import add_charts
from local.demo.conversations import add_conversations
from local.demo.history import add_history
from local.demo.invoices import add_invoices
from local.demo.observations import add_observations
from local.demo.people import add_customers, add_staff
from local.demo.prescriptions import add_prescriptions
from local.demo.recoveries import add_recoveries
from local.demo.rows import Dataset, Rows

_SEED = "caregraph"


@lru_cache(maxsize=2)
def generate(reference: datetime.date) -> Dataset:
    """All demo rows as of the reference date; the same for the same date, with ids that are the same for every date.

    Each part draws from a source of its own, so that a change in one leaves the others as they are. Takes about half a
    second. The rows are shared between callers: read them, don't change them.
    """
    rows = Rows(reference)
    add_catalogue(rows)
    add_staff(rows, _chance("staff"))
    customers = add_customers(rows, _chance("customers"))
    subscribed = add_subscriptions(rows, _chance("subscriptions"), customers)
    add_invoices(rows, _chance("invoices"), subscribed)
    add_recoveries(rows)
    charts = add_charts(rows, _chance("charts"), customers)
    add_observations(rows, _chance("observations"), charts)
    add_prescriptions(rows, _chance("prescriptions"), charts)
    add_conversations(rows, _chance("conversations"), customers, charts)
    add_history(rows, _chance("history"), subscribed)
    return rows.dataset()


def _chance(part: str) -> Chance:
    return Chance(f"{_SEED}/{part}")
