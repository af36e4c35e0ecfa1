"""An operation finds its handler by its tag and its operationId."""

from __future__ import annotations

import copy
import subprocess
import sys
from functools import cache
from typing import Any

import pytest
from connexion.spec import OpenAPISpecification, create_spec_validator

from app.schemas.specification import find_spec, read_spec
from app.web.operations import LeanFlaskApi, requests_of

HANDLERS = "app.handlers"


@cache
def description() -> dict[str, Any]:
    """Return the parsed ``openapi.yaml``."""
    return read_spec(find_spec().read_bytes())


def with_health(**changes: Any) -> dict[str, Any]:
    """Return a description of GET /health alone, changed as asked."""
    operation = description()["paths"]["/health"]["get"] | changes
    return copy.deepcopy(description() | {"paths": {"/health": {"get": operation}}})


def faults_of(requests: dict[str, Any]) -> list[str]:
    """Return what Connexion would refuse at each start, if we let it check."""
    validator = create_spec_validator(requests)(OpenAPISpecification.openapi_schema)
    return [error.message for error in validator.iter_errors(requests)]


def test_connexion_finds_the_description_valid() -> None:
    """What Connexion would check at each start, defaults among it, holds."""
    assert faults_of(requests_of(description())) == []


def test_a_fault_in_the_description_is_found() -> None:
    """The check above finds a default that is not of its type."""
    requests = copy.deepcopy(requests_of(with_health()))
    requests["components"]["schemas"]["ResourceId"]["default"] = 1

    assert [fault for fault in faults_of(requests) if "'default': 1" in fault]


def test_connexion_leaves_aiohttp_alone() -> None:
    """The application is imported without aiohttp, which others in its process may import all the same."""
    code = "import sys, app.wiring; print('aiohttp' in sys.modules); import aiohttp"
    found = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, check=True)

    assert found.stdout == b"False\n"


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
