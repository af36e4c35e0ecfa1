"""The audit: what was done is noted in the step that does it, and shown to whom it concerns."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain import timestamps
from app.domain.errors import ServiceUnavailable
from app.domain.list_queries import AuditListQuery
from app.domain.records import Rights, Timestamp
from app.services.audit import drop_old
from app.stores import Backend
from app.web.failed_logins import MOST_ADDRESSES, FailedLogins
from app.web.parts import parts_of
from tests.contract.conftest import Api, make_key


@pytest.fixture
def admin(api: Api, backend: Backend) -> Api:
    """The API with a key that may administer all projects."""
    api.key = make_key(backend, rights=Rights.ADMIN)
    return api


def entries(api: Api, **query: Any) -> list[dict[str, Any]]:
    """Return the audit, oldest first."""
    items: list[dict[str, Any]] = api.ok("GET", "/audit", query={"order": "asc", **query})["items"]
    return items


def actions(api: Api, **query: Any) -> list[str]:
    """Return what was done, oldest first."""
    return [entry["action"] for entry in entries(api, **query)]


def test_keys_and_projects_are_noted(admin: Api) -> None:
    """Each change once, with who did it, to what, from where, under which request id; never a key."""
    own = admin.ok("GET", "/key")["id"]
    admin.ok("POST", "/projects", {"id": "shop"})
    admin.ok("PUT", "/projects/shop", {"immutable": True})
    admin.ok("PUT", "/projects/shop", {"immutable": True})
    admin.ok("PUT", "/projects/shop", {"immutable": False})
    wanted = {"rights": "read", "project": "shop", "name": "page", "namespace": "anna"}
    response = admin.post("/keys", wanted, headers={"X-Request-Id": "the-request"})
    made = response.get_json()
    new = admin.ok("POST", f"/keys/{made['id']}/rotate", query={"project": "shop"})
    for _ in range(2):
        admin.ok("DELETE", f"/keys/{new['id']}", query={"project": "shop"})
    admin.ok("DELETE", "/projects/shop")

    noted = entries(admin, project="shop")

    assert [entry["action"] for entry in noted] == [
        "project.created",
        "project.changed",
        "project.changed",
        "key.created",
        "key.rotated",
        "key.revoked",
        "project.deleted",
    ]
    created = noted[3]
    assert {name: value for name, value in created.items() if name not in ("id", "time")} == {
        "action": "key.created",
        "project": "shop",
        "actor": own,
        "target": made["id"],
        "namespace": "anna",
        "address": "127.0.0.1",
        "requestId": "the-request",
        "details": {"name": "page", "rights": "read"},
    }
    assert noted[4]["details"]["newKey"] == new["id"]
    assert [secret for secret in (made["key"], new["key"]) if secret in repr(noted)] == []


def test_what_is_erased_is_noted_without_its_content(admin: Api) -> None:
    """A purge and an erasure say how much went; a deletion that keeps messages is no entry."""
    message = {"role": "user", "content": "a secret"}
    for name in ("one", "two"):
        admin.ok("POST", "/dialogue", {"id": name, "namespace": "anna", "message": message})
    admin.ok("DELETE", "/dialogue/one", query={"namespace": "anna", "cascade": "true"})
    admin.ok("DELETE", "/dialogue/two", query={"namespace": "anna"})
    admin.ok("DELETE", "/namespace/anna")

    purged, erased = entries(admin, project="acme")

    assert (purged["action"], purged["target"], purged["namespace"]) == ("dialogue.purged", "one", "anna")
    assert purged["details"] == {"messages": 1}
    assert (erased["action"], erased["namespace"]) == ("namespace.erased", "anna")
    assert erased["details"] == {"dialogues": 0, "messages": 1, "memories": 0, "summaries": 0}


@pytest.mark.transactions
def test_what_fails_is_not_noted(admin: Api) -> None:
    """A refused or undone change leaves no entry, and a replayed one no second."""
    admin.refused(403, "FORBIDDEN", "DELETE", "/projects/acme")
    admin.refused(404, "KEY_NOT_FOUND", "DELETE", "/keys/none")
    for _ in range(2):
        admin.ok("POST", "/keys", {"rights": "read"}, headers={"Idempotency-Key": "1"})

    assert actions(admin) == ["key.created"]


def test_the_audit_is_filtered_and_paged(admin: Api) -> None:
    """By action, actor, target and time, in either order; a cursor belongs to its filters."""
    own = admin.ok("GET", "/key")["id"]
    made = [admin.ok("POST", "/keys", {"rights": "read"})["id"] for _ in range(3)]
    admin.ok("DELETE", f"/keys/{made[0]}")

    assert actions(admin, target=made[0]) == ["key.created", "key.revoked"]
    assert actions(admin, actor=own, action="key.revoked") == ["key.revoked"]
    assert actions(admin, actor=made[0]) == []
    assert actions(admin, endDate="2020-01-01") == []
    assert len(actions(admin, startDate="2020-01-01")) == 4
    first = admin.ok("GET", "/audit", query={"limit": 3})
    rest = admin.ok("GET", "/audit", query={"limit": 3, "next": first["next"]})
    assert [entry["target"] for entry in first["items"] + rest["items"]] == [made[0], *made[::-1]]
    admin.refused(
        400, "INVALID_PARAMETER", "GET", "/audit", query={"next": first["next"], "action": "key.created"}
    )
    admin.refused(400, "INVALID_PARAMETER", "GET", "/audit", query={"action": "key.stolen"})


def test_a_manager_sees_its_own_project(admin: Api, backend: Backend) -> None:
    """And neither another one, nor what concerns no project."""
    admin.ok("POST", "/projects", {"id": "globex"})
    admin.ok("POST", "/keys", {"rights": "read"})
    count_failures(admin)
    manager = make_key(backend, rights=Rights.MANAGE)

    assert [entry["action"] for entry in admin.ok("GET", "/audit", key=manager)["items"]] == ["key.created"]
    admin.refused(403, "FORBIDDEN", "GET", "/audit", key=manager, query={"project": "globex"})
    assert set(actions(admin)) == {"project.created", "key.created", "login.failed"}
    for key in (make_key(backend), make_key(backend, rights=Rights.ADMIN, namespace="anna")):
        admin.refused(403, "FORBIDDEN", "GET", "/audit", key=key)


def count_failures(api: Api) -> None:
    """Fail to log in three times, and let the sweeper's chore note it."""
    for _ in range(3):
        api.refused(401, "UNAUTHORIZED", "GET", "/stats", key="nobody")
    parts_of(api.app).sweeper.sweep()


