"""Iterable's system events → opt-outs of customers, and what became of a message.

An opt-out that comes from outside is never taken back from outside, so that the order of events makes no difference:
who wants messages again says so in the portal.
"""

import re
from typing import Final
from uuid import UUID

from agents.event_routing.context import Context
from agents.event_routing.operations import (
    find_person,
    find_sent_message,
    message_failed,
    stop_email,
    stop_sms,
)
from agents.event_routing.webhooks import IterableWebhook
from agents.graphql.operations import Mutation
from agents.runtime.handler import Work, WriteBack

#: What carriers have everyone understand (CTIA Messaging Principles, 5.1.3) and what law takes for a wish for no more
#: (47 CFR 64.1200(a)(10): stop, quit, end, revoke, opt out, cancel, unsubscribe), alone but for politeness.
_STOP_WORDS: Final = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"})
_POLITE: Final = frozenset({"please", "pls", "thanks", "thank", "you"})
_WORD: Final = re.compile(r"[a-z]+")
_NOBODY: Final = "Iterable's user is no customer of ours"


async def stop_emails(webhook: IterableWebhook, _work: Work, context: Context) -> WriteBack:
    """They unsubscribed or complained."""
    customer_id = await _customer(webhook, context)
    if customer_id is None:
        return WriteBack(skipped=_NOBODY)
    return WriteBack(mutations=(stop_email(customer_id=customer_id),))


async def email_bounced(webhook: IterableWebhook, _work: Work, context: Context) -> WriteBack:
    """The message failed; an address that doesn't exist gets no more."""
    mutations = await _failed(webhook, context, f"bounced: {webhook.text('recipientState') or 'no reason given'}")
    if webhook.text("recipientState") == "HardBounce":
        customer_id = await _customer(webhook, context)
        if customer_id is not None:
            mutations.append(stop_email(customer_id=customer_id))
    return WriteBack(mutations=tuple(mutations), skipped=None if mutations else "the message is not one of ours")


async def sms_bounced(webhook: IterableWebhook, _work: Work, context: Context) -> WriteBack:
    """The message failed."""
    mutations = await _failed(webhook, context, "bounced")
    return WriteBack(mutations=tuple(mutations), skipped=None if mutations else "the message is not one of ours")


async def sms_received(webhook: IterableWebhook, _work: Work, context: Context) -> WriteBack:
    """Who answers STOP gets no more."""
    words = _WORD.findall((webhook.text("body") or "").lower())
    # "Opt out", "opt-out" and "STOP ALL" are one word to whoever writes them.
    if "".join(word for word in words if word not in _POLITE) not in _STOP_WORDS:
        return WriteBack(skipped="the message asks for nothing")
    customer_id = await _customer(webhook, context)
    if customer_id is None:
        return WriteBack(skipped=_NOBODY)
    return WriteBack(mutations=(stop_sms(customer_id=customer_id),))


async def send_skipped(webhook: IterableWebhook, _work: Work, context: Context) -> WriteBack:
    """Iterable took the message and didn't send it."""
    mutations = await _failed(webhook, context, f"skipped: {webhook.text('reason') or 'no reason given'}")
    return WriteBack(mutations=tuple(mutations), skipped=None if mutations else "the message is not one of ours")


async def _failed(webhook: IterableWebhook, context: Context, reason: str) -> list[Mutation]:
    message_id = webhook.text("messageId")
    if message_id is None:
        return []
    if not (await context.graphql.query(find_sent_message(provider_message_id=message_id))).notifications:
        # The notification agent writes the message's id once it has Iterable's answer.
        context.wait_for("the message's record", webhook)
        return []
    return [message_failed(provider_message_id=message_id, reason=reason[:200])]


async def _customer(webhook: IterableWebhook, context: Context) -> UUID | None:
    """Our customer's id is Iterable's userId; profiles that were made by hand have an address alone."""
    ids: list[UUID] = []
    emails = [webhook.email.lower()] if webhook.email else []
    if webhook.user_id:
        try:
            ids.append(UUID(webhook.user_id))
        except ValueError:
            pass
        else:
            # An address may have gone to another customer since.
            emails = []
    if not ids and not emails:
        return None
    customers = (await context.graphql.query(find_person(ids=ids, emails=emails))).customers
    return customers[0].id if customers else None
