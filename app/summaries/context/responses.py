"""Input arrays as OpenAI's Responses API accepts them: items instead of messages."""

from __future__ import annotations

from ..content import Image, Part, Unknown
from .formats import EMPTY, NO_OUTPUT, Wire, is_thought, words_of
from .pairing import Said, Step

REASONING = "reasoning"


def to_responses(step: Step) -> list[Wire]:
    """Render one step as items: reasoning, then what was said, then the calls, then their outputs."""
    items = [_reasoning(part) for part in step.parts if _is_reasoning(part)]
    rest = [part for part in step.parts if not _is_reasoning(part)]
    if isinstance(step, Said):
        is_said = not is_thought(step) and (rest or not items)
        return [*items, _said(step.role, rest)] if is_said else items
    if words_of(rest):
        items.append(_said("assistant", rest))
    for call in step.calls:
        named = {"call_id": call.id, "name": call.name, "arguments": call.arguments}
        items.append({"type": "function_call"} | named)
    for call in step.calls:
        output = step.results[call.id].text or NO_OUTPUT
        items.append({"type": "function_call_output", "call_id": call.id, "output": output})
    return items


def _is_reasoning(part: Part) -> bool:
    """Whether it is an item of this API: others keep thoughts in forms of their own."""
    return isinstance(part, Unknown) and isinstance(part.raw, dict) and part.raw.get("type") == REASONING


def _reasoning(part: Part) -> Wire:
    """Return a reasoning item as it came, without the status, which only answers have."""
    raw: Wire = part.raw  # type: ignore[union-attr]  # an Unknown, as its caller knows
    return {"summary": []} | {name: value for name, value in raw.items() if name != "status"}


def _said(role: str, parts: list[Part]) -> Wire:
    """Return a message; ids are left out, since the API takes only those that it gave."""
    if role == "user" and any(isinstance(part, Image) and part.url for part in parts):
        return {
            "type": "message",
            "role": role,
            "content": [block for part in parts for block in _blocks(part)],
        }
    return {"type": "message", "role": role, "content": words_of(parts) or EMPTY}


def _blocks(part: Part) -> list[Wire]:
    if isinstance(part, Image) and part.url:
        return [{"type": "input_image", "image_url": part.url, "detail": "auto"}]
    words = words_of([part])
    return [{"type": "input_text", "text": words}] if words else []


def keep_followed_reasoning(items: list[Wire]) -> list[Wire]:
    """Return the items without reasoning that nothing of the assistant's follows: the API refuses it."""
    kept: list[Wire] = []
    follows = False
    for item in reversed(items):
        if item.get("type") == REASONING and not follows:
            continue
        kept.append(item)
        follows = item.get("role") == "assistant" or item.get("type") in {REASONING, "function_call"}
    return kept[::-1]
