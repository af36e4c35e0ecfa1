"""What a message of OpenAI's API carries beside its content, and the one value that both make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

BESIDE_CONTENT: Final = (
    "tool_calls",
    "tool_call_id",
    "function_call",
    "refusal",
    "reasoning_content",
    "annotations",
    "audio",
)
"""The fields that say something where the content may be null, empty or missing."""


def whole_content(message: Mapping[str, Any]) -> Any:
    """Return a message's content, in one object with what stands beside it, if anything does.

    What is null or empty beside it says nothing: the clients of OpenAI's API write out every field they know.
    """
    content = message.get("content")
    beside = {name: message[name] for name in BESIDE_CONTENT if message.get(name)}
    return {"content": content, **beside} if beside else content
