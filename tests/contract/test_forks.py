"""Forks, whose copies are made before their transaction: the parent may change in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.domain.records import Message
from app.handlers import dialogues as handler
from app.services import fork
from tests.contract.conftest import Api

PARENT = {"dialogueId": "p"}
FORK = {"id": "f", "threadOf": "p", "forkAt": "m2"}
Change = Callable[[Api], object]


def message(name: str, day: int) -> dict[str, Any]:
    """Return a message of one day of January."""
    return {"id": name, "role": "user", "content": f"word{name}", "created": f"2026-01-{day:02}"}


@pytest.fixture
def parent(api: Api) -> Api:
    """Make a parent with four messages."""
    api.ok("POST", "/dialogue", {"id": "p", "messages": [message(f"m{n}", 10 + n) for n in range(4)]})
    return api


def change_behind(monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]) -> None:
    """Have something happen once between the copies of the next fork and its transaction."""

    def prepare(*args: Any) -> fork.Prepared | None:
        monkeypatch.undo()
        prepared = fork.prepare(*args)
        change()
        return prepared

    monkeypatch.setattr(handler, "prepare", prepare)


def said(api: Api, dialogue: str) -> list[tuple[str, str, list[str]]]:
    """Return what the messages of a dialogue say."""
    items = api.ok("GET", "/messages", query={"dialogueId": dialogue})["items"]
    return [(item["content"], item["created"], item["tags"]) for item in items]


CHANGES: dict[str, Change] = {
    "nothing": lambda _: None,
    "a message behind": lambda api: api.ok("POST", "/message", PARENT | message("late", 20)),
    "a message before": lambda api: api.ok("POST", "/message", PARENT | message("early", 1)),
    "tags": lambda api: api.ok("PUT", "/message/m1", {"tags": ["t"]}, query=PARENT),
    "a deletion": lambda api: api.ok("DELETE", "/message/m0", query=PARENT),
    "another fork": lambda api: api.ok("POST", "/dialogue", FORK | {"id": "g"}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_fork_has_what_its_parent_has_when_it_is_stored(
    parent: Api, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """Whatever happens to the parent after its messages were copied; both are counted and found."""
    change_behind(monkeypatch, lambda: CHANGES[change](parent))
    forked = parent.ok("POST", "/dialogue", FORK)
    expected = said(parent, "p")
    last = next(place for place, (content, *_) in enumerate(expected) if content == "wordm2")
    assert said(parent, "f") == expected[: last + 1]
    assert forked["totalMessages"] == last + 1
    assert parent.ok("GET", "/dialogue/f")["messages"] == forked["messages"]
    hits = parent.ok("POST", "/search", {"query": "wordm2", "object": "message"})["items"]
    assert {"p", "f"} <= {hit["dialogueId"] for hit in hits}


@pytest.mark.parametrize("change", ["nothing", "a message behind"])
def test_the_transaction_copies_nothing_again(
    parent: Api, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """Not even where the parent has gone on: a fork would keep other writers out for twice as long."""
    copied: list[object] = []

    copy = fork._copy

    def copy_again(original: Message, *args: Any) -> Message:
        copied.append(original)
        return copy(original, *args)

    def alter(again: str) -> None:
        CHANGES[again](parent)
        monkeypatch.setattr(fork, "_copy", copy_again)

    change_behind(monkeypatch, lambda: alter(change))
    assert parent.ok("POST", "/dialogue", FORK)["totalMessages"] == 3
    assert not copied
    change_behind(monkeypatch, lambda: alter("tags"))
    parent.ok("POST", "/dialogue", FORK | {"id": "g"})
    assert len(copied) == 1, "but what has changed"


def test_the_parent_may_go_meanwhile(parent: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it is copied then, and nothing is left of the copies."""
    change_behind(monkeypatch, lambda: parent.ok("DELETE", "/dialogue/p"))
    parent.refused(404, "PARENT_DIALOGUE_NOT_FOUND", "POST", "/dialogue", FORK)
    parent.refused(404, "DIALOGUE_NOT_FOUND", "GET", "/dialogue/f")


def test_the_id_may_be_used_and_freed_meanwhile(parent: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The copies belong to the dialogue that has the id at last, the newest of that name."""

    def use() -> None:
        parent.ok("POST", "/dialogue", {"id": "f", "message": message("other", 1)})
        parent.ok("DELETE", "/dialogue/f")

    change_behind(monkeypatch, use)
    assert parent.ok("POST", "/dialogue", FORK)["totalMessages"] == 3
    assert said(parent, "f") == said(parent, "p")[:3]


def test_a_repeat_may_be_faster(parent: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both get the answer of the one fork that there is; a later repeat copies nothing."""
    answers = []
    change_behind(monkeypatch, lambda: answers.append(parent.ok("POST", "/dialogue", FORK)))
    assert [parent.ok("POST", "/dialogue", FORK)] == answers
    assert parent.ok("GET", "/dialogue/p")["threadCount"] == 1
    monkeypatch.setattr(fork, "_copy", None)
    assert [parent.ok("POST", "/dialogue", FORK)] == answers


def test_a_long_fork_under_a_key_is_replayed(parent: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its repeat copies nothing either, though the thread has another id each time."""
    monkeypatch.setattr(fork, "LONG_FORK", 2)
    request = {"threadOf": "p", "forkAt": "m2"}
    first = parent.ok("POST", "/dialogue", request, headers={"Idempotency-Key": "k"})
    monkeypatch.setattr(fork, "_copy", None)
    assert parent.ok("POST", "/dialogue", request, headers={"Idempotency-Key": "k"}) == first
    assert parent.ok("GET", "/dialogue/p")["threadCount"] == 1
