"""A small world for live queries: people, what belongs to them, and random changes to it."""

import random
import uuid
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import asyncpg

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@dataclass(slots=True, kw_only=True)
class World:
    """The ids of what exists."""

    customers: list[uuid.UUID] = field(default_factory=list)
    patients: list[uuid.UUID] = field(default_factory=list)
    providers: list[uuid.UUID] = field(default_factory=list)
    coordinator: uuid.UUID
    treatments: list[uuid.UUID] = field(default_factory=list)
    medication: uuid.UUID
    pharmacy: uuid.UUID


async def make_world(connection: Connection) -> World:
    """Four customers, three of them patients, two providers, one of the care coordination team."""

    async def insert(table: str, **values: Any) -> uuid.UUID:
        names, marks = ", ".join(values), ", ".join(f"${number}" for number in range(1, len(values) + 1))
        statement = f"INSERT INTO {table} ({names}) VALUES ({marks}) RETURNING id"  # noqa: S608 -- our own names
        key: uuid.UUID = await connection.fetchval(statement, *values.values())
        return key

    async def staff(name: str, role: str) -> uuid.UUID:
        return await insert("public.staff", email=f"{name}@x.example", first_name=name, last_name="X", role=role)

    world = World(
        coordinator=await staff("theo", "cct"),
        medication=await insert(
            "healthcare.medication", code_system="x", code="x", code_display="x", form="tablet", strength="1 mg"
        ),
        pharmacy=await insert("healthcare.pharmacy", name="P", ncpdp_id="1234567"),
    )
    for name in ("mira", "noor"):
        world.providers.append(await staff(name, "provider"))
    for name in ("first", "second"):
        world.treatments.append(
            await insert(
                "public.treatment", name=name, monthly_item_price_id=name, monthly_price=1, currency_code="USD"
            )
        )
    for number in range(4):
        customer = await insert("public.customer", email=f"c{number}@x.example", chargebee_customer_id=f"cb{number}")
        world.customers.append(customer)
        if number < 3:
            world.patients.append(await insert("healthcare.patient", customer_id=customer))
    return world


