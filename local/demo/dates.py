"""Dates and times of the demo data."""

import calendar
import datetime


def add_months(day: datetime.date, months: int) -> datetime.date:
    """The same day of another month, or that month's last, as PostgreSQL adds an interval of months."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return datetime.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def days(count: float) -> datetime.timedelta:
    """So many days."""
    return datetime.timedelta(days=count)


def at(day: datetime.date, hour: int, minute: int = 0) -> datetime.datetime:
    """A time of a day, in UTC."""
    return datetime.datetime(day.year, day.month, day.day, hour, minute, tzinfo=datetime.UTC)
