"""Measurements: vital signs at intake, weight every month, laboratory tests, a questionnaire's score."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from local.demo.chance import Chance
from local.demo.chart import Charted
from local.demo.dates import days
from local.demo.rows import Rows
from schema.tables import healthcare

_LOINC = "http://loinc.org"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Measure:
    display: str
    unit: str
    category: str
    #: What values are drawn from.
    low: float
    high: float
    digits: int = 0
    #: The reference range.
    normal: tuple[float, float] | None = None


_MEASURES: Mapping[str, _Measure] = {
    "29463-7": _Measure(display="Body weight", unit="kg", category="vital_signs", low=58, high=138, digits=1),
    "8302-2": _Measure(display="Body height", unit="cm", category="vital_signs", low=152, high=193),
    "8480-6": _Measure(
        display="Systolic blood pressure", unit="mm[Hg]", category="vital_signs", low=104, high=162, normal=(90, 130)
    ),
    "8462-4": _Measure(
        display="Diastolic blood pressure", unit="mm[Hg]", category="vital_signs", low=62, high=101, normal=(60, 85)
    ),
    "8867-4": _Measure(display="Heart rate", unit="/min", category="vital_signs", low=52, high=98, normal=(50, 100)),
    "39156-5": _Measure(
        display="Body mass index (BMI) [Ratio]", unit="kg/m2", category="vital_signs", low=0, high=0, digits=1
    ),
    "4548-4": _Measure(
        display="Hemoglobin A1c/Hemoglobin.total in Blood",
        unit="%", category="laboratory", low=4.8, high=8.4, digits=1, normal=(4.0, 5.6),
    ),
    "2093-3": _Measure(
        display="Cholesterol [Mass/volume] in Serum or Plasma",
        unit="mg/dL", category="laboratory", low=140, high=268, normal=(125, 200),
    ),
    "13457-7": _Measure(
        display="Cholesterol in LDL [Mass/volume] in Serum or Plasma by calculation",
        unit="mg/dL", category="laboratory", low=70, high=184, normal=(0, 130),
    ),
    "2986-8": _Measure(
        display="Testosterone [Mass/volume] in Serum or Plasma",
        unit="ng/dL", category="laboratory", low=140, high=720, normal=(264, 916),
    ),
    "3016-3": _Measure(
        display="Thyrotropin [Units/volume] in Serum or Plasma",
        unit="m[IU]/L", category="laboratory", low=0.3, high=11.0, digits=2, normal=(0.45, 4.5),
    ),
    "44261-6": _Measure(
        display="Patient Health Questionnaire 9 item (PHQ-9) total score [Reported]",
        unit="{score}", category="survey", low=0, high=19,
    ),
}  # fmt: skip


def add_observations(rows: Rows, chance: Chance, charts: list[Charted]) -> None:
    """All measurements of all patients."""
    for chart in charts:
        _Measuring(rows, chance, chart).measure()


class _Measuring:
    """Makes the measurements of one patient."""

    def __init__(self, rows: Rows, chance: Chance, chart: Charted) -> None:
        self._rows = rows
        self._chance = chance
        self._chart = chart

    def measure(self) -> None:
        intake = self._chart.since + days(0.08)
        height, weight = self._draw("8302-2"), self._draw("29463-7")
        self._add("8302-2", height, intake)
        self._add("29463-7", weight, intake)
        self._add("39156-5", round(weight / (height / 100) ** 2, 1), intake)
        for code in ("8480-6", "8462-4", "8867-4"):
            self._add(code, self._draw(code), intake)
        if self._chance.happens(0.4):
            self._add("44261-6", self._draw("44261-6"), intake)
        self._weigh_monthly(weight, intake)
        taken = intake + days(6)
        while taken < self._rows.now - days(1):
            for code in self._chart.customer.treatment.labs:
                self._add(code, self._draw(code), taken)
            taken += days(90)
        self._add_odd_one(intake)

    def _weigh_monthly(self, weight: float, intake: datetime.datetime) -> None:
        time = intake + days(30)
        while self._chart.customer.treatment.slug == "weight-management" and time < self._rows.now - days(1):
            weight = round(weight * self._chance.number(0.965, 0.995, 4), 1)
            self._add("29463-7", weight, time)
            time += days(30)

    def _add_odd_one(self, intake: datetime.datetime) -> None:
        """Now and then a result that is not final, or not a number."""
        if self._chance.happens(0.12):
            statuses = ("registered", "preliminary", "amended", "corrected", "cancelled", "entered_in_error")
            status = self._chance.spread(dict.fromkeys(statuses, 1))
            empty = status in {"registered", "cancelled"}
            self._add("8867-4", None if empty else self._draw("8867-4"), intake + days(0.02), status=status)
        if self._chance.happens(0.05):
            self._add(
                "8867-4", None, intake + days(0.03), value_string="irregular by the patient's count", interpretation="A"
            )

    def _draw(self, code: str) -> float:
        measure = _MEASURES[code]
        return self._chance.number(measure.low, measure.high, measure.digits)

    def _add(self, code: str, value: float | None, time: datetime.datetime, **values: Any) -> None:
        measure = _MEASURES[code]
        time = min(time, self._rows.now - days(0.005))
        laboratory = measure.category == "laboratory"
        low, high = measure.normal or (None, None)
        self._rows.add(
            healthcare.observation,
            **{
                "patient_id": self._chart.patient["id"],
                "encounter_id": self._chart.encounters[0]["id"] if not laboratory else None,
                "performer_id": self._chart.provider["id"] if laboratory else None,
                "category": measure.category,
                "code_system": _LOINC,
                "code": code,
                "code_display": measure.display,
                "value_quantity": None if value is None else Decimal(str(value)),
                "value_unit": None if value is None else measure.unit,
                "interpretation": None if value is None else _interpret(value, measure),
                "reference_range_low": None if low is None else Decimal(str(low)),
                "reference_range_high": None if high is None else Decimal(str(high)),
                "effective_date_time": time,
                "issued": time,
                "created_at": time,
                **values,
            },
        )


def _interpret(value: float, measure: _Measure) -> str | None:
    """HL7's code for where a value lies: far out (LL, HH) is a third of the range beyond its end."""
    if measure.normal is None:
        return None
    low, high = measure.normal
    third = (high - low) / 3
    for code, beyond in (("LL", low - third), ("L", low)):
        if value < beyond:
            return code
    for code, beyond in (("HH", high + third), ("H", high)):
        if value > beyond:
            return code
    return "N"
