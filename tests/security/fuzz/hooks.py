"""What schemathesis is told about this API beyond ``openapi.yaml``. It loads this file in its own process.

Formats have strategies here, and ``explained`` lists the rules that a schema cannot say: a request that
breaks one is rightly refused although it fits the schema. Nothing else is filtered.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import strategies as st

from tests.security.fuzz.rules import explained

COUNTS = Path(os.environ["FUZZ_COUNTS"])
"""Each answer's status is appended here, one a line, so that the runner can count cases."""

OFFSETS = ("", "Z", "z", "+00:00", "-08:00", "+05:30", "+0530", "-11")


def _times() -> st.SearchStrategy[str]:
    dates = st.dates().map(str)
    clocks = st.times().map(lambda clock: clock.isoformat())
    moments = st.tuples(st.dates().map(str).filter(_is_inner), clocks, st.sampled_from(OFFSETS))
    return st.one_of(dates, moments.map(lambda parts: f"{parts[0]}T{parts[1]}{parts[2]}"))


def _is_inner(date: str) -> bool:
    """Whether a time of this date stays within the years 0001 to 9999 at any offset."""
    return "0001-01-01" < date < "9999-12-31"


schemathesis.openapi.format("iso8601", _times())
schemathesis.openapi.format("path", st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1))


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:  # noqa: ARG001  # schemathesis names them
    """Count the answer, and how long it took."""
    with COUNTS.open("a", encoding="ascii") as counts:
        counts.write(f"{response.status_code} {response.elapsed:.4f} {time.time():.3f}\n")


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:  # noqa: ARG001
    """Keep a failure unless a rule that the schema cannot say explains it."""
    return explained(failure, case, response) is None
