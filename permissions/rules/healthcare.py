"""Rules of the schema `healthcare`: protected health information.

A patient sees their own, a provider the patients whose care team they are on, the care coordination team the status
and shipment of prescriptions and nothing clinical. Agents see what a pharmacy needs.
"""

from collections.abc import Mapping
from typing import Final

from permissions.model import EVERY_ROW, Insert, Select, TablePermissions, Update
from permissions.rules.persons import (
    AS_STAFF,
    IN_MY_CARE,
    ME,
    OF_MY_PATIENT,
    OF_PRESENT,
    OF_PRESENT_PATIENT,
    OWN,
    OWN_PATIENT,
    PAGE_OF_A_CUSTOMER,
    PAGE_OF_STAFF,
)
from schema.view import BoolExp

_ID: Final = ("id", "patient_id", "created_at", "updated_at")
_PHARMACY: Final = ("id", "name", "phone", "address_line1", "city", "state_code", "zip")
_CARE_TEAM: Final = ("id", "patient_id", "staff_id", "role", "status")
_ENCOUNTER: Final = ("type", "status", "reason", "period_start", "period_end", "video_url")
_CONDITION: Final = (
    *("code_system", "code", "code_display", "clinical_status", "verification_status", "severity"),
    *("onset_date", "abatement_date", "recorded_date"),
)
_ALLERGY: Final = (
    *("code_system", "code", "code_display", "type", "category", "criticality", "clinical_status"),
    *("verification_status", "reaction", "onset_date", "recorded_date"),
)
_OBSERVATION: Final = (
    *("status", "category", "code_system", "code", "code_display", "value_quantity", "value_unit", "value_string"),
    *("interpretation", "reference_range_low", "reference_range_high", "effective_date_time", "issued"),
)
_MEDICATION: Final = (*("id", "code_system", "code", "code_display", "status", "form", "strength", "is_controlled"),)
_DOSAGE: Final = (
    *("dosage_instruction", "dose_quantity", "dose_unit", "quantity", "quantity_unit", "days_supply"),
    *("refills_allowed", "valid_until", "note"),
)
_PRESCRIPTION: Final = (
    *("id", "patient_id", "requester_id", "medication_id", "contract_id", "pharmacy_id", "status"),
    *("dosage_instruction", "dose_quantity", "dose_unit", "quantity", "quantity_unit", "days_supply"),
    *("refills_allowed", "refills_remaining", "refill_due_on", "refill_requested_at"),
    *("authored_on", "signed_at", "valid_until", "created_at", "updated_at"),
)
_PRESCRIPTION_IN_FULL: Final = (*_PRESCRIPTION, "encounter_id", "status_reason", "note")
_SHIPMENT: Final = (
    *("id", "prescription_id", "pharmacy_id", "fill_number", "status", "carrier", "tracking_number", "tracking_url"),
    *("sent_at", "accepted_at", "rejected_at", "filled_at", "shipped_at", "delivered_at", "created_at", "updated_at"),
)
_FILL: Final = (*_SHIPMENT, "status_reason", "quantity", "days_supply")

#: A prescription is the provider's own until it is signed, also one that was then given up.
_SIGNED: Final[BoolExp] = {"signed_at": {"_is_null": False}, "status": {"_neq": "draft"}}
_MY_PRESCRIPTION: Final[BoolExp] = {**OWN_PATIENT, **_SIGNED}

#: What a row refers to must be the same patient's, or it would tie two charts together.
_ITS_OWN_ENCOUNTER: Final[BoolExp] = {
    "_or": [
        {"encounter_id": {"_is_null": True}},
        {"encounter": {"patient_id": {"_ceq": ["$", "patient_id"]}}},
    ]
}
_ITS_OWN_CONTRACT: Final[BoolExp] = {
    "_or": [
        {"contract_id": {"_is_null": True}},
        {"contract": {"customer": {"patient": {"id": {"_ceq": ["$", "patient_id"]}}}}},
    ]
}
_CAN_BE_DISPENSED: Final[BoolExp] = {
    "medication": {"status": {"_eq": "active"}},
    "_or": [{"pharmacy_id": {"_is_null": True}}, {"pharmacy": {"active": {"_eq": True}}}],
}
_PRESCRIBED: Final[BoolExp] = {"_and": [_ITS_OWN_ENCOUNTER, _ITS_OWN_CONTRACT, _CAN_BE_DISPENSED]}


