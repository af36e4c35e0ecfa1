"""The date filters that every list has."""

from __future__ import annotations

from ..domain import timestamps
from ..domain.errors import Detail, InvalidParameter
from ..domain.records import TimeRange


def time_range(
    created: str | None = None, start_date: str | None = None, end_date: str | None = None
) -> TimeRange:
    """Return what ``created``, ``startDate`` and ``endDate`` leave; raises InvalidParameter."""
    try:
        return timestamps.list_range(created, start_date, end_date)
    except ValueError as error:
        raise InvalidParameter(f"{error}.", Detail("created, startDate, endDate", str(error))) from None
