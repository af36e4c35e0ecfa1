"""Dialogues as lines of messages: what model APIs take, and what they can be trained with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import orjson

from ...domain.records import Dialogue, Message
from ...summaries.context.formats import join_anthropic, to_anthropic, to_openai
from ...summaries.context.pairing import CallIds, Step, pair_calls
from .writer import Writer, json_line, turns_of

_SPEAKERS = {
    "user": "human",
    "assistant": "gpt",
    "system": "system",
    "developer": "system",
    "tool": "observation",
}


def _steps(messages: Iterable[Message]) -> list[Step]:
    """Return what was said, each tool call with its result: the APIs refuse one without the other."""
    return pair_calls(turns_of(messages), CallIds())


def write_openai(dialogue: Dialogue, messages: Iterable[Message]) -> Iterator[str]:
    """Yield a line of OpenAI's chat messages, with the tools if the dialogue's metadata has them."""
    said = [message for step in _steps(messages) for message in to_openai(step)]
    tools = orjson.loads(dialogue.metadata).get("tools")
    if said:
        yield json_line({"messages": said} | ({"tools": tools} if isinstance(tools, list) and tools else {}))


def write_anthropic(_: Dialogue, messages: Iterable[Message]) -> Iterator[str]:
    """Yield a line of Anthropic's messages, the system prompt apart."""
    said = [message for step in _steps(messages) for message in to_anthropic(step)]
    system, merged = join_anthropic([], None, said)
    if merged:
        yield json_line(({"system": system} if system else {}) | {"messages": merged})


def write_sharegpt(dialogue: Dialogue, messages: Iterable[Message]) -> Iterator[str]:
    """Yield a line of ShareGPT's turns; calls and results are JSON, as trainers expect them."""
    turns: list[dict[str, str]] = []
    for step in _steps(messages):
        for message in to_openai(step):
            content = message["content"]
            words = content if isinstance(content, str) else _words(content)
            if words:
                turns.append({"from": _SPEAKERS.get(message["role"], "human"), "value": words})
            calls = message.get("tool_calls", ())
            turns += [{"from": "function_call", "value": _call(call["function"])} for call in calls]
    if turns:
        yield json_line({"id": dialogue.id, "conversations": turns})


def _words(content: object) -> str:
    blocks = content if isinstance(content, list) else []
    return "\n".join(block.get("text") or f"[{block['type']}]" for block in blocks)


def _call(function: dict[str, str]) -> str:
    try:
        arguments = orjson.loads(function["arguments"])
    except orjson.JSONDecodeError:
        arguments = function["arguments"]
    return orjson.dumps({"name": function["name"], "arguments": arguments}).decode()


LINES = "application/jsonl"
OPENAI = Writer("openai", "OpenAI chat messages, ready for fine-tuning", ".jsonl", LINES, write_openai)
ANTHROPIC = Writer(
    "anthropic", "Anthropic messages, the system prompt apart", ".jsonl", LINES, write_anthropic
)
SHAREGPT = Writer("sharegpt", "ShareGPT turns", ".jsonl", LINES, write_sharegpt)
