"""Projects over HTTP: made, changed and removed by an administrator."""

from __future__ import annotations

import pytest

from app.domain.records import Rights
from app.stores import Backend
from tests.contract.conftest import Api, make_key


@pytest.fixture
def admin(api: Api, backend: Backend) -> Api:
    """The API with a key that may administer all projects."""
    api.key = make_key(backend, rights=Rights.ADMIN)
    return api


def test_a_project_is_made_and_gets_its_first_key(admin: Api) -> None:
    """All over HTTP, without a shell on the server."""
    made = admin.ok("POST", "/projects", {"id": "shop"})
    assert {name: made[name] for name in ("id", "immutable")} == {"id": "shop", "immutable": False}
    assert admin.ok("GET", "/projects/shop") == made

    key = admin.ok("POST", "/keys", {"rights": "full", "project": "shop"})["key"]

    admin.ok("POST", "/dialogue", {"id": "one"}, key=key)
    admin.refused(404, "DIALOGUE_NOT_FOUND", "GET", "/dialogue/one")


def test_a_repeat_changes_nothing(admin: Api) -> None:
    """The same again is answered as it is; something else under the name is refused."""
    made = admin.ok("POST", "/projects", {"id": "shop", "immutable": True})
    assert admin.ok("POST", "/projects", {"id": "shop", "immutable": True}) == made
    admin.refused(409, "DUPLICATE_ID", "POST", "/projects", {"id": "shop"})


def test_projects_are_listed_by_name(admin: Api) -> None:
    """Page by page."""
    for name in ("c", "a", "b"):
        admin.ok("POST", "/projects", {"id": name})
    first = admin.ok("GET", "/projects", query={"limit": 2})
    second = admin.ok("GET", "/projects", query={"limit": 2, "next": first["next"]})

    assert [one["id"] for one in first["items"] + second["items"]] == ["a", "acme", "b", "c"]
    assert "next" not in second


def test_a_project_is_made_immutable_and_mutable_again(admin: Api) -> None:
    """What a PUT leaves out stays."""
    admin.ok("POST", "/dialogue", {"id": "one"})
    assert admin.ok("PUT", "/projects/acme", {"immutable": True})["immutable"] is True
    assert admin.ok("PUT", "/projects/acme", {})["immutable"] is True
    admin.refused(409, "DIALOGUE_IMMUTABLE", "DELETE", "/dialogue/one")

    assert admin.ok("PUT", "/projects/acme", {"immutable": False})["immutable"] is False
    admin.ok("DELETE", "/dialogue/one")


def test_a_deleted_project_is_closed_at_once_and_cleared_later(admin: Api, backend: Backend) -> None:
    """Its keys are told so, and its name can be used again, for an empty project."""
    admin.ok("POST", "/projects", {"id": "shop"})
    key = admin.ok("POST", "/keys", {"rights": "full", "project": "shop"})["key"]
    admin.ok("POST", "/dialogue", {"id": "one", "message": {"role": "user", "content": "Hello"}}, key=key)

    assert admin.ok("DELETE", "/projects/shop") == {"success": True, "id": "shop"}

    admin.refused(404, "PROJECT_NOT_FOUND", "GET", "/dialogue/one", key=key)
    admin.refused(404, "PROJECT_NOT_FOUND", "GET", "/projects/shop")
    admin.refused(404, "PROJECT_NOT_FOUND", "DELETE", "/projects/shop")
    admin.ok("POST", "/projects", {"id": "shop"})
    assert admin.ok("GET", "/stats", key=key)["dialogues"]["total"] == 0
    while backend.sweep():
        pass
    assert admin.ok("GET", "/projects/shop")["id"] == "shop"


def test_the_name_of_a_large_removed_project_waits(
    admin: Api, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request clears a bounded part of it, and says that the rest takes longer."""
    monkeypatch.setattr("app.services.projects.CLEARING_STEPS", 1)
    admin.ok("POST", "/projects", {"id": "shop"})
    key = admin.ok("POST", "/keys", {"rights": "full", "project": "shop"})["key"]
    admin.ok("POST", "/dialogue", {"id": "one"}, key=key)
    admin.ok("DELETE", "/projects/shop")

    admin.refused(503, "SERVICE_UNAVAILABLE", "POST", "/projects", {"id": "shop"})
    while backend.sweep():
        pass
    admin.ok("POST", "/projects", {"id": "shop"})


def test_what_must_not_be_deleted_is_not(admin: Api) -> None:
    """An immutable project stays, and so does that of the key that asks."""
    admin.ok("POST", "/projects", {"id": "shop", "immutable": True})
    admin.refused(409, "DIALOGUE_IMMUTABLE", "DELETE", "/projects/shop")
    admin.refused(403, "FORBIDDEN", "DELETE", "/projects/acme")


def test_a_manager_sees_its_own_project(api: Api, backend: Backend) -> None:
    """It cannot see another one, list them, or say what is for administrators to say."""
    make_key(backend, "globex")
    api.key = make_key(backend, rights=Rights.MANAGE)

    assert api.ok("GET", "/projects/acme")["id"] == "acme"
    assert api.ok("PUT", "/projects/acme", {"immutable": False})["immutable"] is False
    api.refused(403, "FORBIDDEN", "PUT", "/projects/acme", {"immutable": True})
    for method, path, body in (
        ("GET", "/projects", None),
        ("POST", "/projects", {"id": "shop"}),
        ("GET", "/projects/globex", None),
        ("GET", "/projects/none", None),
        ("PUT", "/projects/globex", {}),
        ("DELETE", "/projects/globex", None),
    ):
        api.refused(403, "FORBIDDEN", method, path, body)


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "a b", "x" * 65])
def test_a_bad_name_is_refused(admin: Api, name: str) -> None:
    """It says what is right."""
    error = admin.refused(400, "INVALID_INPUT", "POST", "/projects", {"id": name})
    assert "letter or digit first" in error["message"]


def test_management_needs_its_right(api: Api, backend: Backend) -> None:
    """A bound key can manage nothing, whatever its rights; neither can one that reads or writes."""
    keys = {
        "read": make_key(backend, rights=Rights.READ),
        "full": make_key(backend, rights=Rights.FULL),
        "bound manage": make_key(backend, rights=Rights.MANAGE, namespace="anna"),
        "bound admin": make_key(backend, rights=Rights.ADMIN, namespace="anna"),
    }
    for key in keys.values():
        for method, path, body in (
            ("GET", "/keys", None),
            ("POST", "/keys", {"rights": "read", "namespace": "anna"}),
            ("GET", "/keys/x", None),
            ("DELETE", "/keys/x", None),
            ("POST", "/keys/x/rotate", {}),
            ("GET", "/projects", None),
            ("GET", "/projects/acme", None),
            ("PUT", "/projects/acme", {}),
        ):
            api.refused(403, "FORBIDDEN", method, path, body, key=key)
    api.ok("POST", "/dialogue", {"id": "one"}, key=keys["bound manage"])
