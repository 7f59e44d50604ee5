"""Types and resolvers. Resolvers return the models themselves; Strawberry reads their attributes."""

import datetime as dt
from enum import Enum
from typing import Any, NewType, cast
from uuid import UUID

import strawberry
from graphql import GraphQLError
from sqlalchemy import func, select
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig

from benchmarks.handwritten import models
from benchmarks.handwritten.context import Context

Info = strawberry.Info[Context, None]
BigInt = NewType("BigInt", int)


@strawberry.type
class Treatment:
    id: UUID
    name: str
    monthly_price: BigInt


@strawberry.type
class Subscription:
    id: str
    status: str
    plan_item_price_id: str | None
    current_term_end: dt.datetime | None


@strawberry.type
class Invoice:
    id: str
    customer_id: str
    subscription_id: str | None
    status: str
    date: dt.datetime
    currency_code: str
    total: BigInt
    amount_paid: BigInt
    amount_due: BigInt
    updated_at: dt.datetime


@strawberry.type
class Customer:
    id: UUID
    email: str | None
    first_name: str | None
    last_name: str | None
    phone: str | None
    city: str | None
    chargebee_customer_id: strawberry.Private[str]

    @strawberry.field
    async def contracts(self, info: Info) -> list["Contract"]:
        return cast("list[Contract]", await info.context.contracts.load(self.id))

    @strawberry.field
    async def subscriptions(self, info: Info) -> list[Subscription]:
        return cast("list[Subscription]", await info.context.subscriptions.load(self.chargebee_customer_id))

    @strawberry.field
    async def invoices(self, info: Info) -> list[Invoice]:
        return cast("list[Invoice]", await info.context.invoices.load(self.chargebee_customer_id))


@strawberry.type
class Contract:
    id: UUID
    customer_id: UUID
    treatment_id: UUID
    status: str
    start_date: dt.date
    end_date: dt.date
    auto_renew: bool

    @strawberry.field
    async def customer(self, info: Info) -> Customer:
        return cast("Customer", await info.context.customers.load(self.customer_id))

    @strawberry.field
    async def treatment(self, info: Info) -> Treatment:
        return cast("Treatment", await info.context.treatments.load(self.treatment_id))


@strawberry.type
class Amounts:
    total: BigInt | None
    amount_paid: BigInt | None = None


@strawberry.type
class InvoiceTotals:
    count: int
    sum: Amounts
    min: Amounts
    max: Amounts


@strawberry.enum
class ContractOrder(Enum):
    """How contracts can be ordered."""

    END_DATE_ASC = "asc"
    END_DATE_DESC = "desc"


@strawberry.type
class Query:
    @strawberry.field
    async def contract(self, info: Info, id: UUID) -> Contract | None:  # noqa: A002 - the argument's name
        async with info.context.read() as session:
            return cast("Contract | None", await session.get(models.Contract, id))

    @strawberry.field
    async def contracts(self, info: Info, status: str, order_by: ContractOrder, limit: int) -> list[Contract]:
        columns = (models.Contract.end_date, models.Contract.id)
        order = [column.desc() if order_by is ContractOrder.END_DATE_DESC else column.asc() for column in columns]
        statement = select(models.Contract).where(models.Contract.status == status).order_by(*order).limit(limit)
        return cast("list[Contract]", await _all(info, statement))

    @strawberry.field
    async def customers(self, info: Info, last_name: str, limit: int) -> list[Customer]:
        statement = select(models.Customer).where(models.Customer.last_name == last_name)
        return cast("list[Customer]", await _all(info, statement.order_by(models.Customer.id).limit(limit)))

    @strawberry.field
    async def invoices(self, info: Info, status: str, limit: int) -> list[Invoice]:
        statement = select(models.Invoice).where(models.Invoice.status == status)
        return cast("list[Invoice]", await _all(info, statement.order_by(models.Invoice.date.desc()).limit(limit)))

    @strawberry.field
    async def invoice_totals(self, info: Info) -> InvoiceTotals:
        total, paid = models.Invoice.total, models.Invoice.amount_paid
        statement = select(func.count(), func.sum(total), func.sum(paid), func.min(total), func.max(total))
        async with info.context.read() as session:
            row = (await session.execute(statement)).one()
        count, total_sum, paid_sum, least, most = cast("tuple[int, BigInt, BigInt, BigInt, BigInt]", row)
        return InvoiceTotals(
            count=count,
            sum=Amounts(total=total_sum, amount_paid=paid_sum),
            min=Amounts(total=least),
            max=Amounts(total=most),
        )


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def begin_contract(self, info: Info, treatment_id: UUID, start_date: dt.date) -> Contract:
        user = info.context.user
        if user is None:
            raise GraphQLError("sign in first")
        async with info.context.write.begin() as session:
            await session.execute(select(func.set_config("app.session", user.session, True)))
            customer = await session.get(models.Customer, user.id)
            if customer is None or customer.deleted_at is not None:
                raise GraphQLError("there is no such customer")
            treatment = await session.get(models.Treatment, treatment_id)
            if treatment is None or not treatment.active:
                raise GraphQLError("this treatment is not offered")
            contract = models.Contract(
                customer_id=user.id, treatment_id=treatment_id, status="future", start_date=start_date
            )
            session.add(contract)
            await session.flush()
            if contract.end_date <= dt.datetime.now(dt.UTC).date():
                raise GraphQLError("this contract would be over")
        return cast("Contract", contract)

    @strawberry.mutation
    async def update_customer(self, info: Info, id: UUID, phone: str) -> Customer | None:  # noqa: A002 - as above
        user = info.context.user
        if user is None or user.id != id:
            return None
        async with info.context.write.begin() as session:
            await session.execute(select(func.set_config("app.session", user.session, True)))
            customer = await session.get(models.Customer, id)
            if customer is None or customer.deleted_at is not None:
                return None
            customer.phone = phone
        return cast("Customer | None", customer)


async def _all(info: Info, statement: Any) -> list[Any]:
    async with info.context.read() as session:
        return list(await session.scalars(statement))


schema = strawberry.Schema(
    Query,
    Mutation,
    config=StrawberryConfig(
        auto_camel_case=False,
        scalar_map={BigInt: strawberry.scalar(name="BigInt", serialize=int, parse_value=int)},
    ),
    extensions=[ParserCache, ValidationCache],
)
