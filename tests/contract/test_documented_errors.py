"""Every error that ``openapi.yaml`` documents for an operation has the one envelope.

What the edge refuses is provoked for real; what a store or a rule reports is raised from a store
that stands in for one in that situation. The contract suite provokes those for real, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.domain import errors
from app.domain.records import Rights
from app.settings import Settings
from app.stores import Backend
from app.wiring import connect
from tests.contract.conftest import Api, check_envelope, make_key
from tests.contract.spec import Case, follow, operations, specification, validator

REPORTED: dict[str, type[errors.ColloquyError] | None] = {
    "404": errors.DialogueNotFound,
    "409": errors.DuplicateId,
    "412": errors.PreconditionFailed,
    "422": errors.IdempotencyKeyReused,
    "503": errors.ServiceUnavailable,
    "500": None,
}
"""What the stand-in store raises; None: a bug."""

BIG = b'{"label": "' + b"x" * (16 * 1024 * 1024) + b'"}'


AT_THE_EDGE: dict[str, dict[str, Any]] = {
    "400": {"query": {"no-such-parameter": "1"}},
    "401": {"headers": {"Authorization": "Bearer nobody's"}},
    "403": {},
    "413": {"data": BIG},
    "415": {"data": b"{}", "headers": {"Content-Type": "image/png"}},
}
"""How a request is changed so that the edge refuses it; 403 needs another key instead."""


def cannot_happen(case: Case, status: str) -> bool:
    """Whether another test has this one: 405 of any path, 403 of reading, a store used for the key alone."""
    method, path, operation = case
    reads = operation.get("x-right", "read" if method == "get" else "full") == "read"
    if path == "/metrics" and status in ("401", "500"):
        return True  # open to this machine, and it reads nothing that could fail
    storeless = (not operation.get("security", True) and path != "/ready") or path == "/key"
    return status == "405" or (status == "403" and reads) or (status in ("404", "500", "503") and storeless)


def cases() -> Iterator[Any]:
    """Yield every documented error of every operation that can be brought about here."""
    for case in operations():
        for status in case[2]["responses"]:
            if status >= "400" and not cannot_happen(case, status):
                yield pytest.param(case, status, id=f"{case[2]['operationId']}-{status}")


class Failing:
    """A store in which every use of data fails; keys and projects still work."""

    def __init__(self, backend: Backend, error: type[errors.ColloquyError] | None) -> None:
        self._backend = backend
        self._error = error

    def __getattr__(self, name: str) -> Any:
        if name in ("find_key", "touch_key", "cursor_secret", "create_project", "create_key"):
            return getattr(self._backend, name)
        return self._fail

    def _fail(self, *_: Any, **__: Any) -> Any:
        if self._error is None:
            raise ZeroDivisionError("a bug")
        if self._error is errors.ServiceUnavailable:
            raise errors.ServiceUnavailable
        raise self._error("Provoked.")


def send(api: Api, method: str, path: str, operation: dict[str, Any], **changes: Any) -> TestResponse:
    """Send the operation's own example request, changed as asked."""
    for parameter in operation["parameters"]:
        if parameter["in"] == "path":
            value = "end" if parameter["name"] == "action" else "some-id"
            path = path.replace("{" + parameter["name"] + "}", value)
    query = {
        p["name"]: "some-id" for p in operation["parameters"] if p["in"] == "query" and p.get("required")
    }
    body = follow(operation.get("requestBody", {})).get("content", {}).get("application/json", {})
    named = [follow(one)["value"] for one in body.get("examples", {}).values()]
    example = body.get("example", named[0] if named else None)
    options: dict[str, Any] = {
        "headers": {"Authorization": f"Bearer {api.key}"} | changes.pop("headers", {}),
        "query_string": query | changes.pop("query", {}),
    }
    options |= changes if "data" in changes else {"json": example}
    response: TestResponse = api.client.open(path, method=method.upper(), **options)
    return response


def provoke(api: Api, backend: Backend, case: Case, status: str) -> TestResponse:
    """Bring about one documented error of an operation."""
    if status in AT_THE_EDGE and (status != "413" or "requestBody" in case[2]):
        if status == "403":
            api.key = make_key(backend, rights=Rights.READ)
        return send(api, *case, **AT_THE_EDGE[status])
    if status == "429":
        connect(api.app, Settings(key_cache=0.0, rate_limit="1/minute"), backend)
        api.get("/stats")
        return send(api, *case)
    error = REPORTED.get(status, errors.PayloadTooLarge)
    connect(api.app, Settings(key_cache=0.0), Failing(backend, error))
    return send(api, *case)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("case", "status"), list(cases()))
def test_documented_errors_have_the_one_envelope(api: Api, backend: Backend, case: Case, status: str) -> None:
    """Each documented error of each operation can be brought about and is answered as documented."""
    if case[2].get("x-right") in ("manage", "admin"):
        api.key = make_key(backend, rights=Rights.ADMIN)
    response = provoke(api, backend, case, status)
    assert str(response.status_code) == status, response.get_data(as_text=True)
    check_envelope(response)
    operation = case[2]
    schema = validator(operation["operationId"], status)
    assert schema is not None
    schema.validate(response.get_json())
    documented = follow(operation["responses"][status]).get("headers", {})
    for name, header in documented.items():
        if follow(header).get("required"):
            assert name in response.headers


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_bound_keys_are_forbidden_other_namespaces(api: Api, backend: Backend) -> None:
    """A key of one namespace gets 403 wherever another one is named, whatever is there."""
    bound = make_key(backend, namespace="mine")
    for method, path, operation in operations():
        names = [p["name"] for p in operation["parameters"] if p["in"] == "query"]
        if "namespace" in names:
            response = send(
                api,
                method,
                path,
                operation,
                query={"namespace": "other"},
                headers={"Authorization": f"Bearer {bound}"},
            )
            assert response.status_code == 403, (method, path, response.get_data(as_text=True))
            check_envelope(response)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize("path", list(specification()["paths"]))
def test_other_methods_are_refused(api: Api, path: str) -> None:
    """A method that a path does not have is 405 with the envelope and ``Allow``, key or no key."""
    address = path.replace("{action}", "end").replace("{", "").replace("}", "")
    for method in ("PUT", "POST", "DELETE", "PATCH", "TRACE", "PROPFIND"):
        allowed = api.client.options(address).headers["Allow"]
        if method not in allowed:
            response = api.client.open(address, method=method)
            assert response.status_code == 405
            check_envelope(response)
            assert set(response.headers["Allow"].split(", ")) == set(allowed.replace(" ", "").split(","))
