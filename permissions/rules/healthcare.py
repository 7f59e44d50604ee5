"""Rules of the schema `healthcare`: protected health information.

A patient sees their own, a provider the patients whose care team they are on, the care coordination team the status
and shipment of prescriptions and nothing clinical. Agents see what a pharmacy needs.
"""

from collections.abc import Mapping
from typing import Final

from permissions.model import ALL, EVERY_ROW, Insert, Select, TablePermissions, Update
from permissions.rules.persons import IN_MY_CARE, ME, OF_MY_PATIENT, OWN, OWN_PATIENT, PAGE_OF_A_CUSTOMER, PAGE_OF_STAFF
from schema.view import BoolExp

_PHARMACY: Final = ("id", "name", "phone", "address_line1", "city", "state_code", "zip")
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
_DOSAGE: Final = (
    *("dosage_instruction", "dose_quantity", "dose_unit", "quantity", "quantity_unit", "days_supply"),
    *("refills_allowed", "valid_until", "note"),
)
_PRESCRIPTION_OF_PATIENT: Final = (
    *(
        "id",
        "patient_id",
        "requester_id",
        "medication_id",
        "contract_id",
        "pharmacy_id",
        "status",
        "dosage_instruction",
    ),
    *("dose_quantity", "dose_unit", "quantity", "quantity_unit", "days_supply", "refills_allowed"),
    *("refills_remaining", "refill_due_on", "refill_requested_at", "authored_on", "signed_at", "valid_until"),
    *("created_at", "updated_at"),
)
_FILL: Final = (
    *("id", "prescription_id", "pharmacy_id", "fill_number", "status", "status_reason", "carrier"),
    *("tracking_number", "tracking_url", "sent_at", "accepted_at", "rejected_at", "filled_at", "shipped_at"),
    *("delivered_at", "created_at", "updated_at"),
)
#: Clinical rows hang on a patient; a provider may not hand them to another.
_ID: Final = ("id", "patient_id", "created_at", "updated_at")
_MY_DRAFT: Final[BoolExp] = {**OF_MY_PATIENT, "requester_id": {"_eq": ME}, "status": {"_eq": "draft"}}


def _chart_of_patient(*columns: str) -> Select:
    return Select(columns=columns, filter=OWN_PATIENT, limit=PAGE_OF_A_CUSTOMER, aggregate=True)


def _chart_of_provider() -> Select:
    return Select(columns=ALL, filter=OF_MY_PATIENT, limit=PAGE_OF_STAFF, aggregate=True)


