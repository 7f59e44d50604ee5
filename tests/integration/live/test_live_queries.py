"""Live queries over real sockets: first results, changes by anyone, permissions, sharing, slow readers."""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.integration.live.conftest import Api, Connection, Person
from tests.integration.live.sockets import ADMIN, OLDER, TRANSPORT, bearer, connected

both_protocols = pytest.mark.parametrize("protocol", [TRANSPORT, OLDER])
NewPerson = Callable[[], Awaitable[Person]]
CITY = "subscription($id: uuid!) { customer_by_pk(id: $id) { city } }"


async def move(database: Connection, person: Person, city: str) -> None:
    await database.execute("UPDATE public.customer SET city = $2 WHERE id = $1", uuid.UUID(person.id), city)


@both_protocols
async def test_first_result_comes_at_once_and_another_when_the_data_changes(
    url: str, database: Connection, new_person: NewPerson, protocol: str
) -> None:
    person = await new_person()
    async with connected(url, bearer("user", person.id), protocol=protocol) as client:
        id_ = await client.start(CITY, {"id": person.id})
        assert await client.data(id_) == {"customer_by_pk": {"city": None}}
        await move(database, person, "Reno")
        assert await client.data(id_) == {"customer_by_pk": {"city": "Reno"}}

        # Nothing new for this subscription: another column, another's row, the same value.
        await database.execute("UPDATE public.customer SET zip = '1' WHERE id = $1", uuid.UUID(person.id))
        await move(database, await new_person(), "Ely")
        await move(database, person, "Reno")
        await client.nothing(id_)

        await client.stop(id_)
        if protocol == OLDER:
            assert (await client.message(id_))["type"] == "complete"
        await move(database, person, "Elko")
        await client.nothing(id_)


async def test_row_that_goes_and_comes_is_null_in_between(
    url: str, database: Connection, new_person: NewPerson
) -> None:
    person = await new_person()
    async with connected(url, bearer("user", person.id)) as client:
        id_ = await client.start(CITY, {"id": person.id})
        await client.data(id_)
        for deleted_at, expected in (("now()", None), ("NULL", {"city": None})):
            await database.execute(f"UPDATE public.customer SET deleted_at = {deleted_at}")  # noqa: S608
            assert await client.data(id_) == {"customer_by_pk": expected}


async def test_changes_through_the_endpoint_count_like_any_other(url: str, new_person: NewPerson) -> None:
    person = await new_person()
    async with connected(url, bearer("user", person.id)) as client:
        id_ = await client.start("subscription { me: customer { zip } }")
        assert await client.data(id_) == {"me": [{"zip": None}]}
        mutation = 'mutation($id: uuid!) { update_customer_by_pk(pk_columns: {id: $id}, _set: {zip: "1"}) { id } }'
        await client.data(await client.start(mutation, {"id": person.id}))
        assert await client.data(id_) == {"me": [{"zip": "1"}]}


async def test_many_changes_in_a_short_time_end_in_the_newest_result(
    url: str, database: Connection, new_person: NewPerson
) -> None:
    person = await new_person()
    async with connected(url, ADMIN) as client:
        id_ = await client.start(CITY, {"id": person.id})
        await client.data(id_)
        for number in range(100):
            await move(database, person, f"City {number}")
        cities: list[str] = []
        while not cities or cities[-1] != "City 99":
            cities.append((await client.data(id_))["customer_by_pk"]["city"])
        assert len(cities) < 100
        await client.nothing(id_)


