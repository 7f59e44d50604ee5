"""What an update does to the one row that an updated row refers to, or that refers to it."""

import pytest

from tests.integration.nested_update.conftest import House

PERSON = "mutation ($related: person_related_input!) { update_person_by_pk(pk_columns: {id: %d}, _related: $related) "


async def test_the_row_referred_to_is_updated(house: House) -> None:
    data = await house.data(
        PERSON % 1 + "{ home { city } } }", {"related": {"home": {"update": {"_set": {"city": "Lyon"}}}}}
    )
    assert data["update_person_by_pk"] == {"home": {"city": "Lyon"}}
    assert await house.rows("SELECT city FROM address ORDER BY id") == [("Lyon",), ("Oslo",), ("Rome",)]


async def test_a_row_is_inserted_and_referred_to(house: House) -> None:
    data = await house.data(
        PERSON % 3 + "{ home_id home { city } } }", {"related": {"home": {"insert": {"data": {"city": "Bern"}}}}}
    )
    assert data["update_person_by_pk"] == {"home_id": 101, "home": {"city": "Bern"}}


async def test_several_updated_rows_refer_to_the_same_new_row(house: House) -> None:
    data = await house.data(
        """mutation { update_person(where: {}, _inc: {visits: 1}, _related: {home: {insert: {data: {city: "Bern"}}}}) {
          affected_rows returning { visits home { id city } }
        } }"""
    )
    assert data["update_person"]["affected_rows"] == 4
    assert data["update_person"]["returning"] == [{"visits": 1, "home": {"id": 101, "city": "Bern"}}] * 3


async def test_a_row_that_exists_is_referred_to(house: House) -> None:
    data = await house.data(PERSON % 3 + "{ home { city } } }", {"related": {"home": {"link": {"id": 2}}}})
    assert data["update_person_by_pk"] == {"home": {"city": "Oslo"}}


async def test_a_row_is_referred_to_no_longer(house: House) -> None:
    data = await house.data(PERSON % 1 + "{ home { city } } }", {"related": {"home": {"unlink": True}}})
    assert data["update_person_by_pk"] == {"home": None}
    assert len(await house.rows("SELECT 1 FROM address")) == 3


async def test_a_key_of_several_columns_is_referred_to(house: House) -> None:
    data = await house.data(
        """mutation ($number: numeric!) {
          update_desk_by_pk(pk_columns: {id: 3}, _related: {
            building_row: {link: {building: "north", number: $number}}
          }) { building_row { name } }
        }""",
        {"number": "12345678901234567890.1234567891"},
    )
    assert data["update_desk_by_pk"] == {"building_row": {"name": "big"}}


@pytest.mark.parametrize(
    ("person", "operation", "left"),
    [
        (1, {"update": {"_set": {"number": "P9"}}}, [(1, "P9", 1), (2, "P2", None)]),
        (1, {"unlink": True}, [(1, "P1", None), (2, "P2", None)]),
        (1, {"delete": True}, [(2, "P2", None)]),
        (2, {"link": {"id": 2}}, [(1, "P1", 1), (2, "P2", 2)]),
        (2, {"insert": {"data": {"number": "P3"}}}, [(1, "P1", 1), (2, "P2", None), (101, "P3", 2)]),
    ],
    ids=["update", "unlink", "delete", "link", "insert"],
)
async def test_the_only_row_that_refers_to_the_updated_one(
    house: House, person: int, operation: dict[str, object], left: list[tuple[object, ...]]
) -> None:
    data = await house.data(PERSON % person + "{ id } }", {"related": {"passport": operation}})
    assert data["update_person_by_pk"] == {"id": person}
    assert await house.rows("SELECT id, number, person_id FROM passport ORDER BY id") == left


async def test_relationships_to_and_fro_are_followed(house: House) -> None:
    data = await house.data(
        """mutation {
          update_comment_by_pk(pk_columns: {id: 1}, _inc: {likes: 1}, _related: {article: {update: {
            _set: {status: "liked"}
            _related: {author: {update: {_inc: {visits: 1}, _related: {home: {update: {_set: {city: "Nice"}}}}}}}
          }}}) { likes article { status author { visits home { city } } } }
        }"""
    )
    assert data["update_comment_by_pk"] == {
        "likes": 1,
        "article": {"status": "liked", "author": {"visits": 1, "home": {"city": "Nice"}}},
    }
