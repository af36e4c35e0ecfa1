"""What DialogueDB's own SDK was recorded sending is answered as that SDK needs it.

Two generations of the SDK are replayed in order, each against a fresh store, exactly as recorded:
path, query, body, content type and user agent. Only what the recording's server had made up is
replaced: its ids by those that this server gives in the same places, its cursors by real ones.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from werkzeug.test import TestResponse

from app.domain.records import Scope
from app.stores import Backend
from tests.contract.conftest import Api, check_documented
from tests.records import instant, memory

RECORDINGS = Path(__file__).parents[3] / "shared" / "contract" / "client-requests.jsonl"
GENERATIONS = ("node-sdk", "node-sdk-unprefixed")
NAMESPACE = "user_123"

INVENTED_ID = re.compile("01STUB[0-9]+")
CREATORS = {
    "db.createDialogue()": "01STUB00000000000000000004",
    "dialogue.saveMessage": "01STUB00000000000000000017",
    "api.dialogue.create (global key)": "01STUB00000000000000000047",
}
"""The calls whose answers carried the ids that the recording's server had made up."""

INVENTED_CURSOR = re.compile("(?<=[?&]next=)(tok_2|tok_m2|n)(?=&|$)")

EXPECTED: list[tuple[str, int]] = [
    ("db.createDialogue(full)", 200),
    ("db.createDialogue()", 200),
    ("db.createDialogue(message+created)", 200),
    ("db.getDialogue(id)", 200),
    ("db.getDialogue(id,{namespace})", 200),
    ("db.getDialogue(miss)", 404),
    ("db.getOrCreateDialogue({id,namespace}) hit", 200),
    ("db.getOrCreateDialogue({id}) miss", 404),
    ("db.getOrCreateDialogue({id}) miss", 200),
    ("db.listDialogues()", 200),
    ("db.listDialogues(all filters)", 200),
    ("db.listDialogues(created)", 200),
    ("dialogue.saveMessage", 200),
    ("dialogue.saveMessage(no ns)", 200),
    ("dialogue.saveMessages", 200),
    ("dialogue.loadMessages()", 200),
    ("dialogue.loadMessages({limit,order})", 200),
    ("dialogue.loadMessages({next:true})", 200),
    ("dialogue.loadMessages({startDate,endDate})", 200),
    ("dialogue.getMessage", 200),
    ("message.saveTags", 200),
    ("dialogue.saveState (merge)", 200),
    ("dialogue.saveTags", 200),
    ("dialogue.label= + save()", 200),
    ("dialogue.createThread", 200),
    ("dialogue.getThreads", 200),
    # It names the messages m-1 and m-2, which nothing in the recording had made.
    ("dialogue.summarize({template,startId,endId})", 404),
    ("dialogue.compact()", 200),
    ("dialogue.end()", 200),
    ("message.remove()", 200),
    ("dialogue.deleteMessage", 200),
    ("db.deleteDialogue(id,{namespace})", 200),
    ("db.deleteDialogue(id)", 200),
    ("db.createMemory", 200),
    ("db.createMemory(min)", 200),
    ("db.getMemory(id,{namespace})", 200),
    ("db.getMemory(miss)", 404),
    ("db.getMemory(server answers 200 null)", 404),
    ("db.listMemories(all)", 200),
    ("memory.saveTags", 200),
    ("memory.remove", 200),
    ("db.deleteMemory(id)", 404),
    ("db.searchDialogues", 200),
    ("db.searchMessages", 200),
    ("db.searchMemories", 200),
    ("api.dialogue.create (global key)", 200),
    ("api.dialogue.get", 200),
    ("api.dialogue.update(message)", 200),
    ("api.state.update", 200),
    ("api.messages.create", 200),
    ("api.messages.list", 200),
    ("api.message.create", 200),
    ("api.message.update", 200),
    ("api.search", 200),
    # The SDK does not escape ids: this one's slash makes a path that only takes POST.
    ("id needing escape", 405),
]
"""Every call of a recording, in order, and the status that it is answered with."""


class Exchange(NamedTuple):
    """One recorded request and this server's answer to it."""

    call: str
    method: str
    path: str
    response: TestResponse

    @property
    def body(self) -> Any:
        """The JSON of the answer."""
        return self.response.get_json()


