"""Every answer to a recorded request has the fields that clients read, each of its type.

The recordings are those of ``test_recorded_clients``. What is lost or of another type fails here,
call by call, so that no shape drifts unseen; what is added is held to the description, as every answer is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest

from app.domain.records import JsonText, Scope
from app.stores import Backend
from tests.contract.conftest import Api
from tests.contract.test_recorded_clients import (
    EXPECTED,
    GENERATIONS,
    NAMESPACE,
    RECORDINGS,
    Exchange,
    Replay,
    fill_lists,
    recordings,
)
from tests.records import memory

TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")

Check = Callable[[Any], bool]


def is_text(value: Any) -> bool:
    """Whether a value is a text that says something."""
    return isinstance(value, str) and value != ""


def is_time(value: Any) -> bool:
    """Whether a value is a time in the one form of answers."""
    return isinstance(value, str) and TIME.fullmatch(value) is not None


def is_count(value: Any) -> bool:
    """Whether a value is a whole number from zero up; true and false are none."""
    return type(value) is int and value >= 0


def is_object(value: Any) -> bool:
    """Whether a value is a JSON object."""
    return isinstance(value, dict)


def is_texts(value: Any) -> bool:
    """Whether a value is an array of texts."""
    return isinstance(value, list) and all(map(is_text, value))


def is_relevance(value: Any) -> bool:
    """Whether a value says how well something matches: from 0 to 1."""
    return isinstance(value, float | int) and not isinstance(value, bool) and 0 <= value <= 1


def has(shape: Mapping[str, Check]) -> Check:
    """Return the check for an object with these fields."""
    return lambda value: not differences(value, shape)


def array_of(check: Check) -> Check:
    """Return the check for a non-empty array of such items."""
    return lambda value: isinstance(value, list) and bool(value) and all(map(check, value))


def one_of(*shapes: Mapping[str, Check]) -> Check:
    """Return the check for an object that has one of these shapes."""
    return lambda value: any(not differences(value, shape) for shape in shapes)


def differences(value: Any, shape: Mapping[str, Check]) -> list[str]:
    """Name the fields that are missing or of another type."""
    if not isinstance(value, dict):
        return [f"{value!r} is no object"]
    return [name for name, check in shape.items() if name not in value or not check(value[name])]


NAMESPACED: Final = {"namespace": is_text}
LABELLED: Final = {"label": is_text}
SPOKEN: Final = {"lastMessageCreated": is_time}

CORE: Final[dict[str, Check]] = {
    "id": is_text,
    "projectId": is_text,
    "status": lambda value: value in ("active", "ended", "archived"),
    "tags": is_texts,
    "metadata": is_object,
    "totalMessages": is_count,
    "threadCount": is_count,
    "created": is_time,
    "modified": is_time,
}
MESSAGE: Final[dict[str, Check]] = {
    "id": is_text,
    "dialogueId": is_text,
    "role": is_text,
    "content": lambda value: value not in (None, "", []),
    "contentLength": is_count,
    "tags": is_texts,
    "metadata": is_object,
    "created": is_time,
    "modified": is_time,
}
MEMORY: Final[dict[str, Check]] = {
    "id": is_text,
    "value": lambda _: True,
    "tags": is_texts,
    "metadata": is_object,
    "created": is_time,
    "modified": is_time,
}
SUMMARY: Final[dict[str, Check]] = {
    "id": is_text,
    "dialogueId": is_text,
    "projectId": is_text,
    "status": lambda value: value in ("completed", "failed", "processing"),
    "content": is_text,
    "provider": is_text,
    "model": lambda value: value is None or is_text(value),
    "messageCount": is_count,
    "summarizedCount": is_count,
    "skippedCount": is_count,
    "fromCreated": is_time,
    "toCreated": is_time,
    "contentTokenCount": is_count,
    "totalTokens": is_count,
    "created": is_time,
    "modified": is_time,
}
DELETED: Final[dict[str, Check]] = {"success": lambda value: value is True, "id": is_text}
NOT_FOUND: Final[dict[str, Check]] = {
    "error": has(
        {
            "type": lambda value: value == "not_found",
            "code": is_text,
            "message": is_text,
            "details": lambda value: isinstance(value, list),
            "requestId": is_text,
            "timestamp": is_time,
        }
    )
}

NAMED: Final = MESSAGE | {"name": is_text}
WHOLE: Final = CORE | {"state": is_object, "messages": array_of(has(MESSAGE))}
SILENT: Final = CORE | {"state": is_object, "messages": lambda value: value == []}


def is_cursor(value: Any) -> bool:
    """Whether a value can be sent back as ``next`` without being escaped."""
    return isinstance(value, str) and re.fullmatch("[A-Za-z0-9_-]+", value) is not None


def pages(check: Check) -> Check:
    """Return the check for a page with items, whether more follow or not."""
    whole = has({"items": array_of(check)})
    return lambda value: whole(value) and is_cursor(value.get("next", "none"))


def hit(kind: str, item: Check) -> dict[str, Check]:
    """Return the shape of a result of a search."""
    return {
        "object": lambda value: value == kind,
        "relevance": is_relevance,
        "item": item,
        "highlights": lambda value: isinstance(value, list),
    }


def hits(kind: str, item: Check, more: dict[str, Check]) -> dict[str, Check]:
    """Return the shape of an answer to a search that found something; ``more`` is of each result."""
    return {
        "results": array_of(has(hit(kind, item) | more)),
        "items": array_of(item),
        "request": is_request,
    }


def is_request(value: Any) -> bool:
    """Whether a search says how it was understood."""
    always = {"query", "object", "limit", "timezone", "candidateOrderBy", "orderBy", "order"}
    return isinstance(value, dict) and always <= value.keys()


EVIDENCE: Final = {"matches": array_of(has(hit("message", has(MESSAGE))))}
OWN: Final = WHOLE | NAMESPACED | LABELLED | SPOKEN
CHANGED: Final = SILENT | NAMESPACED | LABELLED | SPOKEN

SHAPES: Final[dict[str, Check]] = {
    "db.createDialogue(full)": has(OWN),
    "db.createDialogue()": has(SILENT),
    "db.createDialogue(message+created)": has(WHOLE | SPOKEN),
    "db.getDialogue(id)": has(SILENT),
    "db.getDialogue(id,{namespace})": has(OWN),
    "db.getDialogue(miss)": has(NOT_FOUND),
    "db.getOrCreateDialogue({id,namespace}) hit": has(OWN),
    "db.getOrCreateDialogue({id}) miss": one_of(NOT_FOUND, SILENT),
    "db.listDialogues()": pages(has(CORE)),
    "db.listDialogues(all filters)": pages(has(CORE | NAMESPACED | {"threadOf": is_text})),
    "db.listDialogues(created)": pages(has(CORE)),
    "dialogue.saveMessage": has(NAMED | NAMESPACED),
    "dialogue.saveMessage(no ns)": has(MESSAGE),
    "dialogue.saveMessages": array_of(has(MESSAGE | NAMESPACED)),
    "dialogue.loadMessages()": pages(has(MESSAGE)),
    "dialogue.loadMessages({limit,order})": pages(has(MESSAGE)),
    "dialogue.loadMessages({next:true})": pages(has(MESSAGE)),
    "dialogue.loadMessages({startDate,endDate})": pages(has(NAMED | NAMESPACED)),
    "dialogue.getMessage": has(NAMED | NAMESPACED),
    "message.saveTags": has(NAMED | NAMESPACED),
    "dialogue.saveState (merge)": has(CHANGED),
    "dialogue.saveTags": has(CHANGED),
    "dialogue.label= + save()": has(CHANGED),
    "dialogue.createThread": has(SILENT | NAMESPACED | LABELLED | {"threadOf": is_text}),
    "dialogue.getThreads": pages(has(CORE | NAMESPACED | LABELLED | {"threadOf": is_text})),
    "dialogue.summarize({template,startId,endId})": has(NOT_FOUND),
    "dialogue.compact()": has(SUMMARY),
    "dialogue.end()": has(OWN | {"endedAt": is_time}),
    "message.remove()": has(DELETED),
    "dialogue.deleteMessage": has(DELETED),
    "db.deleteDialogue(id,{namespace})": has(DELETED),
    "db.deleteDialogue(id)": has(DELETED),
    "db.createMemory": has(MEMORY | NAMESPACED | LABELLED | {"description": is_text}),
    "db.createMemory(min)": has(MEMORY),
    "db.getMemory(id,{namespace})": has(MEMORY | NAMESPACED | LABELLED | {"description": is_text}),
    "db.getMemory(miss)": has(NOT_FOUND),
    "db.getMemory(server answers 200 null)": has(NOT_FOUND),
    "db.listMemories(all)": pages(has(MEMORY | NAMESPACED)),
    "memory.saveTags": has(MEMORY | NAMESPACED | LABELLED | {"description": is_text}),
    "memory.remove": has(DELETED),
    "db.deleteMemory(id)": has(NOT_FOUND),
    "db.searchDialogues": has(hits("dialogue", has(CORE), EVIDENCE)),
    "db.searchMessages": has(hits("message", has(MESSAGE), {})),
    "db.searchMemories": has(hits("memory", has(MEMORY), {})),
    "api.dialogue.create (global key)": has(SILENT),
    "api.dialogue.get": has(SILENT),
    "api.dialogue.update(message)": has(WHOLE | LABELLED | SPOKEN),
    "api.state.update": has(SILENT | LABELLED | SPOKEN),
    "api.messages.create": array_of(has(MESSAGE)),
    "api.messages.list": pages(has(MESSAGE)),
    "api.message.create": has(MESSAGE),
    "api.message.update": has(MESSAGE),
    "api.search": has(hits("memory", has(MEMORY), {})),
    "id needing escape": lambda body: set(body) == {"error"},
}
"""What each recorded call is answered with."""


def fill_searches(api: Api, backend: Backend) -> None:
    """Store what the recorded searches look for."""
    asked = {"role": "user", "content": "There is a billing issue."}
    api.ok("POST", "/dialogue", {"namespace": NAMESPACE, "tags": ["urgent"], "message": asked})
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    api.ok("POST", "/dialogue", {"id": "pictured"})
    pictured = {
        "dialogueId": "pictured",
        "role": "user",
        "content": [{"type": "text", "text": "The password reset shows this."}, image],
        "created": "2026-01-15",
        "tags": ["a"],
        "metadata": {"userId": "u", "score": 3, "ch": "web"},
    }
    api.ok("POST", "/message", pictured)
    kept = memory(Scope("acme"), id="found", value=JsonText('"x prefs"'), terms="x prefs")
    backend.write(Scope("acme"), lambda tx: tx.insert_memory(kept))


@pytest.fixture(params=GENERATIONS)
def exchanges(request: pytest.FixtureRequest, api: Api, backend: Backend) -> list[Exchange]:
    """Replay one generation on a store where every search finds something."""
    if not RECORDINGS.exists():
        pytest.skip("the recorded requests are not beside this checkout")
    fill_lists(api, backend)
    fill_searches(api, backend)
    replay = Replay(api)
    return [replay.send(recording) for recording in recordings(request.param)]


def test_every_recorded_call_has_a_shape() -> None:
    """None is left out."""
    assert SHAPES.keys() == {call for call, _ in EXPECTED}


def test_answers_have_the_fields_that_clients_read(exchanges: list[Exchange]) -> None:
    """None is missing, and each is of its type."""
    wrong = [(one.call, one.body) for one in exchanges if not SHAPES[one.call](one.body)]
    assert wrong == []
