"""What nested updates refuse, where they say it is, and that nothing is left of a refused one."""

import asyncio

import pytest

from tests.integration.nested_update.conftest import House

UPDATE = """mutation ($related: person_related_input) {
  update_person(where: {id: {_in: [1, 2]}}, _set: {name: "New"}, _related: $related) { affected_rows }
}"""
AT = "$.selectionSet.update_person.args._related"


@pytest.mark.parametrize(
    ("related", "error"),
    [
        (
            {"articles": {"link": [{"id": 4}]}},
            ("not-supported", f"{AT}.articles.link", "a row can be linked to one row only, but 2 are updated"),
        ),
        (
            {"home": {"link": {"id": 77}}},
            (
                "not-found",
                f"{AT}.home.link",
                "there is no row of 'address' with this key that can be linked",
            ),
        ),
        (
            {"home": {"unlink": True, "update": {"_set": {"city": "X"}}}},
            (
                "validation-failed",
                f"{AT}.home",
                "only one thing can be done with a single related row, but found 'unlink' and 'update'",
            ),
        ),
        (
            {"articles": {"insert": {"data": [{"title": "mine", "author_id": 3}]}}},
            (
                "validation-failed",
                f"{AT}.articles.insert.data[0].author_id",
                "cannot insert 'author_id' column as its value is already determined by the related row",
            ),
        ),
        (
            {"articles": {"insert": {"data": [{"title": "four"}]}}},
            (
                "constraint-violation",
                f"{AT}.articles.insert",
                'Uniqueness violation. duplicate key value violates unique constraint "article_title_key"',
            ),
        ),
        (
            {"articles": {"delete": {"where": {"id": {"_eq": 1}}}}},
            (
                "constraint-violation",
                f"{AT}.articles.delete",
                'Foreign key violation. update or delete on table "article" violates foreign key constraint '
                '"comment_article_id_fkey" on table "comment"',
            ),
        ),
        (
            {"articles": {"update": [{"where": {}}, {"_set": {"title": "x"}}]}},
            ("validation-failed", f"{AT}.articles.update[1]", "missing required field 'where'"),
        ),
        (
            {"articles": {"update": [{"where": {"title": {"_eq": None}}}]}},
            (
                "validation-failed",
                f"{AT}.articles.update[0].where.title._eq",
                "unexpected null value for type 'String'",
            ),
        ),
        (
            {"articles": {"unlink": {}}},
            ("validation-failed", f"{AT}.articles.unlink", "missing required field 'where'"),
        ),
        (
            {"articles": {"rename": {}}},
            (
                "validation-failed",
                f"{AT}.articles.rename",
                "field 'rename' not found in type: 'person_related_articles_input'",
            ),
        ),
        (
            {"home": {"insert": {"data": {"id": 1, "city": "Here"}, "on_conflict": {"constraint": "address_pkey"}}}},
            (
                "not-supported",
                f"{AT}.home.insert",
                "cannot insert related rows: a row was skipped by its conflict clause",
            ),
        ),
    ],
    ids=[
        "link to several",
        "link to nothing",
        "two things at once",
        "key given",
        "unique key",
        "foreign key",
        "no where",
        "null in where",
        "no where for unlink",
        "unknown operation",
        "skipped by a conflict",
    ],
)
async def test_a_refused_change_of_related_rows_undoes_everything(
    house: House, related: dict[str, object], error: tuple[str, str, str]
) -> None:
    before = await house.everything()
    assert await house.error(UPDATE, {"related": related}) == error
    assert await house.everything() == before


async def test_a_key_can_not_be_set_by_an_operator_and_a_related_row(house: House) -> None:
    code, path, message = await house.error(
        """mutation { update_person_by_pk(pk_columns: {id: 1}, _set: {home_id: 2}, _related: {home: {unlink: true}}) {
          id
        } }"""
    )
    assert (code, path) == ("validation-failed", "$.selectionSet.update_person_by_pk.args")
    assert message == "'home_id' is set twice: by a related row, and by another or by an operator"


async def test_errors_in_an_item_of_update_many_point_into_it(house: House) -> None:
    _, path, _ = await house.error(
        """mutation { update_person_many(updates: [
          {where: {}, _set: {name: "A"}}
          {where: {id: {_eq: 1}}, _related: {articles: {link: [{id: 9}]}}}
        ]) { affected_rows } }"""
    )
    assert path == "$.selectionSet.update_person_many.args.updates[1]._related.articles.link[0]"


async def test_a_check_constraint_on_the_updated_row_undoes_rows_inserted_for_it(house: House) -> None:
    before = await house.everything()
    code, path, _ = await house.error(
        """mutation { update_person(where: {id: {_eq: 1}}, _set: {name: "nobody"}, _related: {
          home: {insert: {data: {city: "Nowhere"}}}
        }) { affected_rows } }"""
    )
    assert (code, path) == ("permission-error", "$")
    assert await house.everything() == before


async def test_a_later_field_that_fails_undoes_a_nested_update(house: House) -> None:
    before = await house.everything()
    code, *_ = await house.error(
        """mutation {
          a: update_person_by_pk(pk_columns: {id: 1}, _related: {articles: {unlink: {where: {}}}}) { id }
          b: delete_person_by_pk(id: 1) { id }
          c: insert_article_one(object: {title: "one"}) { id }
        }"""
    )
    assert code == "constraint-violation"
    assert await house.everything() == before


@pytest.mark.parametrize("operation", [{"insert": {"data": [{}]}}, {"link": [{"id": 1}]}], ids=["insert", "link"])
async def test_nothing_can_refer_to_a_row_by_a_key_that_is_null(house: House, operation: dict[str, object]) -> None:
    document = """mutation ($id: Int!, $badges: person_related_badges_input!) {
      update_person_by_pk(pk_columns: {id: $id}, _related: {badges: $badges}) { badges { owner } }
    }"""
    (name,) = operation
    assert await house.error(document, {"id": 1, "badges": operation}) == (
        "not-supported",
        f"$.selectionSet.update_person_by_pk.args._related.badges.{name}",
        "rows can't be related to one whose 'code' is null",
    )
    data = await house.data(document, {"id": 2, "badges": operation})
    assert data["update_person_by_pk"] == {"badges": [{"owner": "B"}]}


async def test_a_row_that_refers_to_nothing_has_nothing_to_change(house: House) -> None:
    data = await house.data(
        """mutation { update_desk(where: {id: {_eq: 3}}, _related: {building_row: {update: {_set: {name: "x"}}}}) {
          affected_rows
        } }"""
    )
    assert data["update_desk"]["affected_rows"] == 0


async def test_two_updates_of_the_same_rows_wait_for_each_other(house: House) -> None:
    document = """mutation {
      update_person_by_pk(pk_columns: {id: 1}, _inc: {visits: 1}, _related: {articles: {insert: {data: [%s]}}}) { id }
    }"""
    await asyncio.gather(*(house.data(document % f'{{title: "parallel {number}"}}') for number in range(12)))
    assert await house.rows("SELECT visits FROM person WHERE id = 1") == [(12,)]
    assert await house.rows("SELECT count(*) FROM article WHERE title LIKE 'parallel%'") == [(12,)]