class Changes:
    """Random changes, some of which the database refuses."""

    def __init__(self, world: World, connection: Connection, chance: random.Random) -> None:
        self._world = world
        self._connection = connection
        self._chance = chance
        self._made = 0

    async def make(self) -> None:
        """One transaction with a few changes; some are undone."""
        undone = False
        transaction = self._connection.transaction()
        await transaction.start()
        try:
            for _ in range(self._chance.choice((1, 1, 1, 2, 3))):
                try:
                    async with self._connection.transaction():
                        await self._one()
                except asyncpg.IntegrityConstraintViolationError:
                    # The next one, then.
                    continue
            undone = self._chance.random() < 0.1
        finally:
            await (transaction.rollback() if undone else transaction.commit())

    async def _one(self) -> None:
        chance, world = self._chance, self._world
        customer, provider = chance.choice(world.customers), chance.choice(world.providers)
        patient, treatment = chance.choice(world.patients), chance.choice(world.treatments)
        contract = await self._any("public.contract")
        thread = await self._any("public.message_thread")
        prescription = await self._any("healthcare.prescription")
        self._made += 1
        text = f"t{self._made}"
        choices: list[tuple[int, str, tuple[Any, ...]]] = [
            (3, "UPDATE public.customer SET city = $2 WHERE id = $1", (customer, text)),
            (1, "UPDATE public.customer SET city = $1", (text,)),
            (
                1,
                "UPDATE public.customer SET deleted_at = CASE WHEN deleted_at IS NULL THEN now() END WHERE id = $1",
                (customer,),
            ),
            (
                1,
                "UPDATE public.customer SET chargebee_customer_id = $2 WHERE id = $1",
                (customer, f"cb{chance.randrange(5)}"),
            ),
            (1, "UPDATE public.staff SET active = NOT active WHERE id = $1", (provider,)),
            (1, "UPDATE public.staff SET first_name = $2 WHERE id = $1", (world.coordinator, text)),
            (1, "UPDATE public.treatment SET active = NOT active WHERE id = $1", (treatment,)),
            (1, "UPDATE public.treatment SET name = $2 WHERE id = $1", (treatment, text)),
            (4, "INSERT INTO public.contract (customer_id, treatment_id) VALUES ($1, $2)", (customer, treatment)),
            (2, "UPDATE public.contract SET customer_id = $2 WHERE id = $1", (contract, customer)),
            (2, "UPDATE public.contract SET treatment_id = $2 WHERE id = $1", (contract, treatment)),
            (2, "UPDATE public.contract SET subscription_id = $2 WHERE id = $1", (contract, f"s{chance.randrange(4)}")),
            (
                1,
                "UPDATE public.contract SET status = $2 WHERE id = $1",
                (contract, chance.choice(("active", "completed"))),
            ),
            (1, "DELETE FROM public.contract WHERE id = $1", (contract,)),
            (1, "UPDATE healthcare.patient SET customer_id = $2 WHERE id = $1", (patient, customer)),
            (3, "INSERT INTO healthcare.care_team (patient_id, staff_id) VALUES ($1, $2)", (patient, provider)),
            (
                2,
                "UPDATE healthcare.care_team SET status = $2 WHERE patient_id = $1",
                (patient, chance.choice(("active", "inactive"))),
            ),
            (1, "UPDATE healthcare.care_team SET staff_id = $2 WHERE patient_id = $1", (patient, provider)),
            (1, "DELETE FROM healthcare.care_team WHERE staff_id = $1", (provider,)),
            (3, "INSERT INTO public.message_thread (customer_id, subject) VALUES ($1, $2)", (customer, text)),
            (1, "UPDATE public.message_thread SET customer_id = $2 WHERE id = $1", (thread, customer)),
            (1, "UPDATE public.message_thread SET staff_id = $2 WHERE id = $1", (thread, provider)),
            (4, "INSERT INTO public.message (thread_id, sender_role, body) VALUES ($1, 'system', $2)", (thread, text)),
            (1, "UPDATE public.message SET thread_id = $1 WHERE body < $2", (thread, text)),
            (1, "TRUNCATE public.message", ()),
            (
                4,
                "INSERT INTO healthcare.prescription (patient_id, requester_id, medication_id, contract_id,"
                " dosage_instruction, quantity, quantity_unit, days_supply, status, signed_at)"
                " VALUES ($1, $2, $3, $4, $5, 1, 'x', 30, 'active', now())",
                (patient, provider, world.medication, contract, text),
            ),
            (2, "UPDATE healthcare.prescription SET patient_id = $2 WHERE id = $1", (prescription, patient)),
            (1, "UPDATE healthcare.prescription SET status = 'stopped' WHERE id = $1", (prescription,)),
            (1, "UPDATE healthcare.prescription SET contract_id = $2 WHERE id = $1", (prescription, contract)),
            (
                3,
                "INSERT INTO healthcare.prescription_fill (prescription_id, pharmacy_id, fill_number, quantity,"
                " days_supply) VALUES ($1, $2, $3, 1, 30)",
                (prescription, world.pharmacy, self._made),
            ),
            (2, "UPDATE healthcare.prescription_fill SET status = $1", (chance.choice(("sent", "shipped")),)),
            (
                1,
                "UPDATE healthcare.prescription_fill SET prescription_id = $1 WHERE fill_number % 2 = 0",
                (prescription,),
            ),
            (
                3,
                "INSERT INTO chargebee.subscription (id, customer_id, currency_code, status, created_at, updated_at,"
                " resource_version) VALUES ($1, $2, 'USD', 'active', now(), now(), 1) ON CONFLICT (id)"
                " DO UPDATE SET customer_id = excluded.customer_id",
                (f"s{chance.randrange(4)}", f"cb{chance.randrange(5)}"),
            ),
            (
                3,
                "INSERT INTO chargebee.invoice (id, customer_id, subscription_id, status, date, currency_code,"
                " sub_total, total, updated_at, resource_version)"
                " VALUES ($1, $2, $3, 'paid', now(), 'USD', 1, $4, now(), 1)"
                " ON CONFLICT (id) DO UPDATE SET total = excluded.total, customer_id = excluded.customer_id",
                (f"i{chance.randrange(6)}", f"cb{chance.randrange(5)}", f"s{chance.randrange(4)}", self._made),
            ),
            (1, "DELETE FROM chargebee.invoice WHERE id = $1", (f"i{chance.randrange(6)}",)),
        ]
        [(_, statement, arguments)] = chance.choices(choices, weights=[weight for weight, _, _ in choices])
        await self._connection.execute(statement, *arguments)

    async def _any(self, table: str) -> uuid.UUID | None:
        rows = await self._connection.fetch(f"SELECT id FROM {table} ORDER BY id")  # noqa: S608
        return self._chance.choice(rows)[0] if rows else None