def test_failed_logins_are_counted_by_address(admin: Api) -> None:
    """One entry says how many came from an address; nothing is written while they come."""
    count_failures(admin)
    parts_of(admin.app).sweeper.sweep()

    (entry,) = entries(admin, action="login.failed")
    assert (entry["address"], entry["actor"]) == ("127.0.0.1", "nobody")
    assert entry["details"] == {"count": 3}
    assert "project" not in entry


def test_counts_of_failed_logins_are_bounded_and_outlast_an_absence(sqlite_backend: Backend) -> None:
    """Further addresses share a count, and a store that is away loses none."""
    logins = FailedLogins()
    for number in range(MOST_ADDRESSES + 50):
        logins.count(f"192.0.2.{number}")
    logins.count("192.0.2.0")
    logins.count(None)

    class Away:
        """A store that is away."""

        def write(self, *_: Any) -> None:
            """Refuse."""
            raise ServiceUnavailable

    with pytest.raises(ServiceUnavailable):
        logins.note(Away())  # type: ignore[arg-type]  # a stand-in with the one method that is called
    logins.note(sqlite_backend)

    noted = sqlite_backend.page_audit(AuditListQuery(None, 500)).items
    counts = {entry.address: entry.details for entry in noted}
    assert len(noted) == MOST_ADDRESSES + 1
    assert counts["192.0.2.0"] == '{"count":2}'
    assert counts["others"] == '{"count":51}'


def test_old_entries_are_removed(admin: Api, backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """In batches, when they are older than so many days."""
    monkeypatch.setattr("app.services.audit.ROWS_AT_ONCE", 2)
    monkeypatch.setattr("app.services.audit.timestamps.now", lambda: Timestamp("2026-01-01T00:00:00.000Z"))
    for _ in range(3):
        admin.ok("POST", "/keys", {"rights": "read", "expiresAt": "2126-01-01"})
    monkeypatch.undo()
    admin.ok("POST", "/keys", {"rights": "read"})
    assert len(entries(admin)) == 4

    drop_old(backend, 36_500)
    assert len(entries(admin)) == 4
    drop_old(backend, 1)

    (kept,) = entries(admin)
    assert kept["time"][:10] == timestamps.now()[:10]
