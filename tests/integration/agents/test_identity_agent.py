"""The identity agent against Firebase's stand-in, by firebase-admin, and the real endpoint."""

import json
import uuid
from typing import Any

import pytest
from starlette.applications import Starlette

from agents.identity.app import create_app
from agents.identity.settings import Settings
from agents.runtime.settings import RuntimeSettings
from tests.integration.agents import firebase
from tests.integration.agents.behaviour import AgentBehaviour
from tests.integration.agents.deliveries import Event, World


class TestIdentityAgent(AgentBehaviour):
    agent = "identity"
    outside = "firebase"
    call_path = "/accounts"
    effect_path = "/accounts$"

    @pytest.fixture(autouse=True)
    def _firebase(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        firebase.use(world, monkeypatch)

    def create_app(self, world: World, runtime: RuntimeSettings) -> Starlette:
        del world
        return create_app(Settings(runtime=runtime, firebase=firebase.settings()))

    def outside_environment(self, world: World) -> dict[str, str]:
        return firebase.environment(world)

    async def occasion(self, world: World) -> Event:
        return await role_event(world, await member(world))

    async def effects(self, world: World, event: Event) -> list[Any]:
        found = await firebase.account(world, event.subject)
        return [found] if found is not None and "customAttributes" in found else []

    async def written(self, world: World, event: Event) -> list[Any]:
        row = await world.row("SELECT firebase_uid FROM staff WHERE id = $1", uuid.UUID(event.subject))
        return [row["firebase_uid"]] if row["firebase_uid"] is not None else []

    @pytest.mark.skip(reason="firebase-admin sends no trace context")
    async def test_the_trace_of_the_event_reaches_outside(self, world: World) -> None: ...

    async def assert_untouched(self, world: World, event: Event) -> None:
        assert await firebase.account(world, event.subject) is None
        assert await self.written(world, event) == []
        assert not await world.in_inbox(event, self.agent)

    async def test_who_signs_up_is_a_user_with_the_next_token(self, world: World) -> None:
        uid = await firebase.sign_in_account(world)
        customer_id = await world.customer(firebase_uid=uid)
        signed_up = await world.publish("customer.signed_up", customer_id, {"customer_id": str(customer_id)})

        async with self.listening(world) as target:
            assert (await target.deliver(signed_up)).status_code == 204

        assert await claims(world, uid) == {
            "x-hasura-allowed-roles": ["user"],
            "x-hasura-default-role": "user",
            "x-hasura-user-id": str(customer_id),
        }

    async def test_a_new_name_and_address_are_followed(self, world: World) -> None:
        uid = await firebase.sign_in_account(world)
        customer_id = await world.customer(firebase_uid=uid)
        email = f"{uuid.uuid4().hex}@example.com"
        await world.database.execute(
            "UPDATE customer SET first_name = 'Grace', last_name = 'Hopper', email = $2 WHERE id = $1",
            customer_id,
            email,
        )

        async with self.listening(world) as target:
            await target.deliver(await world.event("customer.updated", customer_id))

        found = await firebase.account(world, uid)
        assert found is not None
        assert (found["displayName"], found["email"], found["emailVerified"]) == ("Grace Hopper", email, False)

    async def test_changes_that_an_account_does_not_show_ask_for_nothing(self, world: World) -> None:
        customer_id = await world.customer(firebase_uid=await firebase.sign_in_account(world))
        await world.database.execute("UPDATE customer SET city = 'Oslo' WHERE id = $1", customer_id)

        async with self.listening(world) as target:
            calls = len(await world.received(self.outside))
            await target.deliver(await world.event("customer.updated", customer_id))
            assert len(await world.received(self.outside)) == calls

    async def test_a_customer_without_an_account_is_left_alone(self, world: World) -> None:
        customer_id = await world.customer()
        event = await world.event("customer.inserted", customer_id)

        async with self.listening(world) as target:
            await target.deliver(event)

        assert [row["outcome"] for row in await world.deliveries(event, self.agent)] == ["skipped"]

    async def test_who_is_deleted_can_sign_in_no_more(self, world: World) -> None:
        uid = await firebase.sign_in_account(world)
        customer_id = await world.customer(firebase_uid=uid)
        async with self.listening(world) as target:
            await target.deliver(await world.event("customer.inserted", customer_id))
            assert await claims(world, uid)
            before = int((await firebase.account(world, uid) or {}).get("validSince", 0))
            await world.database.execute("UPDATE customer SET deleted_at = now() WHERE id = $1", customer_id)
            await target.deliver(await world.event("customer.updated", customer_id))

        found = await firebase.account(world, uid)
        assert found is not None
        assert found["disabled"]
        assert int(found["validSince"]) >= max(before, 1)
        assert await claims(world, uid) is None

    async def test_a_revoked_role_leaves_the_token_and_ends_the_sessions(self, world: World) -> None:
        staff_id = await member(world)
        async with self.listening(world) as target:
            await target.deliver(await role_event(world, staff_id))
            assert (await claims(world, staff_id) or {})["x-hasura-allowed-roles"] == ["cct"]
            await world.database.execute("UPDATE staff SET active = false WHERE id = $1", staff_id)
            await target.deliver(await role_event(world, staff_id, active=False))

        assert await claims(world, staff_id) is None
        found = await firebase.account(world, staff_id)
        assert found is not None
        assert int(found["validSince"]) > 0

    async def test_another_role_takes_the_place_of_the_first_even_when_events_come_late(self, world: World) -> None:
        staff_id = await member(world)
        granted = await role_event(world, staff_id)
        await world.database.execute("UPDATE staff SET role = 'admin' WHERE id = $1", staff_id)
        changed = await role_event(world, staff_id, role="admin", previous_role="cct")

        async with self.listening(world) as target:
            await target.deliver(changed)
            await target.deliver(granted)

        assert (await claims(world, staff_id) or {})["x-hasura-allowed-roles"] == ["admin"]

    async def test_an_account_whose_address_is_not_proven_gets_no_role(self, world: World) -> None:
        staff_id = await member(world)
        row = await world.row("SELECT email FROM staff WHERE id = $1", staff_id)
        uid = await firebase.sign_in_account(world, row["email"])
        event = await role_event(world, staff_id)

        async with self.listening(world) as target:
            await target.deliver(event)

        assert await claims(world, uid) is None
        (letter,) = await world.dead_letters(event.id, self.agent)
        assert "isn't verified" in letter["reason"]


async def member(world: World) -> uuid.UUID:
    unique = uuid.uuid4().hex
    columns = {"email": f"{unique}@example.com", "first_name": "Theo", "last_name": "Brandt", "role": "cct"}
    return await world.insert("public.staff", columns)


async def role_event(world: World, staff_id: uuid.UUID, **changes: Any) -> Event:
    data = {
        "staff_id": str(staff_id),
        "role": "cct",
        "active": True,
        "previous_role": "cct",
        "previously_active": False,
    }
    return await world.publish("customer.role_changed", staff_id, data | changes)


async def claims(world: World, uid: object) -> dict[str, Any] | None:
    found = await firebase.account(world, uid)
    assert found is not None
    kept: dict[str, Any] | None = json.loads(found.get("customAttributes") or "{}").get(firebase.CLAIMS)
    return kept