Asked = tuple[str, uuid.UUID | None, str, dict[str, Any]]

OF_CUSTOMERS = (
    "{ customer { id city contracts(order_by: {id: asc}) { id status treatment { name active } } } }",
    "{ healthcare_prescription(order_by: {id: asc}) { id status fills(order_by: {id: asc}) { id status } } }",
    "{ message(order_by: {id: asc}) { id body thread { subject staff { first_name } } } }",
    "{ chargebee_invoice(order_by: {id: asc}) { id total subscription { id status } } }",
    "{ staff(order_by: {id: asc}) { id first_name } }",
    "{ treatment(order_by: {id: asc}) { id name } }",
    "{ contract_aggregate(where: {treatment: {active: {_eq: true}}}) { aggregate { count max { end_date } } } }",
)
OF_PROVIDERS = (
    "{ customer(order_by: {id: asc}) { id city patient { id } } }",
    "{ healthcare_prescription(order_by: {id: asc}) { id patient { customer { city } } requester { first_name } } }",
    "{ message_thread(order_by: {id: asc}) { id subject messages(order_by: {id: asc}) { body } } }",
    "{ contract_aggregate { aggregate { count } } }",
)
OF_COORDINATORS = (
    "{ customer(order_by: {id: asc}) { id city contracts(order_by: {id: asc}) { id } } }",
    "{ healthcare_prescription_fill(order_by: {id: asc}) { id status } }",
    "{ message_aggregate { aggregate { count } nodes { id } } }",
)
OF_ADMIN = (
    "{ chargebee_contract(order_by: {id: asc}) { id status customer { city } } }",
    "{ contract_group_by(keys: [{column: status}]) { key { status } aggregate { count } } }",
    "{ contract_page(limit: 3) { nodes { id treatment { name } } has_more } }",
)
#: About one customer, whose id is `$id`.
OF_ADMIN_ABOUT_A_CUSTOMER = (
    """{ customer_by_pk(id: $id) {
           city
           patient { id prescriptions_aggregate { aggregate { count } } }
           subscriptions(order_by: {id: asc}) { id invoices(order_by: {id: asc}) { id total } } } }""",
    """{ contract(where: {customer_id: {_eq: $id}}, order_by: [{treatment: {name: asc}}, {id: asc}]) {
           id status renewed_from { id } subscription { id status customer { id } } customer { city } } }""",
    """{ customer(where: {_and: [{id: {_eq: $id}}, {contracts: {treatment: {active: {_eq: true}}}}]}) {
           id contracts_aggregate(where: {status: {_eq: "active"}}) { aggregate { count } } } }""",
    """{ contract(
           where: {_or: [{customer_id: {_eq: $id}}, {treatment: {name: {_lt: "t5"}}}]}, order_by: {id: asc}
         ) { id customer { id city } } }""",
    """{ healthcare_prescription(
           where: {patient: {customer_id: {_eq: $id}}, _not: {fills: {status: {_eq: "shipped"}}}}, order_by: {id: asc}
         ) { id contract { id status } } }""",
    """{ customer(where: {id: {_eq: $id}, contracts_aggregate: {count: {predicate: {_gt: 1}}}}) { id } }""",
    """{ customer(
           where: {id: {_neq: $id}}, order_by: [{contracts_aggregate: {count: desc}}, {id: asc}], limit: 2
         ) { id } }""",
)


def documents(world: World) -> list[Asked]:
    """Role, user, document and variables of subscriptions of every kind."""
    found: list[Asked] = [("anonymous", None, _subscription("{ treatment(order_by: {id: asc}) { name } }"), {})]
    for role, users, selections in (
        ("user", world.customers, OF_CUSTOMERS),
        ("provider", world.providers, OF_PROVIDERS),
        ("cct", [world.coordinator], OF_COORDINATORS),
        ("admin", [None], OF_ADMIN),
    ):
        found += [(role, user, _subscription(selection), {}) for user in users for selection in selections]
    for selection in OF_ADMIN_ABOUT_A_CUSTOMER:
        document = f"subscription($id: uuid!) {selection}"
        found += [("admin", None, document, {"id": str(customer)}) for customer in world.customers]
    return found


def _subscription(selection: str) -> str:
    return f"subscription {selection}"
