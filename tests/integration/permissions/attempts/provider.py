"""Clinicians. Pia treats Olga; Pete treats Otto, and Olga no more; Gail has left; Dora's data was deleted."""

# ruff: noqa: S608 -- the SQL of a test about a database of the test's own

from typing import Any

from tests.integration.permissions.attempts import Attempts, Write, insert, update
from tests.integration.permissions.people import DORA, GAIL, NOBODY, OLGA, OTTO, PETE, PIA, id_of

PROVIDER = Attempts("provider")
_try = PROVIDER.add

_OLGA, _OTTO, _DORA = id_of("a", "0002"), id_of("b", "0002"), id_of("d", "0002")
#: Visits of the two.
_VISIT, _OTHERS_VISIT = id_of("a", "0012"), id_of("b", "0012")

_CODE = {"code_system": "x", "code": "1", "code_display": "new"}
#: What is needed for a row of the chart, and who it says wrote it.
_CHART: dict[str, tuple[dict[str, Any], str]] = {
    "healthcare.encounter": ({"type": "video", "period_start": "2026-01-01"}, "staff_id"),
    "healthcare.condition": (_CODE, "recorder_id"),
    "healthcare.allergy_intolerance": (_CODE | {"category": "food"}, "recorder_id"),
    "healthcare.observation": (
        _CODE | {"category": "laboratory", "effective_date_time": "2026-01-01", "value_string": "new"},
        "performer_id",
    ),
    "healthcare.clinical_note": ({"title": "new", "body": "new", "shared_with_patient": True}, "author_id"),
    "healthcare.prescription": (
        {"medication_id": id_of("f", "0020"), "dosage_instruction": "new", "quantity": 1, "quantity_unit": "mL",
         "days_supply": 1},
        "requester_id",
    ),
}  # fmt: skip


def _written(table: str, patient: str = _OLGA, **columns: Any) -> Write:
    return insert(table, _CHART[table][0] | {"patient_id": patient} | columns)


for _table, (_, _author) in _CHART.items():
    _name = _table.partition(".")[2]
    _try(
        f"writes {_name} of a patient",
        PIA,
        _written(_table),
        rows=1,
        then=f"EXISTS (SELECT FROM {_table} WHERE patient_id = '{_OLGA}' AND {_author} = '{PIA}'"
        " AND created_at > now() - interval '1 min' AND id::text NOT LIKE 'aaaa%')",
    )
    _try(f"writes {_name} of another's patient", PIA, _written(_table, _OTTO), code="permission-error")
    _try(f"writes {_name} of nobody", PIA, _written(_table, NOBODY), code="permission-error")
    _try(f"writes {_name} of a deleted patient", PIA, _written(_table, _DORA), code="permission-error")
    _try(f"writes {_name} of a former patient", PETE, _written(_table), code="permission-error")
    _try(f"writes {_name} after leaving", GAIL, _written(_table), code="permission-error")
    _try(f"writes {_name} in another's name", PIA, _written(_table, **{_author: PETE}), code="validation-failed")
    if _table not in ("healthcare.encounter", "healthcare.allergy_intolerance"):
        _try(f"writes {_name} at a visit", PIA, _written(_table, encounter_id=_VISIT), rows=1)
        _try(
            f"ties {_name} to another patient's visit",
            PIA,
            _written(_table, encounter_id=_OTHERS_VISIT),
            code="permission-error",
        )
        _try(f"ties {_name} to no visit", PIA, _written(_table, encounter_id=NOBODY), code="permission-error")

for _table, _what, _changes in (
    ("healthcare.patient", "0002", {"language": "es"}),
    ("healthcare.encounter", "0012", {"status": "finished"}),
    ("healthcare.questionnaire_response", "0013", {"status": "amended"}),
    ("healthcare.condition", "0014", {"severity": "mild"}),
    ("healthcare.allergy_intolerance", "0015", {"reaction": "rash"}),
    ("healthcare.observation", "0016", {"interpretation": "H"}),
    ("healthcare.clinical_note", "0018", {"body": "changed"}),
    ("healthcare.prescription", "001a", {"note": "changed"}),
):
    _name = _table.partition(".")[2]
    _try(f"changes {_name} of a patient", PIA, update(_table, id_of("a", _what), **_changes), rows=1)
    _try(f"changes every {_name} and reaches only their patients'", PIA, update(_table, ..., **_changes), rows=1)
    _try(f"changes {_name} of another's patient", PIA, update(_table, id_of("b", _what), **_changes), rows=0)
    _try(f"changes {_name} of a deleted patient", PIA, update(_table, id_of("d", _what), **_changes), rows=0)
    _try(f"changes {_name} of a former patient", PETE, update(_table, id_of("a", _what), **_changes), rows=0)
    _try(f"changes {_name} after leaving", GAIL, update(_table, id_of("a", _what), **_changes), rows=0)
    if _table != "healthcare.patient":
        _handed = update(_table, id_of("a", _what), patient_id=_OTTO)
        _try(f"hands {_name} to another patient", PIA, _handed, code="validation-failed")

