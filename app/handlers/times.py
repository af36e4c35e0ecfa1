"""The date filters that every list has."""

from __future__ import annotations

from app import clock
from app.domain import TimeRange
from app.errors import Detail, InvalidParameter


def time_range(
    created: str | None = None, start_date: str | None = None, end_date: str | None = None
) -> TimeRange:
    """Return what ``created``, ``startDate`` and ``endDate`` leave; raises InvalidParameter."""
    try:
        return clock.list_range(created, start_date, end_date)
    except ValueError as error:
        raise InvalidParameter(f"{error}.", Detail("created, startDate, endDate", str(error))) from None
