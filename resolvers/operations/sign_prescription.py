"""`sign_prescription`: a draft becomes a prescription.

Providers sign their own drafts, for patients whose care team they are on.

The provider has an NPI and a licence for the patient's state. Without a pharmacy of its own the prescription goes to
the patient's preferred one. It is valid for a year, or as long as the draft says. Of controlled substances five refills
within six months are the most (21 CFR 1306.22, https://www.ecfr.gov/current/title-21/section-1306.22); the catalogue
doesn't tell the schedules apart, so that holds for all of them.

`prescription.signed` tells of it, with ids only. Who signs twice gets the same answer, and no event.
Errors: see `PrescriptionCode`.
"""

from typing import Any, Final

import strawberry

from resolvers.hand_written import OperationContext
from resolvers.operations.error_codes import PrescriptionCode
from resolvers.operations.scalars import DATE, TIMESTAMPTZ, UUID_
from resolvers.operations.transaction import Refused, ask, event_id, my_id, publish
from resolvers.role_schema import HandWritten

_NAME: Final = "sign_prescription"
_EVENT: Final = "prescription.signed"
_MOST_REFILLS_OF_CONTROLLED: Final = 5


@strawberry.type(name="signed_prescription", description="A prescription that a provider has signed.")
class SignedPrescription:
    """What `sign_prescription` answers."""

    id: UUID_
    patient_id: UUID_
    requester_id: UUID_
    pharmacy_id: UUID_ | None
    status: str
    signed_at: TIMESTAMPTZ
    valid_until: DATE | None
    refills_remaining: int
    repeated: bool = strawberry.field(description="Whether it was signed before.")


async def _sign_prescription(
    info: strawberry.Info[OperationContext, None],
    id: UUID_,  # noqa: A002 -- the argument's name
) -> SignedPrescription:
    context = info.context
    me = my_id(context)
    locked = await ask(context, "lock_prescription_of_provider", id, me)
    found = locked and await ask(context, "read_draft", locked, me)
    # The draft of a colleague on the team is read, not signed.
    if not found or found["requester_id"] != me.lower():
        raise Refused(PrescriptionCode.NOT_FOUND, "there is no such draft of yours", _NAME, "id")
    if found["signed_at"] is not None:
        return _answer(found, repeated=True)
    _check(found)
    valid_until = found["valid_until"] or found["latest_day"]
    found |= await ask(context, "sign_prescription", found["id"], valid_until, found["pharmacy_id"])
    await publish(
        context,
        _EVENT,
        subject=found["id"],
        data={
            "prescription_id": found["id"],
            **{
                name: found[name]
                for name in ("customer_id", "patient_id", "requester_id", "pharmacy_id", "contract_id", "signed_at")
            },
        },
        # Signed once in its life.
        id=event_id(_EVENT, found["id"]),
    )
    return _answer(found, repeated=False)


def _check(found: dict[str, Any]) -> None:
    def refuse(code: PrescriptionCode, message: str) -> None:
        raise Refused(code, message, _NAME, "id")

    if found["status"] != "draft":
        refuse(PrescriptionCode.WRONG_STATUS, f"the prescription is {found['status']}; only a draft is signed")
    if not found["has_npi"]:
        refuse(PrescriptionCode.NPI_MISSING, "you have no National Provider Identifier on record")
    if not found["is_licensed"]:
        state = found["state_code"] or "the patient's state, which is not known"
        refuse(PrescriptionCode.NOT_LICENSED, f"you have no licence on record for {state}")
    if not found["can_be_dispensed"]:
        refuse(
            PrescriptionCode.CANNOT_BE_DISPENSED, "the medication, the pharmacy or the patient's chart is out of use"
        )
    if found["pharmacy_id"] is None:
        refuse(PrescriptionCode.PHARMACY_MISSING, "name a pharmacy in the draft: the patient has no preferred one")
    if found["is_over"]:
        refuse(PrescriptionCode.EXPIRED, "the draft's last day has passed")
    if found["is_controlled"] and found["refills_allowed"] > _MOST_REFILLS_OF_CONTROLLED:
        message = f"a controlled substance has at most {_MOST_REFILLS_OF_CONTROLLED} refills"
        refuse(PrescriptionCode.CONTROLLED_SUBSTANCE, message)
    if found["is_controlled"] and (found["valid_until"] or "") > found["latest_day"]:
        message = f"a controlled substance may be dispensed for six months, until {found['latest_day']}"
        refuse(PrescriptionCode.CONTROLLED_SUBSTANCE, message)


def _answer(found: dict[str, Any], *, repeated: bool) -> SignedPrescription:
    return SignedPrescription(
        id=found["id"],
        patient_id=found["patient_id"],
        requester_id=found["requester_id"],
        pharmacy_id=found["pharmacy_id"],
        status=found["status"],
        signed_at=found["signed_at"],
        valid_until=found["valid_until"],
        refills_remaining=found["refills_remaining"],
        repeated=repeated,
    )


SIGN_PRESCRIPTION: Final = HandWritten(
    field=strawberry.field(
        resolver=_sign_prescription,
        name=_NAME,
        description="Sign a draft of one's own: it becomes active and goes to the pharmacy.",
    ),
    kind="mutation",
    roles=frozenset({"provider"}),
    shows=("healthcare.prescription",),
)
