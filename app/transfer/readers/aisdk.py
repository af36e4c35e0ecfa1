"""Vercel's AI SDK: ``UIMessage[]`` of versions 4 and 5, and the messages that go to a model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..conversation import Fields
from . import blocks
from .fields import CREATED, first_of, objects, objects_in, own_id, read_role, rest_of
from .format import Format, Found, Source
from .named import conversation
from .openai import read_head, read_message

_MESSAGE = (
    "id",
    "role",
    "parts",
    "content",
    "toolInvocations",
    "reasoning",
    "experimental_attachments",
    "metadata",
    *CREATED,
)
_CALLS = ("tool-call", "tool-result")


def read(value: Any, _: Source) -> Iterator[Found]:
    """Read an array of messages, or an object that has one."""
    fields: Fields = {"messages": value} if isinstance(value, list) else value
    spoken: list[Fields] = []
    for place, item in enumerate(objects(fields["messages"], "messages")):
        spoken += _messages(item, f"messages[{place}]")
    body = read_head(fields, {"messages", "id", "tags", "state", "system"})
    system = fields.get("system")
    lead = [{"role": "system", "content": system}] if isinstance(system, str) and system else []
    yield conversation(body, [*lead, *spoken])


def _messages(item: Fields, where: str) -> list[Fields]:
    found = list(_blocks(item))
    if not found:
        return [read_message(item, where)]
    metadata = rest_of(item, _MESSAGE)
    told = item.get("metadata")
    created = first_of(item, CREATED) or (first_of(told, CREATED) if isinstance(told, dict) else None)
    name = own_id(item, ("id",)) or ""
    spoken = blocks.speak(name, read_role(item.get("role"), where), found, created=created, metadata=metadata)
    if name:
        return spoken
    return [{key: part for key, part in said.items() if key != "id"} for said in spoken]


def _blocks(item: Fields) -> Iterator[Fields]:
    """Yield the blocks of a message: version 5 has them in ``parts``, version 4 beside each other."""
    parts = objects_in(item.get("parts"))
    if not parts:
        parts = objects_in(item.get("content"))
        if item.get("reasoning"):
            yield blocks.thinking(str(item["reasoning"]))
        if isinstance(item.get("content"), str) and item["content"]:
            yield blocks.text(item["content"])
    for part in parts:
        yield from _part(part)
    if not item.get("parts"):
        for invocation in objects_in(item.get("toolInvocations")):
            yield from _invocation(invocation)
    for file in objects_in(item.get("experimental_attachments")):
        yield _file(file.get("contentType"), file)


def _part(part: Fields) -> Iterator[Fields]:
    kind = str(part.get("type"))
    if kind == "text":
        rest = {
            name: value for name, value in part.items() if name in ("providerMetadata", "providerOptions")
        }
        yield blocks.text(str(part.get("text") or ""), **rest)
    elif kind == "reasoning":
        words = part.get("text", part.get("reasoning"))
        yield blocks.thinking(str(words or ""), **_told(part, "providerMetadata", "details"))
    elif kind == "tool-invocation" and isinstance(part.get("toolInvocation"), dict):
        yield from _invocation(part["toolInvocation"])
    elif kind in _CALLS:
        yield from _model_part(part)
    elif kind.startswith("tool-") or kind == "dynamic-tool":
        yield from _tool(part, str(part.get("toolName") or kind.removeprefix("tool-")))
    elif kind in ("file", "image"):
        yield _file(part.get("mediaType", part.get("mimeType")), part)
    elif kind != "step-start":
        yield part


def _invocation(call: Fields) -> Iterator[Fields]:
    yield blocks.tool_use(str(call.get("toolCallId")), str(call.get("toolName")), call.get("args"))
    if "result" in call:
        yield blocks.tool_result(str(call.get("toolCallId")), call["result"])


def _tool(part: Fields, name: str) -> Iterator[Fields]:
    call = str(part.get("toolCallId"))
    yield blocks.tool_use(call, name, part.get("input"))
    if part.get("errorText") is not None:
        yield blocks.tool_result(call, part["errorText"], failed=True)
    elif "output" in part:
        yield blocks.tool_result(call, part["output"])


def _model_part(part: Fields) -> Iterator[Fields]:
    """Yield a call or a result of a message that goes to a model."""
    call = str(part.get("toolCallId"))
    if part["type"] == "tool-call":
        yield blocks.tool_use(call, str(part.get("toolName")), part.get("input", part.get("args")))
        return
    output = part.get("output", part.get("result"))
    kind = output.get("type") if isinstance(output, dict) else None
    if isinstance(output, dict) and kind in ("text", "json", "error-text", "error-json", "content"):
        output = output.get("value")
    failed = part.get("isError") is True or str(kind).startswith("error")
    yield blocks.tool_result(call, output, failed=failed)


def _file(media: Any, part: Fields) -> Fields:
    url = first_of(part, ("url", "data", "image"))
    if str(media or "image").startswith("image") and isinstance(url, str):
        if not url.startswith(("data:", "http:", "https:")):
            url = f"data:{media or 'image/png'};base64,{url}"
        name = first_of(part, ("filename", "name"))
        return blocks.image(url, **({"filename": name} if name else {}))
    return {**part, "type": "file"}


def _told(part: Fields, *names: str) -> Fields:
    return {name: part[name] for name in names if name in part}


def _recognises(value: Any) -> bool:
    return isinstance(value, dict) and any(map(_is_record, objects_in(value.get("messages"))))


def _is_record(value: Any) -> bool:
    if not isinstance(value, dict) or "role" not in value:
        return False
    if "parts" in value and any(isinstance(part.get("type"), str) for part in objects_in(value["parts"])):
        return True
    if isinstance(value.get("toolInvocations"), list):
        return True
    content = value.get("content")
    return isinstance(content, list) and any(part.get("type") in _CALLS for part in objects_in(content))


FORMAT = Format("aisdk", "Vercel AI SDK messages, versions 4 and 5", read, _recognises, _is_record)
