"""The chart: patients, their care teams and visits, what was asked, measured, found and written down."""

import datetime
from dataclasses import dataclass
from typing import Any

from local.demo.catalogue import ICD_10_CM, RXNORM
from local.demo.chance import Chance
from local.demo.dates import days
from local.demo.people import ADA, BO, CLEO, MIRA, Customer
from local.demo.rows import Row, Rows
from schema.tables import healthcare, public

_SNOMED = "http://snomed.info/sct"

_ALLERGIES = (
    # system, code, display, category, reaction
    (_SNOMED, "91936005", "Allergy to penicillin", "medication", "rash"),
    (_SNOMED, "293586001", "Allergy to aspirin", "medication", "wheezing"),
    (_SNOMED, "91935009", "Allergy to peanut", "food", "swelling of the lips"),
    (_SNOMED, "782415009", "Intolerance to lactose", "food", "bloating"),
    (_SNOMED, "418689008", "Allergy to grass pollen", "environment", "sneezing"),
    (RXNORM, "5856", "insulin", "biologic", "rash where it was injected"),
)
_OTHER_CONDITIONS = (
    ("I10", "Essential (primary) hypertension"),
    ("E78.5", "Hyperlipidemia, unspecified"),
    ("K21.9", "Gastro-esophageal reflux disease without esophagitis"),
    ("J30.9", "Allergic rhinitis, unspecified"),
)
_QUESTIONS = (
    ("goal", "What would you like to achieve?", ("Feel better day to day", "Fewer bad days", "A plan that lasts")),
    ("smoking", "Do you smoke?", ("No", "No", "Sometimes", "Yes")),
    ("exercise", "How often do you exercise?", ("Rarely", "Once a week", "Most days")),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Charted:
    """A patient with what later parts of the chart need."""

    customer: Customer
    patient: Row
    #: The primary provider's staff row.
    provider: Row
    encounters: tuple[Row, ...]
    #: When care began.
    since: datetime.datetime


def add_charts(rows: Rows, chance: Chance, customers: list[Customer]) -> list[Charted]:
    """Charts of all customers that went further than signing up."""
    providers = [row for row in rows.all(public.staff) if row["role"] == "provider" and row["active"]]
    charted: list[Charted] = []
    for customer in customers:
        if customer.story.name == "signed_up" and chance.happens(0.5):
            continue
        chart = _add_patient(rows, chance, customer, providers)
        _add_intake(rows, chance, chart)
        _add_conditions(rows, chance, chart)
        _add_notes(rows, chance, chart)
        charted.append(chart)
    return charted


def _add_patient(rows: Rows, chance: Chance, customer: Customer, providers: list[Row]) -> Charted:
    state = customer.row["state_code"]
    licensed = [row for row in providers if state in row["license_states"]]
    known = customer.id in {ADA, BO, CLEO}
    provider = next(row for row in providers if row["id"] == MIRA) if known else chance.pick(licensed)
    since = min(customer.created_at + days(0.2), rows.now - days(0.01))
    gender = chance.spread({"female": 50, "male": 46, "other": 2, "unknown": 2})
    patient = rows.add(
        healthcare.patient,
        customer_id=customer.id,
        identifier=f"MRN-{100_000 + len(rows.all(healthcare.patient))}",
        active=not customer.is_deleted,
        gender=customer.treatment.gender or gender,
        birth_date=customer.row["date_of_birth"],
        state_code=state,
        language=chance.pick(("en", "en", "en", "en", "es")),
        preferred_pharmacy_id=chance.pick(rows.all(healthcare.pharmacy))["id"],
        created_at=since,
    )
    ended = customer.story.subscription == "cancelled"
    rows.add(
        healthcare.care_team,
        patient_id=patient["id"],
        staff_id=provider["id"],
        status="inactive" if ended and chance.happens(0.5) else "active",
        period_start=since,
        period_end=rows.now - days(1) if customer.is_deleted else None,
        created_at=since,
    )
    if chance.happens(0.3) or customer.id == BO:
        second = chance.pick([row for row in licensed if row["id"] != provider["id"]])
        rows.add(
            healthcare.care_team,
            patient_id=patient["id"],
            staff_id=second["id"],
            role=chance.spread({"covering": 3, "consulting": 1}),
            status=chance.spread({"active": 10, "proposed": 2, "suspended": 1, "inactive": 3}),
            period_start=since + days(0.1),
            created_at=since,
        )
    encounters = _add_encounters(rows, chance, patient, provider, since)
    return Charted(customer=customer, patient=patient, provider=provider, encounters=encounters, since=since)


def _add_encounters(
    rows: Rows, chance: Chance, patient: Row, provider: Row, since: datetime.datetime
) -> tuple[Row, ...]:
    """The intake, follow-ups every six weeks or so, and perhaps one to come."""

    def add(type_: str, status: str, start: datetime.datetime, reason: str) -> Row:
        finished = status == "finished"
        created_at = min(start - days(2), rows.now - days(0.1)) if type_ == "video" else start
        return rows.add(
            healthcare.encounter,
            patient_id=patient["id"],
            staff_id=provider["id"],
            type=type_,
            status=status,
            reason=reason,
            period_start=start,
            period_end=start + datetime.timedelta(minutes=chance.integer(10, 30)) if finished else None,
            video_url=f"https://video.example.com/visit/{chance.token(12)}" if type_ == "video" else None,
            created_at=max(created_at, since),
        )

    encounters = [add("async", "finished", since + days(0.1), "Intake")]
    start = since + days(chance.integer(38, 46))
    while start < rows.now - days(2):
        status = chance.spread({"finished": 18, "cancelled": 2, "entered_in_error": 1})
        encounters.append(add(chance.pick(("async", "video")), status, start, "Follow-up"))
        start += days(chance.integer(38, 46))
    if chance.happens(0.35):
        status = chance.spread({"planned": 12, "arrived": 1, "in_progress": 2})
        soon = rows.now + days(chance.integer(1, 20)) + datetime.timedelta(hours=chance.integer(14, 22))
        encounters.append(add("video", status, soon if status == "planned" else rows.now, "Follow-up"))
    return tuple(encounters)


def _add_intake(rows: Rows, chance: Chance, chart: Charted) -> None:
    answered = chart.since + days(0.05)
    status = chance.spread({"completed": 60, "in_progress": 3, "amended": 3, "stopped": 2, "entered_in_error": 1})
    items: list[dict[str, Any]] = [
        {"linkId": link_id, "text": question, "answer": [{"valueString": chance.pick(answers)}]}
        for link_id, question, answers in _QUESTIONS
    ]
    rows.add(
        healthcare.questionnaire_response,
        patient_id=chart.patient["id"],
        treatment_id=chart.customer.treatment.id,
        encounter_id=chart.encounters[0]["id"],
        questionnaire=f"intake/{chart.customer.treatment.slug}/1",
        status=status,
        authored=answered,
        item=items[:1] if status == "in_progress" else items,
        created_at=answered,
    )


def _add_conditions(rows: Rows, chance: Chance, chart: Charted) -> None:
    found = chart.since + days(0.11)
    common: dict[str, Any] = {
        "patient_id": chart.patient["id"],
        "recorder_id": chart.provider["id"],
        "recorded_date": found,
        "created_at": found,
    }
    diagnoses = [chart.customer.treatment.condition]
    if chance.happens(0.35):
        diagnoses.append(chance.pick(_OTHER_CONDITIONS))
    for code, display in diagnoses:
        course = chance.spread(
            {"active": 30, "recurrence": 1, "relapse": 1, "inactive": 1, "remission": 2, "resolved": 2}
        )
        over = course in {"inactive", "remission", "resolved"}
        rows.add(
            healthcare.condition,
            **common,
            encounter_id=chart.encounters[0]["id"],
            code_system=ICD_10_CM,
            code=code,
            code_display=display,
            clinical_status=course,
            verification_status=chance.spread(
                {"confirmed": 30, "provisional": 3, "unconfirmed": 2, "differential": 1, "refuted": 1,
                 "entered_in_error": 1}
            ),
            severity=chance.spread({"moderate": 5, "mild": 4, "severe": 1}),
            onset_date=(found - days(chance.integer(200, 3_000))).date(),
            abatement_date=(found + days(1)).date() if over else None,
        )  # fmt: skip
    if chance.happens(0.3):
        system, code, display, category, reaction = _ALLERGIES[int(chance.spread(dict.fromkeys("012345", 1)))]
        rows.add(
            healthcare.allergy_intolerance,
            **common,
            code_system=system,
            code=code,
            code_display=display,
            type="intolerance" if display.startswith("Intolerance") else "allergy",
            category=category,
            criticality=chance.spread({"low": 5, "high": 2, "unable_to_assess": 1}),
            clinical_status=chance.spread({"active": 10, "inactive": 1, "resolved": 1}),
            verification_status=chance.spread({"confirmed": 6, "unconfirmed": 3, "refuted": 1, "entered_in_error": 1}),
            reaction=reaction,
        )


def _add_notes(rows: Rows, chance: Chance, chart: Charted) -> None:
    """A note for every visit that took place, some of them shared."""
    for encounter in chart.encounters:
        if encounter["status"] != "finished":
            continue
        written = encounter["period_end"]
        status = chance.spread({"final": 30, "preliminary": 4, "amended": 2, "entered_in_error": 1})
        signed = status in {"final", "amended"}
        intake = encounter["reason"] == "Intake"
        rows.add(
            healthcare.clinical_note,
            patient_id=chart.patient["id"],
            encounter_id=encounter["id"],
            author_id=chart.provider["id"],
            type="consultation" if intake else chance.spread({"progress": 8, "telephone": 1, "care_plan": 2}),
            status=status,
            title="Intake" if intake else "Follow-up",
            body=chance.pick(
                (
                    "Reviewed history and goals. Discussed benefits and side effects. Patient agrees with the plan.",
                    "Tolerates treatment well, no side effects reported. Continue at the present dose.",
                    "Some nausea in the first days, now better. Advised smaller meals. Review in six weeks.",
                    "Blood results discussed. Dose adjusted. Asked to write if symptoms change.",
                )
            ),
            shared_with_patient=signed and chance.happens(0.5),
            signed_at=written + days(0.02) if signed else None,
            created_at=written,
            updated_at=written + days(0.02) if signed else written,
        )
