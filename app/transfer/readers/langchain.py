"""LangChain: ``messages_to_dict``, and messages as ``dumps`` writes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..conversation import Fields
from .fields import CREATED, first_of, message, object_of, objects, own_id, read_role, rest_of
from .format import Format, Found, Source
from .named import conversation
from .openai import read_head

_LISTS = ("messages", "history", "chat_history")
_DATA = (
    "content",
    "id",
    "name",
    "type",
    "role",
    "tool_calls",
    "tool_call_id",
    "additional_kwargs",
    "example",
)
_DEFAULT_CALLS = ("tool_calls", "function_call")
_ROLELESS = {"chat", "generic", "chatmessage", "chatmessagechunk"}


def read(value: Any, _: Source) -> Iterator[Found]:
    """Read an array of messages, or an object that has one."""
    fields: Fields = {"messages": value} if isinstance(value, list) else value
    name = next(name for name in _LISTS if isinstance(fields.get(name), list))
    spoken = [_message(item, f"{name}[{place}]") for place, item in enumerate(objects(fields[name], name))]
    yield conversation(read_head(fields, {name, "id", "tags", "state"}), spoken)


def _message(item: Fields, where: str) -> Fields:
    if "lc" in item:
        kind, data = str(item["id"][-1]).lower(), item.get("kwargs", {})
        kind = kind.removesuffix("chunk").removesuffix("message")
    else:
        kind, data = str(item["type"]).lower(), item["data"]
    role = read_role(data.get("role") if kind in _ROLELESS else kind, where)
    native, rest = _native(data), rest_of(data, (*_DATA, *CREATED))
    content = data.get("content")
    if isinstance(content, list):
        content = [{"type": "text", "text": part} if isinstance(part, str) else part for part in content]
    body = message(
        own_id(data, ("id",)) or "",
        role,
        {"content": content, **native} if native or not content else content,
        created=first_of(data, CREATED),
        name=data.get("name"),
        metadata=rest,
    )
    if not body["id"]:
        del body["id"]
    return body


def _native(data: Fields) -> Fields:
    """Return calls and the call that a result belongs to, as OpenAI's API has them."""
    extra = object_of(data.get("additional_kwargs"))
    native = {name: extra[name] for name in extra if extra[name] not in (None, [], {})}
    calls = data.get("tool_calls")
    if isinstance(calls, list) and calls and not native.get("tool_calls"):
        native["tool_calls"] = [
            {
                "id": call.get("id"),
                "type": "function",
                "function": {"name": call.get("name"), "arguments": call.get("args")},
            }
            for call in calls
            if isinstance(call, dict)
        ]
    if data.get("tool_call_id"):
        native["tool_call_id"] = data["tool_call_id"]
    return native


def _recognises(value: Any) -> bool:
    return isinstance(value, dict) and any(
        isinstance(value.get(name), list) and value[name] and _is_record(value[name][0]) for name in _LISTS
    )


def _is_record(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    if "lc" in value:
        return isinstance(value.get("id"), list) and bool(value["id"]) and "Message" in str(value["id"][-1])
    return (
        isinstance(value.get("data"), dict)
        and "content" in value["data"]
        and isinstance(value.get("type"), str)
    )


FORMAT = Format("langchain", "LangChain messages (messages_to_dict, dumps)", read, _recognises, _is_record)
