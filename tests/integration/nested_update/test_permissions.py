"""Every level of a nested update obeys the rules of its own table."""

import pytest
from graphql import GraphQLInputObjectType

from tests.integration.nested_update.conftest import House

ADA = "mutation ($related: person_related_input) { update_person(where: {}, _related: $related) "


def input_fields(house: House, role: str, name: str) -> set[str]:
    kind = house.engine.schema(role).graphql_schema.type_map.get(name)
    return set(kind.fields) if isinstance(kind, GraphQLInputObjectType) else set()


def test_a_role_has_the_operations_that_its_rules_allow(house: House) -> None:
    assert input_fields(house, "writer", "person_related_input") == {"articles", "home"}
    assert input_fields(house, "writer", "person_related_articles_input") == {
        "delete",
        "insert",
        "link",
        "unlink",
        "update",
    }
    assert input_fields(house, "writer", "person_related_home_input") == {"insert", "link", "unlink", "update"}
    # Comments are liked, not written; their key can't be changed.
    assert input_fields(house, "writer", "article_related_comments_input") == {"update"}
    # Nobody moves people.
    assert input_fields(house, "robot", "person_related_input") == {"articles"}
    assert input_fields(house, "robot", "person_related_articles_input") == {"insert"}


def test_a_role_that_does_not_see_a_key_can_not_have_it_written_elsewhere(house: House) -> None:
    assert input_fields(house, "blind", "person_related_articles_input") == {"unlink", "update"}
    assert input_fields(house, "blind", "article_related_author_input") == {"unlink", "update"}


def test_a_role_without_rights_on_related_tables_has_no_such_argument(house: House) -> None:
    mutation = house.engine.schema("clerk").graphql_schema.mutation_type
    assert mutation is not None
    assert "_related" not in mutation.fields["update_person"].args


async def test_an_operation_that_the_role_lacks_does_not_exist(house: House) -> None:
    assert await house.error(
        "mutation { update_person(where: {}, _related: {passport: {delete: true}}) { affected_rows } }",
        role="writer",
        user=1,
    ) == (
        "validation-failed",
        "$.selectionSet.update_person.args._related.passport",
        "field 'passport' not found in type: 'person_related_input'",
    )


async def test_related_rows_of_others_are_not_touched(house: House) -> None:
    # Ada's rows only: of the people those that she may update, of their articles her drafts.
    data = await house.data(
        ADA + "{ affected_rows } }",
        {"related": {"articles": {"update": [{"where": {}, "_set": {"title": "mine"}}]}}},
        role="writer",
        user=1,
    )
    assert data["update_person"]["affected_rows"] == 1
    assert await house.rows("SELECT title, changed_by FROM article ORDER BY id") == [
        ("mine", "1"),
        ("two", None),
        ("three", None),
        ("four", None),
    ]


@pytest.mark.parametrize("operation", ["delete", "unlink"])
async def test_removing_rows_leaves_those_that_the_role_may_not_change(house: House, operation: str) -> None:
    await house.connection.execute("DELETE FROM comment; DELETE FROM article_tag")
    data = await house.data(
        ADA + "{ affected_rows } }", {"related": {"articles": {operation: {"where": {}}}}}, role="writer", user=1
    )
    assert data["update_person"]["affected_rows"] == 1
    left = await house.rows("SELECT id FROM article WHERE author_id = 1")
    assert left == [(2,)]


async def test_a_row_that_may_not_be_changed_can_not_be_linked(house: House) -> None:
    before = await house.everything()
    path = "$.selectionSet.update_person.args._related.articles.link[1]"
    message = "there is no row of 'article' with this key that can be linked"
    # Bea's article, one that is published, one that is not there: no difference can be seen.
    for other in (3, 2, 99):
        related = {"articles": {"link": [{"id": 4}, {"id": other}]}}
        error = await house.error(ADA + "{ affected_rows } }", {"related": related}, role="writer", user=1)
        assert error == ("not-found", path, message)
    assert await house.everything() == before