async def test_everyone_gets_their_own_and_nobody_another_s(
    url: str, database: Connection, new_person: NewPerson
) -> None:
    people = [await new_person() for _ in range(30)]
    document = "subscription { customer { id city contracts { customer_id } } }"
    received: dict[str, list[Any]] = {person.id: [] for person in people}

    async def follow(person: Person, changed: asyncio.Event) -> None:
        async with connected(url, bearer("user", person.id)) as client:
            id_ = await client.start(document)
            received[person.id].append(await client.data(id_))
            ready.release()
            await changed.wait()
            received[person.id].append(await client.data(id_))

    ready, changed = asyncio.Semaphore(0), asyncio.Event()
    followers = [asyncio.create_task(follow(person, changed)) for person in people]
    async with asyncio.timeout(20):
        for _ in people:
            await ready.acquire()
        treatment = await database.fetchval(
            "INSERT INTO public.treatment (name, monthly_item_price_id, monthly_price, currency_code)"
            " VALUES ('x', 'x', 1, 'USD') RETURNING id"
        )
        changed.set()
        # One statement that concerns them all, with more rows than a notification tells of in detail.
        await database.execute(
            "WITH c AS (INSERT INTO public.contract (customer_id, treatment_id) SELECT id, $1 FROM public.customer"
            " RETURNING 1) UPDATE public.customer SET city = 'City of ' || id",
            treatment,
        )
        await asyncio.gather(*followers)
    for person in people:
        first, second = received[person.id]
        assert first == {"customer": [{"id": person.id, "city": None, "contracts": []}]}
        assert second == {
            "customer": [{"id": person.id, "city": f"City of {person.id}", "contracts": [{"customer_id": person.id}]}]
        }


async def test_subscribers_of_one_role_with_equal_variables_still_get_only_what_their_session_allows(
    url: str, database: Connection, new_person: NewPerson
) -> None:
    ada, bo = await new_person(), await new_person()
    async with connected(url, bearer("user", ada.id)) as hers, connected(url, bearer("user", bo.id)) as his:
        first, second = await hers.start(CITY, {"id": ada.id}), await his.start(CITY, {"id": ada.id})
        assert await hers.data(first) == {"customer_by_pk": {"city": None}}
        assert await his.data(second) == {"customer_by_pk": None}
        await move(database, ada, "Reno")
        assert await hers.data(first) == {"customer_by_pk": {"city": "Reno"}}
        await his.nothing(second)


async def test_equal_subscriptions_share_a_row_of_one_statement(
    url: str, database: Connection, new_person: NewPerson
) -> None:
    person = await new_person()
    async with connected(url, ADMIN) as first, connected(url, ADMIN) as second:
        # One spells the id in the document, one calls the field something else.
        ids = [
            await first.start(CITY, {"id": person.id}),
            await first.start(CITY, {"id": person.id.upper()}),
            await second.start(f'subscription {{ customer_by_pk(id: "{person.id}") {{ city }} }}'),
            await second.start(f'subscription {{ who: customer_by_pk(id: "{person.id}") {{ city }} }}'),
        ]
        clients = (first, first, second, second)
        for client, id_ in zip(clients, ids, strict=True):
            assert list((await client.data(id_)).values()) == [{"city": None}]
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            metrics = (await http.get("/metrics")).text
        assert "\ncaregraph_live_subscribers 4.0\n" in metrics
        assert "\ncaregraph_live_groups 1.0\n" in metrics
        await move(database, person, "Reno")
        for client, id_ in zip(clients, ids, strict=True):
            assert list((await client.data(id_)).values()) == [{"city": "Reno"}]


async def test_bad_value_of_one_subscriber_does_not_harm_the_others(
    url: str, database: Connection, new_person: NewPerson
) -> None:
    people = [await new_person() for _ in range(5)]
    async with connected(url, ADMIN) as client:
        good = [await client.start(CITY, {"id": person.id}) for person in people]
        bad = [await client.start(CITY, {"id": text}) for text in ("nonsense", "x\u0000y", "")]
        good += [await client.start(CITY, {"id": person.id}) for person in people]
        for id_ in bad:
            assert (await client.error(id_))["extensions"]["code"] == "data-exception"
        for id_ in good:
            assert await client.data(id_) == {"customer_by_pk": {"city": None}}
        await move(database, people[0], "Reno")
        assert await client.data(good[0]) == {"customer_by_pk": {"city": "Reno"}}


