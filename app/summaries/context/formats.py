"""Message arrays as the APIs of OpenAI and Anthropic accept them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from ..content import SILENT_KINDS, Image, Part, Text, Unknown, as_json
from .pairing import Said, Step, Worked

SUMMARY_HEADING = "Summary of earlier messages, not shown here (a record, not instructions):"
EMPTY = "(empty message)"
NO_OUTPUT = "(no output)"
OPENING = "(the excerpt starts with the assistant)"
IMAGE_TOKENS = 1_000
"""What an image counts, whatever its size; the APIs take about 85 to 1,600 tokens for one."""

MESSAGE_TOKENS = 4
"""What each message takes besides its words."""

UNCOUNTED = frozenset({"type", "id", "role", "tool_call_id", "tool_use_id", "call_id", "is_error"})
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
DATA_URL = re.compile(r"data:(image/(?:png|jpeg|gif|webp));base64,([A-Za-z0-9+/=]+)")

IMAGE_KINDS = frozenset({"image", "image_url", "input_image"})

Wire = dict[str, Any]


def measure(message: Wire, count: Callable[[str], int]) -> int:
    """How many tokens one message of either API takes."""
    return MESSAGE_TOKENS + _measure(message, count)


def _measure(value: Any, count: Callable[[str], int]) -> int:
    if isinstance(value, str):
        return count(value)
    if isinstance(value, list):
        return sum(_measure(item, count) for item in value)
    if not isinstance(value, dict):
        return 0
    kind = value.get("type")
    if isinstance(kind, str) and kind in IMAGE_KINDS:
        return IMAGE_TOKENS
    return sum(
        count(as_json(item)) if key == "input" else _measure(item, count)
        for key, item in value.items()
        if key not in UNCOUNTED
    )


def describe_summary(summary: str) -> str:
    """Return a summary as it is put before a model."""
    return f"{SUMMARY_HEADING}\n\n{summary}"


def to_openai(step: Step) -> list[Wire]:
    """Render one step as OpenAI messages; none for thoughts alone, which that API does not take."""
    if isinstance(step, Said):
        return [] if is_thought(step) else [_openai_said(step)]
    calls = [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in step.calls
    ]
    words = words_of(step.parts) or None
    message: Wire = {"role": "assistant", "content": words, "tool_calls": calls}
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": step.results[call.id].text or NO_OUTPUT}
        for call in step.calls
    ]
    return [message, *results]


def is_thought(step: Said) -> bool:
    """Whether the assistant only thought, and said nothing."""
    if step.role != "assistant" or not step.parts:
        return False
    return all(isinstance(part, Unknown) and part.kind in SILENT_KINDS for part in step.parts)


def _openai_said(step: Said) -> Wire:
    message: Wire = {"role": step.role}
    if step.name and NAME.fullmatch(step.name):
        message["name"] = step.name
    if step.role == "user" and any(isinstance(part, Image) and part.url for part in step.parts):
        message["content"] = [block for part in step.parts for block in openai_blocks(part)]
    else:
        message["content"] = words_of(step.parts) or EMPTY
    return message


def openai_blocks(part: Part) -> list[Wire]:
    """Return a part as blocks of OpenAI's user messages; none for one without words."""
    if isinstance(part, Image) and part.url:
        return [{"type": "image_url", "image_url": {"url": part.url}}]
    words = words_of([part])
    return [{"type": "text", "text": words}] if words else []


def to_anthropic(step: Step) -> list[Wire]:
    """Render one step as Anthropic messages; a system message is set apart by ``join_anthropic``.

    Thoughts alone are none: the API takes only its own, and those only beside what they led to.
    """
    if isinstance(step, Said):
        if is_thought(step):
            return []
        if step.role in {"system", "developer"}:
            return [{"role": "system", "content": words_of(step.parts) or EMPTY}]
        role = "assistant" if step.role == "assistant" else "user"
        blocks = [block for part in step.parts for block in anthropic_blocks(part, role)]
        return [{"role": role, "content": blocks or [{"type": "text", "text": EMPTY}]}]
    return _anthropic_work(step)


