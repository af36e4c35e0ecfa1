"""Gemini: ``contents`` as its API has them, tuning lines, and prompts that AI Studio saved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..conversation import Fields
from . import blocks
from .fields import CREATED, first_of, message, objects, read_role, rest_of
from .format import Format, Found, Source
from .named import conversation
from .openai import read_head

_SYSTEM = ("systemInstruction", "system_instruction")
_PART = ("text", "thought", "thoughtSignature", "thought_signature")


def read(value: Any, _: Source) -> Iterator[Found]:
    """Read one request, or one saved prompt."""
    fields: Fields = {"contents": value} if isinstance(value, list) else value
    prompt = fields.get("chunkedPrompt")
    name = "chunkedPrompt" if isinstance(prompt, dict) else "contents"
    items = (
        objects(prompt.get("chunks"), "chunks")
        if isinstance(prompt, dict)
        else objects(fields["contents"], name)
    )
    body = read_head(fields, {name, "id", "tags", "state", *_SYSTEM})
    spoken = list(_system(fields))
    for place, item in enumerate(items):
        spoken += _read_chunk(item, place) if name == "chunkedPrompt" else _read_content(item, place)
    yield conversation(body, spoken)


def _system(fields: Fields) -> Iterator[Fields]:
    system = first_of(fields, _SYSTEM)
    parts = (
        system.get("parts", [system]) if isinstance(system, dict) else [{"text": system}] if system else []
    )
    words = [block for part in parts if isinstance(part, dict) for block in _part(part, 0)]
    if any(block.get("text") for block in words):
        yield {"role": "system", "content": blocks.content_of(words)}


def _read_content(item: Fields, place: int) -> list[Fields]:
    role = read_role(item.get("role", "user"), f"contents[{place}]")
    parts = item.get("parts")
    parts = parts if isinstance(parts, list) else [parts]
    found = [
        block for number, part in enumerate(parts) if isinstance(part, dict) for block in _part(part, number)
    ]
    return _unnamed(
        blocks.speak(
            "",
            role,
            found,
            created=first_of(item, CREATED),
            metadata=rest_of(item, ("role", "parts", *CREATED)),
        )
    )


def _read_chunk(item: Fields, place: int) -> list[Fields]:
    role = read_role(item.get("role", "user"), f"chunks[{place}]")
    words = item.get("text")
    if isinstance(words, str):
        block = (
            blocks.thinking(words) if item.get("isThought") or item.get("isThinking") else blocks.text(words)
        )
        found = [block]
        rest = rest_of(item, ("role", "text", "parts", *CREATED))
    else:
        found = [{"type": "file", **{name: part for name, part in item.items() if name != "role"}}]
        rest = {}
    said = message("", role, blocks.content_of(found), created=first_of(item, CREATED), metadata=rest)
    return _unnamed([said])


def _unnamed(messages: list[Fields]) -> list[Fields]:
    return [{name: item for name, item in said.items() if name != "id"} for said in messages]


def _part(part: Fields, place: int) -> Iterator[Fields]:
    """Yield the block of a part; a signature of its thought stays with it."""
    signature = first_of(part, ("thoughtSignature", "thought_signature"))
    more: Fields = {"thoughtSignature": signature} if signature else {}
    call = first_of(part, ("functionCall", "function_call"))
    answer = first_of(part, ("functionResponse", "function_response"))
    data = first_of(part, ("inlineData", "inline_data"))
    if isinstance(call, dict):
        name = str(call.get("name") or "tool")
        yield blocks.tool_use(str(call.get("id") or name), name, call.get("args")) | more
    elif isinstance(answer, dict):
        name = str(answer.get("id") or answer.get("name") or "tool")
        yield blocks.tool_result(name, answer.get("response"))
    elif isinstance(data, dict) and isinstance(data.get("data"), str):
        media = str(first_of(data, ("mimeType", "mime_type")) or "image")
        source = {"type": "base64", "media_type": media, "data": data["data"]}
        yield {"type": "image" if media.startswith("image") else "document", "source": source, **more}
    elif isinstance(part.get("text"), str):
        words = blocks.thinking if part.get("thought") is True else blocks.text
        rest = {name: item for name, item in part.items() if name not in _PART}
        yield words(part["text"], **more, **rest)
    elif part:
        yield {"type": next(iter(part)), **part, "place": place}


def _recognises(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    prompt = value.get("chunkedPrompt")
    if isinstance(prompt, dict) and isinstance(prompt.get("chunks"), list):
        return True
    contents = value.get("contents")
    return isinstance(contents, list) and all(isinstance(item, dict) and "parts" in item for item in contents)


def _is_record(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("parts"), list):
        return False
    return value.get("role") in ("user", "model", "function", None) and not any(
        isinstance(part, dict) and "type" in part for part in value["parts"]
    )


FORMAT = Format(
    "gemini", "Gemini contents, tuning lines, prompts of AI Studio", read, _recognises, _is_record
)