# Whose it is

_try(
    "changes a colleague's visit",
    PIA,
    update("healthcare.encounter", _VISIT, status="finished"),
    rows=0,
    before=f"UPDATE healthcare.encounter SET staff_id = '{PETE}' WHERE id = '{_VISIT}'",
)
_try(
    "judges a colleague's measurement",
    PIA,
    update("healthcare.observation", id_of("a", "0016"), interpretation="H"),
    rows=0,
    before=f"UPDATE healthcare.observation SET performer_id = '{PETE}' WHERE id = '{id_of('a', '0016')}'",
)
_try(
    "changes a colleague's note",
    PIA,
    update("healthcare.clinical_note", id_of("a", "0018"), body="x"),
    rows=0,
    before=f"UPDATE healthcare.clinical_note SET author_id = '{PETE}' WHERE id = '{id_of('a', '0018')}'",
)
_try(
    "changes a colleague's draft",
    PIA,
    update("healthcare.prescription", id_of("a", "001a"), note="x"),
    rows=0,
    before=f"UPDATE healthcare.prescription SET requester_id = '{PETE}' WHERE id = '{id_of('a', '001a')}'",
)
for _table, _what, _changes in (
    ("healthcare.encounter", "0012", {"status": "finished"}),
    ("healthcare.observation", "0016", {"interpretation": "H"}),
    ("healthcare.clinical_note", "0018", {"body": "changed"}),
    ("healthcare.prescription", "001a", {"note": "changed"}),
):
    _name, _asked = _table.partition(".")[2], id_of("a", _what)
    for _says, _me in (("of a former patient", PETE), ("after leaving", GAIL)):
        _try(
            f"changes {_name} of theirs {_says}",
            _me,
            update(_table, _asked, **_changes),
            rows=0,
            before=f"UPDATE {_table} SET {_CHART[_table][1]} = '{_me}' WHERE id = '{_asked}'",
        )
_try("changes a signed note", PIA, update("healthcare.clinical_note", id_of("a", "0017"), body="x"), rows=0)
_try("changes a signed prescription", PIA, update("healthcare.prescription", id_of("a", "0019"), note="x"), rows=0)
_try(
    "changes a measurement",
    PIA,
    update("healthcare.observation", id_of("a", "0016"), value_quantity=1),
    code="validation-failed",
)
_try(
    "changes what a patient answered",
    PIA,
    update("healthcare.questionnaire_response", id_of("a", "0013"), item=[]),
    code="validation-failed",
)
_try(
    "changes a birth date", PIA, update("healthcare.patient", _OLGA, birth_date="2000-01-01"), code="validation-failed"
)

# What belongs together

for _table, _what in (
    ("healthcare.questionnaire_response", "0013"),
    ("healthcare.condition", "0014"),
    ("healthcare.prescription", "001a"),
):
    _name = _table.partition(".")[2]
    _tied = update(_table, id_of("a", _what), encounter_id=_VISIT)
    _try(f"ties a written {_name} to a visit", PIA, _tied, rows=1)
    _tied = update(_table, id_of("a", _what), encounter_id=_OTHERS_VISIT)
    _try(f"ties a written {_name} to another's visit", PIA, _tied, code="permission-error")

_PRESCRIPTION = "healthcare.prescription"
_try(
    "takes a condition off a visit", PIA, update("healthcare.condition", id_of("a", "0014"), encounter_id=None), rows=1
)
_try("takes a prescription off a contract", PIA, update(_PRESCRIPTION, id_of("a", "001a"), contract_id=None), rows=1)
_try("chooses a pharmacy", PIA, update(_PRESCRIPTION, id_of("a", "001a"), pharmacy_id=id_of("f", "0010")), rows=1)
_try(
    "prescribes for a contract and a pharmacy",
    PIA,
    _written(_PRESCRIPTION, contract_id=id_of("a", "0003"), pharmacy_id=id_of("f", "0010")),
    rows=1,
    then=f"EXISTS (SELECT FROM {_PRESCRIPTION} WHERE dosage_instruction = 'new' AND status = 'draft'"
    " AND signed_at IS NULL AND refills_remaining = 0)",
)
for _says, _column, _value in (
    ("prescribes for another's contract", "contract_id", id_of("b", "0003")),
    ("prescribes for no contract", "contract_id", NOBODY),
    ("prescribes what was withdrawn", "medication_id", id_of("f", "0021")),
    ("sends it to a pharmacy that has shut", "pharmacy_id", id_of("f", "0011")),
):
    _try(_says, PIA, _written(_PRESCRIPTION, **{_column: _value}), code="permission-error")
    _try(
        f"{_says}, afterwards",
        PIA,
        update(_PRESCRIPTION, id_of("a", "001a"), **{_column: _value}),
        code="permission-error",
    )
