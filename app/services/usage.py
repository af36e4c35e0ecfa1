"""Usage: how many dialogues and messages were begun in each day, week or month."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from ..domain import timestamps
from ..domain.errors import Detail, InvalidParameter, quote
from ..domain.json_text import compact_json
from ..domain.records import TimeRange, Timestamp
from .results import Result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..domain.records import ScopeFilter
    from ..stores import Store

MOST_BUCKETS: Final = 400
USUAL_BUCKETS: Final = 30
"""How many there are where a request does not say from when on."""


class Period(StrEnum):
    """How long a bucket is."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class UsageQuery:
    """Which buckets: from that of ``first`` (None: the usual number) to that of ``last`` (None: today)."""

    scope_filter: ScopeFilter
    by: Period
    first: str | None
    last: str | None


def read_usage(store: Store, query: UsageQuery) -> Result:
    """Return the buckets; raises InvalidParameter for what is no day, for more than 400, and for none."""
    last = _start(_read_day("to", query.last or timestamps.now()[:10]), query.by)
    if query.first is None:
        buckets = list(_buckets_before(last, query.by))
    else:
        buckets = list(_buckets(_start(_read_day("from", query.first), query.by), last, query.by))
    begun = store.count_begun(query.scope_filter, _span(buckets, query.by))
    dialogues, messages = (_gather(counts, query.by) for counts in begun)
    items = [
        {"start": day.isoformat(), "dialogues": dialogues[day], "messages": messages[day]} for day in buckets
    ]
    namespace = query.scope_filter.namespace
    named = {} if namespace is None else {"namespace": namespace}
    return Result(compact_json({**named, "by": query.by.value, "items": items}))


def _read_day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidParameter(
            f"{name} is no day of the calendar: {quote(text)}.", Detail(name, "is no day of the calendar")
        ) from None


def _buckets(first: date, last: date, by: Period) -> Iterator[date]:
    """Yield the start of each bucket."""
    if first > last:
        raise InvalidParameter("from is after to.", Detail("from", "is after to"))
    day: date | None = first
    for _ in range(MOST_BUCKETS):
        if day is None or day > last:
            return
        yield day
        day = _next(day, by)
    if day is not None and day <= last:
        raise InvalidParameter(
            f"from and to are more than {MOST_BUCKETS} buckets apart; ask for longer ones with by.",
            Detail("from", f"is more than {MOST_BUCKETS} buckets before to"),
        )


def _buckets_before(last: date, by: Period) -> list[date]:
    """Return the starts of the usual number of buckets, fewer where the calendar begins."""
    buckets = [last]
    while len(buckets) < USUAL_BUCKETS and buckets[-1] > _start(date.min + timedelta(days=7), by):
        buckets.append(_start(buckets[-1] - timedelta(days=1), by))
    return buckets[::-1]


def _start(day: date, by: Period) -> date:
    """Return the first day of the bucket that a day is in."""
    if by is Period.MONTH:
        return day.replace(day=1)
    back = day.weekday() if by is Period.WEEK else 0
    return day - timedelta(days=min(back, (day - date.min).days))


def _next(day: date, by: Period) -> date | None:
    """Return the start of the next bucket; None behind the last day there is."""
    if by is Period.MONTH:
        return timestamps.next_month(day)
    days = 7 if by is Period.WEEK else 1
    return None if (date.max - day).days < days else day + timedelta(days=days)


def _span(buckets: list[date], by: Period) -> TimeRange:
    """Return the time from the start of the first bucket to the end of the last."""
    end = _next(buckets[-1], by)
    return TimeRange(_midnight(buckets[0]), None if end is None else _midnight(end))


def _midnight(day: date) -> Timestamp:
    return Timestamp(f"{day.isoformat()}T00:00:00.000Z")


def _gather(by_day: dict[str, int], by: Period) -> Counter[date]:
    """Return how many there are in each bucket."""
    found: Counter[date] = Counter()
    for day, count in by_day.items():
        found[_start(date.fromisoformat(day), by)] += count
    return found
