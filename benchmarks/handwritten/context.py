"""What resolvers get: sessions of the database, loaders, and who asks."""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import InstrumentedAttribute
from strawberry.dataloader import DataLoader

from benchmarks.handwritten.models import Contract, Customer, Invoice, Subscription, Treatment

Sessions = async_sessionmaker[AsyncSession]
_Load = Callable[[list[Any]], Awaitable[list[Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A customer who signed in."""

    id: UUID
    #: The session as JSON, for the triggers.
    session: str


class Context:
    """One request's."""

    def __init__(self, *, read: Sessions, write: Sessions, user: User | None) -> None:
        self.read = read
        self.write = write
        self.user = user
        self.customers = DataLoader(load_fn=_one(read, Customer.id))
        self.treatments = DataLoader(load_fn=_one(read, Treatment.id))
        self.contracts = DataLoader(load_fn=_many(read, Contract.customer_id, Contract.id.asc()))
        self.subscriptions = DataLoader(load_fn=_many(read, Subscription.customer_id, Subscription.id.asc()))
        self.invoices = DataLoader(load_fn=_many(read, Invoice.customer_id, Invoice.date.desc()))


def _one(sessions: Sessions, key: InstrumentedAttribute[Any]) -> _Load:
    async def load(keys: list[Any]) -> list[Any]:
        async with sessions() as session:
            found = await session.scalars(select(key.class_).where(key.in_(keys)))
            by_key = {getattr(row, key.key): row for row in found}
        return [by_key.get(item) for item in keys]

    return load


def _many(sessions: Sessions, key: InstrumentedAttribute[Any], order: ColumnElement[Any]) -> _Load:
    async def load(keys: list[Any]) -> list[Any]:
        by_key: defaultdict[Any, list[Any]] = defaultdict(list)
        async with sessions() as session:
            for row in await session.scalars(select(key.class_).where(key.in_(keys)).order_by(order)):
                by_key[getattr(row, key.key)].append(row)
        return [by_key[item] for item in keys]

    return load
