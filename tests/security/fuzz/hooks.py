"""What schemathesis is told about this API beyond ``openapi.yaml``. It loads this file in its own process.

Formats have strategies, and failures that a rule explains are left out: rules.py says which, the runner
counts them. Nothing else is filtered.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import schemathesis

from tests.security.fuzz import formats
from tests.security.fuzz.history import History
from tests.security.fuzz.rules import explained

FOLDER = Path(os.environ["FUZZ_FOLDER"])
"""Where the runner finds what was counted: each answer's status and seconds, and each explained failure."""

formats.register()
history = History()


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:  # noqa: ARG001  # schemathesis names them
    """Count the answer, and remember what later answers depend on."""
    _append("answers", f"{response.status_code} {response.elapsed:.4f}")
    history.note(case.id, response)


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:  # noqa: ARG001  # Schemathesis gives all of them
    """Keep a failure unless a rule that the schema cannot say explains it."""
    rule = explained(failure, case, response, history)
    if rule is not None:
        _append("explained", rule)
    return rule is None


def _append(name: str, line: str) -> None:
    with (FOLDER / name).open("a", encoding="ascii") as file:
        file.write(line + "\n")
