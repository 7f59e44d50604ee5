"""The tables as the ORM knows them: the columns that the schema shows, and those that relationships need."""

import datetime as dt
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, FetchedValue
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """What all models share."""

    type_annotation_map = {dt.datetime: DateTime(timezone=True), int: BigInteger}  # noqa: RUF012 - SQLAlchemy's way


class Treatment(Base):
    """`public.treatment`."""

    __tablename__ = "treatment"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    active: Mapped[bool]
    monthly_price: Mapped[int]


class Customer(Base):
    """`public.customer`."""

    __tablename__ = "customer"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    chargebee_customer_id: Mapped[str | None]
    email: Mapped[str | None]
    first_name: Mapped[str | None]
    last_name: Mapped[str | None]
    phone: Mapped[str | None]
    city: Mapped[str | None]
    deleted_at: Mapped[dt.datetime | None]


class Contract(Base):
    """`public.contract`."""

    __tablename__ = "contract"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=FetchedValue())
    customer_id: Mapped[UUID]
    treatment_id: Mapped[UUID]
    status: Mapped[str]
    start_date: Mapped[dt.date]
    end_date: Mapped[dt.date] = mapped_column(server_default=FetchedValue())
    auto_renew: Mapped[bool] = mapped_column(server_default=FetchedValue())


class Subscription(Base):
    """`chargebee.subscription`."""

    __tablename__ = "subscription"
    __table_args__ = {"schema": "chargebee"}  # noqa: RUF012 - SQLAlchemy's way

    id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str]
    status: Mapped[str]
    plan_item_price_id: Mapped[str | None]
    current_term_end: Mapped[dt.datetime | None]


class Invoice(Base):
    """`chargebee.invoice`."""

    __tablename__ = "invoice"
    __table_args__ = {"schema": "chargebee"}  # noqa: RUF012 - SQLAlchemy's way

    id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str]
    subscription_id: Mapped[str | None]
    status: Mapped[str]
    date: Mapped[dt.datetime]
    currency_code: Mapped[str]
    total: Mapped[int]
    amount_paid: Mapped[int]
    amount_due: Mapped[int]
    updated_at: Mapped[dt.datetime]
