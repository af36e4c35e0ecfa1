"""Deleting, orphans, re-creation, threads and erasure."""

from __future__ import annotations

import pytest

from app.stores import Backend
from tests.contract.conftest import Api
from tests.records import change_project

HELLO = {"role": "user", "content": "Hello"}
IN_D = {"dialogueId": "d"}


def test_messages_outlive_their_dialogue(api: Api) -> None:
    """After a plain deletion the messages are still listed, read, tagged and deleted."""
    api.ok("POST", "/dialogue", {"id": "d", "messages": [HELLO | {"id": "a"}, HELLO | {"id": "b"}]})
    assert api.ok("DELETE", "/dialogue/d") == {"success": True, "id": "d"}
    api.refused(404, "DIALOGUE_NOT_FOUND", "GET", "/dialogue/d")
    api.refused(404, "DIALOGUE_NOT_FOUND", "DELETE", "/dialogue/d")
    api.refused(404, "DIALOGUE_NOT_FOUND", "POST", "/message", HELLO | IN_D)
    assert [m["id"] for m in api.ok("GET", "/messages", query=IN_D)["items"]] == ["a", "b"]
    assert api.ok("PUT", "/message/a", {"tags": ["t"]}, query=IN_D)["tags"] == ["t"]
    api.ok("DELETE", "/message/a", query=IN_D)
    api.ok("DELETE", "/message/b", query=IN_D)
    api.refused(404, "DIALOGUE_NOT_FOUND", "GET", "/messages", query=IN_D)


@pytest.mark.parametrize("header", ["*", '"any"'])
def test_a_condition_on_a_dialogue_that_is_gone_fails(api: Api, header: str) -> None:
    """If-Match names a version, and of a deleted dialogue there is none: its messages stay as they are."""
    api.ok("POST", "/dialogue", {"id": "d", "message": HELLO | {"id": "a"}})
    api.ok("DELETE", "/dialogue/d")
    sent = {"query": IN_D, "headers": {"If-Match": header}}
    api.refused(412, "PRECONDITION_FAILED", "PUT", "/message/a", {"tags": ["t"]}, **sent)
    api.refused(412, "PRECONDITION_FAILED", "DELETE", "/message/a", **sent)
    assert api.ok("GET", "/message/a", query=IN_D)["tags"] == []


def test_recreated_dialogues_start_empty(api: Api) -> None:
    """Old messages never appear in a re-created dialogue, but stay readable by their own ids."""
    api.ok("POST", "/dialogue", {"id": "d", "messages": [HELLO | {"id": "a"}, HELLO | {"id": "b"}]})
    api.ok("DELETE", "/dialogue/d")
    api.ok("POST", "/dialogue", {"id": "d", "message": HELLO | {"id": "b", "name": "new"}})
    read = api.ok("GET", "/dialogue/d")
    assert (read["totalMessages"], [m["id"] for m in read["messages"]]) == (1, ["b"])
    assert len(api.ok("GET", "/messages", query=IN_D)["items"]) == 1
    assert "name" not in api.ok("GET", "/message/a", query=IN_D)
    assert api.ok("GET", "/message/b", query=IN_D)["name"] == "new"
    api.ok("DELETE", "/message/b", query=IN_D)
    assert "name" not in api.ok("GET", "/message/b", query=IN_D)
    assert api.ok("GET", "/dialogue/d")["totalMessages"] == 0
    api.ok("DELETE", "/message/b", query=IN_D)
    assert api.ok("GET", "/dialogue/d")["totalMessages"] == 0


def test_the_last_generation_is_listed(api: Api) -> None:
    """While no dialogue has the id, the messages of the last one that had it are listed."""
    for name in ("first", "second"):
        api.ok("POST", "/dialogue", {"id": "d", "message": HELLO | {"id": name}})
        api.ok("DELETE", "/dialogue/d")
    assert [m["id"] for m in api.ok("GET", "/messages", query=IN_D)["items"]] == ["second"]


def test_cascade_deletes_messages_at_once(api: Api, backend: Backend) -> None:
    """With cascade the messages are gone with the answer, before and after the sweep."""
    api.ok("POST", "/dialogue", {"id": "d", "message": HELLO | {"id": "a"}})
    api.ok("DELETE", "/dialogue/d", query={"cascade": "true"})
    for _ in range(2):
        api.refused(404, "MESSAGE_NOT_FOUND", "GET", "/message/a", query=IN_D)
        api.refused(404, "MESSAGE_NOT_FOUND", "DELETE", "/message/a", query=IN_D)
        api.refused(404, "DIALOGUE_NOT_FOUND", "GET", "/messages", query=IN_D)
        while backend.sweep():
            pass
    api.ok("POST", "/dialogue", {"id": "d"})
    assert api.ok("GET", "/messages", query=IN_D) == {"items": []}


