"""What a request means for a subscription as it is now: to be done, done already, or impossible.

A request is judged by the subscription in Chargebee rather than by the version that it was made for: between the two,
another request may have been carried out, or somebody has changed it there. What the request wants still counts; it is
refused only when the subscription can't get there any more.

`resume` means what the subscription was when it was asked for: the end of a pause, or that a pause or the end, which
waits for the end of the term, is taken back. So is another plan by a request for the present one.
"""

from enum import StrEnum
from typing import Final

from agents.events.customer import SubscriptionChanged
from integrations.chargebee.types import Subscription


class Change(StrEnum):
    """What is asked for."""

    PLAN = "plan"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"


class When(StrEnum):
    """When it is to happen."""

    NOW = "now"
    TERM_END = "term_end"


class Verdict(StrEnum):
    """What is to be done about a request."""

    DO = "do"
    #: It is so already: by an attempt whose answer was lost, or by somebody else.
    DONE = "done"
    IMPOSSIBLE = "impossible"


_POSSIBLE: Final = {
    (Change.PLAN, When.NOW): frozenset({"future", "in_trial", "active"}),
    (Change.PLAN, When.TERM_END): frozenset({"in_trial", "active"}),
    (Change.PAUSE, When.NOW): frozenset({"active"}),
    (Change.PAUSE, When.TERM_END): frozenset({"active"}),
    (Change.CANCEL, When.NOW): frozenset({"future", "in_trial", "active", "non_renewing", "paused"}),
    (Change.CANCEL, When.TERM_END): frozenset({"in_trial", "active"}),
}
_DONE: Final = {
    (Change.PAUSE, When.NOW): frozenset({"paused"}),
    (Change.PAUSE, When.TERM_END): frozenset({"paused"}),
    (Change.CANCEL, When.NOW): frozenset({"cancelled"}),
    (Change.CANCEL, When.TERM_END): frozenset({"non_renewing", "cancelled"}),
}


def judge(event: SubscriptionChanged, now: Subscription, *, planned: Subscription | None) -> Verdict:
    """What to do; `planned` is the subscription after its scheduled changes, if it has any.

    Raises ValueError for a change, or a time of one, that doesn't exist.
    """
    change, when = Change(event.change), When(event.effective)
    if (change, when) == (Change.RESUME, When.NOW):
        return _judge_resumption(event, now)
    if (change, when) not in _POSSIBLE:
        raise ValueError(f"{change} can't be effective {when}")
    if _is_done(change, when, event, now, planned):
        return Verdict.DONE
    return Verdict.DO if now.status in _POSSIBLE[change, when] else Verdict.IMPOSSIBLE


def _judge_resumption(event: SubscriptionChanged, now: Subscription) -> Verdict:
    will_pause = now.status == "active" and bool(now.raw.get("pause_date"))
    match event.status:
        case "paused":
            possible, done = {"paused"}, {"active", "non_renewing"}
        case "non_renewing":
            possible, done = {"non_renewing"}, {"active"}
        case _:
            # The pause that was to be taken back may have begun.
            possible, done = {"paused", "active"} if will_pause else {"paused"}, {"active"}
    if now.status in possible:
        return Verdict.DO
    return Verdict.DONE if now.status in done else Verdict.IMPOSSIBLE


def _is_done(
    change: Change, when: When, event: SubscriptionChanged, now: Subscription, planned: Subscription | None
) -> bool:
    if change is Change.PLAN:
        if now.status not in _POSSIBLE[change, when]:
            return False
        if event.item_price_id in now.item_price_ids:
            return planned is None
        return when is When.TERM_END and planned is not None and event.item_price_id in planned.item_price_ids
    if change is Change.PAUSE and when is When.TERM_END and now.raw.get("pause_date"):
        return True
    return now.status in _DONE[change, when]