async def test_linking_and_unlinking_set_presets(house: House) -> None:
    await house.data(
        ADA + "{ affected_rows } }",
        {"related": {"articles": {"link": [{"id": 4}], "unlink": {"where": {"id": {"_eq": 1}}}}}},
        role="writer",
        user=1,
    )
    assert await house.rows("SELECT id, author_id, changed_by FROM article WHERE id IN (1, 4) ORDER BY id") == [
        (1, None, "1"),
        (4, 1, "1"),
    ]


async def test_a_row_that_the_role_can_not_see_can_not_be_referred_to(house: House) -> None:
    related = {"home": {"link": {"id": 3}}}
    assert await house.error(ADA + "{ affected_rows } }", {"related": related}, role="writer", user=1) == (
        "not-found",
        "$.selectionSet.update_person.args._related.home.link",
        "there is no row of 'address' with this key that can be linked",
    )
    related = {"home": {"link": {"id": 2}}}
    data = await house.data(ADA + "{ affected_rows } }", {"related": related}, role="writer", user=1)
    assert data["update_person"]["affected_rows"] == 1


@pytest.mark.parametrize(
    ("related", "path"),
    [
        ({"home": {"insert": {"data": {"city": "Rome"}}}}, "home.insert"),
        (
            {
                "articles": {
                    "update": [
                        {
                            "where": {},
                            "_set": {"title": "x"},
                            "_related": {"comments": {"update": [{"where": {}, "_set": {"likes": 100}}]}},
                        }
                    ]
                }
            },
            "articles.update[0]._related.comments.update[0]",
        ),
    ],
    ids=["insert", "update below"],
)
async def test_checks_hold_at_every_level_and_undo_everything(
    house: House, related: dict[str, object], path: str
) -> None:
    before = await house.everything()
    document = (
        "mutation ($related: person_related_input) "
        '{ update_person(where: {}, _set: {name: "Z"}, _related: $related) { affected_rows } }'
    )
    assert await house.error(document, {"related": related}, role="writer", user=1) == (
        "permission-error",
        f"$.selectionSet.update_person.args._related.{path}",
        "check constraint of an insert/update permission has failed",
    )
    assert await house.everything() == before


async def test_the_check_of_the_updated_row_sees_its_new_key(house: House) -> None:
    # An article of nobody may become Ada's, not Bea's.
    document = """mutation ($author: Int!) {
      update_article(where: {id: {_eq: 4}}, _related: {author: {link: {id: $author}}}) { returning { author_id } }
    }"""
    code, *_ = await house.error(document, {"author": 2}, role="writer", user=1)
    assert code == "permission-error"
    data = await house.data(document, {"author": 1}, role="writer", user=1)
    assert data["update_article"]["returning"] == [{"author_id": 1}]


async def test_a_preset_key_does_not_relate_the_row_to_another_parent(house: House) -> None:
    document = """mutation ($id: Int!) {
      update_person_by_pk(pk_columns: {id: $id}, _related: {articles: {insert: {data: [{title: "by robot"}]}}}) { id }
    }"""
    code, path, _ = await house.error(document, {"id": 2}, role="robot", user=1)
    assert (code, path) == (
        "permission-error",
        "$.selectionSet.update_person_by_pk.args._related.articles.insert",
    )
    await house.data(document, {"id": 1}, role="robot", user=1)
    assert await house.rows("SELECT author_id FROM article WHERE title = 'by robot'") == [(1,)]


async def test_plans_of_one_role_or_user_do_not_serve_another(house: House) -> None:
    document = """mutation {
      update_person(where: {}, _related: {articles: {update: {where: {}, _set: {title: "t"}}}}) { affected_rows }
    }"""
    assert (await house.data(document, role="writer", user=1))["update_person"]["affected_rows"] == 1
    await house.connection.execute("UPDATE article SET title = 'article ' || id")
    assert (await house.data(document, role="writer", user=3))["update_person"]["affected_rows"] == 0
    code, *_ = await house.error(document, role="robot", user=1)
    assert code == "validation-failed"