def test_immutable_projects_refuse_deletion(api: Api, backend: Backend) -> None:
    """Neither dialogues nor messages nor namespaces can be deleted; missing ones are 404."""
    api.ok("POST", "/dialogue", {"id": "d", "namespace": "n", "message": HELLO | {"id": "m"}})
    change_project(backend, immutable=True)
    here = {"namespace": "n"}
    api.refused(409, "DIALOGUE_IMMUTABLE", "DELETE", "/dialogue/d", query=here)
    api.refused(409, "DIALOGUE_IMMUTABLE", "DELETE", "/message/m", query=IN_D | here)
    api.refused(409, "DIALOGUE_IMMUTABLE", "DELETE", "/namespace/n")
    api.refused(404, "DIALOGUE_NOT_FOUND", "DELETE", "/dialogue/none")
    change_project(backend, immutable=False)
    api.ok("DELETE", "/dialogue/d", query=here)


def test_threads_are_counted(api: Api) -> None:
    """``threadCount`` follows creation and deletion, archived threads included, at any depth."""
    api.ok("POST", "/dialogue", {"id": "p"})
    api.ok("POST", "/dialogue", {"id": "c1", "threadOf": "p"})
    api.ok("POST", "/dialogue", {"id": "c2", "threadOf": "p"})
    api.ok("POST", "/dialogue", {"id": "g", "threadOf": "c1"})
    api.ok("POST", "/dialogue/c2/archive")
    assert api.ok("GET", "/dialogue/p")["threadCount"] == 2
    assert api.ok("GET", "/dialogue/c1")["threadCount"] == 1
    assert [d["id"] for d in api.ok("GET", "/dialogue", query={"threadOf": "p"})["items"]] == ["c1"]
    both = api.ok("GET", "/dialogue", query={"threadOf": "p", "status": "all", "order": "asc"})["items"]
    assert [d["id"] for d in both] == ["c1", "c2"]
    api.ok("DELETE", "/dialogue/c1")
    assert api.ok("GET", "/dialogue/p")["threadCount"] == 1
    assert api.ok("GET", "/dialogue/g")["threadOf"] == "c1"


def test_threads_outlive_and_find_their_parent_again(api: Api) -> None:
    """A re-created parent counts the threads that are still there."""
    api.ok("POST", "/dialogue", {"id": "p"})
    for name in ("a", "b"):
        api.ok("POST", "/dialogue", {"id": name, "threadOf": "p"})
    api.ok("DELETE", "/dialogue/p")
    api.ok("DELETE", "/dialogue/a")
    assert len(api.ok("GET", "/dialogue", query={"threadOf": "p"})["items"]) == 1
    assert api.ok("POST", "/dialogue", {"id": "p"})["threadCount"] == 1
    assert api.ok("GET", "/dialogue", query={"threadOf": "unknown"}) == {"items": []}


def test_threads_stay_in_their_namespace(api: Api) -> None:
    """A parent of another namespace is not found, and lists by threadOf cover one namespace."""
    api.ok("POST", "/dialogue", {"id": "p", "namespace": "n"})
    thread = {"id": "c", "threadOf": "p"}
    api.refused(404, "PARENT_DIALOGUE_NOT_FOUND", "POST", "/dialogue", thread)
    api.refused(404, "PARENT_DIALOGUE_NOT_FOUND", "POST", "/dialogue", {"id": "x", "threadOf": "x"})
    api.ok("POST", "/dialogue", thread | {"namespace": "n"})
    assert api.ok("GET", "/dialogue", query={"threadOf": "p"}) == {"items": []}
    inside = api.ok("GET", "/dialogue", query={"threadOf": "p", "namespace": "n"})
    assert [d["id"] for d in inside["items"]] == ["c"]


def test_forks_copy_messages(api: Api) -> None:
    """A fork has the parent's messages up to one of them, with new ids and the original times."""
    batch = [HELLO | {"id": f"m{n:02}", "created": f"2026-01-{n + 1:02}", "tags": ["t"]} for n in range(15)]
    api.ok("POST", "/dialogue", {"id": "p", "messages": batch})
    forked = api.ok("POST", "/dialogue", {"id": "f", "threadOf": "p", "forkAt": "m11"})
    assert forked["metadata"] == {"forkedFrom": "m11"}
    assert forked["totalMessages"] == 12
    copies = api.ok("GET", "/messages", query={"dialogueId": "f"})["items"]
    originals = api.ok("GET", "/messages", query={"dialogueId": "p"})["items"][:12]
    assert [m["created"] for m in copies] == [m["created"] for m in originals]
    assert all(m["dialogueId"] == "f" and m["tags"] == ["t"] for m in copies)
    assert not {m["id"] for m in copies} & {m["id"] for m in originals}
    assert forked["messages"] == copies[-10:]
    assert api.ok("POST", "/dialogue", {"id": "f", "threadOf": "p", "forkAt": "m11"}) == forked
    own = {"threadOf": "p", "forkAt": "m00", "metadata": {"forkedFrom": "mine"}}
    assert api.ok("POST", "/dialogue", own)["metadata"] == {"forkedFrom": "mine"}


