"""Every real conversation is stored, compacted and turned into valid contexts, on each store."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from app.domain.errors import InvalidParameter
from app.domain.records import Scope
from app.services.context import ContextRequest, read_context
from app.settings import Settings
from app.stores import Backend
from app.stores.sqlite import SqliteBackend
from app.summaries import Turn
from app.summaries.context.planning import Format
from app.web.parts import parts_of
from app.wiring import connect
from tests.contract.conftest import application, make_key
from tests.unit.message_rules import check_anthropic, check_openai, check_responses
from tests.unit.real_conversations import read_conversations

SCOPE = Scope("acme")
BATCH = 25
EVERY, EVERY_ELSEWHERE = 8, 24
"""Of the conversations, so many are passed over for each that is tried, on SQLite and on MongoDB; with
ALL_CONVERSATIONS set (``make real-conversations``) none is. The digests and contexts of all of them, without
a store, are tested among the units.
"""


class Site:
    """A served store, spoken to without checking each answer against the description."""

    def __init__(self, backend: Backend) -> None:
        connect(application(), Settings(key_cache=60.0), backend)
        self.client = application().test_client()
        self.headers = {"Authorization": f"Bearer {make_key(backend)}"}

    def post(self, path: str, body: Any = None) -> Any:
        """Send a request that must succeed."""
        answer = self.client.post(path, json=body, headers=self.headers)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return answer.get_json()

    def store(self, name: str, turns: list[Turn]) -> None:
        """Store a conversation, message by message as it was."""
        messages = [_message(turn) for turn in turns]
        self.post("/dialogue", {"id": name, "messages": messages[:BATCH]})
        for start in range(BATCH, len(messages), BATCH):
            self.post(f"/messages?dialogueId={name}", messages[start : start + BATCH])


def _message(turn: Turn) -> dict[str, Any]:
    named = {"name": turn.name} if turn.name else {}
    return {"role": turn.role, "content": turn.content, **named}


def test_every_real_conversation_compacts_and_yields_valid_contexts(backend: Backend) -> None:
    """At 300, 1,000 and 4,000 tokens, in all formats: valid, in the budget, the last user message there."""
    site = Site(backend)
    step = EVERY if isinstance(backend, SqliteBackend) else EVERY_ELSEWHERE
    step = 1 if os.environ.get("ALL_CONVERSATIONS") else step
    conversations = list(read_conversations())[::step]
    assert len(conversations) >= 534 // step
    for number, turns in enumerate(conversations):
        site.store(f"c{number}", turns)
        made = site.post(f"/dialogue/c{number}/compact")
        assert made["status"] == "completed"
        assert made["summarizedCount"] + made["skippedCount"] == made["messageCount"] == len(turns)
        assert made["contentTokenCount"] <= made["totalTokens"]
        if made["provider"] != "transcript":
            assert made["contentTokenCount"] <= max(400, 0.375 * made["totalTokens"])
        for context, wanted in contexts(backend, f"c{number}"):
            check(context, wanted, turns)


def contexts(backend: Backend, name: str) -> Iterator[tuple[dict[str, Any], ContextRequest]]:
    """Yield the contexts of a dialogue, each with what was asked; a budget that cannot work says so."""
    parent = parts_of(application()).backend.get_dialogue(SCOPE, name)
    assert parent is not None
    for tokens in (300, 1_000, 4_000):
        for target in Format:
            wanted = ContextRequest(tokens, target, None)
            try:
                result = read_context(backend, SCOPE, parent.id, wanted)
            except InvalidParameter as error:
                smallest = int("".join(filter(str.isdigit, error.message)))
                assert smallest > tokens
                wanted = ContextRequest(smallest, target, None)
                result = read_context(backend, SCOPE, parent.id, wanted)
            yield json.loads(result.body), wanted


def check(context: dict[str, Any], wanted: ContextRequest, turns: list[Turn]) -> None:
    """Hold a context to its budget and to the rules of its API."""
    assert context["tokenCount"] <= wanted.max_tokens
    messages = context["messages"]
    if wanted.format is Format.MESSAGES:
        shown = len(messages)
        assert context["omittedMessages"] == len(turns) - shown
        assert [message["role"] for message in messages if message["role"] == "user"]
    elif wanted.format is Format.OPENAI:
        check_openai(messages)
    elif wanted.format is Format.RESPONSES:
        check_responses(messages)
    else:
        check_anthropic(context.get("system"), messages)
    last = next(turn for turn in reversed(turns) if turn.role == "user")
    assert str(last.content)[:40] in json.dumps(messages, ensure_ascii=False).replace("\\n", "\n").replace(
        '\\"', '"'
    )
