"""A plan that is found again is the plan that would have been made (the rule is in `resolvers.shape`).

A wrong plan for another role, session or shape of variables would be a leak. Two engines get the same requests: one
remembers, the other is made to forget before each.
"""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from permissions.session import Session
from resolvers.engine import Engine
from resolvers.pool import Pool
from server.source import Source
from tests.golden.planning import Outcome, outcome

#: Nobody listens there: plans need no database.
_NOWHERE = "postgresql://127.0.0.1:1/none"
_ABSENT = object()


@pytest.fixture(scope="session")
def remembering(golden_source: Source) -> Engine:
    """It keeps its plans through all tests."""
    return golden_source.engine(Pool(_NOWHERE, size=1))


@pytest.fixture(scope="session")
def forgetful(golden_source: Source) -> Engine:
    """`fresh` empties it."""
    return golden_source.engine(Pool(_NOWHERE, size=1))


def forget(engine: Engine) -> None:
    for role in engine._roles.values():
        for document in list(role.prepared):
            role.forget(document)
        assert role.size == 0


def fresh(engine: Engine, *request: Any) -> Outcome:
    forget(engine)
    return outcome(engine, *request)


# Values that tell shapes apart, and values that look alike: true is 1 is 1.0 to Python, and "1" a text of it.
_SCALARS = st.sampled_from([_ABSENT, None, 0, 1, 2, -1, True, False, 1.0, 2.5, "", "1", "a", "desc", "happy", "{a,b}"])
_LISTS = st.sampled_from(
    [_ABSENT, None, [], [1], [1, 2], [True], ["a"], ["a", "b"], [None], [1, None], "a", 1, "{1,2}", [[1], [2]], {}]
)
_JSON = st.sampled_from([_ABSENT, None, {}, {"a": 1}, {"b": 1}, [], [1], "text", 1, 1.5, True, {"a": None}])
_ENUMS = st.sampled_from([_ABSENT, None, "id", "name", "title", "asc", "desc", "desc_nulls_last", 1, ["id"], ["name"]])
_COMPARISONS = st.sampled_from(
    [
        *(_ABSENT, None, {}, {"_eq": 1}, {"_eq": None}, {"_gt": 1}, {"_gt": 1, "_lt": 5}, {"_lt": 5, "_gt": 1}),
        *({"_in": [1]}, {"_in": []}, {"_in": None}, {"_in": 1}, {"_is_null": True}, {"_is_null": False}),
        *({"_is_null": None}, {"_is_null": 1}, {"_eq": True}, {"_eq": 1.0}, {"_eq": "1"}, {"_nope": 1}, "text", [1]),
    ]
)
_CONDITIONS = st.recursive(
    st.builds(lambda value: {"id": value}, _COMPARISONS.filter(lambda value: value is not _ABSENT))
    | st.sampled_from(
        [{}, None, {"name": {"_eq": "a"}}, {"settings": {"_has_key": "a"}}, {"settings": {"_contains": 1}}]
    ),
    lambda inner: st.one_of(
        st.builds(lambda items: {"_and": items}, st.lists(inner, max_size=3) | inner),
        st.builds(lambda items: {"_or": items}, st.lists(inner, max_size=2)),
        st.builds(lambda item: {"_not": item}, inner),
        st.builds(lambda item: {"boss": item}, inner),
        st.builds(lambda first, second: {**(first or {}), **(second or {})}, inner, inner),
    ),
    max_leaves=5,
)
_ORDERS = st.sampled_from(
    [
        *(_ABSENT, None, [], {}, {"id": "asc"}, [{"id": "asc"}], [{"id": "desc"}], [{"id": "asc"}, {"name": "desc"}]),
        *({"id": "asc", "name": "desc"}, {"name": "desc", "id": "asc"}, {"boss": {"id": "asc"}}, {"id": None}, [None]),
    ]
)
_OBJECTS = st.sampled_from(
    [
        *(
            _ABSENT,
            None,
            [],
            {},
            [{}],
            {"name": "a"},
            [{"name": "a"}],
            [{"name": "a"}, {"name": "b"}],
            [{"name": None}],
        ),
        *([{"name": "a", "rating": None}], [{"rating": 1, "name": "a"}], [{"name": "a"}, {"name": "b", "rating": 2}]),
        *([{"name": "a", "articles": None}], [{"name": "a", "articles": {"data": []}}]),
        *(
            [{"name": "a", "articles": {"data": [{"title": "t"}]}}],
            [{"name": "a", "articles": {"data": {"title": "t"}}}],
        ),
        *([{"name": "a", "settings": {}}], [{"name": "a", "settings": None}], [{"name": 1}], [{"nope": 1}]),
    ]
)