def test_a_branch_comes_in_one_request(api: Api) -> None:
    """A fork's own messages come after the copies, and repeating the request changes nothing."""
    batch = [HELLO | {"id": f"m{n}", "created": f"2026-01-0{n + 1}"} for n in range(3)]
    api.ok("POST", "/dialogue", {"id": "p", "messages": batch})
    own = [HELLO | {"id": f"b{n}", "created": f"2026-02-0{n + 1}"} for n in range(2)]
    branch = {"id": "f", "threadOf": "p", "forkAt": "m1", "messages": own}
    forked = api.ok("POST", "/dialogue", branch)
    kept = api.ok("GET", "/messages", query={"dialogueId": "f"})["items"]
    assert [m["created"][:10] for m in kept] == ["2026-01-01", "2026-01-02", "2026-02-01", "2026-02-02"]
    assert [m["id"] for m in kept[2:]] == ["b0", "b1"]
    assert forked["messages"] == kept
    assert api.ok("POST", "/dialogue", branch) == forked
    api.refused(409, "DUPLICATE_ID", "POST", "/dialogue", branch | {"messages": own[:1]})


def test_forks_are_refused(api: Api) -> None:
    """An unknown message and no parent are 400."""
    api.ok("POST", "/dialogue", {"id": "p", "message": HELLO | {"id": "m"}})
    for body in (
        {"threadOf": "p", "forkAt": "none"},
        {"forkAt": "m"},
        {"threadOf": "p", "forkAt": "none", "message": HELLO},
    ):
        api.refused(400, "INVALID_INPUT", "POST", "/dialogue", body)
    assert api.ok("GET", "/dialogue/p")["threadCount"] == 0


def test_erasing_a_namespace(api: Api, backend: Backend) -> None:
    """Everything of one end user is gone with the answer, which counts it, and nobody else's."""
    for namespace in ("anna", "ben"):
        api.ok(
            "POST", "/dialogue", {"id": "d", "namespace": namespace, "messages": [HELLO | {"id": "m"}, HELLO]}
        )
        api.ok("POST", "/dialogue", {"id": "gone", "namespace": namespace, "message": HELLO})
        api.ok("DELETE", "/dialogue/gone", query={"namespace": namespace})
        api.ok("POST", "/memory", {"id": "k", "namespace": namespace, "value": 1})
    erased = api.ok("DELETE", "/namespace/anna")
    assert erased == {
        "success": True,
        "namespace": "anna",
        "dialogues": 1,
        "messages": 3,
        "memories": 1,
        "summaries": 0,
    }
    for _ in range(2):
        here = {"namespace": "anna"}
        api.refused(404, "DIALOGUE_NOT_FOUND", "GET", "/dialogue/d", query=here)
        api.refused(404, "MESSAGE_NOT_FOUND", "GET", "/message/m", query=here | IN_D)
        api.refused(404, "MEMORY_NOT_FOUND", "GET", "/memory/k", query=here)
        api.refused(404, "DIALOGUE_NOT_FOUND", "GET", "/messages", query=here | {"dialogueId": "gone"})
        assert api.ok("GET", "/dialogue", query=here) == {"items": []}
        while backend.sweep():
            pass
    assert api.ok("GET", "/dialogue/d", query={"namespace": "ben"})["totalMessages"] == 2
    assert api.ok("GET", "/stats", query={"namespace": "ben"})["messages"] == 3
    assert api.ok("DELETE", "/namespace/anna")["dialogues"] == 0
    api.ok("POST", "/dialogue", {"id": "d", "namespace": "anna"})
    assert api.ok("GET", "/dialogue/d", query={"namespace": "anna"})["totalMessages"] == 0


@pytest.mark.parametrize("namespace", ["anna@example.org", "Ünï code", "a/b"])
def test_namespaces_of_any_text(api: Api, namespace: str) -> None:
    """A namespace may be an e-mail address or a name; in a path it is percent-encoded."""
    api.ok("POST", "/memory", {"id": "k", "namespace": namespace, "value": None})
    assert api.ok("GET", "/memory/k", query={"namespace": namespace})["namespace"] == namespace
