"""What is generated is current, and every operation of the API has a method."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import yaml

import colloquy_client
import generate
from colloquy_client import AsyncColloquy, AsyncDialogue, Colloquy, Dialogue, errors, types
from generator import operations
from generator.types import resolve

SPEC = yaml.load(generate.SPEC.read_bytes(), Loader=yaml.CSafeLoader)

OPERATIONS = [
    operation
    for path in SPEC["paths"].values()
    for verb, operation in path.items()
    if verb in operations.METHODS
]


def test_generated_files_are_current() -> None:
    """Types, methods and the blocking client are what ``make client`` makes of their sources."""
    assert generate.find_stale() == []


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation["operationId"])
def test_every_operation_has_a_method(operation: dict[str, Any]) -> None:
    """Each operation of openapi.yaml is a method of both clients, or left out for a stated reason."""
    name = operations.method_name(operation)
    if operations.left_out(operation):
        assert not hasattr(Colloquy, name)
    else:
        assert callable(getattr(Colloquy, name))
        assert callable(getattr(AsyncColloquy, name))


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation["operationId"])
def test_every_parameter_is_an_argument(operation: dict[str, Any]) -> None:
    """What an operation takes in path, query, headers and body is an argument of its method."""
    if operations.left_out(operation):
        return
    path, verb = next((p, v) for p, item in SPEC["paths"].items() for v in item if item[v] is operation)
    method = operations.read_method(SPEC, path, verb.lower())
    taken = set(inspect.signature(getattr(Colloquy, operations.method_name(operation))).parameters)
    assert {argument.python for argument in method.arguments} | {"self"} == taken


def _public(kind: type) -> dict[str, list[str]]:
    methods = inspect.getmembers(kind, callable)
    return {n: list(inspect.signature(m).parameters) for n, m in methods if not n.startswith("_")}


@pytest.mark.parametrize(("blocking", "asynchronous"), [(Colloquy, AsyncColloquy), (Dialogue, AsyncDialogue)])
def test_both_clients_are_equal(blocking: type, asynchronous: type) -> None:
    """The blocking and the asynchronous client have the same methods with the same arguments."""
    theirs = _public(asynchronous)
    if "aclose" in theirs:
        theirs["close"] = theirs.pop("aclose")
    assert _public(blocking) == theirs


def test_every_schema_has_a_type() -> None:
    """Each schema of openapi.yaml is a name in ``colloquy_client.types``."""
    assert set(SPEC["components"]["schemas"]) <= set(vars(types))


@pytest.mark.parametrize("code", SPEC["components"]["schemas"]["ErrorCode"]["enum"])
def test_every_error_code_has_a_class(code: str) -> None:
    """Each documented error becomes a class that says more than that something was refused."""
    status = next(s for s, codes in _codes_by_status().items() if code in codes)
    error = errors.make_error(status, {"error": {"code": code, "message": "m", "requestId": "r"}}, None)
    assert type(error) is not errors.ApiError
    assert (error.status, error.code, error.request_id) == (status, code, "r")


def _codes_by_status() -> dict[int, set[str]]:
    found: dict[int, set[str]] = {404: {"ROUTE_NOT_FOUND"}, 405: {"METHOD_NOT_ALLOWED"}}
    for operation in OPERATIONS:
        for status, reference in operation["responses"].items():
            answer = resolve(reference, SPEC)
            examples = answer.get("content", {}).get("application/json", {}).get("examples", {})
            values = [resolve(example, SPEC)["value"] for example in examples.values()]
            codes = {v["error"]["code"] for v in values if isinstance(v, dict) and "error" in v}
            found.setdefault(int(status), set()).update(codes)
    return found


def test_the_version_is_that_of_the_distribution() -> None:
    """``__version__`` is what the package says of itself."""
    assert colloquy_client.__version__ == "0.1.0"
