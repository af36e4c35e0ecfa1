"""The requests of ``make faults`` cover the whole description."""

from __future__ import annotations

from tests.contract.spec import METHODS, specification
from tests.reliability.routes import ROUTES

ELSEWHERE = {"Keys", "Projects", "Audit"}
"""Tags of operations on keys and projects, which are outside the namespace that a run compares."""


def test_every_operation_is_tried() -> None:
    """An operation on data that is added to ``openapi.yaml`` has to be tried in a failing store too."""
    operations = {
        item[method]["operationId"]
        for item in specification()["paths"].values()
        for method in METHODS
        if method in item and not ELSEWHERE.intersection(item[method]["tags"])
    }
    assert {route.operation for route in ROUTES} == operations
