"""Inherited roles: what parents have together, and what the role has of its own."""

from tests.integration.hasura.harbour.conftest import Ask


async def test_relationships_lead_from_what_one_parent_reads_to_what_another_does(ask: Ask) -> None:
    query = "{ captain(order_by: {id: asc}) { name vessels { id } fleet { id tonnes } } ship { captain { name } } }"
    assert await ask("harbour_office", query) == {
        "captain": [
            {"name": "Ada", "vessels": [{"id": 1}], "fleet": [{"id": 1, "tonnes": 10.5}]},
            {"name": "Bo", "vessels": [{"id": 3}], "fleet": [{"id": 3, "tonnes": None}]},
            {"name": "Cy", "vessels": [], "fleet": []},
        ],
        "ship": [{"captain": {"name": "Ada"}}, {"captain": {"name": "Bo"}}],
    }
    error = await ask("crew", "{ captain { vessels { id } } }")
    assert error["message"] == "field 'vessels' not found in type: 'captain'"


async def test_a_permission_of_the_role_s_own_goes_before_what_it_inherits(ask: Ask) -> None:
    # Its own select permission takes the place of crew's: other columns of other rows.
    query = "{ captain(order_by: {born_in: asc}) { born_in } ship(order_by: {id: asc}) { id captain { born_in } } }"
    assert await ask("night_office", query) == {
        "captain": [{"born_in": "Oslo"}, {"born_in": "Rome"}],
        "ship": [{"id": 1, "captain": {"born_in": "Rome"}}, {"id": 3, "captain": None}],
    }
    error = await ask("night_office", "{ captain { name } }")
    assert error["message"] == "field 'name' not found in type: 'captain'"
    # Operation by operation: it reads ships as cargo does, and updates them by its own permission.
    update = 'mutation { update_ship(where: {id: {_eq: 1}}, _set: {name: "Auk"}) { affected_rows returning { id } } }'
    assert await ask("night_office", update) == {"update_ship": {"affected_rows": 1, "returning": [{"id": 1}]}}
    error = await ask("night_office", "mutation { update_ship(where: {}, _set: {tonnes: 1}) { affected_rows } }")
    assert error["message"] == "field 'tonnes' not found in type: 'ship_set_input'"


async def test_a_function_may_be_granted_to_an_inherited_role_alone(ask: Ask) -> None:
    sink = "mutation { sink(args: {which: 3}) { id } }"
    assert await ask("harbour_office", sink) == {"sink": []}
    assert await ask("admin", "{ ship_by_pk(id: 3) { afloat } }") == {"ship_by_pk": {"afloat": False}}
    for role in ("cargo", "night_office"):
        error = await ask(role, sink)
        assert error["message"] == "field 'sink' not found in type: 'mutation_root'"
