"""A message leaves once, although Iterable knows no idempotency keys.

Iterable can be asked what it sent, and its client does so before each send; but two processes that handle one event at
the same moment would both find nothing. So whoever wants to send first claims the message's row at the endpoint: it is
written once (its key is event, template and channel), and only its writer sends. A claim ends with the send, which is
bounded by `send_time_out`; after twice that time its holder is gone, and another may claim the row anew, look at
Iterable, and go on.
"""

import asyncio
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from agents.graphql.client import GraphQLClient
from agents.graphql.operations import Mutation
from agents.notification.operations import (
    GetRecipient,
    claim_notification,
    find_notification,
    record_failed,
    record_sent,
)
from agents.notification.templates import Channel
from agents.runtime.errors import RetryLater
from agents.runtime.handler import Work
from integrations.errors import PermanentError
from integrations.iterable.client import IterableClient
from integrations.iterable.types import Recipient

_SYSTEM: Final = "iterable"


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """What a notification is known by: there is one row for it."""

    event_id: uuid.UUID
    channel: str
    template: str

    def variables(self) -> dict[str, Any]:
        """As variables of an operation."""
        return {"event_id": self.event_id, "channel": self.channel, "template": self.template}


class Sender:
    """Sends through Iterable, each message once; one a process."""

    def __init__(self, *, graphql: GraphQLClient, iterable: IterableClient, send_time_out: timedelta) -> None:
        self._graphql = graphql
        self._iterable = iterable
        self._send_time_out = send_time_out
        self._claim_lasts = 2 * send_time_out
        #: Tells this process's claims from others'.
        self._claim = f"claimed by {uuid.uuid4()}"

    async def send(
        self, key: Key, work: Work, *, customer: GetRecipient.Customer, recipient: str, data: dict[str, Any]
    ) -> tuple[Mutation, ...]:
        """Send one e-mail or SMS to `recipient`, and give what records it.

        Nothing to record means that it was sent and recorded before. Raises RetryLater while another process is
        sending it, and what the Iterable client raises.
        """
        if not await self._may_send(key, customer=customer, recipient=recipient, data=data):
            work.skip(system=_SYSTEM, action=f"send_{key.channel}", reason="sent before")
            return ()
        try:
            async with asyncio.timeout(self._send_time_out.total_seconds()):
                message_id = await self._call(key, work, customer=customer, data=data)
        except TimeoutError:
            raise RetryLater(f"{_SYSTEM}: no end within {self._send_time_out.total_seconds():g} s") from None
        except PermanentError as error:
            await self._graphql.mutate(record_failed(**key.variables(), status_reason=str(error)))
            raise
        return (record_sent(**key.variables(), provider_message_id=message_id, sent_at=datetime.now(UTC)),)

    async def _may_send(
        self, key: Key, *, customer: GetRecipient.Customer, recipient: str, data: dict[str, Any]
    ) -> bool:
        answer = await self._graphql.query(
            claim_notification(
                **key.variables(),
                customer_id=customer.id,
                recipient=recipient,
                data=data,
                claim=self._claim,
                stale_before=datetime.now(UTC) - self._claim_lasts,
            )
        )
        if answer.claimed is not None and answer.claimed.affected_rows:
            return True
        found = (await self._graphql.query(find_notification(**key.variables()))).notifications
        if any(one.status == "queued" for one in found):
            raise RetryLater("another process is sending the message", after=self._claim_lasts)
        return False

    async def _call(self, key: Key, work: Work, *, customer: GetRecipient.Customer, data: dict[str, Any]) -> str | None:
        recipient = Recipient(user_id=str(customer.id), email=customer.email)
        name = f"{key.template}:{key.channel}"
        is_sms = key.channel == Channel.SMS
        send = self._iterable.send_sms if is_sms else self._iterable.send_email
        # A message goes to the address or number in the profile, which may be an old one, or have none yet.
        async with work.step(f"{name}:profile", system=_SYSTEM, action="update_user", id=recipient.user_id):
            await self._iterable.update_user(recipient, {"phoneNumber": customer.phone} if is_sms else {})
        async with work.step(name, system=_SYSTEM, action=f"send_{key.channel}") as step:
            # The name is for the salutation only; it isn't kept with the record.
            fields = {**data, "first_name": customer.first_name}
            sent = await send(key.template, recipient, fields, idempotency_key=step.idempotency_key)
            step.id = sent.message_id
        return sent.message_id
