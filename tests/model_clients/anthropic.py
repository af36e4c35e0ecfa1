"""Stands in for Anthropic's library in the README's tour: the same calls, and answers that dump as its do.

A request that the API would refuse fails here.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Literal

from pydantic import BaseModel

from tests.unit.message_rules import check_anthropic


class TextBlock(BaseModel):
    """Words."""

    citations: list[dict[str, Any]] | None = None
    text: str
    type: Literal["text"] = "text"


class ToolUseBlock(BaseModel):
    """A call of a tool."""

    id: str
    input: dict[str, Any]
    name: str
    type: Literal["tool_use"] = "tool_use"


class Message(BaseModel):
    """What the model answers."""

    id: str
    content: list[TextBlock | ToolUseBlock]
    model: str
    role: Literal["assistant"] = "assistant"
    stop_reason: str | None = "tool_use"
    type: Literal["message"] = "message"


class Anthropic:
    """The client: it says a word and calls the first tool."""

    def __init__(self) -> None:
        self.messages = SimpleNamespace(create=self._create)

    def _create(
        self,
        *,
        model: str,
        max_tokens: int,
        messages: list[dict[str, Any]],
        tools: Any,
        system: str | None = None,
    ) -> Message:
        assert max_tokens > 0
        check_anthropic(system, messages)
        call = ToolUseBlock(id="toolu_01", name=tools[0]["name"], input={"id": 4711})
        return Message(id="msg_01", model=model, content=[TextBlock(text="Let me look again."), call])