#: A document, and what its variables may be. Each stands for a way in which a value can change a statement.
_DOCUMENTS: Mapping[str, Mapping[str, st.SearchStrategy[Any]]] = {
    "query ($a: Int) { author(where: {id: {_eq: $a}}) { id } }": {"a": _SCALARS},
    "query ($a: Int = 1) { author(where: {id: {_eq: $a}}) { id } }": {"a": _SCALARS},
    "query ($a: Int!) { author_by_pk(id: $a) { id } }": {"a": _SCALARS},
    "query ($a: Int = 3) { author_by_pk(id: $a) { id } }": {"a": _SCALARS},
    "query ($a: Int, $b: Int) { author(limit: $a, offset: $b) { id } }": {"a": _SCALARS, "b": _SCALARS},
    "query ($a: Int) { author { articles(limit: $a) { id } } }": {"a": _SCALARS},
    "query ($a: Boolean!) { author { id name @include(if: $a) mood @skip(if: $a) } }": {"a": _SCALARS},
    "query ($a: Boolean = true, $b: Boolean = true) "
    "{ a: author @include(if: $a) { id @include(if: $b) } __typename }": {
        "a": _SCALARS,
        "b": _SCALARS,
    },
    "query ($a: Boolean) { author(where: {email: {_is_null: $a}}) { id } }": {"a": _SCALARS},
    "query ($a: [Int!]) { author(where: {id: {_in: $a}}) { id } }": {"a": _LISTS},
    "query ($a: Int!, $b: Int = 2) { author(where: {id: {_nin: [1, $a, $b]}}) { id } }": {"a": _SCALARS, "b": _SCALARS},
    "query ($a: [String!]) { author(where: {tags: {_contains: $a}}) { id } }": {"a": _LISTS},
    "query ($a: [String!]) { author(where: {settings: {_has_keys_any: $a}}) { id } }": {"a": _LISTS},
    "query ($a: String) { author(where: {settings: {_has_key: $a}}) { id } }": {"a": _SCALARS},
    "query ($a: mood) { author(where: {mood: {_eq: $a}}) { id } }": {"a": _SCALARS},
    "query ($a: jsonb) { author(where: {settings: {_contains: $a}}) { id } }": {"a": _JSON},
    "query ($a: String, $b: Int = 7) { author(where: {settings: {_contains: {k: $a, l: [$b]}}}) { id } }": {
        "a": _SCALARS,
        "b": _SCALARS,
    },
    "query ($a: Int_comparison_exp) { author(where: {id: $a}) { id } }": {"a": _COMPARISONS},
    "query ($a: author_bool_exp) { author(where: $a) { id } }": {"a": _CONDITIONS},
    "query ($a: author_bool_exp, $b: author_bool_exp!) { author(where: {_and: [$a, $b]}) { id } }": {
        "a": _CONDITIONS,
        "b": _CONDITIONS,
    },
    "query ($a: order_by) { author(order_by: {id: $a}) { id } }": {"a": _ENUMS},
    "query ($a: [author_order_by!]) { author(order_by: $a) { id } }": {"a": _ORDERS},
    "query ($a: [author_select_column!]) { author(distinct_on: $a) { id } }": {"a": _ENUMS},
    "query ($a: [article_select_column!], $b: Boolean) "
    "{ article_aggregate { aggregate { count(columns: $a, distinct: $b) } } }": {
        "a": _ENUMS,
        "b": _SCALARS,
    },
    "query ($a: Boolean, $b: Int_comparison_exp!) "
    "{ author(where: {articles_aggregate: {count: {distinct: $a, predicate: $b}}}) { id } }": {
        "a": _SCALARS,
        "b": _COMPARISONS,
    },
    "query ($a: String) { author { settings(path: $a) } }": {"a": _SCALARS},
    "query ($a: search_articles_args!) { search_articles(args: $a) { id } }": {
        "a": st.sampled_from(
            [_ABSENT, None, {}, {"search": "a"}, {"search": None}, {"search": "a", "least_words": 1}, {"search": 1}]
        )
    },
    "query ($a: String, $b: Int) { search_articles(args: {search: $a, least_words: $b}) { id } }": {
        "a": _SCALARS,
        "b": _SCALARS,
    },
    "query ($a: greeting_author_args) { author { greeting(args: $a) } }": {
        "a": st.sampled_from([_ABSENT, None, {}, {"greeting": "a"}, {"greeting": None}])
    },
    "mutation ($a: [author_insert_input!]!) { insert_author(objects: $a) { affected_rows } }": {"a": _OBJECTS},
    "mutation ($a: author_insert_input!) { insert_author_one(object: $a) { id } }": {"a": _OBJECTS},
    'mutation ($a: [tag_update_column!]!, $b: tag_bool_exp) { insert_tag(objects: {label: "x"}, '
    "on_conflict: {constraint: tag_pkey, update_columns: $a, where: $b}) { affected_rows } }": {
        "a": st.sampled_from([_ABSENT, None, [], ["label"], "label", ["id"]]),
        "b": st.sampled_from([_ABSENT, None, {}, {"label": {"_eq": "a"}}, {"label": {"_eq": None}}]),
    },
    "mutation ($a: author_set_input, $b: author_inc_input) "
    "{ update_author(where: {}, _set: $a, _inc: $b) { affected_rows } }": {
        "a": st.sampled_from([_ABSENT, None, {}, {"name": "a"}, {"name": None}, {"rating": None}, {"rating": 1}]),
        "b": st.sampled_from([_ABSENT, None, {}, {"rating": 1}, {"rating": None}, {"rating": "1"}]),
    },
    "mutation ($a: Int, $b: [String!]) { update_author(where: {}, _delete_elem: {settings: $a}) { affected_rows } "
    "u: update_author(where: {}, _delete_at_path: {settings: $b}) { affected_rows } }": {"a": _SCALARS, "b": _LISTS},
    "mutation ($a: [tag_updates!]!) { update_tag_many(updates: $a) { affected_rows } }": {
        "a": st.sampled_from(
            [_ABSENT, [], [{"where": {}}], [{"where": {}, "_set": {"label": "a"}}], {"where": {"label": {"_eq": 1}}}]
        )
    },
}
_ROLES = ["admin", "reader", "writer", "editor", "member", "anonymous"]


