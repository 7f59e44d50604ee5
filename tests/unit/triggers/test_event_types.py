"""Event types and declared triggers: complete, and pointing at what exists."""

import pytest

from schema.tables import metadata
from triggers.declared import DECLARED, WRITTEN_BY_TRIGGERS, DeclaredTrigger, Operation
from triggers.event_types import EVENT_TYPES, Kind
from triggers.topics import TOPICS

#: The platform's table of events, word for word.
PLATFORM = {
    "contract-events": """contract.inserted contract.updated
        contract.created contract.activated contract.renewed contract.completed contract.cancelled""",
    "invoice-events": """invoice.inserted invoice.updated
        invoice.payment_succeeded invoice.payment_failed invoice.payment_recovered invoice.refunded""",
    "customer-events": """customer.inserted customer.updated customer.signed_up customer.profile_changed
        customer.role_changed customer.deleted message.sent referral.completed subscription.changed""",
    "prescription-events": """prescription.inserted prescription.updated prescription.signed prescription.sent
        prescription.rejected prescription.filled prescription.shipped prescription.delivered
        prescription.refill_due""",
}

#: What became of a recovery or of a request, which the platform's flows tell the customer of; tickets go to Zendesk.
BEYOND = {
    "contract-events": "contract.payment_declined contract.payment_exhausted",
    "invoice-events": "invoice.payment_exhausted invoice.new_card_needed",
    "customer-events": """customer.payment_source_changed subscription.change_applied subscription.change_refused
        ticket.inserted ticket.updated ticket.commented""",
}

#: Columns that must never travel in an event.
PRIVATE = {
    "public.customer": {"email", "first_name", "last_name", "phone", "date_of_birth", "address_line1", "zip", "city"},
    "public.contract": {"cancel_reason"},
    "public.message": {"body"},
    "public.support_ticket": {"subject", "description"},
    "public.support_ticket_comment": {"body"},
    "healthcare.prescription": {
        "medication_id",
        "dosage_instruction",
        "dose_quantity",
        "quantity",
        "days_supply",
        "note",
        "status_reason",
    },
}

every_trigger = pytest.mark.parametrize("trigger", DECLARED, ids=lambda trigger: trigger.table)


def test_the_types_of_every_topic_are_those_of_the_platform() -> None:
    declared = {
        topic.name: {name for name, event_type in EVENT_TYPES.items() if event_type.topic is topic} for topic in TOPICS
    }
    assert declared == {
        topic: set(names.split()) | set(BEYOND.get(topic, "").split()) for topic, names in PLATFORM.items()
    }


def test_row_changes_are_those_that_say_inserted_or_updated() -> None:
    row_changes = {name for name, event_type in EVENT_TYPES.items() if event_type.kind is Kind.ROW_CHANGE}
    assert row_changes == {name for name in EVENT_TYPES if name.endswith((".inserted", ".updated"))}


def test_every_row_change_type_is_written_by_a_trigger() -> None:
    row_changes = {name for name, event_type in EVENT_TYPES.items() if event_type.kind is Kind.ROW_CHANGE}
    assert row_changes <= WRITTEN_BY_TRIGGERS


@every_trigger
def test_a_trigger_names_only_columns_that_its_table_has(trigger: DeclaredTrigger) -> None:
    columns = set(metadata.tables[trigger.table].columns.keys())
    assert set(trigger.payload) <= columns
    assert set(trigger.watched) <= columns
    assert set(trigger.renamed or {}) <= set(trigger.payload)


@every_trigger
def test_a_trigger_on_updates_says_which_columns_count(trigger: DeclaredTrigger) -> None:
    assert (Operation.UPDATE in trigger.events) == bool(trigger.watched)


@every_trigger
def test_private_columns_stay_out_of_payloads(trigger: DeclaredTrigger) -> None:
    assert not set(trigger.payload) & PRIVATE.get(trigger.table, set())


@every_trigger
def test_the_ordering_key_of_a_trigger_is_its_topics_aggregate(trigger: DeclaredTrigger) -> None:
    topics = {trigger.event_type(operation).topic for operation in trigger.events}
    (topic,) = topics
    if trigger.through is None:
        assert topic.aggregate == trigger.table
        return
    through = metadata.tables[trigger.through.table]
    assert trigger.through.column in metadata.tables[trigger.table].columns
    references = {key.target_fullname for key in through.columns[trigger.through.aggregate_id].foreign_keys}
    assert references == {f"{topic.aggregate}.id"}