def _chart_of_patient(*columns: str) -> Select:
    return Select(columns=columns, filter=OWN_PATIENT, limit=PAGE_OF_A_CUSTOMER, aggregate=True)


def _chart_of_provider(*columns: str) -> Select:
    return Select(columns=columns, filter=OF_MY_PATIENT, limit=PAGE_OF_STAFF, aggregate=True)


HEALTHCARE: Final[Mapping[str, Mapping[str, TablePermissions]]] = {
    "healthcare.pharmacy": {
        "user": TablePermissions(
            select=Select(columns=_PHARMACY, filter={"active": {"_eq": True}}, limit=PAGE_OF_A_CUSTOMER)
        ),
        "provider": TablePermissions(
            select=Select(columns=(*_PHARMACY, "ncpdp_id", "fax", "active"), filter=AS_STAFF, limit=PAGE_OF_STAFF)
        ),
        "cct": TablePermissions(
            select=Select(columns=(*_PHARMACY, "email", "active"), filter=AS_STAFF, limit=PAGE_OF_STAFF)
        ),
        # Where an order goes.
        "service": TablePermissions(select=Select(columns=("ncpdp_id",), filter=EVERY_ROW)),
    },
    "healthcare.patient": {
        # The link from oneself to the chart.
        "user": TablePermissions(select=Select(columns=("id", "customer_id", "preferred_pharmacy_id"), filter=OWN)),
        "provider": TablePermissions(
            select=Select(
                columns=(
                    *("id", "customer_id", "identifier", "active", "gender", "birth_date", "state_code", "language"),
                    *("preferred_pharmacy_id", "created_at", "updated_at"),
                ),
                filter=IN_MY_CARE,
                limit=PAGE_OF_STAFF,
                aggregate=True,
            ),
            update=Update(columns=("gender", "language", "preferred_pharmacy_id"), filter=IN_MY_CARE),
        ),
        # The link from a customer to prescriptions, no more.
        "cct": TablePermissions(
            select=Select(columns=("id", "customer_id"), filter={**AS_STAFF, **OF_PRESENT}, limit=PAGE_OF_STAFF)
        ),
        "service": TablePermissions(
            select=Select(columns=("id", "customer_id", "identifier", "gender", "birth_date"), filter=OF_PRESENT),
        ),
    },
    # Who is on a care team decides who sees a chart, so nobody here writes it.
    "healthcare.care_team": {
        "user": TablePermissions(
            select=Select(
                columns=(*_CARE_TEAM, "period_start", "period_end"), filter=OWN_PATIENT, limit=PAGE_OF_A_CUSTOMER
            )
        ),
        "provider": TablePermissions(
            select=_chart_of_provider(*_CARE_TEAM, "period_start", "period_end", "created_at", "updated_at")
        ),
        # Whom to hand a thread to.
        "cct": TablePermissions(
            select=Select(columns=_CARE_TEAM, filter={**AS_STAFF, **OF_PRESENT_PATIENT}, limit=PAGE_OF_STAFF)
        ),
    },
    "healthcare.encounter": {
        # When and where to meet; why is in the chart.
        "user": TablePermissions(
            select=_chart_of_patient(
                *(*_ID, "staff_id", "type", "status", "period_start", "period_end", "video_url"),
            )
        ),
        "provider": TablePermissions(
            select=_chart_of_provider(*_ID, "staff_id", *_ENCOUNTER),
            insert=Insert(columns=("patient_id", *_ENCOUNTER), check=OF_MY_PATIENT, presets={"staff_id": ME}),
            update=Update(columns=_ENCOUNTER, filter={**OF_MY_PATIENT, "staff_id": {"_eq": ME}}),
        ),
    },
    "healthcare.questionnaire_response": {
        "user": TablePermissions(
            select=_chart_of_patient(*_ID, "treatment_id", "questionnaire", "status", "authored", "item"),
            # About a treatment that is offered, one under way, or none.
            insert=Insert(
                columns=("patient_id", "treatment_id", "questionnaire", "item"),
                check={
                    **OWN_PATIENT,
                    "_or": [
                        {"treatment_id": {"_is_null": True}},
                        {"treatment": {"_or": [{"active": {"_eq": True}}, {"contracts": OWN}]}},
                    ],
                },
                presets={"status": "completed"},
            ),
        ),
        "provider": TablePermissions(
            select=_chart_of_provider(
                *(*_ID, "treatment_id", "encounter_id", "questionnaire", "status", "authored", "item"),
            ),
            # The answers are the patient's; a provider ties them to a visit or marks them.
            update=Update(columns=("encounter_id", "status"), filter=OF_MY_PATIENT, check=_ITS_OWN_ENCOUNTER),
        ),
    },
    "healthcare.condition": {
        "provider": TablePermissions(
            select=_chart_of_provider(*_ID, "encounter_id", "recorder_id", *_CONDITION),
            insert=Insert(
                columns=("patient_id", "encounter_id", *_CONDITION),
                check={**OF_MY_PATIENT, **_ITS_OWN_ENCOUNTER},
                presets={"recorder_id": ME},
            ),
            update=Update(columns=("encounter_id", *_CONDITION), filter=OF_MY_PATIENT, check=_ITS_OWN_ENCOUNTER),
        ),
    },
    "healthcare.allergy_intolerance": {
        "provider": TablePermissions(
            select=_chart_of_provider(*_ID, "recorder_id", *_ALLERGY),
            insert=Insert(columns=("patient_id", *_ALLERGY), check=OF_MY_PATIENT, presets={"recorder_id": ME}),
            update=Update(columns=_ALLERGY, filter=OF_MY_PATIENT),
        ),
    },
    "healthcare.observation": {
        "user": TablePermissions(select=_chart_of_patient(*_ID, *_OBSERVATION)),
        "provider": TablePermissions(
            select=_chart_of_provider(*_ID, "encounter_id", "performer_id", *_OBSERVATION),
            insert=Insert(
                columns=("patient_id", "encounter_id", *_OBSERVATION),
                check={**OF_MY_PATIENT, **_ITS_OWN_ENCOUNTER},
                presets={"performer_id": ME},
            ),
            # A measurement is corrected by another one; only how one's own is judged changes.
            update=Update(columns=("status", "interpretation"), filter={**OF_MY_PATIENT, "performer_id": {"_eq": ME}}),
        ),
    },
    "healthcare.clinical_note": {
        "user": TablePermissions(
            select=Select(
                columns=(*_ID, "author_id", "type", "status", "title", "body", "signed_at"),
                filter={**OWN_PATIENT, "shared_with_patient": {"_eq": True}},
                limit=PAGE_OF_A_CUSTOMER,
                aggregate=True,
            )
        ),
        "provider": TablePermissions(
            select=_chart_of_provider(
                *(*_ID, "encounter_id", "author_id", "type", "status", "title", "body"),
                *("shared_with_patient", "signed_at"),
            ),
            insert=Insert(
                columns=("patient_id", "encounter_id", "type", "title", "body", "shared_with_patient"),
                check={**OF_MY_PATIENT, **_ITS_OWN_ENCOUNTER},
                presets={"author_id": ME, "status": "preliminary"},
            ),
            # One's own, until it is signed.
            update=Update(
                columns=("type", "title", "body", "shared_with_patient"),
                filter={**OF_MY_PATIENT, "author_id": {"_eq": ME}, "signed_at": {"_is_null": True}},
            ),
        ),
    },
    "healthcare.medication": {
        "user": TablePermissions(
            select=Select(
                columns=("id", "code_display", "form", "strength"),
                filter={"prescriptions": _MY_PRESCRIPTION},
                limit=PAGE_OF_A_CUSTOMER,
            )
        ),
        "provider": TablePermissions(
            select=Select(columns=_MEDICATION, filter=AS_STAFF, limit=PAGE_OF_STAFF, aggregate=True)
        ),
        "service": TablePermissions(
            select=Select(columns=("code_system", "code", "code_display", "form", "strength"), filter=EVERY_ROW)
        ),
    },
    "healthcare.prescription": {
        "user": TablePermissions(
            select=Select(columns=_PRESCRIPTION, filter=_MY_PRESCRIPTION, limit=PAGE_OF_A_CUSTOMER, aggregate=True)
        ),
        "provider": TablePermissions(
            select=_chart_of_provider(*_PRESCRIPTION_IN_FULL),
            # Signing is an operation of its own.
            insert=Insert(
                columns=("patient_id", "medication_id", "encounter_id", "contract_id", "pharmacy_id", *_DOSAGE),
                check={**OF_MY_PATIENT, **_PRESCRIBED},
                presets={"requester_id": ME, "status": "draft"},
            ),
            update=Update(
                columns=("medication_id", "encounter_id", "contract_id", "pharmacy_id", *_DOSAGE),
                filter={**OF_MY_PATIENT, "requester_id": {"_eq": ME}, "status": {"_eq": "draft"}},
                check=_PRESCRIBED,
            ),
        ),
        # Its status, not what it is for.
        "cct": TablePermissions(
            select=Select(
                columns=("id", "patient_id", "contract_id", "pharmacy_id", "status", "created_at", "updated_at"),
                filter={**AS_STAFF, **OF_PRESENT_PATIENT},
                limit=PAGE_OF_STAFF,
                aggregate=True,
            )
        ),
        "service": TablePermissions(
            # What an order at the pharmacy says, and how its course stands.
            select=Select(
                columns=(
                    *("id", "pharmacy_id", "status", "dosage_instruction", "quantity", "quantity_unit", "days_supply"),
                    *("refills_allowed", "refills_remaining", "refill_requested_at", "signed_at", "valid_until"),
                    "note",
                ),
                filter={**OF_PRESENT_PATIENT, **_SIGNED},
            ),
            update=Update(columns=("refills_remaining", "refill_due_on"), filter={**OF_PRESENT_PATIENT, **_SIGNED}),
        ),
    },
    "healthcare.prescription_fill": {
        "user": TablePermissions(
            select=Select(
                columns=(*_SHIPMENT, "status_reason"),
                filter={"prescription": _MY_PRESCRIPTION},
                limit=PAGE_OF_A_CUSTOMER,
                aggregate=True,
            )
        ),
        "provider": TablePermissions(
            select=Select(columns=_FILL, filter={"prescription": OF_MY_PATIENT}, limit=PAGE_OF_STAFF, aggregate=True)
        ),
        # Why a pharmacy refused is between it and the provider.
        "cct": TablePermissions(
            select=Select(
                columns=_SHIPMENT,
                filter={**AS_STAFF, "prescription": OF_PRESENT_PATIENT},
                limit=PAGE_OF_STAFF,
                aggregate=True,
            )
        ),
        "service": TablePermissions(
            select=Select(
                columns=(
                    *("id", "prescription_id", "pharmacy_id", "fill_number", "status", "status_reason", "quantity"),
                    *("days_supply", "pharmacy_order_id", "delivered_at", "updated_at"),
                ),
                filter={"prescription": OF_PRESENT_PATIENT},
            ),
            # Nothing is dispensed that nobody has signed, or that was stopped.
            insert=Insert(
                columns=("prescription_id", "pharmacy_id", "fill_number", "status", "quantity", "days_supply"),
                check={"prescription": {**OF_PRESENT_PATIENT, **_SIGNED, "status": {"_eq": "active"}}},
            ),
            update=Update(
                columns=(
                    *("status", "status_reason", "pharmacy_order_id", "carrier", "tracking_number", "tracking_url"),
                    *("sent_at", "accepted_at", "rejected_at", "filled_at", "shipped_at", "delivered_at"),
                ),
                filter={"prescription": OF_PRESENT_PATIENT},
            ),
        ),
    },
}
