"""Values of the formats that ``openapi.yaml`` names and that JSON Schema does not define.

Each strategy is written from the description, not from the code that reads the values, so that a form which
is documented and refused fails the run.
"""

from __future__ import annotations

import zoneinfo

import schemathesis
from hypothesis import strategies as st

OFFSETS = ("", "Z", "z", "+00:00", "-08:00", "+05:30", "+0530", "-11")

CALENDAR = (
    "today",
    "yesterday",
    *(f"{which} {unit}" for which in ("this", "last") for unit in ("week", "month", "year")),
)
UNITS = (
    "minute",
    "minutes",
    "hour",
    "hours",
    "day",
    "days",
    "week",
    "weeks",
    "month",
    "months",
    "year",
    "years",
)

ETAG_CHARACTERS = "".join(map(chr, [0x21, *range(0x23, 0x7F)]))


def _is_inner(date: str) -> bool:
    """Whether a time of this date stays within the years 0001 to 9999 at any offset."""
    return "0001-01-01" < date < "9999-12-31"


def times() -> st.SearchStrategy[str]:
    """ISO 8601: a date, or a date, a clock and perhaps an offset."""
    dates = st.dates().map(str)
    clocks = st.times().map(lambda clock: clock.isoformat())
    moments = st.tuples(dates.filter(_is_inner), clocks, st.sampled_from(OFFSETS))
    return st.one_of(dates, moments.map(lambda parts: f"{parts[0]}T{parts[1]}{parts[2]}"))


def prefixes() -> st.SearchStrategy[str]:
    """A year, month or day that the calendar has."""
    return st.builds(lambda date, length: str(date)[:length], st.dates(), st.sampled_from((4, 7, 10)))


def date_filters() -> st.SearchStrategy[str]:
    """A prefix or a phrase, in any capitals."""
    verbs, units = st.sampled_from(("last", "past")), st.sampled_from(UNITS)
    counted = st.builds("{} {} {}".format, verbs, st.integers(1, 999_999), units)
    uncounted = st.builds("{} {}".format, verbs, units)
    since = st.one_of(prefixes(), times()).map("since {}".format)
    phrases = st.one_of(st.sampled_from(CALENDAR), counted, uncounted, since)
    return st.one_of(prefixes(), phrases, phrases.map(str.upper))


def zones() -> st.SearchStrategy[str]:
    """A name of the IANA database."""
    return st.sampled_from(sorted(zoneinfo.available_timezones()))


def etag_lists() -> st.SearchStrategy[str]:
    """``*``, or ETags, some of them weak."""
    tag = st.builds('{}"{}"'.format, st.sampled_from(("", "W/")), st.text(ETAG_CHARACTERS, max_size=20))
    tags = st.lists(tag, min_size=1, max_size=5)
    return st.one_of(st.just("*"), st.builds(str.join, st.sampled_from((",", ", ", " , ")), tags))


def paths() -> st.SearchStrategy[str]:
    """The rest of a path: anything but control characters."""
    return st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1)


def register() -> None:
    """Make the formats known to schemathesis."""
    for name, strategy in {
        "date-filter": date_filters(),
        "date-prefix": prefixes(),
        "etag-list": etag_lists(),
        "iso8601": times(),
        "path": paths(),
        "time-zone": zones(),
    }.items():
        schemathesis.openapi.format(name, strategy)