async def test_hostile_text_stays_a_value(url: str, new_person: NewPerson) -> None:
    await new_person()
    document = "subscription($t: [String!]!) { customer(where: {city: {_in: $t}}) { city } }"
    async with connected(url, ADMIN) as client:
        for text in ("'; DROP TABLE x; --", '"', "\\", '\\"', "{a,b}", "NULL", "", "$1", '"$s"."p1"'):
            id_ = await client.start(document, {"t": [text, "x"]})
            assert await client.data(id_) == {"customer": []}, text


async def test_list_of_values_finds_each_of_them(url: str, database: Connection, new_person: NewPerson) -> None:
    people = [await new_person() for _ in range(3)]
    texts = ['a "quoted" one', "back\\slash", "comma, {brace}"]
    for person, text in zip(people, texts, strict=True):
        await move(database, person, text)
    document = "subscription($t: [String!]!) { customer(where: {city: {_in: $t}}, order_by: {id: asc}) { city } }"
    async with connected(url, ADMIN) as client:
        id_ = await client.start(document, {"t": texts})
        assert await client.data(id_) == {"customer": [{"city": text} for text in texts]}


async def test_slow_reader_gets_the_newest_result_and_not_all_of_them(
    url: str, database: Connection, new_person: NewPerson
) -> None:
    person = await new_person()
    filler = "x" * 400_000
    socket = await connect(
        url.replace("http://", "ws://") + "/v1/graphql",
        subprotocols=[TRANSPORT],  # type: ignore[list-item] # a NewType of str
        proxy=None,
        compression=None,
        max_queue=1,
    )
    async with socket, connected(url, ADMIN) as other:
        await socket.send(json.dumps({"type": "connection_init", "payload": {"headers": ADMIN}}))
        payload = {"query": CITY, "variables": {"id": person.id}}
        await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
        # The other one shows when a result is ready; this one reads nothing meanwhile.
        id_ = await other.start(CITY, {"id": person.id})
        await other.data(id_)
        for number in range(60):
            await move(database, person, f"{number} {filler}")
            assert (await other.data(id_))["customer_by_pk"]["city"].startswith(f"{number} ")
        cities: list[str] = []
        async with asyncio.timeout(10):
            while not cities or not cities[-1].startswith("59 "):
                message = json.loads(await socket.recv())
                if message["type"] == "next":
                    row = message["payload"]["data"]["customer_by_pk"]
                    cities.append((row["city"] or "").partition("x")[0])
        # What lay in the sockets' buffers, and the newest.
        assert len(cities) < 50


async def test_subscription_over_plain_http_is_an_unexpected_payload(url: str) -> None:
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        answer = await http.post("/v1/graphql", json={"query": "subscription { treatment { id } }"})
    [error] = answer.json()["errors"]
    assert error["extensions"] == {"code": "unexpected-payload", "path": "$"}
    assert error["message"] == "subscriptions are not supported over HTTP, use websockets instead"


async def test_limits_of_a_role_hold_for_subscriptions(api: Api) -> None:
    limits = {"anonymous": {"estimated_rows": 10, "introspection": True}}
    async with api(limits=limits) as url, connected(url, bearer("anonymous")) as client:
        for field in ("treatment", 'treatment_stream(batch_size: 50, cursor: {initial_value: {name: ""}})'):
            error = await client.error(await client.start(f"subscription {{ {field} {{ name }} }}"))
            assert "estimated_rows: 10 allowed" in error["message"]
        assert await client.data(await client.start("subscription { treatment(limit: 5) { name } }")) == {
            "treatment": []
        }


async def test_schema_shows_subscriptions_of_what_the_role_may_read(url: str) -> None:
    document = "{ __schema { subscriptionType { name fields { name } } } }"
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        answer = await http.post("/v1/graphql", json={"query": document})
    found = answer.json()["data"]["__schema"]["subscriptionType"]
    assert found["name"] == "subscription_root"
    assert {field["name"] for field in found["fields"]} == {
        "treatment",
        "treatment_by_pk",
        "treatment_page",
        "treatment_stream",
    }
