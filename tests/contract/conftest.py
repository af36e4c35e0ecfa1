"""The API under test, on each store in turn; every answer is checked against the description."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.domain.records import Project
from app.domain.timestamps import now
from app.services.keys import Grant, create_key
from app.settings import Settings
from app.stores import Backend
from app.wiring import connect, create_app
from tests.contract.spec import find_operation, validator


class Api:
    """A client of one project's API that accepts only documented answers."""

    def __init__(self, app: Any, key: str, prefix: str = "") -> None:
        self.app = app
        self.key = key
        self.prefix = prefix
        self.client = app.test_client(use_cookies=False)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        data: bytes | str | None = None,
        query: dict[str, Any] | None = None,
        key: str | None = None,
    ) -> TestResponse:
        """Send a request and check its answer against the description."""
        sent = {"Authorization": f"Bearer {key or self.key}"} | (headers or {})
        response: TestResponse = self.client.open(
            self.prefix + path,
            method=method,
            data=data if body is None else json.dumps(body),
            headers=sent,
            query_string=query,
        )
        if not self.prefix or response.status_code != 404:
            check_documented(method, urlsplit(path).path, response)
        return response

    def get(self, path: str, **options: Any) -> TestResponse:
        """GET."""
        return self.call("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        """POST."""
        return self.call("POST", path, body, **options)

    def put(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        """PUT."""
        return self.call("PUT", path, body, **options)

    def patch(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        """PATCH."""
        return self.call("PATCH", path, body, **options)

    def delete(self, path: str, **options: Any) -> TestResponse:
        """DELETE."""
        return self.call("DELETE", path, **options)

    def ok(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """Send a request that must succeed and return its JSON."""
        response = self.call(method, path, body, **options)
        assert response.status_code == 200, response.get_data(as_text=True)
        return response.get_json()

    def refused(
        self, status: int, code: str, method: str, path: str, body: Any = None, **options: Any
    ) -> Any:
        """Send a request that must be refused so and return its error."""
        response = self.call(method, path, body, **options)
        error = response.get_json()["error"]
        assert (response.status_code, error["code"]) == (status, code), error
        return error


def check_documented(method: str, path: str, response: TestResponse) -> None:
    """Hold an answer against ``openapi.yaml``: its status, its schema, its request id."""
    assert response.headers["X-Request-Id"]
    if response.status_code >= 400:
        check_envelope(response)
    operation = find_operation(method, path.removeprefix("/api/v1"))
    if operation is None:
        assert response.status_code in (200, 400, 401, 404, 405)
        return
    status = str(response.status_code)
    assert status in operation["responses"], f"{method} {path} answered an undocumented {status}"
    schema = validator(operation["operationId"], status)
    if schema is not None:
        schema.validate(response.get_json())


def check_envelope(response: TestResponse) -> None:
    """Hold an error against the one envelope, or OpenAI's where its libraries ask."""
    error = response.get_json()["error"]
    if response.request.path.startswith("/v1/"):
        assert set(error) == {"message", "type", "param", "code"}
        return
    assert set(error) == {"code", "message", "type", "details", "requestId", "timestamp"}
    assert error["requestId"] == response.headers["X-Request-Id"]
    assert isinstance(error["details"], list)
    assert len(error["message"]) < 500


def make_key(backend: Backend, project: str = "acme", **fields: Any) -> str:
    """Return the text of a new key, its project created if missing."""
    backend.create_project(Project(project, immutable=False, created=now()))
    text, key = create_key(Grant(project))
    backend.create_key(replace(key, **fields))
    return text


@pytest.fixture
def api(backend: Backend) -> Api:
    """The API of project ``acme`` with a full key."""
    connect(application(), Settings(key_cache=0.0), backend)
    return Api(application(), make_key(backend))


@cache
def application() -> Flask:
    """Return one application for all tests: compiling the description takes half a second."""
    return create_app(Settings(key_cache=0.0))
