"""What operations publish is what agents read."""

import orjson
import pytest

from agents.events.contract import ContractCancelled
from agents.events.customer import CustomerRoleChanged, CustomerSignedUp, SubscriptionChanged
from agents.events.payload import DomainEvent
from agents.events.prescription import PrescriptionSigned
from local.demo.people import ADA, INES, MIRA, THEO
from tests.integration.operations.clinic import Clinic
from tests.integration.operations.test_cancel_contract import CANCEL
from tests.integration.operations.test_grant_role import GRANT
from tests.integration.operations.test_sign_prescription import SIGN
from tests.integration.operations.test_sign_up import ask as sign_up


@pytest.fixture
async def busy_clinic(clinic: Clinic) -> Clinic:
    """A clinic in which every operation that publishes has been used."""
    contract, prescription = await clinic.contract(), await clinic.prescription()
    await clinic.answer(CANCEL, role="user", me=ADA, id=str(contract))
    await clinic.answer(SIGN, role="provider", me=MIRA, id=str(prescription))
    await clinic.endpoint.data(GRANT, me=str(INES), id=str(THEO), to="admin")
    await sign_up(clinic)
    return clinic


async def test_agents_understand_them(busy_clinic: Clinic) -> None:
    kinds: tuple[type[DomainEvent], ...] = (
        ContractCancelled,
        CustomerRoleChanged,
        CustomerSignedUp,
        PrescriptionSigned,
        SubscriptionChanged,
    )
    for kind in kinds:
        (event,) = await busy_clinic.events(kind.TYPE)
        assert kind.parse(orjson.dumps(event["data"])).subject == event["subject"]
