"""Phrases for dates: what ``filter.created`` and ``filter.modified`` of a search may say.

    filter   = prefix | phrase | bounds
    prefix   = YEAR | YEAR-MONTH | YEAR-MONTH-DAY          that whole year, month or day
    phrase   = ("last" | "past") N unit                    from N units ago on
             | ("last" | "past") unit                      N is 1, but see "last week"
             | "today" | "yesterday"
             | ("this" | "last") ("week" | "month" | "year")   of the calendar; weeks start on Monday
             | "since" (prefix | TIME)                     from its start on
    unit     = minute | hour | day | week | month | year   with or without a final s
    bounds   = object of gte, gt, lte, lt: TIME or YEAR-MONTH-DAY   all must hold

N is 1 to 999,999. Capitals do not matter. Whatever carries no offset is meant in the time zone of the
search. Minutes and hours are counted as time passes; days and longer on the calendar, keeping the
time of day (the last day of a shorter month where there is no such day). In bounds a bare date stands
for its whole day: ``gt`` starts after it, ``lte`` ends with it. "last", "past" and "since" are open
towards the future, so that a writer whose clock is a little ahead is not missed.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Final, NoReturn
from zoneinfo import ZoneInfo

from ..domain.errors import Detail, InvalidInput, quote
from ..domain.records import TimeRange, Timestamp
from ..domain.timestamps import (
    NEVER,
    day_end,
    days_range,
    format_time,
    intersect,
    next_day,
    next_month,
    next_year,
    parse_moment,
    prefix_range,
)

MONTHS: Final = {"month": 1, "year": 12}
"""The units that differ in length, in months."""

_PREFIX: Final = re.compile("[0-9]{4}(-[0-9]{2}){0,2}")
_AGO: Final = re.compile("(?:last|past) (?:([0-9]{1,6}) )?(minute|hour|day|week|month|year)s?")
_SINCE: Final = "since "


def find_zone(name: str) -> ZoneInfo:
    """Return an IANA time zone; raises InvalidInput."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        problem = f"{quote(name)} is no IANA time zone: write a name such as Europe/Berlin or UTC"
        raise InvalidInput(f"timezone: {problem}.", Detail("timezone", problem)) from None


def resolve(value: object, now: datetime, timezone: str = "UTC", field: str = "filter.created") -> TimeRange:
    """Return the times that a date filter allows; raises InvalidInput naming the field.

    ``now`` carries an offset.
    """
    zone = find_zone(timezone)
    if isinstance(value, dict):
        return _resolve_bounds(value, zone, field)
    if not isinstance(value, str):
        _refuse(field, "must be a date, a phrase or an object of gte, gt, lte and lt")
    try:
        return _resolve_text(" ".join(value.lower().split()), now.astimezone(zone), zone)
    except ValueError as error:
        _refuse(field, str(error))


def _resolve_text(text: str, local: datetime, zone: ZoneInfo) -> TimeRange:
    if _PREFIX.fullmatch(text):
        return prefix_range(text, zone)
    if text in PERIODS:
        first, after = PERIODS[text](local.date())
        return days_range(first, after, zone)
    ago = _AGO.fullmatch(text)
    if ago is not None and int(ago[1] or 1) > 0:
        return TimeRange(start=_ago(local, int(ago[1] or 1), ago[2]))
    if text.startswith(_SINCE):
        return TimeRange(start=_since(text.removeprefix(_SINCE), zone))
    raise ValueError(
        f"{quote(text)} is not understood: write a date (2026, 2026-01, 2026-01-15), last or past N "
        "minutes, hours, days, weeks, months or years, today, yesterday, this or last week, month or "
        "year, or since a date"
    )


def _since(text: str, zone: ZoneInfo) -> Timestamp | None:
    if _PREFIX.fullmatch(text):
        return prefix_range(text, zone).start
    return format_time(parse_moment(text, zone))


def _ago(local: datetime, count: int, unit: str) -> Timestamp | None:
    """Return the time so long before another; None when that is before the first there is."""
    try:
        if unit in MONTHS:
            return format_time(_months_before(local, count * MONTHS[unit]))
        if unit in {"day", "week"}:  # keeps the time of day: arithmetic within a zone is wall time
            return format_time(local - timedelta(**{f"{unit}s": count}))
        return format_time(local.astimezone(UTC) - timedelta(**{f"{unit}s": count}))
    except (ValueError, OverflowError):
        return None


def _months_before(local: datetime, count: int) -> datetime:
    year, month = divmod(local.year * 12 + local.month - 1 - count, 12)
    if year < 1:
        raise OverflowError
    longest = calendar.monthrange(year, month + 1)[1]
    return local.replace(year=year, month=month + 1, day=min(local.day, longest))


def _resolve_bounds(bounds: dict[str, object], zone: ZoneInfo, field: str) -> TimeRange:
    if not bounds:
        _refuse(field, "needs at least one of gte, gt, lte and lt")
    allowed = TimeRange()
    for name, value in bounds.items():
        place = f"{field}.{name[:100]}"
        if name not in BOUNDS:
            _refuse(place, "is not known: write gte, gt, lte or lt")
        if not isinstance(value, str):
            _refuse(place, "must be a time as text")
        try:
            allowed = intersect(allowed, BOUNDS[name](value, zone))
        except ValueError as error:
            _refuse(place, str(error))
    return allowed


def _from(text: str, zone: ZoneInfo) -> TimeRange:
    return TimeRange(start=format_time(parse_moment(text, zone)))


def _after(text: str, zone: ZoneInfo) -> TimeRange:
    start = day_end(text, zone)
    return NEVER if start is None else TimeRange(start=start)


def _until(text: str, zone: ZoneInfo) -> TimeRange:
    return TimeRange(before=day_end(text, zone))


def _before(text: str, zone: ZoneInfo) -> TimeRange:
    return TimeRange(before=format_time(parse_moment(text, zone)))


BOUNDS: Final[dict[str, Callable[[str, ZoneInfo], TimeRange]]] = {
    "gte": _from,
    "gt": _after,
    "lte": _until,
    "lt": _before,
}


def _week(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _last_month(day: date) -> date:
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)


def _year(day: date) -> date:
    return day.replace(month=1, day=1)


PERIODS: Final[dict[str, Callable[[date], tuple[date, date | None]]]] = {
    "today": lambda day: (day, next_day(day)),
    "yesterday": lambda day: (day - timedelta(days=1), day),
    "this week": lambda day: (_week(day), _week(day) + timedelta(weeks=1)),
    "last week": lambda day: (_week(day) - timedelta(weeks=1), _week(day)),
    "this month": lambda day: (day.replace(day=1), next_month(day)),
    "last month": lambda day: (_last_month(day), day.replace(day=1)),
    "this year": lambda day: (_year(day), next_year(day)),
    "last year": lambda day: (_year(day).replace(year=day.year - 1), _year(day)),
}
"""The first day of each period of the calendar, and the first after it."""


def _refuse(field: str, problem: str) -> NoReturn:
    raise InvalidInput(f"{field}: {problem}.", Detail(field, problem))
