"""Expiry: what has an end of its own, or was not changed for as long as a policy says, is gone at once."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.list_queries import MessageListQuery
from app.domain.records import Rights, Scope, ScopeFilter
from app.services.verify import Seen, verify
from app.stores import Backend, Counts
from app.web.parts import parts_of
from tests.clock import Clock
from tests.contract.conftest import Api, make_key

HELLO = {"role": "user", "content": "hello penguin"}
SCOPE = Scope("acme")
NOTHING = Counts(0, 0, 0, 0, 0, 0)


@pytest.fixture
def manager(api: Api, backend: Backend) -> Api:
    """The API with a key that may manage the project ``acme``."""
    api.key = make_key(backend, rights=Rights.MANAGE)
    return api


def sweep(api: Api) -> None:
    """Let the sweeper remove what is to be removed."""
    parts_of(api.app).sweeper.sweep()


def ids(page: Any) -> list[str]:
    """Return the ids of a page's items."""
    return [item["id"] for item in page["items"]]


def keep(api: Api, **retention: int) -> Any:
    """Give the project a policy."""
    return api.ok("PUT", "/projects/acme", {"retention": retention})


def test_an_expiry_is_answered_and_cleared(api: Api, clock: Clock) -> None:
    """It is stored in UTC, moves ``modified`` and the ETag as any change does, and null clears it."""
    end = clock.after(days=1)
    made = api.ok("POST", "/dialogue", {"id": "d", "expiresAt": end})
    assert made["expiresAt"] == end
    assert api.ok("POST", "/dialogue", {"id": "d", "expiresAt": end}) == made
    api.refused(409, "DUPLICATE_ID", "POST", "/dialogue", {"id": "d"})
    clock.advance(seconds=1)
    first = api.get("/dialogue/d")
    later = clock.after(days=2)
    changed = api.ok("PUT", "/dialogue/d", {"expiresAt": later})
    assert changed["expiresAt"] == later
    assert changed["modified"] > made["modified"]
    assert api.get("/dialogue/d").headers["ETag"] != first.headers["ETag"]
    assert api.ok("PUT", "/dialogue/d", {"expiresAt": later})["modified"] == changed["modified"]
    assert api.ok("GET", "/dialogue")["items"][0]["expiresAt"] == later
    assert "expiresAt" not in api.ok("PUT", "/dialogue/d", {"expiresAt": None})
    clock.advance(days=3)
    assert "expiresAt" not in api.ok("GET", "/dialogue/d")


def test_an_expiry_lies_ahead(api: Api, clock: Clock) -> None:
    """One that has passed is refused, of dialogues and of memories, and changes nothing."""
    past = clock.after(seconds=-1)
    for path in ("/dialogue", "/memory"):
        error = api.refused(400, "INVALID_INPUT", "POST", path, {"id": "a", "expiresAt": past} | _value(path))
        assert error["details"][0]["field"] == "expiresAt"
        made = api.ok("POST", path, {"id": "b"} | _value(path))
        api.refused(400, "INVALID_INPUT", "PUT", f"{path}/b", {"expiresAt": past})
        assert api.ok("GET", f"{path}/b") == made
    api.refused(400, "INVALID_INPUT", "POST", "/dialogue", {"expiresAt": "soon"})


def _value(path: str) -> dict[str, Any]:
    return {"value": 1} if path == "/memory" else {}


def test_an_ended_dialogue_can_be_given_an_expiry(api: Api, clock: Clock) -> None:
    """Its end says nothing about how long it is kept."""
    api.ok("POST", "/dialogue", {"id": "d"})
    api.ok("POST", "/dialogue/d/end")
    end = clock.after(days=1)
    assert api.ok("PUT", "/dialogue/d", {"expiresAt": end})["expiresAt"] == end


def test_an_expired_dialogue_is_gone_at_once(api: Api, backend: Backend, clock: Clock) -> None:
    """Before anything was swept: on every route that names it, from lists, searches and counts."""
    api.ok("POST", "/dialogue", {"id": "stays", "message": HELLO | {"id": "s"}})
    end = clock.after(days=1)
    api.ok(
        "POST", "/dialogue", {"id": "d", "label": "penguin", "expiresAt": end, "message": HELLO | {"id": "m"}}
    )
    api.ok("POST", "/summary", {"dialogueId": "d", "id": "s"})
    clock.advance(days=1)
    assert_gone(api)
    assert backend.stats(ScopeFilter("acme")) == Counts(1, 0, 0, 1, 0, 0)
    assert ids(api.ok("GET", "/dialogue", query={"status": "all"})) == ["stays"]
    assert api.ok("GET", "/dialogue", query={"ids": "d,stays"})["items"][0]["id"] == "stays"
    assert api.ok("GET", "/dialogue", query={"ids": "d", "include": "state"}) == {"items": []}
    for kind, expected in (("message", ["s"]), ("dialogue", ["stays"])):
        found = api.ok("POST", "/search", {"query": "penguin", "object": kind})
        assert ids(found) == expected
        found = api.ok("POST", "/search", {"query": "penguin", "object": kind, "tags": {"$nin": ["x"]}})
        assert ids(found) == expected
    sweep(api)
    assert_gone(api)
    assert backend.stats(ScopeFilter("acme")) == Counts(1, 0, 0, 1, 0, 0)
    assert [found.id for found in backend.iterate_dialogues(ScopeFilter("acme"))] == ["stays"]
    assert list(backend.iterate_tombstones(ScopeFilter("acme"))) == []
    assert list(verify(backend, "acme", Seen())) == []


