"""The requests of ``make faults`` cover the whole description."""

from __future__ import annotations

from tests.contract.spec import METHODS, specification
from tests.reliability.routes import ROUTES


def test_every_operation_is_tried() -> None:
    """An operation that is added to ``openapi.yaml`` has to be tried in a failing store too."""
    operations = {
        item[method]["operationId"]
        for item in specification()["paths"].values()
        for method in METHODS
        if method in item
    }
    assert {route.operation for route in ROUTES} == operations