for _column, _value in (("status", "active"), ("signed_at", "now"), ("refills_remaining", "5")):
    _try(f"prescribes with {_column}", PIA, _written(_PRESCRIPTION, **{_column: _value}), code="validation-failed")
    _signed = update(_PRESCRIPTION, id_of("a", "001a"), **{_column: _value})
    _try(f"sets {_column} of a prescription", PIA, _signed, code="validation-failed")
_try(
    "writes a signed note",
    PIA,
    _written("healthcare.clinical_note", signed_at="now", status="final"),
    code="validation-failed",
)
_nested = {"patient_id": _OTTO, **_CODE}
_try(
    "slips another's condition into a visit",
    PIA,
    _written("healthcare.encounter", conditions={"data": [_nested]}),
    code="permission-error",
)
_try(
    "writes a visit with what was found",
    PIA,
    _written("healthcare.encounter", conditions={"data": [_nested | {"patient_id": _OLGA}]}),
    rows=2,
)

# Messages

_THREAD, _MESSAGE = "public.message_thread", "public.message"
_try(
    "begins a thread with a patient",
    PIA,
    insert(_THREAD, customer_id=OLGA, subject="Results", messages={"data": [{"body": "good"}]}),
    rows=2,
    then=f"EXISTS (SELECT FROM {_THREAD} WHERE subject = 'Results' AND staff_id = '{PIA}' AND status = 'open')",
)
_try("begins a thread with another's patient", PIA, insert(_THREAD, customer_id=OTTO, subject="x"),
     code="permission-error")  # fmt: skip
_try("begins a thread with a deleted patient", PIA, insert(_THREAD, customer_id=DORA, subject="x"),
     code="permission-error")  # fmt: skip
_try("begins a thread with a former patient", PETE, insert(_THREAD, customer_id=OLGA, subject="x"),
     code="permission-error")  # fmt: skip
_try("begins a thread after leaving", GAIL, insert(_THREAD, customer_id=OLGA, subject="x"), code="permission-error")
_try("closes a thread", PIA, update(_THREAD, id_of("a", "0004"), status="closed"), rows=1)
_try("closes another's thread", PIA, update(_THREAD, id_of("b", "0004"), status="closed"), rows=0)
_try("closes a thread after leaving", GAIL, update(_THREAD, id_of("a", "0004"), status="closed"), rows=0)
_try("closes a former patient's thread", PETE, update(_THREAD, id_of("a", "0004"), status="closed"), rows=0)
_try("closes a deleted patient's thread", PIA, update(_THREAD, id_of("d", "0004"), status="closed"), rows=0)
_try("hands a thread over", PIA, update(_THREAD, id_of("a", "0004"), staff_id=PETE), code="validation-failed")
_try(
    "answers",
    PIA,
    insert(_MESSAGE, thread_id=id_of("a", "0004"), body="said"),
    rows=1,
    then=f"EXISTS (SELECT FROM {_MESSAGE} WHERE body = 'said' AND sender_staff_id = '{PIA}'"
    " AND sender_role = 'provider')",
)
for _says, _me, _thread in (
    ("answers in a closed thread", PIA, id_of("a", "0007")),
    ("answers in another's thread", PIA, id_of("b", "0004")),
    ("answers in a deleted patient's thread", PIA, id_of("d", "0004")),
    ("answers in a former patient's thread", PETE, id_of("a", "0004")),
    ("answers after leaving", GAIL, id_of("a", "0004")),
):
    _try(_says, _me, insert(_MESSAGE, thread_id=_thread, body="x"), code="permission-error")
_try("reads a message", PIA, update(_MESSAGE, id_of("a", "0005"), read_at="now"), rows=1)
for _says, _me, _message in (
    ("reads another's message", PIA, id_of("b", "0005")),
    ("reads a deleted patient's message", PIA, id_of("d", "0005")),
    ("reads a former patient's message", PETE, id_of("a", "0005")),
    ("reads a message after leaving", GAIL, id_of("a", "0005")),
):
    _try(_says, _me, update(_MESSAGE, _message, read_at="now"), rows=0)
_try(
    "reads a message once more",
    PIA,
    update(_MESSAGE, id_of("a", "0005"), read_at="now"),
    rows=0,
    before=f"UPDATE public.message SET read_at = '2026-01-01' WHERE id = '{id_of('a', '0005')}'",
)
_try("reads what a provider wrote", PIA, update(_MESSAGE, id_of("a", "0006"), read_at="now"), rows=0)
_try("changes what was said", PIA, update(_MESSAGE, id_of("a", "0006"), body="x"), code="validation-failed")
