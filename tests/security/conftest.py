"""What tests of the edge share: a client of the application under settings of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.settings import Settings
from app.stores import Backend
from app.wiring import connect
from tests.contract.conftest import application


@pytest.fixture
def client(sqlite_backend: Backend) -> Callable[..., Any]:
    """Return a way to connect the application with settings and to send a request."""

    def open_client(**settings: Any) -> Callable[..., TestResponse]:
        connect(application(), Settings(**settings), sqlite_backend)
        flask_client = application().test_client()

        def send(key: str, method: str = "GET", path: str = "/dialogue", **options: Any) -> TestResponse:
            headers = {"Authorization": f"Bearer {key}"} | options.pop("headers", {})
            response: TestResponse = flask_client.open(path, method=method, headers=headers, **options)
            return response

        return send

    return open_client
