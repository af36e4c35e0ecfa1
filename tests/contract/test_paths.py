"""Parameters in the path, as they are written on the wire: the description decides which texts are names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import jsonschema_rs
import pytest

from app.domain.records import Rights
from app.schemas.json_schema import to_json_schema
from app.stores import Backend
from tests.conftest import STORES
from tests.contract.conftest import Api, make_key
from tests.contract.spec import follow, operations

BREAKS = ("\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029")
"""All that some library takes for the end of a line."""

TEXTS = (
    *(text for mark in BREAKS for text in (f"a{mark}", f"{mark}a", f"a{mark}b", mark, mark * 2)),
    *("a", ".", "..", "...", "~", " ", "a ", "+", "%", "a%2Fb", "?", "#", ";", "a;b=c", "\\", "\0", "\x7f"),
    *("é", "e\u0301", "\ufeff", "\U0001f600", "a" * 128, "a" * 129, "null", "{id}", "<id>", "api"),
)
WITH_SLASHES = ("a/", "/a", "/", "//", "a/b", "a//b", "./..", "/\n", "\n/", "a/\nb", "a" * 127 + "/b")

Place = tuple[str, str, dict[str, Any]]
"""A method, a path and a parameter in it."""


def places() -> Iterator[Any]:
    """Yield every parameter in the path of every operation."""
    for method, path, operation in operations():
        for parameter in operation["parameters"]:
            if parameter["in"] == "path":
                name = f"{operation['operationId']}-{parameter['name']}"
                yield pytest.param((method.upper(), path, parameter), id=name)


def texts(parameter: dict[str, Any]) -> dict[str, bool]:
    """Return what to try, and whether the description takes it for this parameter.

    A slash is part of a text only where the parameter is the rest of the path.
    """
    schema = follow(parameter["schema"])
    takes = jsonschema_rs.Draft4Validator(to_json_schema(schema)).is_valid
    tried = TEXTS + WITH_SLASHES if schema.get("format") == "path" else TEXTS
    return {text: takes(text) for text in tried}


def address(template: str, name: str, text: str) -> str:
    """Return a path with a text for one parameter, encoded throughout."""
    filled = {name: quote(text, safe="")}
    return re.sub(r"\{(\w+)\}", lambda match: filled.get(match[1], "x"), template)


def is_refused(api: Api, method: str, path: str, name: str) -> bool:
    """Whether a request is refused for a parameter; that it has a route is certain."""
    response = api.call(method, path, None if method == "GET" else {})
    error = {} if response.status_code < 400 else response.get_json()["error"]
    assert error.get("code") not in ("ROUTE_NOT_FOUND", "route_not_found"), path
    if path.startswith("/v1/"):
        return error.get("code") == "invalid_parameter" and error["param"] == name
    return error.get("code") == "INVALID_PARAMETER" and [one["field"] for one in error["details"]] == [name]


@pytest.mark.parametrize("place", list(places()))
def test_text_in_the_path_is_taken_or_refused_as_described(
    api: Api, backend: Backend, request: pytest.FixtureRequest, place: Place
) -> None:
    """A text that the description refuses is 400 and names the parameter; any other is not refused for it.

    What is refused reaches no store, so it is tried on one of them.
    """
    api.key = make_key(backend, rights=Rights.ADMIN)
    is_first = request.node.callspec.params["backend"] == STORES[0]
    method, template, parameter = place
    name = parameter["name"]
    for text, is_name in texts(parameter).items():
        if is_name or is_first:
            refused = is_refused(api, method, address(template, name, text), name)
            assert refused != is_name, repr(text)


@pytest.mark.parametrize(
    "path", ["//dialogue", "///dialogue", "//dialogue/d", "//", "//health", "//api/v1/dialogue"]
)
def test_a_path_with_more_slashes_is_another_path(api: Api, path: str) -> None:
    """It is no route, by whatever method, also behind the prefix."""
    api.ok("POST", "/dialogue", {"id": "d"})
    for prefix in ("", "/api/v1"):
        for method in ("GET", "POST", "DELETE", "OPTIONS"):
            # The test client would take what follows two slashes for a host.
            answer = api.client.open(
                "/",
                method=method,
                headers={"Authorization": f"Bearer {api.key}"},
                environ_overrides={"PATH_INFO": prefix + path},
            )
            assert answer.status_code == 404
            assert answer.get_json()["error"]["code"] == "ROUTE_NOT_FOUND"
    assert api.ok("GET", "/stats")["dialogues"]["total"] == 1


def test_namespace_that_begins_with_a_slash_can_be_erased(api: Api) -> None:
    """Slashes are part of a namespace wherever they are: what was stored under it goes, nothing else does."""
    for namespace in ("/anna", "anna", "anna/"):
        api.ok("POST", "/memory", {"id": "m", "namespace": namespace, "value": 1})
    assert api.ok("DELETE", "/namespace//anna")["memories"] == 1
    assert api.ok("DELETE", "/namespace/anna%2F")["memories"] == 1
    assert api.ok("GET", "/memory/m", query={"namespace": "anna"})["namespace"] == "anna"
