"""An operation finds its handler by its tag and its operationId."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import pytest

from app.schemas.specification import find_spec, read_spec
from app.web.operations import LeanFlaskApi

HANDLERS = "app.handlers"


@cache
def description() -> dict[str, Any]:
    """Return the parsed ``openapi.yaml``."""
    return read_spec(find_spec().read_bytes())


def with_health(**changes: Any) -> dict[str, Any]:
    """Return a description of GET /health alone, changed as asked."""
    operation = description()["paths"]["/health"]["get"] | changes
    return copy.deepcopy(description() | {"paths": {"/health": {"get": operation}}})


def test_handler_is_named_by_tag_and_operation_id() -> None:
    """``getHealth`` of System is ``get_health`` in the module ``system``."""
    api = LeanFlaskApi(with_health(), HANDLERS)

    assert list(api.routes) == ["/.app_handlers_system_get_health"]


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"operationId": "getHealthy"}, "app.handlers.system.get_healthy"),
        ({"tags": ["Nowhere"]}, "app.handlers.nowhere.get_health"),
    ],
)
def test_missing_handler_stops_the_start(changes: dict[str, Any], missing: str) -> None:
    """An operation without a handler is an error at the start that names what is missing."""
    with pytest.raises(LookupError, match=missing):
        LeanFlaskApi(with_health(**changes), HANDLERS)
