"""The clock: which forms of time are read, and the ranges that lists filter by."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import timestamps
from app.domain.records import TimeRange, Timestamp

OFFSETS = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=OFFSETS)  # noqa: DTZ001  # Hypothesis adds the zone
STAMPS = MOMENTS.map(timestamps.format_time)
ENDS = st.none() | STAMPS


def span(start: str | None, before: str | None) -> TimeRange:
    """Return a range of days given as dates."""
    ends = (None if day is None else Timestamp(f"{day}T00:00:00.000Z") for day in (start, before))
    return TimeRange(*ends)


def test_now_is_the_time_in_utc() -> None:
    """The clock answers the present in the form that is stored."""
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    stamp = timestamps.now()
    assert before <= datetime.fromisoformat(stamp) <= datetime.now(UTC)
    assert stamp == timestamps.parse_time(stamp)


@pytest.mark.parametrize(
    ("text", "stamp"),
    [
        ("2026-01-02", "2026-01-02T00:00:00.000Z"),
        ("2026-01-02T03:04", "2026-01-02T03:04:00.000Z"),
        ("2026-01-02T03:04:05", "2026-01-02T03:04:05.000Z"),
        ("2026-01-02t03:04:05z", "2026-01-02T03:04:05.000Z"),
        ("2026-01-02T03:04:05.6Z", "2026-01-02T03:04:05.600Z"),
        ("2026-01-02T03:04:05,678Z", "2026-01-02T03:04:05.678Z"),
        ("2026-01-02T03:04:05.678999999Z", "2026-01-02T03:04:05.678Z"),
        ("2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05.000Z"),
        ("2026-01-02T03:04:05 02:00", "2026-01-02T01:04:05.000Z"),
        ("2026-01-02T03:04:05-0530", "2026-01-02T08:34:05.000Z"),
        ("2026-01-02T03:04:05+14", "2026-01-01T13:04:05.000Z"),
        ("2024-02-29", "2024-02-29T00:00:00.000Z"),
        ("0001-01-01", "0001-01-01T00:00:00.000Z"),
        ("9999-12-31T23:59:59.9999Z", "9999-12-31T23:59:59.999Z"),
    ],
)
def test_times_are_read(text: str, stamp: str) -> None:
    """A bare date and any offset are fine, and what is finer than a millisecond is cut off."""
    assert timestamps.parse_time(text) == stamp


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026",
        "2026-01",
        "20260102",
        "2026-W01-1",
        "2026-002",
        "2026-1-2",
        "2026-13-01",
        "2026-02-29",
        "2026-00-10",
        "0000-01-01",
        "2026-01-02 03:04:05",
        "2026-01-02T",
        "2026-01-02T03",
        "2026-01-02T030405Z",
        "2026-01-02T24:00:00Z",
        "2026-01-02T03:60:00Z",
        "2026-01-02T03:04:60Z",
        "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05.1234567890Z",
        "2026-01-02T03:04.5Z",
        "2026-01-02T03:04:05+5",
        "2026-01-02T03:04:05+05:",
        "2026-01-02T03:04:05+24:00",
        "2026-01-02T03:04:05+05:60",
        "2026-01-02T03:04:05+05:00:30",
        "2026-01-02Z",
        "2026-01-02T03:04:05Z\n",
        " 2026-01-02",
        "+2026-01-02",
        "\u0662\u0660\u0662\u0666-01-02",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "1767225600",
    ],
)
def test_other_forms_of_time_are_refused(text: str) -> None:
    """What is not ISO 8601 in its extended form, or in no year of 0001 to 9999, is an error in words."""
    with pytest.raises(ValueError, match=r"is not a time: write ISO 8601, for example 2026-01-02"):
        timestamps.parse_time(text)


@given(MOMENTS)
def test_a_time_survives_any_offset(moment: datetime) -> None:
    """Whatever offset a time is written with, the same moment is stored, cut to the millisecond."""
    cut = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    stamp = timestamps.parse_time(moment.isoformat())
    assert datetime.fromisoformat(stamp) == cut
    assert stamp == timestamps.parse_time(moment.isoformat().replace("+", " "))


@given(MOMENTS, MOMENTS)
def test_stamps_sort_as_time_does(one: datetime, other: datetime) -> None:
    """Stored times compare as text in the order of time."""
    assert (timestamps.format_time(one) <= timestamps.format_time(other)) or one > other


@given(
    st.from_regex(
        r"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]\.[0-9]{3}Z", fullmatch=True
    )
)
def test_what_is_written_already_is_read_as_any_other_form(text: str) -> None:
    """A text in the form of timestamps is the one that the same time in another form gives, or no time."""
    other = text.replace(".", ",")
    try:
        expected: str | None = timestamps.parse_time(other)
    except ValueError:
        expected = None
    try:
        found: str | None = timestamps.parse_time(text)
    except ValueError:
        found = None
    assert found == expected
    assert found in {None, text}


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Reading raises nothing but ValueError, and its message stays short."""
    for read in (timestamps.parse_time, timestamps.prefix_range):
        try:
            read(text)
        except ValueError as error:
            assert len(str(error)) < 250  # noqa: PT017  # any other outcome is right, too


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2026-01-02", True), ("2026-01", False), ("2026-01-02T00:00", False), ("2026-01-02\n", False)],
)
def test_a_bare_date_is_recognised(text: str, expected: bool) -> None:  # noqa: FBT001  # pytest passes it by name
    """A bare date is a year, a month and a day and nothing else."""
    assert timestamps.is_bare_date(text) is expected


