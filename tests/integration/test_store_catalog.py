"""Every store keeps projects, keys and its own upkeep alike."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.errors import KeyNotFound
from app.domain.records import Rights
from app.stores import Backend
from tests.records import SCOPE, change_project, close_project, instant, key, project, revoke_key


def test_a_name_is_given_to_one_project(backend: Backend) -> None:
    """The second with the same name is refused and changes nothing."""
    assert backend.is_empty()
    first = project("acme")
    assert backend.create_project(first)
    assert not backend.create_project(replace(first, immutable=True))
    assert backend.get_project("acme") == first
    assert backend.get_project("none") is None
    assert not backend.is_empty()


def test_projects_are_listed_by_name(backend: Backend) -> None:
    """All of them."""
    for name in ("b", "c", "a"):
        backend.create_project(project(name))
    assert [one.name for one in backend.list_projects()] == ["a", "b", "c"]


def test_immutability_is_seen_inside_transactions(backend: Backend) -> None:
    """It can be set and taken back; a project that does not exist is not immutable."""
    assert not backend.write(SCOPE, lambda tx: tx.is_immutable())
    backend.create_project(project("acme"))
    for flag in (True, False):
        change_project(backend, immutable=flag)
        assert backend.write(SCOPE, lambda tx: tx.is_immutable()) is flag
        assert backend.get_project("acme") == project("acme", immutable=flag)


def test_a_key_is_found_by_its_hash_with_its_project(backend: Backend) -> None:
    """Without the project when that was removed."""
    full = key(
        hash="h1",
        rights=Rights.READ,
        namespace="anna",
        label="front end",
        expires=instant(5),
        revoked=instant(6),
        last_used=instant(7),
    )
    backend.create_project(project("acme"))
    backend.create_key(full)
    assert backend.find_key("h1") == (full, project("acme"))
    assert backend.find_key("h2") is None
    close_project(backend)
    assert backend.find_key("h1") == (full, None)
    assert not backend.is_empty()


def test_keys_are_listed_oldest_first(backend: Backend) -> None:
    """Of one project, or of all."""
    rows = [
        key(id=f"k{age}", project=name, created=instant(age)) for age, name in ((2, "b"), (0, "a"), (1, "b"))
    ]
    for one in rows:
        backend.create_key(one)
    assert [one.id for one in backend.list_keys()] == ["k0", "k1", "k2"]
    assert [one.id for one in backend.list_keys("b")] == ["k1", "k2"]
    assert backend.list_keys("none") == []
    assert not backend.is_empty()


def test_a_key_is_revoked_once_and_its_use_noted(backend: Backend) -> None:
    """The first revocation's time stays; an unknown key is reported."""
    backend.create_key(key(id="k", hash="h"))
    revoke_key(backend, "k")
    (revoked,) = backend.list_keys()
    revoke_key(backend, "k")
    with pytest.raises(KeyNotFound):
        revoke_key(backend, "none")
    backend.touch_key("k", instant(4))
    backend.touch_key("none", instant(4))
    (found,) = backend.list_keys()
    assert found == replace(revoked, last_used=instant(4))
    assert found.revoked is not None


def test_migrating_again_changes_nothing(backend: Backend) -> None:
    """The version and the cursor secret stay."""
    secret = backend.cursor_secret()
    assert len(secret) >= 32
    version = backend.migrate()
    assert version >= 1
    assert backend.migrate() == version
    assert backend.cursor_secret() == secret


def test_a_migrated_store_is_ready(backend: Backend) -> None:
    """Also while start-up work holds its lock, inside which it may migrate."""
    backend.check_ready()
    with backend.start_up_lock():
        backend.migrate()
        backend.check_ready()
    with backend.start_up_lock():
        backend.check_ready()
