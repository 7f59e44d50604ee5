"""The operations of `operations.graphql`, typed. Generated: change that file, run `make clients`."""

import datetime
import uuid
from typing import Any, Final

from agents.graphql.documents import Document
from agents.graphql.operations import Answer, Mutation, Query

_GET_RECIPIENT: Final = Document(
    name="GetRecipient",
    kind="query",
    text="""\
query GetRecipient($id: uuid!) {
  customer: customer_by_pk(id: $id) {
    id
    email
    phone
    first_name
    email_opt_out
    sms_opt_out
    timezone
    quiet_hours_start
    quiet_hours_end
    deleted_at
  }
}""",
)


class GetRecipient(Answer):
    """The answer of `get_recipient`."""

    class Customer(Answer):
        """Of type `customer`."""

        id: uuid.UUID
        email: str | None
        phone: str | None
        first_name: str | None
        email_opt_out: bool
        sms_opt_out: bool
        timezone: str
        quiet_hours_start: datetime.time
        quiet_hours_end: datetime.time
        deleted_at: datetime.datetime | None

    customer: Customer | None


def get_recipient(*, id: uuid.UUID) -> Query[GetRecipient]:
    """The query `GetRecipient`."""
    variables: dict[str, Any] = {"id": id}
    return Query(document=_GET_RECIPIENT, variables=variables, answer=GetRecipient)


_CLAIM_NOTIFICATION: Final = Document(
    name="ClaimNotification",
    kind="mutation",
    text="""\
mutation ClaimNotification($event_id: uuid!, $customer_id: uuid!, $channel: String!, $template: String!, $recipient: String!, $data: jsonb!, $claim: String!, $stale_before: timestamptz!) {
  claimed: insert_notification(
    objects: [
      {
        event_id: $event_id
        customer_id: $customer_id
        channel: $channel
        template: $template
        recipient: $recipient
        data: $data
        status: "queued"
        status_reason: $claim
      }
    ]
    on_conflict: {
      constraint: notification_event_id_template_channel_key
      update_columns: [status, status_reason]
      where: {
        _or: [
          { status: { _eq: "failed" } }
          { status: { _eq: "queued" }, status_reason: { _eq: $claim } }
          { status: { _eq: "queued" }, updated_at: { _lt: $stale_before } }
        ]
      }
    }
  ) {
    affected_rows
  }
}""",
)


class ClaimNotification(Answer):
    """The answer of `claim_notification`."""

    class Claimed(Answer):
        """Of type `notification_mutation_response`."""

        affected_rows: int

    claimed: Claimed | None


def claim_notification(
    *,
    event_id: uuid.UUID,
    customer_id: uuid.UUID,
    channel: str,
    template: str,
    recipient: str,
    data: Any,
    claim: str,
    stale_before: datetime.datetime,
) -> Mutation[ClaimNotification]:
    """Who may send: whoever writes the row first, again the same one, or anyone after a failure or a claim gone stale."""
    variables: dict[str, Any] = {
        "event_id": event_id,
        "customer_id": customer_id,
        "channel": channel,
        "template": template,
        "recipient": recipient,
        "data": data,
        "claim": claim,
        "stale_before": stale_before,
    }
    return Mutation(document=_CLAIM_NOTIFICATION, variables=variables, answer=ClaimNotification)


_FIND_NOTIFICATION: Final = Document(
    name="FindNotification",
    kind="query",
    text="""\
query FindNotification($event_id: uuid!, $channel: String!, $template: String!) {
  notifications: notification(
    where: {
      event_id: { _eq: $event_id }
      channel: { _eq: $channel }
      template: { _eq: $template }
    }
  ) {
    status
  }
}""",
)


class FindNotification(Answer):
    """The answer of `find_notification`."""

    class Notifications(Answer):
        """Of type `notification`."""

        status: str

    notifications: list[Notifications]


