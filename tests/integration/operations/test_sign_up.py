"""`sign_up`: from a verified sign-in to a customer, once."""

import asyncio
import datetime
from typing import Any

import pytest

from local.demo.people import ADA, THEO
from permissions.session import SignIn
from tests.integration.operations.clinic import Clinic

SIGN_UP = """
mutation (
    $first_name: String!, $last_name: String!, $date_of_birth: date, $state_code: String, $timezone: String,
    $referral_code: String, $phone: String
) {
    sign_up(
        first_name: $first_name, last_name: $last_name, date_of_birth: $date_of_birth, state_code: $state_code,
        timezone: $timezone, referral_code: $referral_code, phone: $phone
    ) { customer_id patient_id email first_name last_name created_at repeated }
}
"""
MOVE = """
mutation ($id: uuid!, $set: customer_set_input!) {
    update_customer_by_pk(pk_columns: {id: $id}, _set: $set) { state_code phone }
}
"""
CARL = SignIn(uid="firebase-carl", email="carl@example.com", email_verified=False)


async def ask(clinic: Clinic, who: SignIn | None = CARL, **variables: Any) -> Any:
    names = {"first_name": "Carl", "last_name": "Birch"}
    return await clinic.endpoint.ask(SIGN_UP, role="newcomer", sign_in=who, **(names | variables))


async def sign_up(clinic: Clinic, who: SignIn = CARL, **variables: Any) -> Any:
    answer = await ask(clinic, who, **variables)
    assert "errors" not in answer, answer
    return answer["data"]["sign_up"]


async def refusal(clinic: Clinic, who: SignIn | None = CARL, **variables: Any) -> str:
    answer = await ask(clinic, who, **variables)
    assert set(answer) == {"errors"}, answer
    code: str = answer["errors"][0]["extensions"]["code"]
    return code


async def test_a_person_becomes_a_customer_with_a_chart(clinic: Clinic) -> None:
    answer = await sign_up(
        clinic,
        first_name=" Carl ",
        phone="+1 (202) 555-0142",
        date_of_birth="1990-02-28",
        state_code="ca",
        timezone="America/Los_Angeles",
    )
    assert (answer["first_name"], answer["email"], answer["repeated"]) == ("Carl", "carl@example.com", False)
    row = await clinic.row(
        "SELECT c.id::text, c.firebase_uid, c.phone, c.state_code, c.timezone, p.id::text AS patient_id, p.birth_date"
        " FROM public.customer c JOIN healthcare.patient p ON p.customer_id = c.id WHERE c.email = 'carl@example.com'"
    )
    assert row == {
        "id": answer["customer_id"],
        "firebase_uid": "firebase-carl",
        "phone": "+12025550142",
        "state_code": "CA",
        "timezone": "America/Los_Angeles",
        "patient_id": answer["patient_id"],
        "birth_date": datetime.date(1990, 2, 28),
    }
    (event,) = await clinic.events("customer.signed_up")
    assert event["subject"] == answer["customer_id"]
    assert event["data"] == {"customer_id": answer["customer_id"]}
    assert event["session"] == '{"x-hasura-role": "newcomer"}'


async def test_two_tabs_make_one_customer(clinic: Clinic) -> None:
    answers = await asyncio.gather(sign_up(clinic), sign_up(clinic, first_name="Karl"))
    assert sorted(answer.pop("repeated") for answer in answers) == [False, True]
    assert answers[0] == answers[1]
    assert len(await clinic.events("customer.signed_up")) == 1


async def test_the_customer_of_a_verified_address_gets_the_account(clinic: Clinic) -> None:
    await clinic.set("public.customer", ADA, firebase_uid=None)
    ada = SignIn(uid="firebase-new", email="ada@example.com", email_verified=False)
    assert await refusal(clinic, ada) == "email-unverified"
    answer = await sign_up(clinic, SignIn(uid="firebase-new", email="ada@example.com", email_verified=True))
    assert (answer["customer_id"], answer["first_name"], answer["last_name"]) == (str(ADA), "Ada", "Lindqvist")
    assert len(await clinic.events("customer.signed_up")) == 1


