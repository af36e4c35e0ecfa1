"""Messages as Anthropic's API has them: the system prompt apart, content in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..conversation import Fields
from . import openai
from .format import Format, Found, Source

_BLOCKS = {"tool_use", "tool_result", "thinking", "redacted_thinking", "document", "server_tool_use"}


def read(value: Any, source: Source) -> Iterator[Found]:
    """Read a request, with the answer to it where a log has both."""
    fields: Fields = {"messages": value} if isinstance(value, list) else value
    request, response = fields.get("request"), fields.get("response")
    if isinstance(request, dict) and isinstance(response, dict):
        rest = {name: item for name, item in fields.items() if name not in ("request", "response")}
        answer = {name: response[name] for name in ("role", "content") if name in response}
        usage = {name: item for name, item in response.items() if name not in ("role", "content", "type")}
        said = [*request.get("messages", ()), {"role": "assistant", **answer, "metadata": usage}]
        fields = {**request, **rest, "messages": said}
    yield openai.read_messages(fields, source)


def _recognises(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    request, response = value.get("request"), value.get("response")
    if isinstance(request, dict) and isinstance(request.get("messages"), list) and isinstance(response, dict):
        return isinstance(response.get("content"), list)
    return isinstance(value.get("messages"), list) and (
        "system" in value or any(map(_is_record, value["messages"]))
    )


def _is_record(value: Any) -> bool:
    if not isinstance(value, dict) or "role" not in value or not isinstance(value.get("content"), list):
        return False
    return any(isinstance(block, dict) and block.get("type") in _BLOCKS for block in value["content"])


FORMAT = Format("anthropic", "Anthropic Messages: JSONL of requests, logs", read, _recognises, _is_record)