def assert_gone(api: Api) -> None:
    """Hold every route that names the dialogue ``d``, its message ``m`` or its summary ``s`` to a 404."""
    here = {"dialogueId": "d"}
    for method, path, body, query in (
        ("GET", "/dialogue/d", None, None),
        ("PUT", "/dialogue/d", {"tags": ["x"]}, None),
        ("DELETE", "/dialogue/d", None, None),
        ("POST", "/dialogue/d/end", None, None),
        ("POST", "/dialogue/d/archive", None, None),
        ("POST", "/dialogue/d/reopen", None, None),
        ("GET", "/dialogue/d/export", None, None),
        ("GET", "/dialogue/d/state", None, None),
        ("PUT", "/dialogue/d/state", {"a": 1}, None),
        ("GET", "/dialogue/d/context", None, None),
        ("POST", "/dialogue/d/compact", None, None),
        ("GET", "/messages", None, here),
        ("POST", "/message", HELLO | here, None),
        ("GET", "/summaries", None, here),
        ("POST", "/summary", here, None),
    ):
        api.refused(404, "DIALOGUE_NOT_FOUND", method, path, body, query=query)
    api.refused(404, "PARENT_DIALOGUE_NOT_FOUND", "POST", "/dialogue", {"threadOf": "d"})
    api.refused(404, "MESSAGE_NOT_FOUND", "GET", "/message/m", query=here)
    api.refused(404, "MESSAGE_NOT_FOUND", "PUT", "/message/m", {"tags": []}, query=here)
    api.refused(404, "MESSAGE_NOT_FOUND", "DELETE", "/message/m", query=here)
    api.refused(404, "SUMMARY_NOT_FOUND", "GET", "/summary/s")


def test_an_expired_memory_is_gone_at_once(api: Api, backend: Backend, clock: Clock) -> None:
    """And its id is free again, before the sweeper came."""
    body = {"id": "m", "value": "penguin", "expiresAt": clock.after(days=1)}
    assert api.ok("POST", "/memory", body)["expiresAt"] == body["expiresAt"]
    api.ok("POST", "/memory", {"id": "stays", "value": "penguin"})
    clock.advance(days=1)
    for method, change in (("GET", None), ("PUT", {"value": 1}), ("DELETE", None)):
        api.refused(404, "MEMORY_NOT_FOUND", method, "/memory/m", change)
    assert ids(api.ok("GET", "/memory")) == ["stays"]
    assert ids(api.ok("POST", "/search", {"query": "penguin", "object": "memory"})) == ["stays"]
    assert backend.stats(ScopeFilter("acme")).memories == 1
    assert api.ok("POST", "/memory", {"id": "m", "value": "new"})["value"] == "new"
    sweep(api)
    assert sorted(ids(api.ok("GET", "/memory"))) == ["m", "stays"]
    api.ok("PUT", "/memory/m", {"expiresAt": clock.after(days=1)})
    clock.advance(days=1)
    sweep(api)
    assert backend.stats(ScopeFilter("acme")).memories == 1
    assert backend.index_problems("acme") == []


def test_an_id_is_free_again_when_its_dialogue_has_expired(api: Api, backend: Backend, clock: Clock) -> None:
    """The new dialogue starts empty, counts the threads that outlived the old one, and is not swept."""
    end = clock.after(days=1)
    api.ok("POST", "/dialogue", {"id": "root"})
    api.ok("POST", "/dialogue", {"id": "d", "threadOf": "root", "expiresAt": end, "message": HELLO})
    api.ok("POST", "/dialogue", {"id": "t", "threadOf": "d"})
    clock.advance(days=1)
    assert api.ok("POST", "/dialogue", {"id": "d"})["threadCount"] == 1
    assert api.ok("GET", "/dialogue/root")["threadCount"] == 0
    sweep(api)
    assert api.ok("GET", "/dialogue/d")["totalMessages"] == 0
    assert api.ok("GET", "/messages", query={"dialogueId": "d"}) == {"items": []}
    assert backend.stats(ScopeFilter("acme")).messages == 0
    assert list(verify(backend, "acme", Seen())) == []