async def test_an_address_has_one_account(clinic: Clinic) -> None:
    who = SignIn(uid="firebase-new", email="ada@example.com", email_verified=True)
    assert await refusal(clinic, who) == "email-taken"
    carl = SignIn(uid="firebase-other", email="carl@example.com", email_verified=True)
    answers = await asyncio.gather(ask(clinic), ask(clinic, carl))
    codes = [answer["errors"][0]["extensions"]["code"] for answer in answers if "errors" in answer]
    assert codes == ["email-taken"]


async def test_somebody_without_an_address_signs_up_too(clinic: Clinic) -> None:
    answer = await sign_up(clinic, SignIn(uid="firebase-phone", email=None, email_verified=False))
    assert answer["email"] is None


async def test_a_friends_code_is_redeemed_or_nothing_is_done(clinic: Clinic) -> None:
    await clinic.connection.execute("INSERT INTO public.referral (referrer_id, code) VALUES ($1, 'SLEEPWELL1')", ADA)
    assert await refusal(clinic, referral_code="wrong") == "not-found"
    assert await clinic.connection.fetchval("SELECT count(*) FROM public.customer") == 2
    answer = await sign_up(clinic, referral_code="sleepwell1")
    referred = await clinic.connection.fetchval("SELECT referred_id::text FROM public.referral")
    assert referred == answer["customer_id"]


async def test_staff_and_people_whose_data_was_deleted_do_not_sign_up(clinic: Clinic) -> None:
    assert await refusal(clinic, SignIn(uid="firebase-theo", email=None, email_verified=False)) == "is-staff"
    await clinic.set("public.customer", ADA, deleted_at=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
    assert await refusal(clinic, SignIn(uid="firebase-ada", email=None, email_verified=True)) == "account-deleted"


async def test_arguments_have_bounds(clinic: Clinic) -> None:
    assert await refusal(clinic, first_name="  ") == "validation-failed"
    assert await refusal(clinic, last_name="x" * 201) == "validation-failed"
    assert await refusal(clinic, timezone="Moon/Crater") == "validation-failed"
    assert await refusal(clinic, date_of_birth="yesterday, perhaps") == "data-exception"
    assert await clinic.connection.fetchval("SELECT count(*) FROM public.customer") == 2


@pytest.mark.parametrize(
    ("argument", "value", "expected"),
    [
        ("phone", "call me", "as in +12025550142"),
        ("phone", "555 0142", "as in +12025550142"),
        ("phone", "+1234567890123456", "8 to 15 digits"),
        ("date_of_birth", "2130-01-01", "from 1900-01-01 to today"),
        ("date_of_birth", "1899-12-31", "from 1900-01-01 to today"),
        ("state_code", "ZZ", "as in CA"),
        ("first_name", "Carl\nBirch", "no line breaks"),
        ("last_name", "Birch\u2028", None),
        ("last_name", "Bi\u2028rch", "no line breaks"),
    ],
)
async def test_nobody_signs_up_with_what_can_not_be(
    clinic: Clinic, argument: str, value: str, expected: str | None
) -> None:
    """The refusal tells which argument it is, and what is expected."""
    answer = await ask(clinic, CARL, **{argument: value})

    if expected is None:
        assert "errors" not in answer, answer
    else:
        (error,) = answer["errors"]
        assert error["extensions"] == {"code": "validation-failed", "path": f"$.selectionSet.sign_up.args.{argument}"}
        assert expected in error["message"]
        assert await clinic.connection.fetchval("SELECT count(*) FROM public.customer") == 2


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"phone": "call me"}, "phone: a phone number begins with +"),
        ({"phone": ""}, "phone: a phone number begins with +"),
        ({"first_name": "Ada\n"}, "first_name: a name has no line breaks"),
        ({"state_code": "ZZ"}, "state_code: a state of the United States"),
        ({"state_code": "Jämtland", "country": "US"}, "state_code: a state of the United States"),
        ({"state_code": "Jämtland", "country": "SE"}, None),
        ({"phone": None, "state_code": "PR", "country": "US", "last_name": "O'Neill-Ñandú"}, None),
    ],
)
async def test_a_profile_takes_nothing_that_can_not_be(
    clinic: Clinic, change: dict[str, str | None], refused: str | None
) -> None:
    document = """
        mutation ($id: uuid!, $set: customer_set_input!) {
            update_customer_by_pk(pk_columns: {id: $id}, _set: $set) { phone first_name last_name state_code country }
        }
    """
    answer = await clinic.endpoint.ask(document, role="user", me=str(ADA), id=str(ADA), set=change)

    if refused is None:
        assert answer["data"]["update_customer_by_pk"].items() >= change.items()
    else:
        (error,) = answer["errors"]
        assert error["extensions"]["code"] == "data-exception"
        assert error["message"].startswith(refused)


