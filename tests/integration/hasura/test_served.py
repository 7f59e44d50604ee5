"""A project of Hasura's, served as Hasura serves it: names, relationships, functions, permissions, roles."""

from resolvers.engine import Engine
from server.source import Source
from tests.integration.hasura.conftest import Ask


def test_an_export_that_asks_for_nothing_special_has_no_problems(source: Source) -> None:
    assert source.problems == ()


async def test_tables_columns_and_root_fields_have_their_custom_names(ask: Ask) -> None:
    query = """{
        records(order_by: {title: asc}, where: {price: {_gt: 1200}}) { __typename title price }
        recordByPk(id: 1) { title artist { name } }
        record_aggregate { aggregate { max { price title } } }
    }"""
    assert await ask("admin", query) == {
        "records": [
            {"__typename": "record", "title": "Second", "price": 2000},
            {"__typename": "record", "title": "Third", "price": 1500},
        ],
        "recordByPk": {"title": "First", "artist": {"name": "Alba"}},
        "record_aggregate": {"aggregate": {"max": {"price": 2000, "title": "Third"}}},
    }
    error = await ask("admin", "{ album { id } }")
    assert error["message"] == "field 'album' not found in type: 'query_root'"
    added = 'mutation { addRecord(object: {artist_id: 2, title: "New", price: 1}) { title price genre } }'
    assert await ask("admin", added) == {"addRecord": {"title": "New", "price": 1, "genre": "ROCK"}}


async def test_comments_are_descriptions(ask: Ask) -> None:
    query = """{ record: __type(name: "record") { description fields { name description } }
                 artist: __type(name: "artist") { fields { name description } }
                 root: __type(name: "query_root") { fields { name description } } }"""
    found = await ask("admin", query)
    assert found["record"]["description"] == "A record in the shop"
    assert {"name": "length", "description": "In seconds"} in found["record"]["fields"]
    assert {"name": "title", "description": "As printed"} in found["record"]["fields"]
    assert {"name": "name", "description": "As on the cover"} in found["artist"]["fields"]
    assert {"name": "searchRecords", "description": "By their titles"} in found["root"]["fields"]


async def test_relationships_by_foreign_key_and_by_hand_lead_on(ask: Ask) -> None:
    query = """{ artist_by_pk(id: 1) { records(order_by: {id: asc}) { id tracks(order_by: {place: asc}) { name } } }
                 play(order_by: {id: asc}) { track { name record { id } } }
                 best_seller(order_by: {sold: desc}) { sold record { title } } }"""
    assert await ask("admin", query) == {
        "artist_by_pk": {
            "records": [{"id": 1, "tracks": [{"name": "One"}, {"name": "Two"}]}, {"id": 2, "tracks": []}],
        },
        "play": [
            {"track": {"name": "Two", "record": {"id": 1}}},
            {"track": {"name": "Two", "record": {"id": 1}}},
            {"track": {"name": "Three", "record": {"id": 3}}},
        ],
        "best_seller": [{"sold": 7, "record": {"title": "First"}}, {"sold": 1, "record": {"title": "Third"}}],
    }


async def test_computed_fields_take_the_row_arguments_and_the_session(ask: Ask) -> None:
    query = "{ records(order_by: {id: asc}, where: {length: {_gt: 0}}) { id length mine } }"
    assert await ask("label", query, user="ann") == {"records": [{"id": 1, "length": 300, "mine": True}]}
    query = '{ artist(where: {id: {_eq: 1}}) { records_since(args: {since: "2002-01-01"}) { title } } }'
    assert await ask("admin", query) == {"artist": [{"records_since": [{"title": "Second"}]}]}
    # Rows that a function gives are rows that the role sees.
    query = '{ artist { name records_since(args: {since: "1900-01-01"}) { title } } }'
    found = await ask("label", query, user="bob")
    assert found["artist"] == [{"name": "Alba", "records_since": []}, {"name": "Bix", "records_since": []}]


async def test_functions_are_queries_and_mutations(ask: Ask) -> None:
    query = """{ searchRecords(args: {search: "ir"}, order_by: {id: asc}) { title }
                 searchRecordsAggregate(args: {search: "ir"}) { aggregate { count } } }"""
    assert await ask("label", query, user="ann") == {
        "searchRecords": [{"title": "First"}],
        "searchRecordsAggregate": {"aggregate": {"count": 1}},
    }
    cancel = 'mutation { sales_cancel_orders(args: {of_customer: "ann"}) { id status } }'
    assert await ask("clerk", cancel) == {
        "sales_cancel_orders": [{"id": 1, "status": "open"}, {"id": 2, "status": "paid"}]
    }
    error = await ask("listener", cancel, user="ann")
    assert error["extensions"]["code"] == "validation-failed"


