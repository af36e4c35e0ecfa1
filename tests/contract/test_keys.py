"""Keys over HTTP: made, listed, replaced and revoked by whoever may manage the project."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain.records import Rights, Scope
from app.domain.timestamps import format_time
from app.services.keys import hash_key
from app.stores import Backend
from tests.contract.conftest import Api, make_key


@pytest.fixture
def manager(api: Api, backend: Backend) -> Api:
    """The API with a key that may manage the project ``acme``."""
    api.key = make_key(backend, rights=Rights.MANAGE)
    return api


def from_now(**span: int) -> str:
    """Return a time from now."""
    return format_time(datetime.now(UTC) + timedelta(**span))


def without_times(record: dict[str, Any]) -> dict[str, Any]:
    """Return a key without what differs each time."""
    return {name: value for name, value in record.items() if name not in ("id", "created", "key", "lastUsed")}


def test_a_backend_makes_a_key_for_a_browser(manager: Api) -> None:
    """A key of one namespace reads there, and nowhere else, until it ends."""
    manager.ok("POST", "/dialogue", {"id": "one", "namespace": "anna"})
    until = from_now(hours=1)
    wanted = {"name": "browser", "rights": "read", "namespace": "anna", "expiresAt": until}

    made = manager.ok("POST", "/keys", wanted)

    assert without_times(made) == {"project": "acme", **wanted}
    assert manager.ok("GET", "/dialogue/one", key=made["key"])["namespace"] == "anna"
    manager.refused(403, "FORBIDDEN", "GET", "/dialogue/one", key=made["key"], query={"namespace": "bert"})
    manager.refused(403, "FORBIDDEN", "POST", "/dialogue", {}, key=made["key"])


def test_a_secret_is_shown_once(manager: Api, backend: Backend) -> None:
    """Neither the record nor the list nor a replayed answer has it, and the store has its hash alone."""
    headers = {"Idempotency-Key": "again"}
    made = manager.ok("POST", "/keys", {"rights": "full"}, headers=headers)
    replay = manager.post("/keys", {"rights": "full"}, headers=headers)

    seen = {name: value for name, value in made.items() if name != "key"}
    assert replay.headers["Idempotent-Replayed"] == "true"
    assert replay.get_json() == seen == manager.ok("GET", f"/keys/{made['id']}")
    assert seen in manager.ok("GET", "/keys")["items"]
    stored = backend.get_key(made["id"])
    assert stored is not None
    assert stored.hash == hash_key(made["key"])


def test_a_lost_secret_is_replaced(manager: Api) -> None:
    """Whoever got no answer rotates the key that the repeat names."""
    headers = {"Idempotency-Key": "lost"}
    manager.ok("POST", "/keys", {"rights": "read"}, headers=headers)
    named = manager.ok("POST", "/keys", {"rights": "read"}, headers=headers)

    new = manager.ok("POST", f"/keys/{named['id']}/rotate", {"overlapSeconds": 0})

    assert without_times(new) == without_times(named)
    assert manager.ok("GET", "/key", key=new["key"])["rights"] == "read"


def test_a_replaced_key_works_for_the_overlap(manager: Api) -> None:
    """Both work until then; without an overlap only the new one does."""
    first = manager.ok("POST", "/keys", {"rights": "full", "name": "app"})
    second = manager.ok("POST", f"/keys/{first['id']}/rotate")
    assert manager.ok("GET", f"/keys/{first['id']}")["revokedAt"] > from_now(minutes=59)
    for made in (first, second):
        manager.ok("GET", "/stats", key=made["key"])

    third = manager.ok("POST", f"/keys/{second['id']}/rotate", {"overlapSeconds": 0})

    manager.refused(401, "UNAUTHORIZED", "GET", "/stats", key=second["key"])
    manager.ok("GET", "/stats", key=third["key"])
    manager.refused(409, "KEY_ENDED", "POST", f"/keys/{second['id']}/rotate")


def test_a_revoked_key_opens_nothing_and_stays_listed(manager: Api) -> None:
    """Revoking it again changes nothing."""
    made = manager.ok("POST", "/keys", {"rights": "full"})
    answer = {"success": True, "id": made["id"]}
    assert manager.ok("DELETE", f"/keys/{made['id']}") == answer
    revoked = manager.ok("GET", f"/keys/{made['id']}")["revokedAt"]
    assert manager.ok("DELETE", f"/keys/{made['id']}") == answer

    manager.refused(401, "UNAUTHORIZED", "GET", "/stats", key=made["key"])
    assert manager.ok("GET", f"/keys/{made['id']}")["revokedAt"] == revoked


def test_keys_are_listed_page_by_page(manager: Api) -> None:
    """Each is listed once, in the order asked for, however small the pages."""
    ids = [manager.ok("POST", "/keys", {"rights": "read"})["id"] for _ in range(5)]
    for order, expected in (("asc", ids), ("desc", ids[::-1])):
        found: list[str] = []
        query = {"limit": 2, "order": order}
        while True:
            page = manager.ok("GET", "/keys", query=query)
            found += [one["id"] for one in page["items"]]
            if "next" not in page:
                break
            query |= {"next": page["next"]}
        assert [one for one in found if one in ids] == expected
    manager.refused(400, "INVALID_PARAMETER", "GET", "/keys", query={"next": page.get("next", "x")})


@pytest.mark.parametrize("rights", ["manage", "full", "read"])
def test_what_is_granted_is_no_more_than_the_caller_has(manager: Api, rights: str) -> None:
    """A manager grants up to ``manage``, and not ``admin``."""
    manager.ok("POST", "/keys", {"rights": rights})
    manager.refused(403, "FORBIDDEN", "POST", "/keys", {"rights": "admin"})


def test_a_mightier_key_is_left_alone(manager: Api, backend: Backend) -> None:
    """A manager can neither replace nor revoke the key of an administrator."""
    mighty = make_key(backend, rights=Rights.ADMIN)
    key_id = manager.ok("GET", "/key", key=mighty)["id"]
    manager.refused(403, "FORBIDDEN", "POST", f"/keys/{key_id}/rotate")
    manager.refused(403, "FORBIDDEN", "DELETE", f"/keys/{key_id}")
    assert manager.ok("GET", "/key", key=mighty)["rights"] == "admin"


def test_what_is_granted_ends_with_the_caller(api: Api, backend: Backend) -> None:
    """A key that ends makes keys that end no later, and cannot replace one that ends later."""
    end = format_time(datetime.now(UTC) + timedelta(hours=1))
    lasting = api.ok("GET", "/key")["id"]
    api.key = make_key(backend, rights=Rights.MANAGE, expires=end)

    assert api.ok("POST", "/keys", {"rights": "read"})["expiresAt"] == end
    sooner = from_now(minutes=5)
    assert api.ok("POST", "/keys", {"rights": "read", "expiresAt": sooner})["expiresAt"] == sooner
    later = {"rights": "read", "expiresAt": from_now(hours=2)}
    api.refused(403, "FORBIDDEN", "POST", "/keys", later)
    api.refused(403, "FORBIDDEN", "POST", f"/keys/{lasting}/rotate")


def test_a_key_in_its_overlap_grants_no_longer_than_that(manager: Api) -> None:
    """What a replaced key makes ends with the replaced key."""
    old = manager.ok("POST", "/keys", {"rights": "manage"})
    manager.ok("POST", f"/keys/{old['id']}/rotate", {"overlapSeconds": 600})
    end = manager.ok("GET", f"/keys/{old['id']}")["revokedAt"]

    assert manager.ok("POST", "/keys", {"rights": "read"}, key=old["key"])["expiresAt"] == end


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"rights": "full", "expiresAt": "2020-01-01"}, "expiresAt"),
        ({"rights": "full", "expiresAt": "tomorrow"}, "expiresAt"),
        ({"rights": "everything"}, "rights"),
        ({"rights": "full", "name": ""}, "name"),
        ({"rights": "full", "namespace": ""}, "namespace"),
        ({"rights": "full", "project": "../x"}, "project"),
        ({"rights": "full", "label": "x"}, "label"),
        ({}, "rights"),
    ],
)
def test_a_bad_wish_is_refused_by_name(manager: Api, body: dict[str, Any], field: str) -> None:
    """The error names the field."""
    error = manager.refused(400, "INVALID_INPUT", "POST", "/keys", body)
    assert error["details"][0]["field"] == field


def test_keys_of_another_project_are_not_there(manager: Api, backend: Backend) -> None:
    """For a manager; an administrator names the project."""
    other = make_key(backend, "globex")
    key_id = manager.ok("GET", "/key", key=other)["id"]
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/rotate")):
        manager.refused(404, "KEY_NOT_FOUND", method, f"/keys/{key_id}{path}")
        query = {"project": "globex"}
        manager.refused(403, "FORBIDDEN", method, f"/keys/{key_id}{path}", query=query)
    manager.refused(403, "FORBIDDEN", "GET", "/keys", query={"project": "globex"})
    manager.refused(403, "FORBIDDEN", "POST", "/keys", {"rights": "read", "project": "globex"})

    manager.key = make_key(backend, rights=Rights.ADMIN)
    assert manager.ok("GET", f"/keys/{key_id}", query={"project": "globex"})["project"] == "globex"
    made = manager.ok("POST", "/keys", {"rights": "manage", "project": "globex"})
    assert manager.ok("GET", "/key", key=made["key"])["project"] == "globex"
    manager.refused(404, "PROJECT_NOT_FOUND", "POST", "/keys", {"rights": "read", "project": "none"})


def test_a_record_of_an_answer_has_no_secret(manager: Api, backend: Backend) -> None:
    """What is kept for repeats of a creation and of a replacement cannot open anything."""
    kept: list[str] = []
    made: list[str] = []
    write = backend.write

    def spied(scope: Scope, work: Any) -> Any:
        def watched(tx: Any) -> Any:
            save = tx.save_idempotency

            def note(record: Any) -> None:
                kept.append(repr(record))
                save(record)

            tx.save_idempotency = note
            return work(tx)

        return write(scope, watched)

    backend.write = spied  # type: ignore[method-assign]  # a spy in its place
    first = manager.ok("POST", "/keys", {"rights": "read"}, headers={"Idempotency-Key": "1"})
    path = f"/keys/{first['id']}/rotate"
    second = manager.ok("POST", path, {}, headers={"Idempotency-Key": "2"})
    made = [first["key"], second["key"]]

    assert len(kept) == 2
    assert [key for key in made for record in kept if key in record] == []