@st.composite
def _requests(draw: st.DrawFn) -> list[tuple[Session, str, dict[str, Any]]]:
    """Requests of one document in a row: shapes meet each other."""
    document = draw(st.sampled_from(sorted(_DOCUMENTS)))
    found = []
    for _ in range(draw(st.integers(2, 6))):
        role = draw(st.sampled_from(_ROLES))
        session = Session(role=role, variables=draw(st.sampled_from([{}, {"x-hasura-user-id": "1"}])))
        given_values = {name: draw(values) for name, values in _DOCUMENTS[document].items()}
        variables = {name: value for name, value in given_values.items() if value is not _ABSENT}
        found.append((session, document, variables))
    return found


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(requests=_requests())
def test_a_remembered_plan_is_the_one_that_would_be_made(
    requests: list[tuple[Session, str, dict[str, Any]]], remembering: Engine, forgetful: Engine
) -> None:
    forget(remembering)
    for session, document, variables in requests:
        remembered = outcome(remembering, session, document, variables)
        made = fresh(forgetful, session, document, variables)
        # Of two things that are wrong with a request either may be told.
        assert remembered == made or (b"not-found" in remembered.error and made.error)


def _outcomes(engine: Engine, *requests: tuple[Session, str, dict[str, Any], str | None]) -> list[Outcome]:
    return [outcome(engine, *request) for request in requests]


_ADMIN = Session(role="admin")
_ANN = Session(role="reader", variables={"x-hasura-user-id": "1"})
_BOB = Session(role="reader", variables={"x-hasura-user-id": "2"})


def test_roles_have_plans_of_their_own(remembering: Engine) -> None:
    document = "{ article { id } }"
    admin, reader = _outcomes(remembering, (_ADMIN, document, {}, None), (_ANN, document, {}, None))
    assert "WHERE" not in admin.sql[0]
    assert '"author_id" = $' in reader.sql[0]


def test_users_of_a_role_share_a_plan_and_bind_themselves(remembering: Engine) -> None:
    document = "{ article { title } }"
    ann, bob = _outcomes(remembering, (_ANN, document, {}, None), (_BOB, document, {}, None))
    assert ann.sql == bob.sql
    assert (ann.arguments, bob.arguments) != ((), ())
    assert ann.arguments != bob.arguments


def test_a_session_without_the_variable_is_refused_by_a_plan_that_others_used(remembering: Engine) -> None:
    document = "{ article { words } }"
    assert not outcome(remembering, _ANN, document, {}).error
    refused = outcome(remembering, Session(role="reader"), document, {})
    assert b'"code":"not-found"' in refused.error
    assert not outcome(remembering, _BOB, document, {}).error


