"""Times: the clock, the forms that clients may write a time in, and ranges of time.

A ``Timestamp`` is always ``YYYY-MM-DDTHH:MM:SS.mmmZ``: UTC, cut (never rounded) to the millisecond,
of the years 0001 to 9999. Input is ISO 8601 in its extended form; what else ``datetime`` would read
(week dates, basic forms, other separators) is refused, so that a slip is noticed where it is made.
"""

from __future__ import annotations

import contextlib
import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Final

from .errors import quote
from .records import TimeRange, Timestamp

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)

LATEST: Final = Timestamp("9999-12-31T23:59:59.999Z")
"""The last time there is."""

DECEMBER: Final = 12

NEVER: Final = TimeRange(LATEST, LATEST)
"""A range with nothing in it."""

_MOMENT: Final = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
    r"(?:[Tt](?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?"
    r"(?P<offset>[Zz]|(?P<sign>[+ -])(?P<hours>[0-9]{2})(?::?(?P<minutes>[0-5][0-9]))?)?)?"
)
_WRITTEN: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z", re.ASCII
)
"""How a timestamp is written; only the calendar can still refuse it."""
_BARE_DATE: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PREFIX: Final = re.compile("(?P<year>[0-9]{4})(?:-(?P<month>[0-9]{2})(?:-(?P<day>[0-9]{2}))?)?")


def now() -> Timestamp:
    """Return the time."""
    return _written(datetime.now(UTC))


def format_time(moment: datetime) -> Timestamp:
    """Return a moment that carries an offset as a timestamp; OverflowError outside 0001 to 9999."""
    return _written(moment.astimezone(UTC))


def parse_moment(text: str, zone: tzinfo = UTC) -> datetime:
    """Return a time written in ISO 8601, in UTC; ``zone`` is that of a bare date and of no offset.

    Seconds and their fraction may be left out; a fraction has up to nine digits. A space before the
    digits of an offset is read as the ``+`` that URLs lose. Raises ValueError with words for a person.
    """
    found = _MOMENT.fullmatch(text)
    moment = None if found is None else _moment(found, zone)
    if moment is None:
        raise ValueError(
            f"{quote(text)} is not a time: write ISO 8601, for example 2026-01-02 or 2026-01-02T15:04:05.678Z"
        )
    return moment


def parse_time(text: str) -> Timestamp:
    """Return what ``parse_moment`` reads, UTC being meant where nothing is said; raises ValueError."""
    if _WRITTEN.fullmatch(text):  # most are, and stay as they are
        with contextlib.suppress(ValueError):
            date.fromisoformat(text[: len("2026-01-02")])
            return Timestamp(text)
    return format_time(parse_moment(text))


def is_bare_date(text: str) -> bool:
    """Whether a time is given as a date alone."""
    return _BARE_DATE.fullmatch(text) is not None


def prefix_range(text: str, zone: tzinfo = UTC) -> TimeRange:
    """Return the year, month or day that the beginning of a date names in a zone.

    Raises ValueError with words for a person.
    """
    found = _PREFIX.fullmatch(text)
    first = None if found is None else _day(found["year"], found["month"] or "01", found["day"] or "01")
    if found is None or first is None:
        raise ValueError(f"{quote(text)} names no year, month or day: write 2026, 2026-01 or 2026-01-15")
    if found["day"]:
        return days_range(first, next_day(first), zone)
    return days_range(first, next_month(first) if found["month"] else next_year(first), zone)


def days_range(first: date, after: date | None, zone: tzinfo) -> TimeRange:
    """Return the time from the start of a day to the start of another; open if that is None."""
    return TimeRange(day_start(first, zone), None if after is None else day_start(after, zone))


def day_start(day: date, zone: tzinfo) -> Timestamp | None:
    """Return when a day starts in a zone; None when that is before the first time there is.

    Where clocks change at midnight this is the first midnight, or the moment that replaced it.
    """
    try:
        return format_time(datetime.combine(day, time(), zone))
    except OverflowError:
        return None


def next_day(day: date) -> date | None:
    """Return the day after; None after the last."""
    return None if day == date.max else day + timedelta(days=1)


def next_month(day: date) -> date | None:
    """Return the first day of the month after; None after the last."""
    return next_year(day) if day.month == DECEMBER else day.replace(month=day.month + 1, day=1)


def next_year(day: date) -> date | None:
    """Return the first day of the year after; None after the last."""
    return None if day.year == date.max.year else date(day.year + 1, 1, 1)


def just_after(moment: datetime) -> Timestamp | None:
    """Return the timestamp a millisecond later, where a range that includes this one ends.

    None when there is none: the range is open then.
    """
    try:
        return format_time(moment + MILLISECOND)
    except OverflowError:
        return None


def day_end(text: str, zone: tzinfo = UTC) -> Timestamp | None:
    """Return where a range ends that includes a time, and all of the day if it is a bare date.

    None when the range is open then. Raises ValueError with words for a person.
    """
    if is_bare_date(text):
        return prefix_range(text, zone).before
    return just_after(parse_moment(text, zone))


def list_range(created: str | None, start: str | None, end: str | None) -> TimeRange:
    """Return the times that all of ``created`` (a prefix), ``startDate`` and ``endDate`` allow.

    Both dates are inclusive, and a bare ``endDate`` covers its whole day. The range may be empty.
    Raises ValueError with words for a person.
    """
    allowed = TimeRange() if created is None else prefix_range(created)
    if start is not None:
        allowed = intersect(allowed, TimeRange(start=parse_time(start)))
    if end is not None:
        allowed = intersect(allowed, TimeRange(before=day_end(end)))
    return allowed


def intersect(one: TimeRange, other: TimeRange) -> TimeRange:
    """Return the times that are in both ranges."""
    starts = [limit for limit in (one.start, other.start) if limit is not None]
    ends = [limit for limit in (one.before, other.before) if limit is not None]
    return TimeRange(max(starts, default=None), min(ends, default=None))


def _written(utc: datetime) -> Timestamp:
    return Timestamp(f"{utc.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z")


def _day(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _moment(found: re.Match[str], zone: tzinfo) -> datetime | None:
    """Return the time that was found, in UTC; None when no calendar has it."""
    hour, minute, second = (int(found[part] or 0) for part in ("hour", "minute", "second"))
    micros = int((found["fraction"] or "").ljust(6, "0")[:6])
    try:
        day = date(int(found["year"]), int(found["month"]), int(found["day"]))
        place = zone if found["offset"] is None else _offset(found)
        return datetime.combine(day, time(hour, minute, second, micros), place).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _offset(found: re.Match[str]) -> timezone:
    if found["sign"] is None:
        return UTC
    offset = timedelta(hours=int(found["hours"]), minutes=int(found["minutes"] or 0))
    return timezone(-offset if found["sign"] == "-" else offset)
