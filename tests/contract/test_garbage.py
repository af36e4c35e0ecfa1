"""What requests leave behind: nothing that only garbage collection would find."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Request

from app.web.request_context import RequestContext
from tests.contract.conftest import Api

MESSAGE = {"dialogueId": "d", "role": "user", "content": "Hello"}

REQUESTS: list[tuple[int, str, str, dict[str, Any]]] = [
    (200, "GET", "/dialogue/d", {}),
    (200, "GET", "/dialogue", {}),
    (200, "POST", "/message", {"body": MESSAGE}),
    (304, "GET", "/dialogue/d", {"headers": {"If-None-Match": "*"}}),
    (400, "GET", "/dialogue?limit=none", {}),
    (400, "POST", "/message", {"data": b"{"}),
    (400, "POST", "/message", {"body": {"dialogueId": "d"}}),
    (401, "GET", "/dialogue/d", {"headers": {"Authorization": ""}}),
    (404, "GET", "/no/such/route", {}),
    (404, "GET", "/dialogue/none", {}),
    (404, "POST", "/message", {"body": MESSAGE | {"dialogueId": "none"}}),
    (405, "PATCH", "/dialogue/d", {"body": {}}),
    (412, "POST", "/message", {"body": MESSAGE, "headers": {"If-Match": '"other"'}}),
]


@pytest.fixture
def _no_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_no_collection")
def test_a_request_is_gone_once_it_is_answered(api: Api) -> None:
    """Its body, which may be large, waits for no collection; the traceback of a refusal would keep it."""
    api.ok("POST", "/dialogue", {"id": "d"})
    left = {}
    for status, method, path, options in REQUESTS:
        before = count_requests()
        assert api.call(method, path, **options).status_code == status
        left[f"{status} {method} {path}"] = count_requests() - before
    assert left == dict.fromkeys(left, 0)


def count_requests() -> int:
    """Return how many requests this process still knows of."""
    return sum(type(found) in (Request, RequestContext) for found in gc.get_objects())