def test_threads_outlive_an_expired_parent(api: Api, backend: Backend, clock: Clock) -> None:
    """A later dialogue of the parent's id counts them; an expired thread is counted until it is removed."""
    end = clock.after(days=1)
    api.ok("POST", "/dialogue", {"id": "p", "expiresAt": end})
    api.ok("POST", "/dialogue", {"id": "t", "threadOf": "p"})
    clock.advance(days=1)
    sweep(api)
    api.refused(404, "DIALOGUE_NOT_FOUND", "GET", "/dialogue/p")
    assert api.ok("GET", "/dialogue/t")["threadOf"] == "p"
    assert api.ok("POST", "/dialogue", {"id": "p"})["threadCount"] == 1
    api.ok("PUT", "/dialogue/t", {"expiresAt": clock.after(days=1)})
    clock.advance(days=1)
    assert list(verify(backend, "acme", Seen())) == []
    sweep(api)
    assert api.ok("GET", "/dialogue/p")["threadCount"] == 0
    assert list(verify(backend, "acme", Seen())) == []


def test_a_policy_goes_by_the_last_change(manager: Api, backend: Backend, clock: Clock) -> None:
    """What is written in time lives on; the rest is gone after its days, memories after theirs."""
    assert keep(manager, dialogueDays=10, memoryDays=20)["retention"] == {
        "dialogueDays": 10,
        "memoryDays": 20,
    }
    for name in ("kept", "gone"):
        manager.ok("POST", "/dialogue", {"id": name, "message": HELLO})
    manager.ok("POST", "/memory", {"id": "m", "value": 1})
    clock.advance(days=9)
    manager.ok("POST", "/message", HELLO | {"dialogueId": "kept"})
    clock.advance(days=1)
    manager.refused(404, "DIALOGUE_NOT_FOUND", "GET", "/dialogue/gone")
    assert ids(manager.ok("GET", "/dialogue")) == ["kept"]
    assert manager.ok("GET", "/stats")["messages"] == 2
    sweep(manager)
    assert manager.ok("GET", "/stats")["dialogues"]["total"] == 1
    clock.advance(days=10)
    manager.refused(404, "MEMORY_NOT_FOUND", "GET", "/memory/m")
    assert manager.ok("GET", "/memory") == {"items": []}
    sweep(manager)
    assert backend.stats(ScopeFilter("acme")) == NOTHING
    assert list(verify(backend, "acme", Seen())) == []


def test_a_policy_can_go_by_status(manager: Api, clock: Clock) -> None:
    """A status with days of its own follows them, any other those of dialogues as a whole."""
    keep(manager, dialogueDays=30, endedDays=5, archivedDays=50)
    for name in ("active", "ended", "archived"):
        manager.ok("POST", "/dialogue", {"id": name})
    manager.ok("POST", "/dialogue/ended/end")
    manager.ok("POST", "/dialogue/archived/archive")
    left = []
    for days in (4, 1, 25, 20):
        clock.advance(days=days)
        sweep(manager)
        left.append(sorted(ids(manager.ok("GET", "/dialogue", query={"status": "all"}))))
    assert left == [["active", "archived", "ended"], ["active", "archived"], ["archived"], []]


def test_a_policy_can_be_taken_back(manager: Api, clock: Clock) -> None:
    """What the sweeper has not removed by then is there again; each change is in the audit."""
    manager.ok("POST", "/dialogue", {"id": "d"})
    keep(manager, activeDays=1)
    clock.advance(days=1)
    manager.refused(404, "DIALOGUE_NOT_FOUND", "GET", "/dialogue/d")
    assert "retention" not in manager.ok("PUT", "/projects/acme", {"retention": None})
    assert manager.ok("GET", "/dialogue/d")["id"] == "d"
    entries = manager.ok("GET", "/audit", query={"action": "retention.changed"})["items"]
    assert [entry["details"] for entry in entries] == [
        {"before": {"activeDays": 1}, "after": {}},
        {"before": {}, "after": {"activeDays": 1}},
    ]


def test_an_immutable_project_keeps_its_dialogues(manager: Api, backend: Backend, clock: Clock) -> None:
    """It takes no policy and no expiry, and what had one stays; a policy must go before it gets immutable."""
    manager.key = make_key(backend, rights=Rights.ADMIN)
    manager.ok("POST", "/dialogue", {"id": "d", "expiresAt": clock.after(days=1)})
    keep(manager, dialogueDays=1)
    immutable = {"immutable": True}
    manager.refused(409, "DIALOGUE_IMMUTABLE", "PUT", "/projects/acme", immutable)
    manager.ok("PUT", "/projects/acme", immutable | {"retention": None})
    manager.refused(409, "DIALOGUE_IMMUTABLE", "PUT", "/projects/acme", {"retention": {"memoryDays": 3}})
    manager.refused(409, "DIALOGUE_IMMUTABLE", "POST", "/dialogue", {"expiresAt": clock.after(days=1)})
    manager.refused(409, "DIALOGUE_IMMUTABLE", "PUT", "/dialogue/d", {"expiresAt": clock.after(days=9)})
    clock.advance(days=2)
    sweep(manager)
    assert manager.ok("GET", "/dialogue/d")["id"] == "d"


