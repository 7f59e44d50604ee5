"""How customers fare: each story is a state of contract, subscription and last invoice that belong together."""

from dataclasses import dataclass
from typing import Literal

#: What became of an invoice; `billing` makes the invoice, its payments and credit notes of it.
Outcome = Literal[
    "paid",
    "recovered",
    "failing",
    "needs_attention",
    "exhausted",
    "stopped",
    "reversed",
    "posted",
    "pending",
    "voided",
    "adjusted",
    "store_credit",
    "credit_voided",
    "refunded",
    "refund_due",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Story:
    """One kind of customer."""

    name: str
    #: How many customers have it.
    count: int
    #: Status of the subscription; None for none.
    subscription: str | None = "active"
    #: Statuses of the contracts, one term after the other; the last is the present one.
    contracts: tuple[str, ...] = ("active",)
    #: How the last invoice ended; those before it were paid. None: there are no invoices yet.
    last_invoice: Outcome | None = "paid"
    #: Whole months since the present contract (or, without one, the subscription) began, from and to.
    months: tuple[int, int] = (0, 4)
    #: Days since the last monthly anniversary, from and to.
    days: tuple[int, int] = (1, 27)
    #: Whether the term was paid at once; None where the treatment leaves no choice or it doesn't matter.
    upfront: bool = False
    #: Only treatments with (True) or without (False) an upfront option.
    upfront_option: bool | None = None
    auto_renew: bool = True


STORIES = (
    Story(name="active", count=60),
    Story(name="upfront", count=28, upfront=True, upfront_option=True, months=(0, 4)),
    Story(name="renewed", count=24, contracts=("renewed", "active"), upfront_option=False),
    Story(name="completed", count=12, contracts=("completed",), upfront=True, upfront_option=True, months=(6, 8)),
    Story(name="ends_soon", count=8, months=(5, 5), days=(20, 26)),
    Story(name="future", count=8, subscription="future", contracts=("future",), last_invoice=None),
    Story(name="in_trial", count=6, subscription="in_trial", contracts=("future",), last_invoice=None),
    Story(name="non_renewing", count=8, subscription="non_renewing", auto_renew=False),
    Story(name="paused", count=8, subscription="paused", months=(2, 4)),
    Story(name="cancelled", count=8, subscription="cancelled", contracts=("cancelled",), months=(1, 5)),
    Story(
        name="refunded",
        count=6,
        subscription="cancelled",
        contracts=("cancelled",),
        last_invoice="refunded",
        months=(1, 4),
    ),
    Story(
        name="refund_due",
        count=3,
        subscription="cancelled",
        contracts=("cancelled",),
        last_invoice="refund_due",
        months=(1, 3),
        days=(4, 10),
    ),
    Story(name="failing", count=10, last_invoice="failing", months=(1, 4), days=(1, 4)),
    Story(name="needs_attention", count=3, last_invoice="needs_attention", months=(1, 4), days=(1, 2)),
    Story(name="recovered", count=10, last_invoice="recovered", months=(1, 4), days=(6, 26)),
    Story(
        name="exhausted",
        count=6,
        subscription="cancelled",
        contracts=("cancelled",),
        last_invoice="exhausted",
        months=(1, 4),
        days=(12, 26),
    ),
    Story(name="stopped", count=4, last_invoice="stopped", months=(1, 4), days=(5, 20)),
    Story(name="reversed", count=2, last_invoice="reversed", months=(1, 4), days=(10, 26)),
    Story(name="posted", count=4, last_invoice="posted", months=(1, 4), days=(1, 9)),
    Story(name="pending", count=4, last_invoice="pending", months=(1, 4), days=(1, 1)),
    Story(name="voided", count=3, last_invoice="voided", months=(1, 4)),
    Story(name="adjusted", count=4, last_invoice="adjusted", months=(1, 4)),
    Story(name="store_credit", count=2, last_invoice="store_credit", months=(1, 4)),
    Story(name="credit_voided", count=2, last_invoice="credit_voided", months=(1, 4)),
    Story(name="no_contract", count=3, contracts=(), months=(0, 0), days=(2, 12)),
    Story(name="signed_up", count=14, subscription=None, contracts=(), last_invoice=None),
    Story(name="deleted", count=3, subscription="cancelled", contracts=("cancelled",), months=(3, 5)),
)

#: The well-known customers' stories, by first name.
WELL_KNOWN = {
    "Ada": Story(name="no_contract", count=1, contracts=(), months=(0, 0), days=(9, 9)),
    "Bo": Story(name="active", count=1, months=(3, 3), days=(12, 12)),
    "Cleo": Story(name="failing", count=1, last_invoice="failing", months=(2, 2), days=(2, 2)),
}