async def test_what_a_profile_had_before_stays_until_it_is_changed(clinic: Clinic) -> None:
    """Somebody whose old number isn't one can still move; and operators write what they have to."""
    await clinic.set("public.customer", ADA, phone="after six", country="US")

    answer = await clinic.endpoint.ask(MOVE, role="user", me=str(ADA), id=str(ADA), set={"state_code": "NV"})
    assert answer == {"data": {"update_customer_by_pk": {"state_code": "NV", "phone": "after six"}}}
    answer = await clinic.endpoint.ask(MOVE, role="user", me=str(ADA), id=str(ADA), set={"phone": "after seven"})
    assert "a phone number begins with +" in answer["errors"][0]["message"]


@pytest.mark.parametrize(
    ("country", "written", "stored"),
    [
        ("US", "(202) 555-0142", "+12025550142"),
        ("US", "1 202 555 0142", "+12025550142"),
        (None, "202.555.0142", "+12025550142"),
        ("SE", "+46 8 123 456 78", "+46812345678"),
    ],
)
async def test_a_phone_number_is_kept_as_messages_are_sent_to_it(
    clinic: Clinic, country: str | None, written: str, stored: str
) -> None:
    await clinic.set("public.customer", ADA, country=country)
    answer = await clinic.endpoint.ask(MOVE, role="user", me=str(ADA), id=str(ADA), set={"phone": written})
    assert answer["data"]["update_customer_by_pk"]["phone"] == stored


@pytest.mark.parametrize(("timezone", "refused"), [("Mars/Phobos", True), ("", True), ("Pacific/Chatham", False)])
async def test_a_profile_has_no_time_zone_that_there_is_not(clinic: Clinic, timezone: str, refused: bool) -> None:
    """Text messages would come by another clock than the customer's."""
    document = """
        mutation ($id: uuid!, $timezone: String!) {
            update_customer_by_pk(pk_columns: {id: $id}, _set: {timezone: $timezone}) { timezone }
        }
    """
    answer = await clinic.endpoint.ask(document, role="user", me=str(ADA), id=str(ADA), timezone=timezone)

    if refused:
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["data-exception"]
    else:
        assert answer == {"data": {"update_customer_by_pk": {"timezone": timezone}}}


async def test_a_sign_in_is_needed(clinic: Clinic) -> None:
    assert await refusal(clinic, None) == "not-signed-in"


@pytest.mark.parametrize("role", ["anonymous", "user", "provider", "cct", "service"])
async def test_other_roles_do_not_have_the_operation(clinic: Clinic, role: str) -> None:
    names = {"first_name": "Carl", "last_name": "Birch"}
    answer = await clinic.endpoint.ask(SIGN_UP, role=role, me=str(THEO), sign_in=CARL, **names)
    assert answer["errors"][0]["extensions"]["code"] == "validation-failed"


async def test_newcomers_see_the_catalogue_and_nothing_else(clinic: Clinic) -> None:
    answer = await clinic.endpoint.ask("{ treatment { name } }", role="newcomer", sign_in=CARL)
    assert {row["name"] for row in answer["data"]["treatment"]} == {"Sleep", "Skin"}
    answer = await clinic.endpoint.ask("{ customer { id } }", role="newcomer", sign_in=CARL)
    assert answer["errors"][0]["extensions"]["code"] == "validation-failed"