@pytest.mark.parametrize(
    ("prefix", "start", "before"),
    [
        ("2026", "2026-01-01", "2027-01-01"),
        ("2026-01", "2026-01-01", "2026-02-01"),
        ("2026-12", "2026-12-01", "2027-01-01"),
        ("2024-02", "2024-02-01", "2024-03-01"),
        ("2024-02-28", "2024-02-28", "2024-02-29"),
        ("2026-12-31", "2026-12-31", "2027-01-01"),
        ("0001", "0001-01-01", "0002-01-01"),
        ("9999", "9999-01-01", None),
        ("9999-12", "9999-12-01", None),
        ("9999-12-31", "9999-12-31", None),
    ],
)
def test_a_prefix_covers_its_year_month_or_day(prefix: str, start: str, before: str | None) -> None:
    """The range starts with the first millisecond and ends before the next year, month or day."""
    assert timestamps.prefix_range(prefix) == span(start, before)


@pytest.mark.parametrize(
    "prefix", ["", "20", "2026-", "2026-1", "2026-13", "2026-02-30", "2026-01-01T00", "0000", "last year"]
)
def test_other_prefixes_are_refused(prefix: str) -> None:
    """A prefix names a year, month or day that exists."""
    with pytest.raises(ValueError, match=r"names no year, month or day: write 2026, 2026-01 or 2026-01-15"):
        timestamps.prefix_range(prefix)


@pytest.mark.parametrize(
    ("created", "start", "end", "expected"),
    [
        (None, None, None, TimeRange()),
        (None, "2026-01-02", None, span("2026-01-02", None)),
        (None, None, "2026-01-02", span(None, "2026-01-03")),
        (None, None, "9999-12-31", TimeRange()),
        (None, None, "2026-01-02T00:00Z", TimeRange(None, Timestamp("2026-01-02T00:00:00.001Z"))),
        (None, None, "9999-12-31T23:59:59.999Z", TimeRange()),
        (None, "2026-01-02", "2026-01-02", span("2026-01-02", "2026-01-03")),
        ("2026", "2025-06-01", "2026-02-01", span("2026-01-01", "2026-02-02")),
        ("2026-01", "2026-01-10", "2027-01-01", span("2026-01-10", "2026-02-01")),
        ("2026", "2030-01-01", None, span("2030-01-01", "2027-01-01")),
    ],
)
def test_list_filters_all_hold(
    created: str | None, start: str | None, end: str | None, expected: TimeRange
) -> None:
    """Both dates are inclusive, a bare endDate covers its day, and ``created`` holds besides."""
    assert timestamps.list_range(created, start, end) == expected


@pytest.mark.parametrize("arguments", [("x", None, None), (None, "x", None), (None, None, "x")])
def test_a_bad_list_filter_is_refused(arguments: tuple[str | None, str | None, str | None]) -> None:
    """An unreadable filter is an error that quotes it."""
    with pytest.raises(ValueError, match=r'^"x" '):
        timestamps.list_range(*arguments)


@given(ENDS, ENDS, ENDS, ENDS, STAMPS)
def test_an_intersection_holds_what_both_hold(
    start: Timestamp | None,
    before: Timestamp | None,
    other_start: Timestamp | None,
    other_before: Timestamp | None,
    stamp: Timestamp,
) -> None:
    """A time is in the intersection exactly if it is in both ranges."""

    def holds(times: TimeRange) -> bool:
        return (times.start is None or times.start <= stamp) and (
            times.before is None or stamp < times.before
        )

    one, other = TimeRange(start, before), TimeRange(other_start, other_before)
    assert holds(timestamps.intersect(one, other)) is (holds(one) and holds(other))


@pytest.mark.parametrize(
    ("zone", "day", "start"),
    [
        ("UTC", date(2026, 3, 29), "2026-03-29T00:00:00.000Z"),
        ("Europe/Berlin", date(2026, 3, 29), "2026-03-28T23:00:00.000Z"),
        ("Europe/Berlin", date(2026, 3, 30), "2026-03-29T22:00:00.000Z"),
        ("Africa/Cairo", date(2024, 4, 26), "2024-04-25T22:00:00.000Z"),  # 00:00 became 01:00
        ("America/Havana", date(2025, 11, 2), "2025-11-02T04:00:00.000Z"),  # 00:00 came twice
        ("Asia/Tokyo", date(1, 1, 1), None),
    ],
)
def test_a_day_starts_at_its_first_moment(zone: str, day: date, start: str | None) -> None:
    """Days start at local midnight, also where clocks change then; None is before the year 0001."""
    assert timestamps.day_start(day, ZoneInfo(zone)) == start