Replayed = list[Exchange]


@cache
def recordings(generation: str) -> list[dict[str, Any]]:
    """Return the requests of one generation of the SDK, in the order they were sent."""
    lines = map(json.loads, RECORDINGS.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line["client"] == generation]


class Replay:
    """One generation of the SDK at work, with the ids that this server has given it."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.ids: dict[str, str] = {}

    def send(self, recording: dict[str, Any]) -> Exchange:
        """Send a request as recorded; its answer is held against the description."""
        call, method, sent = recording["call"], recording["method"], recording["body"]
        url = self._with_cursor(self._with_ids(recording["url"]))
        headers = {"Authorization": f"Bearer {self.api.key}", "User-Agent": recording["user_agent"]}
        if recording["content_type"] is not None:
            headers["Content-Type"] = recording["content_type"]
        body = None if sent is None else self._with_ids(sent).encode()
        response = self.api.client.open(url, method=method, data=body, headers=headers)
        path = url.partition("?")[0].removeprefix("/api/v1")
        check_documented(method, path, response)
        if call in CREATORS:
            self.ids[CREATORS[call]] = response.get_json()["id"]
        return Exchange(call, method, path, response)

    def _with_ids(self, text: str) -> str:
        return INVENTED_ID.sub(lambda invented: self.ids[invented[0]], text)

    def _with_cursor(self, url: str) -> str:
        """Put in the cursor behind the first item of the same list."""
        return INVENTED_CURSOR.sub(lambda invented: self._cursor(url, invented[0]), url)

    def _cursor(self, url: str, invented: str) -> str:
        first = re.sub("limit=[0-9]+", "limit=1", url.replace(f"&next={invented}", ""))
        cursor: str = self.api.ok("GET", first)["next"]
        return cursor


def fill_lists(api: Api, backend: Backend) -> None:
    """Store two threads and two memories where the recorded walks go beyond the first page."""
    parent = {"id": "p-1", "namespace": NAMESPACE}
    api.ok("POST", "/dialogue", parent)
    for name in ("t-1", "t-2"):
        thread = {"id": name, "namespace": NAMESPACE, "threadOf": "p-1", "created": "2026-01-15"}
        api.ok("POST", "/dialogue", thread)
    scope = Scope("acme", NAMESPACE)
    for name in ("k-1", "k-2"):
        kept = memory(scope, id=name, created=instant(1))
        backend.write(scope, lambda tx, kept=kept: tx.insert_memory(kept))  # type: ignore[misc]  # mypy infers no default


@pytest.fixture(params=GENERATIONS)
def replayed(request: pytest.FixtureRequest, api: Api, backend: Backend) -> Replayed:
    """Replay one generation from its first request to its last."""
    if not RECORDINGS.exists():
        pytest.skip("the recorded requests are not beside this checkout")
    fill_lists(api, backend)
    replay = Replay(api)
    return [replay.send(recording) for recording in recordings(request.param)]


def answers(replayed: Replayed, *calls: str) -> list[Any]:
    """Return the bodies that calls were answered with, each of which must have succeeded."""
    found = [exchange for exchange in replayed if exchange.call in calls]
    assert len(found) == len(calls)
    assert [exchange.response.status_code for exchange in found] == [200] * len(calls)
    return [exchange.body for exchange in found]


def is_dialogue(body: Any) -> bool:
    """Whether the SDK can make a dialogue of this."""
    return (
        isinstance(body["id"], str) and bool(body["id"]) and all(isinstance(tag, str) for tag in body["tags"])
    )


def is_message(body: Any) -> bool:
    """Whether the SDK can make a message of this."""
    return is_dialogue(body) and bool(body["role"]) and bool(body["dialogueId"])


def every(check: Callable[[Any], bool], items: Any) -> bool:
    """Whether a body is a non-empty array whose items all pass."""
    return isinstance(items, list) and bool(items) and all(map(check, items))


def check_all(replayed: Replayed) -> None:
    """Hold statuses, JSON and misses against what the SDK relies on."""
    expected = [entry for entry in EXPECTED if entry[0] in {exchange.call for exchange in replayed}]
    assert [(exchange.call, exchange.response.status_code) for exchange in replayed] == expected
    for exchange in replayed:
        assert exchange.response.mimetype == "application/json"
        assert exchange.body is not None
        if exchange.response.status_code == 404:
            assert exchange.body["error"]["type"] == "not_found"


def check_objects(replayed: Replayed) -> None:
    """Hold each answer against the rules by which the SDK makes objects of it."""
    whole = [
        "db.createDialogue(full)",
        "db.createDialogue()",
        "db.createDialogue(message+created)",
        "db.getDialogue(id)",
        "db.getDialogue(id,{namespace})",
        "db.getOrCreateDialogue({id,namespace}) hit",
        "dialogue.createThread",
        "api.dialogue.create (global key)",
        "api.dialogue.get",
        "api.dialogue.update(message)",
        "api.state.update",
    ]
    assert every(is_dialogue, answers(replayed, *whole))
    lists = ["db.listDialogues()", "db.listDialogues(all filters)", "dialogue.getThreads"]
    assert all(every(is_dialogue, page["items"]) for page in answers(replayed, *lists))
    single = ["dialogue.saveMessage", "dialogue.saveMessage(no ns)", "dialogue.getMessage"]
    single += ["message.saveTags", "api.message.create", "api.message.update"]
    assert every(is_message, answers(replayed, *single))
    assert all(
        every(is_message, batch)
        for batch in answers(replayed, "dialogue.saveMessages", "api.messages.create")
    )
    pages = ["dialogue.loadMessages()", "dialogue.loadMessages({limit,order})", "api.messages.list"]
    pages += ["dialogue.loadMessages({next:true})", "dialogue.loadMessages({startDate,endDate})"]
    assert all(every(is_message, page["items"]) for page in answers(replayed, *pages))
    deletions = ["message.remove()", "dialogue.deleteMessage", "db.deleteDialogue(id,{namespace})"]
    deletions += ["db.deleteDialogue(id)", "memory.remove"]
    assert all(answer["success"] is True for answer in answers(replayed, *deletions))


def test_recordings_are_answered_as_the_sdk_needs_it(replayed: Replayed) -> None:
    """Each request gets its status, each success JSON that the SDK can make its objects of."""
    check_all(replayed)
    check_objects(replayed)
    merged, tagged, labelled = answers(
        replayed, "dialogue.saveState (merge)", "dialogue.saveTags", "dialogue.label= + save()"
    )
    assert (merged["state"], merged["tags"]) == ({"s": 1, "step": 2}, ["new"])
    assert (tagged["state"], tagged["tags"]) == ({"s": 1, "step": 2}, ["vip"])
    assert labelled["state"] == {"s": 1, "step": 2, "only": 1}
    assert (labelled["label"], labelled["tags"]) == ("New", ["vip"])
    assert merged["modified"] <= tagged["modified"] <= labelled["modified"]
    (ended,) = answers(replayed, "dialogue.end()")
    assert [message["content"] for message in ended["messages"]] == [
        "Hello",
        {"type": "text", "text": "x"},
        "q1",
        "a1",
    ]
    assert (ended["status"], ended["state"]) == ("ended", labelled["state"])
    (kept,) = answers(replayed, "db.getMemory(id,{namespace})")
    assert (kept["id"], kept["value"]) == ("user-prefs", {"theme": "dark"})
    assert answers(replayed, "memory.saveTags")[0]["tags"] == ["archived"]
    (walked,) = answers(replayed, "db.listMemories(all)")
    assert [item["id"] for item in walked["items"]] == ["k-1"]
    (summary,) = answers(replayed, "dialogue.compact()")
    assert (summary["status"], summary["summarizedCount"]) == ("completed", 1)


def test_recorded_searches_carry_both_shapes(replayed: Replayed) -> None:
    """Older code reads ``items`` and newer ``results``: both are there and name the same."""
    found = [exchange.body for exchange in replayed if exchange.path == "/search"]
    assert len(found) >= 3
    for body in found:
        assert [result["item"] for result in body["results"]] == body["items"]
        assert body["request"]["object"] in {"dialogue", "message", "memory"}