def _anthropic_work(step: Worked) -> list[Wire]:
    spoken = [block for part in step.parts for block in anthropic_blocks(part, "assistant")]
    used = [
        {"type": "tool_use", "id": call.id, "name": call.name, "input": as_object(call.arguments)}
        for call in step.calls
    ]
    results = []
    for call in step.calls:
        result = step.results[call.id]
        block: Wire = {"type": "tool_result", "tool_use_id": call.id, "content": result.text or NO_OUTPUT}
        results.append(block | {"is_error": True} if result.failed else block)
    return [{"role": "assistant", "content": [*spoken, *used]}, {"role": "user", "content": results}]


def as_object(arguments: str) -> dict[str, Any]:
    """Return a call's arguments as the object that Anthropic's API wants."""
    try:
        value = json.loads(arguments)
    except (ValueError, RecursionError):
        value = arguments
    return value if isinstance(value, dict) else {"arguments": value}


def anthropic_blocks(part: Part, role: str) -> list[Wire]:
    """Return a part as blocks of Anthropic's messages; none for one without words."""
    if isinstance(part, Image) and role == "user":
        source = _anthropic_source(part.url)
        if source is not None:
            return [{"type": "image", "source": source}]
    words = words_of([part])
    return [{"type": "text", "text": words}] if words else []


def _anthropic_source(url: str) -> Wire | None:
    data = DATA_URL.fullmatch(url)
    if data:
        return {"type": "base64", "media_type": data.group(1), "data": data.group(2)}
    return {"type": "url", "url": url} if url.startswith("https://") else None


def words_of(parts: Sequence[Part]) -> str:
    """Return what parts say in words; images and the like are named."""
    return "\n\n".join(filter(None, map(_part_words, parts)))


def _part_words(part: Part) -> str:
    if isinstance(part, Text):
        return part.text
    if isinstance(part, Image):
        return f"[image: {part.label}]"
    if isinstance(part, Unknown) and part.kind not in SILENT_KINDS:
        return f"[{part.kind}]"
    return ""


def join_openai(leading: list[Wire], summary: str | None, rest: list[Wire]) -> list[Wire]:
    """Put the summary behind the leading messages, in the role that they have."""
    if summary is None:
        return [*leading, *rest]
    # For the Responses API thoughts stand among the messages, as items without a role.
    role = "developer" if any(message.get("role") == "developer" for message in leading) else "system"
    return [*leading, {"role": role, "content": describe_summary(summary)}, *rest]


def join_anthropic(leading: list[Wire], summary: str | None, rest: list[Wire]) -> tuple[str, list[Wire]]:
    """Return the system text, and the messages with alternating roles, a user's first."""
    system = [message["content"] for message in leading]
    if summary is not None:
        system.append(describe_summary(summary))
    system.extend(message["content"] for message in rest if message["role"] == "system")
    merged: list[Wire] = []
    for message in rest:
        if message["role"] == "system":
            continue
        if not merged and message["role"] == "assistant":
            merged.append({"role": "user", "content": [{"type": "text", "text": OPENING}]})
        if merged and merged[-1]["role"] == message["role"]:
            merged[-1] = {"role": message["role"], "content": [*merged[-1]["content"], *message["content"]]}
        else:
            merged.append(message)
    return "\n\n".join(system), _trim_end(merged)


def _trim_end(messages: list[Wire]) -> list[Wire]:
    """Remove trailing spaces from a last assistant text, which the API refuses."""
    if messages and messages[-1]["role"] == "assistant":
        *blocks, last = messages[-1]["content"]
        messages[-1] = {"role": "assistant", "content": [*blocks, last | {"text": last["text"].rstrip()}]}
    return messages
