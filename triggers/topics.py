"""The Pub/Sub topics, and whose ids are the ordering keys of each."""

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic and the aggregate that its events are about."""

    #: Name within the Google Cloud project.
    name: str
    #: Table of the aggregate as `schema.table`; its key is the ordering key of every event of the topic.
    aggregate: str
    #: Type of the aggregate's key column, which is always called `id`.
    key_type: Literal["uuid", "text"] = "uuid"


CONTRACT_EVENTS: Final = Topic(name="contract-events", aggregate="public.contract")
INVOICE_EVENTS: Final = Topic(name="invoice-events", aggregate="chargebee.invoice", key_type="text")
CUSTOMER_EVENTS: Final = Topic(name="customer-events", aggregate="public.customer")
PRESCRIPTION_EVENTS: Final = Topic(name="prescription-events", aggregate="healthcare.prescription")

#: All of them; the local Pub/Sub and the infrastructure are set up from this.
TOPICS: Final[tuple[Topic, ...]] = (CONTRACT_EVENTS, INVOICE_EVENTS, CUSTOMER_EVENTS, PRESCRIPTION_EVENTS)
