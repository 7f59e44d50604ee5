"""What the care team hears, by tickets in Zendesk: of fills that don't go on by themselves.

A ticket says which prescription and where to look, nothing clinical: not the medication, nor why a pharmacy refused.
That is between the pharmacy and the provider, who reads it with the fill.
"""

from uuid import UUID

from agents.tickets.support import Matter
from integrations.zendesk.types import Priority

_TAGS = ("prescription",)


def rejected_fill(prescription_id: UUID, fill_number: int) -> Matter:
    """The pharmacy won't dispense it."""
    return Matter(
        subject="A pharmacy has rejected a prescription",
        body=(
            f"The pharmacy won't dispense fill {fill_number} of prescription {prescription_id}. Its provider finds the "
            "reason with the fill; the customer may have to hear what happens next."
        ),
        category="clinical",
        priority=Priority.HIGH,
        tags=_TAGS,
    )


def held_fill(prescription_id: UUID, fill_number: int, reason: str) -> Matter:
    """It can't be ordered before something is put right."""
    return Matter(
        subject="A prescription can't be sent to the pharmacy",
        body=(
            f"Fill {fill_number} of prescription {prescription_id} waits. {reason} Once that is put right, the fill is "
            "sent by itself within the hour."
        ),
        category="clinical",
        priority=Priority.HIGH,
        tags=_TAGS,
    )