def test_operations_of_one_document_have_plans_of_their_own(remembering: Engine) -> None:
    document = "query A { tag { label } } query B { log { line } }"
    first, second = _outcomes(remembering, (_ADMIN, document, {}, "A"), (_ADMIN, document, {}, "B"))
    assert '"tag"' in first.sql[0]
    assert '"log"' in second.sql[0]


def test_aliases_belong_to_the_document(remembering: Engine) -> None:
    first, second = _outcomes(
        remembering, (_ADMIN, "{ a: tag { x: label } }", {}, None), (_ADMIN, "{ b: tag { y: label } }", {}, None)
    )
    assert first.roots != second.roots
    assert first.sql != second.sql


@pytest.mark.parametrize(
    ("document", "first", "second"),
    [
        ("query ($a: Int) { author(limit: $a) { id } }", {"a": 1}, {"a": 2}),
        ("query ($a: Int) { author(limit: $a) { id } }", {"a": 1}, {}),
        ("query ($a: Int) { author(limit: $a) { id } }", {"a": 1}, {"a": None}),
        ("query ($a: Int) { author(offset: $a) { id } }", {"a": 1}, {"a": 2}),
        ("query ($a: Boolean!) { author { id name @include(if: $a) } }", {"a": True}, {"a": False}),
        ("query ($a: Boolean!) { author { id name @skip(if: $a) } }", {"a": True}, {"a": False}),
        ("query ($a: Boolean) { author(where: {email: {_is_null: $a}}) { id } }", {"a": True}, {"a": False}),
        (
            "query ($a: author_bool_exp) { author(where: $a) { id } }",
            {"a": {"email": {"_is_null": True}}},
            {"a": {"email": {"_is_null": False}}},
        ),
        ("query ($a: Int) { author(where: {id: {_eq: $a}}) { id } }", {"a": 1}, {}),
        ("query ($a: [Int!]) { author(where: {id: {_in: $a}}) { id } }", {"a": [1]}, {}),
        ("query ($a: order_by) { author(order_by: {id: $a}) { id } }", {"a": "asc"}, {"a": "desc"}),
        ("query ($a: [author_select_column!]) { author(distinct_on: $a) { id } }", {"a": ["id"]}, {"a": ["name"]}),
        (
            "query ($a: [author_bool_exp!]) { author(where: {_or: $a}) { id } }",
            {"a": [{"id": {"_eq": 1}}]},
            {"a": [{"id": {"_eq": 1}}, {"id": {"_eq": 2}}]},
        ),
        (
            "mutation ($a: [tag_insert_input!]!) { insert_tag(objects: $a) { affected_rows } }",
            {"a": [{"label": "a"}]},
            {"a": [{"label": "a"}, {"label": "b"}]},
        ),
        ("query ($a: Int = 1) { author(limit: $a) { id } }", {}, {"a": 2}),
        ("query ($a: jsonb) { author(where: {settings: {_contains: {k: $a}}}) { id } }", {"a": 1}, {"a": True}),
    ],
)
def test_values_that_change_the_statement_are_told_apart(
    document: str, first: dict[str, Any], second: dict[str, Any], remembering: Engine
) -> None:
    one, other = _outcomes(remembering, (_ADMIN, document, first, None), (_ADMIN, document, second, None))
    assert not one.error
    assert not other.error
    assert (one.sql, one.arguments) != (other.sql, other.arguments)


@pytest.mark.parametrize(
    ("document", "first", "second"),
    [
        ("query ($a: Int) { author(where: {id: {_eq: $a}}) { id } }", {"a": 1}, {"a": 2}),
        ("query ($a: [Int!]) { author(where: {id: {_in: $a}}) { id } }", {"a": [1]}, {"a": [1, 2, 3]}),
        (
            "query ($a: author_bool_exp) { author(where: $a) { id } }",
            {"a": {"id": {"_eq": 1}}},
            {"a": {"id": {"_eq": 9}}},
        ),
        ("query ($a: jsonb) { author(where: {settings: {_contains: $a}}) { id } }", {"a": {"k": 1}}, {"a": {"l": [2]}}),
        (
            "mutation ($a: [tag_insert_input!]!) { insert_tag(objects: $a) { affected_rows } }",
            {"a": [{"label": "a"}]},
            {"a": [{"label": "b"}]},
        ),
    ],
)
def test_values_that_are_bound_share_a_plan(
    document: str, first: dict[str, Any], second: dict[str, Any], remembering: Engine
) -> None:
    role = remembering._role(Session(role="admin"))
    assert remembering._plan(role, document, first, None) is remembering._plan(role, document, second, None)
