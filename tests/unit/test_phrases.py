"""Date phrases of searches: what each resolves to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import InvalidInput
from app.domain.records import TimeRange, Timestamp
from app.domain.timestamps import LATEST, NEVER, format_time, parse_moment
from app.search.phrases import find_zone, resolve

NOW = datetime(2026, 3, 31, 15, 30, 45, 678_000, tzinfo=UTC)  # a Tuesday
ZONES = st.sampled_from(["UTC", "America/New_York", "Pacific/Apia", "Asia/Kathmandu", "Africa/Cairo"])
NOWS = st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # Hypothesis adds the zone


def times(start: str | None, before: str | None = None) -> TimeRange:
    """Return a range of times that are written in any form."""
    ends = (None if end is None else format_time(parse_moment(end)) for end in (start, before))
    return TimeRange(*ends)


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("2026", times("2026-01-01", "2027-01-01")),
        ("2026-02", times("2026-02-01", "2026-03-01")),
        ("2026-02-03", times("2026-02-03", "2026-02-04")),
        ("today", times("2026-03-31", "2026-04-01")),
        ("yesterday", times("2026-03-30", "2026-03-31")),
        ("this week", times("2026-03-30", "2026-04-06")),
        ("last week", times("2026-03-23", "2026-03-30")),
        ("this month", times("2026-03-01", "2026-04-01")),
        ("last month", times("2026-02-01", "2026-03-01")),
        ("this year", times("2026-01-01", "2027-01-01")),
        ("last year", times("2025-01-01", "2026-01-01")),
        ("last 5 minutes", times("2026-03-31T15:25:45.678Z")),
        ("last minute", times("2026-03-31T15:29:45.678Z")),
        ("past hour", times("2026-03-31T14:30:45.678Z")),
        ("last 24 hours", times("2026-03-30T15:30:45.678Z")),
        ("last day", times("2026-03-30T15:30:45.678Z")),
        ("last 1 day", times("2026-03-30T15:30:45.678Z")),
        ("  LAST\t30  Days ", times("2026-03-01T15:30:45.678Z")),
        ("past week", times("2026-03-24T15:30:45.678Z")),
        ("last 2 weeks", times("2026-03-17T15:30:45.678Z")),
        ("past month", times("2026-02-28T15:30:45.678Z")),
        ("last 1 months", times("2026-02-28T15:30:45.678Z")),
        ("last 3 months", times("2025-12-31T15:30:45.678Z")),
        ("past year", times("2025-03-31T15:30:45.678Z")),
        ("last 25 months", times("2024-02-29T15:30:45.678Z")),
        ("last 999999 hours", times("1912-03-03T00:30:45.678Z")),
        ("last 999999 days", TimeRange()),
        ("last 999999 weeks", TimeRange()),
        ("last 999999 months", TimeRange()),
        ("last 999999 years", TimeRange()),
        ("last 2025 years", times("0001-03-31T15:30:45.678Z")),
        ("last 2026 years", TimeRange()),
        ("since 2026", times("2026-01-01")),
        ("since 2026-02", times("2026-02-01")),
        ("Since 2026-02-03", times("2026-02-03")),
        ("since 2026-02-03T04:05:06Z", times("2026-02-03T04:05:06Z")),
        ("since 2026-02-03T04:05:06 01:00", times("2026-02-03T03:05:06Z")),
    ],
)
def test_phrases_resolve(phrase: str, expected: TimeRange) -> None:
    """Each form of the grammar gives its range in UTC; capitals and spaces do not matter."""
    assert resolve(phrase, NOW) == expected


@pytest.mark.parametrize(
    "phrase",
    [
        "",
        "soon",
        "last",
        "last 0 days",
        "last -1 days",
        "last 1.5 days",
        "last 1000000 days",
        "last ten days",
        "last 3 fortnights",
        "this day",
        "past",
        "next week",
        "since",
        "since forever",
        "since yesterday",
        "2026-13",
        "2026-01-02T03:04:05Z",
        "today; drop table",
        "x" * 5000,
    ],
)
def test_other_phrases_are_refused(phrase: str) -> None:
    """What the grammar does not have is 400, names the field and quotes little."""
    with pytest.raises(InvalidInput) as caught:
        resolve(phrase, NOW, field="filter.modified")
    assert [detail.field for detail in caught.value.details] == ["filter.modified"]
    assert len(caught.value.message) < 400


@pytest.mark.parametrize(
    ("phrase", "zone", "expected"),
    [
        ("today", "Asia/Tokyo", times("2026-03-31T15:00Z", "2026-04-01T15:00Z")),
        ("this month", "Asia/Tokyo", times("2026-03-31T15:00Z", "2026-04-30T15:00Z")),
        ("2026-03-29", "Europe/Berlin", times("2026-03-28T23:00Z", "2026-03-29T22:00Z")),
        ("2026-03", "Europe/Berlin", times("2026-02-28T23:00Z", "2026-03-31T22:00Z")),
        ("since 2026-03-30", "Europe/Berlin", times("2026-03-29T22:00Z")),
        ("since 2026-03-28T12:00", "Europe/Berlin", times("2026-03-28T11:00Z")),
        ("last 3 days", "Europe/Berlin", times("2026-03-28T16:30:45.678Z")),  # 17:30 in both
        ("last 72 hours", "Europe/Berlin", times("2026-03-28T15:30:45.678Z")),
        ("last 1 months", "Europe/Berlin", times("2026-02-28T16:30:45.678Z")),
        ("since 0001", "Asia/Tokyo", TimeRange()),
    ],
)
def test_phrases_are_meant_in_the_time_zone(phrase: str, zone: str, expected: TimeRange) -> None:
    """Days start at local midnight and keep the time of day when the clocks have changed."""
    assert resolve(phrase, NOW, zone) == expected


@given(
    st.sampled_from(["today", "yesterday", "this week", "last week", "this month", "last month"]), NOWS, ZONES
)
def test_periods_stand_side_by_side(phrase: str, now: datetime, zone: str) -> None:
    """A current period holds the present, and the one before ends where it starts."""
    found = resolve(phrase, now, zone)
    current = {"yesterday": "today", "last week": "this week", "last month": "this month"}.get(phrase)
    assert found.start is not None
    assert found.before is not None
    if current is None:
        assert found.start <= format_time(now) < found.before
    else:
        assert found.before == resolve(current, now, zone).start


@given(
    st.integers(1, 5000),
    st.sampled_from(["minutes", "hours", "days", "weeks", "months", "years"]),
    NOWS,
    ZONES,
)
def test_a_longer_while_starts_no_later(count: int, unit: str, now: datetime, zone: str) -> None:
    """One more minute, day or year starts at the same time or before, and all start before now."""
    start = resolve(f"last {count} {unit}", now, zone).start or ""
    longer = resolve(f"last {count + 1} {unit}", now, zone).start or ""
    assert longer <= start < format_time(now)


@given(
    st.text(max_size=60) | st.from_regex(r"(last|past|since|this) [0-9a-z -]{1,12}", fullmatch=True), ZONES
)
def test_any_text_is_resolved_or_refused(text: str, zone: str) -> None:
    """Resolving raises nothing but InvalidInput, and gives well-formed times."""
    try:
        found = resolve(text, NOW, zone)
    except InvalidInput:
        return
    assert all(end is None or len(end) == len(LATEST) for end in (found.start, found.before))


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"gte": "2026-01-01", "lt": "2026-02-01"}, times("2026-01-01", "2026-02-01")),
        ({"gt": "2026-01-01", "lte": "2026-02-01"}, times("2026-01-02", "2026-02-02")),
        ({"gt": "2026-01-01T00:00Z"}, times("2026-01-01T00:00:00.001Z")),
        ({"lte": "2026-01-01T00:00Z"}, times(None, "2026-01-01T00:00:00.001Z")),
        ({"gte": "2026-01-01", "gt": "2025-01-01"}, times("2026-01-01")),
        ({"gt": "9999-12-31"}, NEVER),
        ({"gt": LATEST}, NEVER),
        ({"lte": LATEST}, TimeRange()),
        ({"gte": LATEST}, TimeRange(start=LATEST)),
    ],
)
def test_bounds_resolve(bounds: dict[str, str], expected: TimeRange) -> None:
    """All bounds hold, and a bare date stands for its whole day."""
    assert resolve(bounds, NOW) == expected


def test_bounds_without_offset_are_meant_in_the_time_zone() -> None:
    """A bare date and a time without offset are local, a time with one is not."""
    bounds = {"gte": "2026-07-01", "lt": "2026-07-02T12:00"}
    assert resolve(bounds, NOW, "America/New_York") == times("2026-07-01T04:00Z", "2026-07-02T16:00Z")
    assert resolve({"lte": "2026-07-01"}, NOW, "America/New_York") == times(None, "2026-07-02T04:00Z")
    assert resolve({"gte": "2026-07-01T00:00Z"}, NOW, "America/New_York") == times("2026-07-01")


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({}, "filter.created"),
        ({"gte": "soon"}, "filter.created.gte"),
        ({"gte": 5}, "filter.created.gte"),
        ({"$gt": "2026-01-01"}, "filter.created.$gt"),
        ({"x" * 5000: "2026-01-01"}, "filter.created." + "x" * 100),
        (5, "filter.created"),
        (["today"], "filter.created"),
        (None, "filter.created"),
    ],
)
def test_other_filters_are_refused(value: object, field: str) -> None:
    """A wrong bound is named by its path, and operators of databases are unknown."""
    with pytest.raises(InvalidInput) as caught:
        resolve(value, NOW)
    assert [detail.field for detail in caught.value.details] == [field]


@pytest.mark.parametrize(
    "name",
    ["", "Mars/Base", "America", "../etc/passwd", "/etc/passwd", "UTC\0", "é" * 300, "tzdata.zi", "x" * 5000],
)
def test_unknown_time_zones_are_refused(name: str) -> None:
    """A name that is no IANA time zone is 400 and never a path to a file."""
    with pytest.raises(InvalidInput) as caught:
        find_zone(name)
    assert [detail.field for detail in caught.value.details] == ["timezone"]


def test_every_time_zone_is_known() -> None:
    """Every name of the IANA database gives a time zone."""
    assert all(isinstance(find_zone(name), ZoneInfo) for name in available_timezones())


def test_the_present_may_carry_any_offset() -> None:
    """The same moment resolves the same, whatever its offset."""
    local = NOW.astimezone(ZoneInfo("Asia/Tokyo"))
    assert resolve("today", local, "UTC") == resolve("today", NOW, "UTC")
    assert resolve("last hour", local).start == Timestamp(format_time(NOW - timedelta(hours=1)))