def find_notification(*, event_id: uuid.UUID, channel: str, template: str) -> Query[FindNotification]:
    """The query `FindNotification`."""
    variables: dict[str, Any] = {"event_id": event_id, "channel": channel, "template": template}
    return Query(document=_FIND_NOTIFICATION, variables=variables, answer=FindNotification)


_RECORD_SENT: Final = Document(
    name="RecordSent",
    kind="mutation",
    text="""\
mutation RecordSent($event_id: uuid!, $channel: String!, $template: String!, $provider_message_id: String, $sent_at: timestamptz!) {
  update_notification(
    where: {
      event_id: { _eq: $event_id }
      channel: { _eq: $channel }
      template: { _eq: $template }
      status: { _eq: "queued" }
    }
    _set: {
      status: "sent"
      status_reason: null
      provider_message_id: $provider_message_id
      sent_at: $sent_at
    }
  ) {
    affected_rows
  }
}""",
)


class RecordSent(Answer):
    """The answer of `record_sent`."""

    class UpdateNotification(Answer):
        """Of type `notification_mutation_response`."""

        affected_rows: int

    update_notification: UpdateNotification | None


def record_sent(
    *, event_id: uuid.UUID, channel: str, template: str, provider_message_id: str | None, sent_at: datetime.datetime
) -> Mutation[RecordSent]:
    """The mutation `RecordSent`."""
    variables: dict[str, Any] = {
        "event_id": event_id,
        "channel": channel,
        "template": template,
        "provider_message_id": provider_message_id,
        "sent_at": sent_at,
    }
    return Mutation(document=_RECORD_SENT, variables=variables, answer=RecordSent)


_RECORD_FAILED: Final = Document(
    name="RecordFailed",
    kind="mutation",
    text="""\
mutation RecordFailed($event_id: uuid!, $channel: String!, $template: String!, $status_reason: String!) {
  update_notification(
    where: {
      event_id: { _eq: $event_id }
      channel: { _eq: $channel }
      template: { _eq: $template }
      status: { _eq: "queued" }
    }
    _set: { status: "failed", status_reason: $status_reason }
  ) {
    affected_rows
  }
}""",
)


class RecordFailed(Answer):
    """The answer of `record_failed`."""

    class UpdateNotification(Answer):
        """Of type `notification_mutation_response`."""

        affected_rows: int

    update_notification: UpdateNotification | None


def record_failed(*, event_id: uuid.UUID, channel: str, template: str, status_reason: str) -> Mutation[RecordFailed]:
    """The mutation `RecordFailed`."""
    variables: dict[str, Any] = {
        "event_id": event_id,
        "channel": channel,
        "template": template,
        "status_reason": status_reason,
    }
    return Mutation(document=_RECORD_FAILED, variables=variables, answer=RecordFailed)


_RECORD_NOTIFICATION: Final = Document(
    name="RecordNotification",
    kind="mutation",
    text="""\
mutation RecordNotification($event_id: uuid!, $customer_id: uuid!, $channel: String!, $template: String!, $data: jsonb!, $status: String!, $status_reason: String, $sent_at: timestamptz) {
  insert_notification(
    objects: [
      {
        event_id: $event_id
        customer_id: $customer_id
        channel: $channel
        template: $template
        data: $data
        status: $status
        status_reason: $status_reason
        sent_at: $sent_at
      }
    ]
    on_conflict: { constraint: notification_event_id_template_channel_key, update_columns: [] }
  ) {
    affected_rows
  }
}""",
)


class RecordNotification(Answer):
    """The answer of `record_notification`."""

    class InsertNotification(Answer):
        """Of type `notification_mutation_response`."""

        affected_rows: int

    insert_notification: InsertNotification | None


def record_notification(
    *,
    event_id: uuid.UUID,
    customer_id: uuid.UUID,
    channel: str,
    template: str,
    data: Any,
    status: str,
    status_reason: str | None,
    sent_at: datetime.datetime | None,
) -> Mutation[RecordNotification]:
    """A message that needs nobody outside: shown in the portal, or not sent and why."""
    variables: dict[str, Any] = {
        "event_id": event_id,
        "customer_id": customer_id,
        "channel": channel,
        "template": template,
        "data": data,
        "status": status,
        "status_reason": status_reason,
        "sent_at": sent_at,
    }
    return Mutation(document=_RECORD_NOTIFICATION, variables=variables, answer=RecordNotification)


