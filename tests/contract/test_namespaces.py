"""The list of namespaces: what each holds, and when that was last changed."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.records import Rights
from app.stores import Backend
from tests.contract.conftest import Api, make_key


@pytest.fixture
def manager(api: Api, backend: Backend) -> Api:
    """The API with a key that may manage the project ``acme``."""
    api.key = make_key(backend, rights=Rights.MANAGE)
    return api


def walk(api: Api, **query: Any) -> list[dict[str, Any]]:
    """Return every item, page by page."""
    found: list[dict[str, Any]] = []
    while True:
        page = api.ok("GET", "/namespaces", query=query)
        found += page["items"]
        if "next" not in page:
            return found
        query["next"] = page["next"]


def names(items: list[dict[str, Any]]) -> list[str]:
    """Return the names alone."""
    return [item["namespace"] for item in items]


def test_a_namespace_says_what_it_holds(manager: Api, backend: Backend) -> None:
    """Dialogues and memories are counted, and the last change of either is told; others are not seen."""
    manager.ok("POST", "/dialogue", {"id": "one", "namespace": "anna"})
    manager.ok("POST", "/dialogue", {"id": "two", "namespace": "anna"})
    memory = manager.ok("POST", "/memory", {"value": 1, "namespace": "anna"})
    bert = manager.ok("POST", "/memory", {"value": 1, "namespace": "bert"})
    manager.ok("POST", "/dialogue", {})
    manager.ok("POST", "/dialogue", {"namespace": "carl"}, key=make_key(backend, "globex"))

    items = manager.ok("GET", "/namespaces")["items"]

    assert items == [
        {"namespace": "anna", "dialogues": 2, "memories": 1, "lastActivity": memory["modified"]},
        {"namespace": "bert", "dialogues": 0, "memories": 1, "lastActivity": bert["modified"]},
    ]
    message = {"dialogueId": "one", "namespace": "anna", "role": "user", "content": "Hello"}
    manager.ok("POST", "/message", message)
    changed = manager.ok("GET", "/dialogue/one", query={"namespace": "anna"})["modified"]
    assert manager.ok("GET", "/namespaces")["items"][0]["lastActivity"] == changed > memory["modified"]


def test_namespaces_are_paged_by_name(manager: Api) -> None:
    """Each once, whichever kind of thing it holds, however small the pages."""
    for number, name in enumerate(["d", "a", "c", "\U0001f600", "b", "e"]):
        path = "/memory" if number % 2 else "/dialogue"
        manager.ok("POST", path, {"namespace": name} | ({"value": 1} if number % 2 else {}))

    for limit in (1, 2, 5, 6, 500):
        assert names(walk(manager, limit=limit)) == ["a", "b", "c", "d", "e", "\U0001f600"]


def test_a_prefix_narrows_the_list(manager: Api) -> None:
    """It is a text like any other, and a cursor belongs to it."""
    for name in ("user", "user_1", "user_2", "user%", "use", "v", "user\U0010ffff"):
        manager.ok("POST", "/dialogue", {"namespace": name})

    assert names(walk(manager, prefix="user_", limit=1)) == ["user_1", "user_2"]
    assert names(walk(manager, prefix="user%")) == ["user%"]
    assert names(walk(manager, prefix="user")) == ["user", "user%", "user_1", "user_2", "user\U0010ffff"]
    assert names(walk(manager, prefix="w")) == []
    first = manager.ok("GET", "/namespaces", query={"prefix": "user", "limit": 1})
    manager.refused(
        400, "INVALID_PARAMETER", "GET", "/namespaces", query={"prefix": "use", "next": first["next"]}
    )


def test_what_is_deleted_is_not_counted(manager: Api) -> None:
    """An erased namespace is gone from the list."""
    for name in ("one", "two"):
        manager.ok("POST", "/dialogue", {"id": name, "namespace": "anna"})
    manager.ok("DELETE", "/dialogue/one", query={"namespace": "anna"})
    assert manager.ok("GET", "/namespaces")["items"][0]["dialogues"] == 1
    manager.ok("DELETE", "/namespace/anna")
    assert manager.ok("GET", "/namespaces")["items"] == []


def test_only_a_manager_lists_namespaces(api: Api, backend: Backend) -> None:
    """Of another project, only an administrator."""
    manager = make_key(backend, rights=Rights.MANAGE)
    bound = make_key(backend, rights=Rights.MANAGE, namespace="anna")
    other = make_key(backend, "globex")
    api.ok("POST", "/dialogue", {"namespace": "carl"}, key=other)

    for key in (api.key, bound):
        api.refused(403, "FORBIDDEN", "GET", "/namespaces", key=key)
    api.refused(403, "FORBIDDEN", "GET", "/namespaces", key=manager, query={"project": "globex"})
    admin = make_key(backend, rights=Rights.ADMIN)
    found = api.ok("GET", "/namespaces", key=admin, query={"project": "globex"})["items"]
    assert names(found) == ["carl"]
