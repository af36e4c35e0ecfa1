"""What has expired: by a time of its own, by a policy, by status; and how long a policy is believed."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from app.domain.expiry import NEVER, Expiry, Lifetime
from app.domain.records import Project
from app.domain.retention import FOR_GOOD, Retention, retention_fields
from app.stores import policies
from app.stores.policies import KEEPS_ALL, Policies, read_retention, write_retention
from tests.clock import Clock
from tests.records import dialogue, memory, project

BY_STATUS = Retention(dialogue_days=30, ended_days=5)


def test_a_status_has_its_own_days_or_those_of_dialogues() -> None:
    """None are for good."""
    days = {status: BY_STATUS.days_of(status) for status in ("active", "ended", "archived")}
    assert days == {"active": 30, "ended": 5, "archived": 30}
    assert FOR_GOOD.days_of("active") is None


def test_a_dialogue_expires_at_the_moment_and_not_before(clock: Clock) -> None:
    """Both by its own time and by the policy."""
    expiry = Expiry(BY_STATUS)
    own = dialogue(modified=clock.now(), expires_at=clock.after(seconds=60))
    idle = Lifetime("ended", clock.now(), None)
    assert not expiry.hides_dialogue(own)
    assert not expiry.hides_dialogue(idle)
    clock.advance(seconds=61)
    assert expiry.hides_dialogue(own)
    clock.advance(days=4.9)
    assert not expiry.hides_dialogue(idle)
    clock.advance(days=0.1)
    assert expiry.hides_dialogue(idle)
    assert not expiry.hides_dialogue(idle._replace(status="active"))


def test_an_immutable_project_hides_no_dialogue(clock: Clock) -> None:
    """Its memories still have ends of their own."""
    expiry = Expiry.of(project(immutable=True))
    past = clock.after(seconds=-1)
    assert not expiry.hides_dialogue(dialogue(expires_at=past))
    assert expiry.dialogues() == (NEVER, NEVER, NEVER, NEVER)
    assert expiry.hides_memory(memory(expires_at=past))
    assert KEEPS_ALL.dialogues().idle == {}


def test_a_horizon_says_the_same_for_queries(clock: Clock) -> None:
    """Statuses without days are left out."""
    horizon = Expiry(Retention(ended_days=5, memory_days=7)).dialogues()
    assert set(horizon.idle) == {"ended"}
    assert horizon.ended[:16] == clock.after(days=-5)[:16]
    assert horizon.moment[:16] == clock.now()[:16]
    assert Expiry(Retention(memory_days=7)).memories().idle[:16] == clock.after(days=-7)[:16]
    assert Expiry().memories().idle == NEVER


def test_a_policy_is_stored_as_what_it_limits() -> None:
    """One that limits nothing is no policy."""
    text = write_retention(BY_STATUS)
    assert text == '{"dialogueDays":30,"endedDays":5}'
    assert read_retention(text) == BY_STATUS
    assert write_retention(FOR_GOOD) is None
    assert read_retention(None) == FOR_GOOD
    assert retention_fields(FOR_GOOD) == {}


def test_a_policy_is_read_again_after_a_few_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or when the project was changed here; a project that is gone limits nothing."""
    stored: dict[str, Project] = {"acme": project()}
    read: list[str] = []
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def find(name: str) -> Project | None:
        read.append(name)
        return stored.get(name)

    known = Policies(find)
    assert known.of("acme").retention == FOR_GOOD
    stored["acme"] = replace(stored["acme"], retention=BY_STATUS)
    assert known.of("acme").retention == FOR_GOOD
    now[0] += policies.BELIEVED_SECONDS
    assert known.of("acme").retention == BY_STATUS
    del stored["acme"]
    known.forget("acme")
    assert known.of("acme") == Expiry()
    assert read == ["acme"] * 3


def test_projects_that_a_process_remembers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """It forgets all before it remembers too many."""
    monkeypatch.setattr(policies, "MOST", 2)
    read: list[str] = []
    known = Policies(read.append)
    for name in ("a", "b", "c", "a", "a"):
        known.of(name)
    assert read == ["a", "b", "c", "a"]
