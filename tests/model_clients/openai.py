"""Stands in for OpenAI's library in the README's tour: the same calls, and answers that dump as its do.

A request that the API would refuse fails here. The shape of the answers was taken from openai 2.x.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Literal

from pydantic import BaseModel

from tests.unit.message_rules import check_openai


class Function(BaseModel):
    """What a call calls."""

    arguments: str
    name: str


class Call(BaseModel):
    """A call of a tool."""

    id: str
    function: Function
    type: Literal["function"] = "function"


class Message(BaseModel):
    """What the model says; dumped, it has every field."""

    content: str | None
    refusal: str | None = None
    role: Literal["assistant"] = "assistant"
    annotations: list[dict[str, Any]] | None = None
    audio: dict[str, Any] | None = None
    function_call: Function | None = None
    tool_calls: list[Call] | None = None


class OpenAI:
    """The client: it calls a tool where there are tools, and says otherwise what the last one found."""

    def __init__(self) -> None:
        self.chat = SimpleNamespace(completions=SimpleNamespace(create=self._create))

    def _create(self, *, model: str, messages: list[dict[str, Any]], tools: Any = None) -> Any:
        assert model
        check_openai(messages)
        if tools:
            function = Function(name=tools[0]["function"]["name"], arguments='{"id": 4711}')
            message = Message(
                content=None, annotations=[], tool_calls=[Call(id="call_Zx1", function=function)]
            )
        else:
            message = Message(content=messages[-1]["content"])
        return SimpleNamespace(choices=[SimpleNamespace(message=message)])