_PLAN_MESSAGE: Final = Document(
    name="PlanMessage",
    kind="mutation",
    text="""\
mutation PlanMessage($name: String!, $due_at: timestamptz!, $payload: jsonb!) {
  insert_events_scheduled_task(
    objects: [
      {
        name: $name
        kind: "notification.send"
        target: "notification"
        due_at: $due_at
        payload: $payload
      }
    ]
    on_conflict: { constraint: scheduled_task_name_key, update_columns: [] }
  ) {
    affected_rows
  }
}""",
)


class PlanMessage(Answer):
    """The answer of `plan_message`."""

    class InsertEventsScheduledTask(Answer):
        """Of type `events_scheduled_task_mutation_response`."""

        affected_rows: int

    insert_events_scheduled_task: InsertEventsScheduledTask | None


def plan_message(*, name: str, due_at: datetime.datetime, payload: Any) -> Mutation[PlanMessage]:
    """Named after the message and its moment, so that it is planned once however often this is written."""
    variables: dict[str, Any] = {"name": name, "due_at": due_at, "payload": payload}
    return Mutation(document=_PLAN_MESSAGE, variables=variables, answer=PlanMessage)


_WITHDRAW_WAITING: Final = Document(
    name="WithdrawWaiting",
    kind="mutation",
    text="""\
mutation WithdrawWaiting($customer_id: uuid!, $templates: [String!]!, $about: jsonb!, $status_reason: String!) {
  update_notification(
    where: {
      customer_id: { _eq: $customer_id }
      template: { _in: $templates }
      data: { _contains: $about }
      status: { _eq: "queued" }
      status_reason: { _like: "quiet hours until %" }
    }
    _set: { status: "suppressed", status_reason: $status_reason }
  ) {
    affected_rows
  }
}""",
)


class WithdrawWaiting(Answer):
    """The answer of `withdraw_waiting`."""

    class UpdateNotification(Answer):
        """Of type `notification_mutation_response`."""

        affected_rows: int

    update_notification: UpdateNotification | None


def withdraw_waiting(
    *, customer_id: uuid.UUID, templates: list[str], about: Any, status_reason: str
) -> Mutation[WithdrawWaiting]:
    """What waits for quiet hours to end, and is no longer so by what came after; one that is being sent stays."""
    variables: dict[str, Any] = {
        "customer_id": customer_id,
        "templates": templates,
        "about": about,
        "status_reason": status_reason,
    }
    return Mutation(document=_WITHDRAW_WAITING, variables=variables, answer=WithdrawWaiting)


_SUPPRESS_WAITING: Final = Document(
    name="SuppressWaiting",
    kind="mutation",
    text="""\
mutation SuppressWaiting($event_id: uuid!, $channel: String!, $template: String!, $status_reason: String!) {
  update_notification(
    where: {
      event_id: { _eq: $event_id }
      channel: { _eq: $channel }
      template: { _eq: $template }
      status: { _eq: "queued" }
    }
    _set: { status: "suppressed", status_reason: $status_reason }
  ) {
    affected_rows
  }
}""",
)


class SuppressWaiting(Answer):
    """The answer of `suppress_waiting`."""

    class UpdateNotification(Answer):
        """Of type `notification_mutation_response`."""

        affected_rows: int

    update_notification: UpdateNotification | None


def suppress_waiting(
    *, event_id: uuid.UUID, channel: str, template: str, status_reason: str
) -> Mutation[SuppressWaiting]:
    """While it waited, a reason came up not to send it."""
    variables: dict[str, Any] = {
        "event_id": event_id,
        "channel": channel,
        "template": template,
        "status_reason": status_reason,
    }
    return Mutation(document=_SUPPRESS_WAITING, variables=variables, answer=SuppressWaiting)
