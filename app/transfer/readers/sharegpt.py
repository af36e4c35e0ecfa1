"""ShareGPT and its many spellings: turns of ``from`` and ``value``, or pairs of input and output."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..conversation import BadLine, Fields
from . import blocks
from .fields import first_of, message, objects, read_role, rest_of
from .format import Format, Found, Source
from .named import conversation
from .openai import read_head

LISTS = ("conversations", "conversation", "items")
_SPEAKERS = ("from", "role", "speaker")
_WORDS = ("value", "content", "text", "markdown")
_RESULTS = {"observation", "tool", "function_response", "tool_response", "ipython", "environment"}
_BARE = {
    "bing": "assistant",
    "bard": "assistant",
    "palm": "assistant",
    "instruction": "user",
    "output": "assistant",
}
_PAIR = ("system", "input", "output")


def read(value: Any, _: Source) -> Iterator[Found]:
    """Read one conversation."""
    fields: Fields = {"conversations": value} if isinstance(value, list) else value
    name = next(name for name in LISTS if isinstance(fields.get(name), list))
    items = objects(fields[name], name)
    body = read_head(fields, {name, "id", "tags", "system", "state"})
    system = fields.get("system")
    spoken = [{"role": "system", "content": system}] if isinstance(system, str) and system else []
    if items and "output" in items[0] and "input" in items[0]:
        spoken += [said for item in items for said in _read_pair(item)]
    else:
        spoken += read_turns(items, name)
    yield conversation(body, spoken)


def read_turns(items: Any, name: str) -> list[Fields]:
    """Return the messages of turns; a result belongs to the call before it."""
    spoken: list[Fields] = []
    call = ""
    for place, item in enumerate(items):
        where = f"{name}[{place}]"
        speaker = first_of(item, _SPEAKERS)
        if speaker is None:
            raise BadLine(f"{where} says nobody who speaks: it has {', '.join(sorted(item))}.")
        words = first_of(item, _WORDS)
        metadata = rest_of(item, (*_SPEAKERS, *_WORDS))
        kind = str(speaker).strip().lower()
        content: Any = words if isinstance(words, str | list) and words else {"content": words}
        if kind in ("function_call", "tool_call"):
            call = f"call{place}"
            role, content = "assistant", [_call(call, words)]
        elif kind in _RESULTS:
            role, content = "tool", [blocks.tool_result(call, words if words is not None else "")]
        else:
            role = _BARE.get(kind) or read_role(speaker, where)
        said = message("", role, content, metadata=metadata)
        del said["id"]
        spoken.append(said)
    return spoken


def _call(call_id: str, words: Any) -> Fields:
    """Return the call that a turn writes as JSON; what is no such JSON is its only argument."""
    body = blocks.read_json(words)
    arguments = next((body[name] for name in ("arguments", "parameters", "args") if name in body), body)
    return blocks.tool_use(call_id, str(body.get("name") or "tool"), arguments)


def _read_pair(item: Fields) -> Iterator[Fields]:
    rest = rest_of(item, _PAIR)
    for name, role in zip(_PAIR, ("system", "user", "assistant"), strict=True):
        if item.get(name):
            said: Fields = {"role": role, "content": item[name]}
            yield said | ({"metadata": rest} if rest and name == "output" else {})


def _recognises(value: Any) -> bool:
    if not isinstance(value, dict) or "mapping" in value:
        return False
    return any(
        isinstance(value.get(name), list)
        and value[name]
        and (_is_record(value[name][0]) or _is_pair(value[name][0]))
        for name in LISTS
    )


def _is_pair(value: Any) -> bool:
    return isinstance(value, dict) and "input" in value and "output" in value


def _is_record(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    return ("from" in value and any(name in value for name in _WORDS)) or (
        isinstance(value.get("role"), str) and "value" in value
    )


FORMAT = Format(
    "sharegpt",
    "ShareGPT: conversations of from and value, pairs of input and output",
    read,
    _recognises,
    _is_record,
)