HEALTHCARE: Final[Mapping[str, Mapping[str, TablePermissions]]] = {
    "healthcare.pharmacy": {
        "user": TablePermissions(
            select=Select(columns=_PHARMACY, filter={"active": {"_eq": True}}, limit=PAGE_OF_A_CUSTOMER)
        ),
        "provider": TablePermissions(select=Select(columns=ALL, filter=EVERY_ROW, limit=PAGE_OF_STAFF)),
        "cct": TablePermissions(
            select=Select(columns=(*_PHARMACY, "email", "fax", "active"), filter=EVERY_ROW, limit=PAGE_OF_STAFF)
        ),
        "service": TablePermissions(select=Select(columns=ALL, filter=EVERY_ROW)),
    },
    "healthcare.patient": {
        "user": TablePermissions(
            select=Select(
                columns=(
                    "id",
                    "customer_id",
                    "gender",
                    "birth_date",
                    "state_code",
                    "language",
                    "preferred_pharmacy_id",
                ),
                filter=OWN,
            ),
            update=Update(columns=("language", "preferred_pharmacy_id"), filter=OWN, check=OWN),
        ),
        "provider": TablePermissions(
            select=Select(columns=ALL, filter=IN_MY_CARE, limit=PAGE_OF_STAFF, aggregate=True),
            update=Update(columns=("gender", "language", "preferred_pharmacy_id"), filter=IN_MY_CARE, check=IN_MY_CARE),
        ),
        # The link from a customer to prescriptions, no more.
        "cct": TablePermissions(
            select=Select(columns=("id", "customer_id", "preferred_pharmacy_id"), filter=EVERY_ROW, limit=PAGE_OF_STAFF)
        ),
        "service": TablePermissions(
            select=Select(
                columns=(
                    *("id", "customer_id", "identifier", "active", "gender", "birth_date", "state_code", "language"),
                    *("preferred_pharmacy_id", "created_at", "updated_at"),
                ),
                filter=EVERY_ROW,
            ),
        ),
    },
    "healthcare.care_team": {
        "user": TablePermissions(
            select=Select(
                columns=("id", "patient_id", "staff_id", "role", "status", "period_start", "period_end"),
                filter=OWN_PATIENT,
                limit=PAGE_OF_A_CUSTOMER,
            )
        ),
        "provider": TablePermissions(
            select=Select(columns=ALL, filter=OF_MY_PATIENT, limit=PAGE_OF_STAFF, aggregate=True)
        ),
        "cct": TablePermissions(
            select=Select(
                columns=("id", "patient_id", "staff_id", "role", "status", "period_start", "period_end"),
                filter=EVERY_ROW,
                limit=PAGE_OF_STAFF,
            )
        ),
        "service": TablePermissions(
            select=Select(columns=("id", "patient_id", "staff_id", "role", "status"), filter=EVERY_ROW)
        ),
    },
    "healthcare.encounter": {
        "user": TablePermissions(select=_chart_of_patient(*_ID, "staff_id", *_ENCOUNTER)),
        "provider": TablePermissions(
            select=_chart_of_provider(),
            insert=Insert(columns=("patient_id", *_ENCOUNTER), check=OF_MY_PATIENT, presets={"staff_id": ME}),
            update=Update(columns=_ENCOUNTER, filter={**OF_MY_PATIENT, "staff_id": {"_eq": ME}}, check=OF_MY_PATIENT),
        ),
    },
    "healthcare.questionnaire_response": {
        "user": TablePermissions(
            select=_chart_of_patient(*_ID, "treatment_id", "questionnaire", "status", "authored", "item"),
            insert=Insert(
                columns=("patient_id", "treatment_id", "questionnaire", "item"),
                check=OWN_PATIENT,
                presets={"status": "completed"},
            ),
        ),
        "provider": TablePermissions(
            select=_chart_of_provider(),
            # The answers are the patient's; a provider ties them to a visit or marks them.
            update=Update(columns=("encounter_id", "status"), filter=OF_MY_PATIENT, check=OF_MY_PATIENT),
        ),
    },
    "healthcare.condition": {
        "user": TablePermissions(select=_chart_of_patient(*_ID, *_CONDITION)),
        "provider": TablePermissions(
            select=_chart_of_provider(),
            insert=Insert(
                columns=("patient_id", "encounter_id", *_CONDITION), check=OF_MY_PATIENT, presets={"recorder_id": ME}
            ),
            update=Update(columns=("encounter_id", *_CONDITION), filter=OF_MY_PATIENT, check=OF_MY_PATIENT),
        ),
    },
    "healthcare.allergy_intolerance": {
        "user": TablePermissions(select=_chart_of_patient(*_ID, *_ALLERGY)),
        "provider": TablePermissions(
            select=_chart_of_provider(),
            insert=Insert(columns=("patient_id", *_ALLERGY), check=OF_MY_PATIENT, presets={"recorder_id": ME}),
            update=Update(columns=_ALLERGY, filter=OF_MY_PATIENT, check=OF_MY_PATIENT),
        ),
    },
    "healthcare.observation": {
        "user": TablePermissions(select=_chart_of_patient(*_ID, *_OBSERVATION)),
        "provider": TablePermissions(
            select=_chart_of_provider(),
            insert=Insert(
                columns=("patient_id", "encounter_id", *_OBSERVATION),
                check=OF_MY_PATIENT,
                presets={"performer_id": ME},
            ),
            update=Update(
                columns=("status", "interpretation"),
                filter={**OF_MY_PATIENT, "performer_id": {"_eq": ME}},
                check=OF_MY_PATIENT,
            ),
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
            select=_chart_of_provider(),
            insert=Insert(
                columns=("patient_id", "encounter_id", "type", "title", "body", "shared_with_patient"),
                check=OF_MY_PATIENT,
                presets={"author_id": ME, "status": "preliminary"},
            ),
            # One's own, until it is signed.
            update=Update(
                columns=("type", "title", "body", "shared_with_patient"),
                filter={**OF_MY_PATIENT, "author_id": {"_eq": ME}, "signed_at": {"_is_null": True}},
                check=OF_MY_PATIENT,
            ),
        ),
    },
    "healthcare.medication": {
        "user": TablePermissions(
            select=Select(
                columns=("id", "code_display", "form", "strength"),
                filter={"prescriptions": OWN_PATIENT},
                limit=PAGE_OF_A_CUSTOMER,
            )
        ),
        "provider": TablePermissions(select=Select(columns=ALL, filter=EVERY_ROW, limit=PAGE_OF_STAFF, aggregate=True)),
        "service": TablePermissions(select=Select(columns=ALL, filter=EVERY_ROW)),
    },
    "healthcare.prescription": {
        "user": TablePermissions(
            select=Select(
                columns=_PRESCRIPTION_OF_PATIENT,
                # A draft is the provider's until it is signed.
                filter={**OWN_PATIENT, "status": {"_neq": "draft"}},
                limit=PAGE_OF_A_CUSTOMER,
                aggregate=True,
            )
        ),
        "provider": TablePermissions(
            select=_chart_of_provider(),
            # Signing is an operation of its own.
            insert=Insert(
                columns=("patient_id", "medication_id", "encounter_id", "contract_id", "pharmacy_id", *_DOSAGE),
                check=OF_MY_PATIENT,
                presets={"requester_id": ME, "status": "draft"},
            ),
            update=Update(
                columns=("medication_id", "encounter_id", "contract_id", "pharmacy_id", *_DOSAGE),
                filter=_MY_DRAFT,
                check=_MY_DRAFT,
            ),
        ),
        "cct": TablePermissions(
            select=Select(
                columns=("id", "patient_id", "contract_id", "pharmacy_id", "status", "created_at", "updated_at"),
                filter=EVERY_ROW,
                limit=PAGE_OF_STAFF,
                aggregate=True,
            )
        ),
        "service": TablePermissions(
            select=Select(columns=ALL, filter=EVERY_ROW),
            update=Update(
                columns=("status", "status_reason", "pharmacy_id", "refills_remaining", "refill_due_on"),
                filter=EVERY_ROW,
            ),
        ),
    },
    "healthcare.prescription_fill": {
        "user": TablePermissions(
            select=Select(
                columns=_FILL,
                filter={"prescription": {**OWN_PATIENT, "status": {"_neq": "draft"}}},
                limit=PAGE_OF_A_CUSTOMER,
                aggregate=True,
            )
        ),
        "provider": TablePermissions(
            select=Select(columns=ALL, filter={"prescription": OF_MY_PATIENT}, limit=PAGE_OF_STAFF, aggregate=True)
        ),
        "cct": TablePermissions(select=Select(columns=_FILL, filter=EVERY_ROW, limit=PAGE_OF_STAFF, aggregate=True)),
        "service": TablePermissions(
            select=Select(columns=ALL, filter=EVERY_ROW),
            insert=Insert(
                columns=("prescription_id", "pharmacy_id", "fill_number", "status", "quantity", "days_supply"),
                check=EVERY_ROW,
            ),
            update=Update(
                columns=(
                    *("status", "status_reason", "pharmacy_order_id", "carrier", "tracking_number", "tracking_url"),
                    *("sent_at", "accepted_at", "rejected_at", "filled_at", "shipped_at", "delivered_at"),
                ),
                filter=EVERY_ROW,
            ),
        ),
    },
}
