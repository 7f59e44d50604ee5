"""The types of topic `contract-events`."""

from datetime import date
from typing import ClassVar
from uuid import UUID

from agents.events.payload import DomainEvent, Payload, RowInserted, RowUpdated


class ContractRow(Payload):
    """The columns of `public.contract` that handlers look at."""

    id: UUID
    customer_id: UUID
    subscription_id: str | None
    #: future | active | completed | renewed | cancelled; a plain string, so that a new status breaks nobody.
    status: str
    start_date: date | None = None


class ContractInserted(RowInserted[ContractRow]):
    """A contract was written, by a customer's sign-up or by a renewal."""

    TYPE: ClassVar[str] = "contract.inserted"


class ContractUpdated(RowUpdated[ContractRow]):
    """A contract's columns changed."""

    TYPE: ClassVar[str] = "contract.updated"


class ContractEvent(DomainEvent):
    """What every event about a contract says."""

    contract_id: UUID
    customer_id: UUID
    subscription_id: str | None
    treatment_id: UUID
    status: str
    start_date: date
    end_date: date
    #: The contract that this one continues; None for a first one.
    renewed_from_id: UUID | None = None

    @property
    def subject(self) -> str:
        """The contract's id."""
        return str(self.contract_id)


class ContractCreated(ContractEvent):
    """A contract stands: its subscription knows it and its renewal is planned."""

    TYPE: ClassVar[str] = "contract.created"


class ContractActivated(ContractEvent):
    """A contract's term has begun."""

    TYPE: ClassVar[str] = "contract.activated"

    #: Whether it began as soon as it was written: then its welcome says all there is to say.
    at_once: bool = False


class ContractRenewed(ContractEvent):
    """A contract ended and another continues it; the fields are those of the one that ended."""

    TYPE: ClassVar[str] = "contract.renewed"


class ContractCompleted(ContractEvent):
    """A contract reached its end and none continues it."""

    TYPE: ClassVar[str] = "contract.completed"


class FirstPaymentEvent(ContractEvent):
    """What every event about a contract's first charge says."""

    #: What is to be charged, in minor units.
    amount: int
    currency_code: str
    #: The amount as people write it: `99.00 USD`, `5000 JPY`.
    amount_text: str
    #: The gateway's word for why, or Chargebee's; None when it gave none.
    decline_code: str | None
    #: Whether the card on file is of no use any more, or there is none.
    new_card_needed: bool


class ContractPaymentDeclined(FirstPaymentEvent):
    """The first charge for a contract was declined: it has no subscription and doesn't begin until it is paid for."""

    TYPE: ClassVar[str] = "contract.payment_declined"

    #: Whether the same card is charged again on the planned days.
    tried_again: bool = False


class ContractPaymentExhausted(FirstPaymentEvent):
    """Every planned attempt at the first charge has failed: the contract hasn't begun. Another card still starts it."""

    TYPE: ClassVar[str] = "contract.payment_exhausted"


class ContractCancelled(ContractEvent):
    """A contract was ended before its time."""

    TYPE: ClassVar[str] = "contract.cancelled"