@pytest.mark.parametrize(
    "wrong", [{"dialogueDays": 0}, {"dialogueDays": 36_501}, {"days": 3}, {"endedDays": "3"}]
)
def test_a_policy_is_checked(manager: Api, wrong: Any) -> None:
    """Days are whole, at least one and about a century at most, and named as documented."""
    manager.refused(400, "INVALID_INPUT", "PUT", "/projects/acme", {"retention": wrong})


def test_pages_are_full_though_much_has_expired(api: Api, clock: Clock) -> None:
    """Expired dialogues and memories between others neither shorten a page nor end a walk."""
    end = clock.after(days=1)
    for number in range(30):
        fields = {} if number % 3 == 0 else {"expiresAt": end}
        api.ok("POST", "/dialogue", {"id": f"d{number:02}", "namespace": "n"} | fields)
        api.ok("POST", "/memory", {"id": f"d{number:02}", "namespace": "n", "value": 1} | fields)
    clock.advance(days=1)
    for path in ("/dialogue", "/memory"):
        for query in ({}, {"namespace": "n"}):
            pages = [api.ok("GET", path, query={"limit": 4, "order": "asc"} | query)]
            while "next" in pages[-1]:
                pages.append(api.ok("GET", path, query={"limit": 4, "next": pages[-1]["next"]}))
            assert [len(page["items"]) for page in pages] == [4, 4, 2]
            assert [one for page in pages for one in ids(page)] == [
                f"d{number:02}" for number in range(0, 30, 3)
            ]


def test_namespaces_are_counted_without_what_has_expired(manager: Api, clock: Clock) -> None:
    """One in which everything has expired is not listed."""
    end = clock.after(days=1)
    for name in ("anna", "bert", "carl"):
        manager.ok("POST", "/dialogue", {"namespace": name, "expiresAt": end})
        manager.ok("POST", "/memory", {"namespace": name, "value": 1, "expiresAt": end})
    manager.ok("POST", "/dialogue", {"namespace": "bert"})
    manager.ok("POST", "/memory", {"namespace": "carl", "value": 1})
    clock.advance(days=1)
    page = manager.ok("GET", "/namespaces", query={"limit": 1})
    rest = manager.ok("GET", "/namespaces", query={"limit": 1, "next": page["next"]})
    found = [(one["namespace"], one["dialogues"], one["memories"]) for one in page["items"] + rest["items"]]
    assert found == [("bert", 1, 0), ("carl", 0, 1)]
    assert "next" not in rest


def test_messages_of_an_earlier_dialogue_stay_hidden(api: Api, backend: Backend, clock: Clock) -> None:
    """Those that a deleted dialogue left are not listed again when the next one of its id has expired."""
    api.ok("POST", "/dialogue", {"id": "d", "message": HELLO | {"id": "old"}})
    api.ok("DELETE", "/dialogue/d")
    api.ok("POST", "/dialogue", {"id": "d", "expiresAt": clock.after(days=1), "message": HELLO})
    clock.advance(days=1)
    for _ in range(2):
        api.refused(404, "DIALOGUE_NOT_FOUND", "GET", "/messages", query={"dialogueId": "d"})
        assert api.ok("GET", "/message/old", query={"dialogueId": "d"})["id"] == "old"
        sweep(api)
    assert list(verify(backend, "acme", Seen())) == []


def test_another_server_leaves_the_removal_to_the_one_that_has_begun(
    api: Api, backend: Backend, clock: Clock
) -> None:
    """One server at a time removes what has expired, until its lease has run out."""
    assert backend.take_lease("expiry", "another", 60)
    assert backend.take_lease("expiry", "another", 60)
    made = api.ok("POST", "/dialogue", {"id": "d", "expiresAt": clock.after(days=1), "message": HELLO})
    clock.advance(days=1)
    sweep(api)
    uid = backend.write(SCOPE, lambda tx: _expired_uid(tx, made["id"]))
    assert backend.take_lease("expiry", "another", -1)
    sweep(api)
    assert backend.list_messages(SCOPE, "d", MessageListQuery(uid, 1)).items == []
    assert backend.write(SCOPE, lambda tx: _expired_uid(tx, "d")) is None


def _expired_uid(tx: Any, dialogue_id: str) -> Any:
    assert tx.lock_dialogue(dialogue_id) is None
    found = tx.find_expired(dialogue_id)
    return None if found is None else found.uid
