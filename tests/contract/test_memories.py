"""Memories."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.conftest import Api


def test_the_life_of_a_memory(api: Api) -> None:
    """A memory is created, read, changed and deleted."""
    body = {
        "id": "prefs",
        "value": {"theme": "dark"},
        "namespace": "n",
        "label": "Prefs",
        "description": "d",
        "tags": ["s"],
        "metadata": {"source": "x"},
    }
    here = {"namespace": "n"}
    made = api.ok("POST", "/memory", body)
    assert {key: made[key] for key in body} == body
    assert api.ok("GET", "/memory/prefs", query=here) == made
    changed = api.ok("PUT", "/memory/prefs", {"tags": ["a"], "value": None, "label": ""}, query=here)
    assert (changed["tags"], changed["value"], "label" in changed) == (["a"], None, False)
    assert changed["description"] == "d"
    assert api.ok("PUT", "/memory/prefs", {"tags": ["a"]}, query=here) == changed
    assert api.ok("DELETE", "/memory/prefs", query=here) == {"success": True, "id": "prefs"}
    for method, sent in (("GET", None), ("PUT", {"tags": []}), ("DELETE", None)):
        error = api.refused(404, "MEMORY_NOT_FOUND", method, "/memory/prefs", sent, query=here)
        assert error["type"] == "not_found"


@pytest.mark.parametrize("value", [None, False, 0, -1.5, "", "text", [], [None, {"a.b": 1}], {"$x": {}}])
def test_any_json_is_a_value(api: Api, value: Any) -> None:
    """Values of every JSON type come back equal."""
    api.ok("POST", "/memory", {"id": "k", "value": value})
    assert api.ok("GET", "/memory/k")["value"] == value


def test_creation_is_repeatable_but_never_an_upsert(api: Api) -> None:
    """The same creation again is 200, another one under the id is DUPLICATE_ID."""
    api.ok("POST", "/memory", {"id": "k", "value": {"a": 1, "b": 2}})
    api.ok("PUT", "/memory/k", {"tags": ["t"]})
    assert api.ok("POST", "/memory", {"id": "k", "value": {"b": 2, "a": 1}})["tags"] == ["t"]
    api.refused(409, "DUPLICATE_ID", "POST", "/memory", {"id": "k", "value": 1})


def test_a_value_is_required(api: Api) -> None:
    """A memory without a value, or with an unknown field, is refused by name."""
    error = api.refused(400, "INVALID_INPUT", "POST", "/memory", {"id": "k"})
    assert error["details"][0]["field"] == "value"
    error = api.refused(400, "INVALID_INPUT", "POST", "/memory", {"value": 1, "lable": "x"})
    assert "label" in error["details"][0]["message"]