async def test_row_filters_limits_and_columns_hold(ask: Ask) -> None:
    found = await ask("listener", "{ records(order_by: {id: desc}) { id tracks { name } } }", user="ann")
    assert found["records"] == [{"id": 3, "tracks": [{"name": "Three"}]}, {"id": 2, "tracks": []}]
    found = await ask("listener", "{ records(order_by: {id: desc}, limit: 9) { id title length } }", user="ann")
    assert [row["id"] for row in found["records"]] == [3, 2]
    assert (await ask("listener", "{ records { price } }", user="ann"))["extensions"]["code"] == "validation-failed"
    found = await ask("listener", "{ play { id listener_id } play_aggregate { aggregate { count } } }", user="bob")
    assert found == {"play": [{"id": 2, "listener_id": "bob"}], "play_aggregate": {"aggregate": {"count": 1}}}
    assert (await ask("listener", "{ play { id } }"))["extensions"]["code"] == "not-found"


async def test_presets_and_checks_hold(ask: Ask) -> None:
    add = 'mutation { addRecord(object: {artist_id: %d, title: "New", genre: JAZZ}) { price genre } }'
    assert await ask("label", add % 1, user="ann") == {"addRecord": {"price": 900, "genre": "JAZZ"}}
    error = await ask("label", add % 2, user="ann")
    assert error["extensions"] == {"code": "permission-error", "path": "$.selectionSet.addRecord.args.object"}
    # A condition that has nothing to do with the row.
    order = "mutation { insert_sales_order_one(object: {album_id: 3}) { status quantity } }"
    assert await ask("listener", order, user="ann") == {"insert_sales_order_one": {"status": "open", "quantity": 1}}
    error = await ask("listener", order, user="zoe")
    assert error["extensions"]["code"] == "permission-error"
    # Deleting is for records that nobody has ordered.
    delete = "mutation { delete_record(where: {}) { returning { id title } } }"
    deleted = (await ask("label", delete, user="ann"))["delete_record"]["returning"]
    assert sorted(row["title"] for row in deleted) == ["New", "Second"]
    assert await ask("label", "{ records { id } }", user="ann") == {"records": [{"id": 1}]}


async def test_an_inherited_role_joins_what_its_parents_see(ask: Ask) -> None:
    query = "{ sales_order(order_by: {id: asc}) { id status quantity customer_id note } }"
    found = await ask("counter", query, user="bob")
    assert found["sales_order"] == [
        {"id": 1, "status": "open", "quantity": None, "customer_id": "ann", "note": None},
        {"id": 2, "status": "paid", "quantity": None, "customer_id": "ann", "note": None},
        {"id": 3, "status": "sent", "quantity": 5, "customer_id": None, "note": None},
    ]
    update = "mutation { update_sales_order_by_pk(pk_columns: {id: 3}, _set: {status: paid}) { status } }"
    assert await ask("counter", update, user="bob") == {"update_sales_order_by_pk": {"status": "paid"}}


def roots(engine: Engine, role: str) -> tuple[set[str], set[str]]:
    """The fields that queries and subscriptions have of `track`."""
    schema = engine.schema(role).graphql_schema
    kinds = (schema.query_type, schema.subscription_type)
    query, subscription = ({name for name in kind.fields if "track" in name} if kind else set() for kind in kinds)
    return query, subscription


async def test_roots_have_the_fields_that_the_permission_names(engine: Engine, ask: Ask) -> None:
    everything = {"track", "track_by_pk", "track_aggregate", "track_page", "track_group_by"}
    assert roots(engine, "admin") == (everything, everything | {"track_stream"})
    assert roots(engine, "listener") == (set(), set())
    assert roots(engine, "clerk") == ({"track_by_pk"}, {"track", "track_page", "track_stream"})
    # An inherited role has what any of its parents has.
    assert roots(engine, "counter") == roots(engine, "clerk")
    # Relationships lead there all the same.
    found = await ask("listener", "{ records(where: {id: {_eq: 3}}) { tracks { name } } }", user="ann")
    assert found == {"records": [{"tracks": [{"name": "Three"}]}]}


def test_what_is_not_tracked_is_not_served(engine: Engine) -> None:
    types = engine.schema("admin").graphql_schema.type_map
    assert "untracked" not in types
    assert "artist" in types
    assert engine.schema("stranger").graphql_schema.mutation_type is None
