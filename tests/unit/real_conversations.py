"""The real conversations, as turns: content is stored the way ``colloquy import`` stores it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.summaries import Turn

DATA = Path(__file__).parents[3] / "shared" / "data"
CREATED = "2026-01-02T03:04:05.000Z"


def read_conversations() -> Iterator[list[Turn]]:
    """Yield every conversation of both files; skips the test where they are absent."""
    if not DATA.is_dir():
        pytest.skip(f"the real conversations are not here ({DATA})")
    for row in _rows("agent-conversations.jsonl.gz"):
        yield [agent_turn(row["id"], index, message) for index, message in enumerate(row["messages"])]
    for row in _rows("service-dialogues.jsonl.gz"):
        yield [
            Turn(
                f"{row['dialogue_id']}:{index}",
                index,
                "user" if turn["speaker"] == "USER" else "assistant",
                turn["utterance"],
                CREATED,
            )
            for index, turn in enumerate(row["turns"])
        ]


def agent_turn(dialogue_id: str, index: int, message: dict[str, Any]) -> Turn:
    """Return a source message as it is stored."""
    content = message.get("content")
    if message.get("tool_calls") or message.get("tool_call_id") or not content:
        content = {key: message[key] for key in ("content", "tool_calls", "tool_call_id") if key in message}
    return Turn(f"{dialogue_id}:{index}", index, message["role"], content, CREATED, message.get("name"))


def _rows(name: str) -> Iterator[dict[str, Any]]:
    with gzip.open(DATA / name, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)
