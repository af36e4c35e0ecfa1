"""Storing and searching in the contract suite: one of each kind of thing that can be searched."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.conftest import Api

every_object = pytest.mark.parametrize("kind", ["dialogue", "message", "memory"])
"""Run a test for each kind of thing that can be searched."""

timed_object = pytest.mark.parametrize("kind", ["dialogue", "message"])
"""The same for those that can be given a ``created``; a memory's is always the server's."""


def put(api: Api, kind: str, name: str, text: str, **fields: Any) -> None:
    """Store something of a kind that says ``text``."""
    if kind == "dialogue":
        api.ok("POST", "/dialogue", {"id": name, "label": text} | fields)
    elif kind == "memory":
        api.ok("POST", "/memory", {"id": name, "value": {"said": [text]}} | fields)
    else:
        parent = {"id": "d"} | {key: fields[key] for key in ("namespace",) if key in fields}
        api.ok("POST", "/dialogue", parent)
        message = {"id": name, "role": "user", "content": text, "dialogueId": "d"}
        api.ok("POST", "/message", message | fields)


def search(api: Api, kind: str, query: str, **fields: Any) -> Any:
    """Search, hold the answer's two shapes against each other, and return it."""
    answer = api.ok("POST", "/search", {"query": query, "object": kind} | fields)
    assert [result["item"] for result in answer["results"]] == answer["items"]
    assert all(result["object"] == kind for result in answer["results"])
    assert all(0 <= result["relevance"] <= 1 for result in answer["results"])
    return answer


def find(api: Api, kind: str, query: str, **fields: Any) -> list[str]:
    """Return the ids that a search finds, in the order answered."""
    return [item["id"] for item in search(api, kind, query, **fields)["items"]]
