"""Making a conversation fit the API's limits: what is too large moves, and is counted.

Large metadata and states become memories beside the dialogue, a text that is too long becomes several
messages, tags beyond ten go to the metadata.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import orjson

from .conversation import Conversation, Fields
from .ids import fit_id, is_id
from .input.decoding import Notes, without_nul

MOST_TAGS, LONGEST_TAG = 10, 64
LONGEST_LABEL = LONGEST_NAME = 128
METADATA_BYTES, METADATA_DEPTH = 64 * 1024, 15
CONTENT_DEPTH = 48
STATE_BYTES = 1024 * 1024
PART_BYTES = 900 * 1024
"""How much of something large one memory takes."""

MOVED_METADATA = "metadata too large for a dialogue were put into memories beside it"
MOVED_STATE = "states too large were put into memories beside their dialogue"
MOVED_TAGS = "tags beyond ten, or longer than 64 characters, were put into the metadata"
CUT_LABELS = "titles were cut to 128 characters; the metadata has them whole"
CUT_MEMORIES = "memories too large were cut into several"
CUT_TEXTS = "messages too long were cut into several"
LEFT_DATA = "files too large for a message were left out; the message says so"
TEXTS_OF_JSON = "values nested too deep were kept as JSON text"
NEW_IDS = "ids that the API does not take were replaced; the metadata has them"
RENAMED = "messages had an id that another has, and got a new one"
REPEATED = "messages stood twice with the same id and content, and were read once"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one message may hold, in bytes of JSON, and the roles that there are."""

    content_bytes: int
    roles: frozenset[str]


def fit(conversation: Conversation, limits: Limits, notes: Notes) -> Conversation:
    """Return a conversation that the API takes; ``notes`` counts what was changed."""
    if conversation.exact:
        return conversation
    overflow: dict[str, Any] = {}
    dialogue = _fit_head(dict(conversation.dialogue), notes, overflow)
    messages = [
        message
        for source in conversation.messages
        for message in _fit_message(dict(source), limits, notes, overflow)
    ]
    memories = [part for memory in conversation.memories for part in _fit_memory(dict(memory), notes)]
    memories += _memories(dialogue, overflow)
    return replace(conversation, dialogue=dialogue, messages=_distinct(messages, notes), memories=memories)


def _fit_head(dialogue: Fields, notes: Notes, overflow: dict[str, Any]) -> Fields:
    if not dialogue:
        return dialogue
    metadata = dict(dialogue.get("metadata") or {})
    source_id = dialogue["id"]
    for name in ("id", "threadOf", "forkAt"):
        if name in dialogue:
            dialogue[name] = fit_id(str(dialogue[name]))
    if dialogue["id"] != source_id:
        notes[NEW_IDS] += 1
        metadata.setdefault("sourceId", source_id)
    label = dialogue.get("label")
    if label is not None:
        dialogue["label"] = without_nul(label[:LONGEST_LABEL], notes)
        if len(label) > LONGEST_LABEL:
            notes[CUT_LABELS] += 1
            metadata.setdefault("title", label)
    _fit_tags(dialogue, metadata, notes)
    state = dialogue.get("state")
    if state and len(orjson.dumps(state)) > STATE_BYTES:
        notes[MOVED_STATE] += 1
        overflow["state"] = dialogue.pop("state")
    _fit_metadata(dialogue, metadata, notes, overflow)
    return dialogue


def _fit_tags(fields: Fields, metadata: Fields, notes: Notes) -> None:
    tags = fields.get("tags")
    if not tags:
        return
    fitting = [tag for tag in dict.fromkeys(tags) if isinstance(tag, str) and _is_tag(tag)][:MOST_TAGS]
    rest = [tag for tag in dict.fromkeys(map(_as_text, tags)) if tag not in fitting]
    fields["tags"] = fitting
    if rest:
        notes[MOVED_TAGS] += len(rest)
        metadata.setdefault("tags", rest)


def _is_tag(text: str) -> bool:
    return 0 < len(text) <= LONGEST_TAG and "\0" not in text


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _fit_metadata(fields: Fields, metadata: Fields, notes: Notes, overflow: dict[str, Any]) -> None:
    """Put metadata into a dialogue or message; the largest of it goes to ``overflow`` until the rest fits."""
    if not metadata:
        fields.pop("metadata", None)
        return
    if _is_deeper(metadata, METADATA_DEPTH):
        notes[TEXTS_OF_JSON] += 1
        metadata = _flattened(metadata, METADATA_DEPTH)
    if len(orjson.dumps(metadata)) > METADATA_BYTES:
        notes[MOVED_METADATA] += 1
        sizes = sorted(((len(orjson.dumps(value)), name) for name, value in metadata.items()), reverse=True)
        total = sum(size + len(name.encode()) + 8 for size, name in sizes)
        moved = {}
        for size, name in sizes:
            if total <= METADATA_BYTES - 1024:
                break
            total -= size + len(name.encode()) + 8
            moved[name] = metadata.pop(name)
        overflow[fields["id"]] = moved
        metadata["inMemory"] = True
    fields["metadata"] = metadata


def _fit_message(message: Fields, limits: Limits, notes: Notes, overflow: dict[str, Any]) -> Iterator[Fields]:
    metadata = dict(message.get("metadata") or {})
    source_id = message["id"]
    if not is_id(source_id):
        notes[NEW_IDS] += 1
        message["id"] = fit_id(source_id)
        metadata.setdefault("sourceId", source_id)
    if message["role"] == "model" and "model" not in limits.roles:
        message["role"] = "assistant"
        metadata.setdefault("role", "model")
    name = message.get("name")
    if name is not None:
        message["name"] = without_nul(name[:LONGEST_NAME], notes)
        if len(name) > LONGEST_NAME:
            metadata.setdefault("name", name)
    _fit_tags(message, metadata, notes)
    _fit_metadata(message, metadata, notes, overflow)
    content = message["content"]
    if not isinstance(content, str):
        if _is_deeper(content, CONTENT_DEPTH):
            notes[TEXTS_OF_JSON] += 1
            message["content"] = content = _flattened(content, CONTENT_DEPTH)
        if len(orjson.dumps(content)) > limits.content_bytes:
            yield from _split_blocks(message, content, limits, notes)
            return
    elif len(content) * 3 > limits.content_bytes and len(orjson.dumps(content)) > limits.content_bytes:
        yield from _split_text(message, content, limits, notes)
        return
    yield message


def _split_text(message: Fields, text: str, limits: Limits, notes: Notes) -> Iterator[Fields]:
    """Yield a long text as several messages; a character takes up to six bytes of JSON."""
    notes[CUT_TEXTS] += 1
    step = limits.content_bytes // 6 - 1
    yield from _parts(message, [text[start : start + step] for start in range(0, len(text), step)])


def _parts(message: Fields, contents: list[Any]) -> Iterator[Fields]:
    for place, content in enumerate(contents, 1):
        part = {**message, "content": content}
        if place > 1:
            part["id"] = fit_id(f"{message['id']}:part{place}")
            part["metadata"] = {"partOf": message["id"]}
        yield part


def _split_blocks(message: Fields, content: Any, limits: Limits, notes: Notes) -> Iterator[Fields]:
    """Yield blocks as several messages; what is too large in one is cut out of it and says so."""
    if isinstance(content, list) and len(content) > 1:
        groups: list[list[Any]] = [[]]
        size = 0
        for block in content:
            added = len(orjson.dumps(block))
            if groups[-1] and size + added > limits.content_bytes - 1024:
                groups.append([])
                size = 0
            groups[-1].append(block)
            size += added
        notes[CUT_TEXTS] += 1
        for part in _parts(message, groups):
            if len(orjson.dumps(part["content"])) <= limits.content_bytes:
                yield part
            else:
                yield {**part, "content": _shortened(part["content"], limits, notes)}
        return
    yield {**message, "content": _shortened(content, limits, notes)}


def _shortened(value: Any, limits: Limits, notes: Notes) -> Any:
    """Return a value in which no text takes more than a quarter of a message."""
    if isinstance(value, str):
        if len(value) <= limits.content_bytes // 4:
            return value
        notes[LEFT_DATA] += 1
        return f"{value[:64]}... [{len(value):,} characters were left out]"
    if isinstance(value, list):
        return [_shortened(item, limits, notes) for item in value]
    if isinstance(value, dict):
        return {name: _shortened(item, limits, notes) for name, item in value.items()}
    return value


def _distinct(messages: list[Fields], notes: Notes) -> list[Fields]:
    """Return the messages with each id once."""
    seen: dict[str, Fields] = {}
    for message in messages:
        name = message["id"]
        if name in seen and (seen[name]["role"], seen[name]["content"]) == (
            message["role"],
            message["content"],
        ):
            notes[REPEATED] += 1
            continue
        number = 1
        while name in seen:
            number += 1
            name = fit_id(f"{message['id']}:{number}")
        if number > 1:
            notes[RENAMED] += 1
            message["metadata"] = {**message.get("metadata", {}), "sourceId": message["id"]}
            message["id"] = name
        seen[name] = message
    return list(seen.values())


def _memories(dialogue: Fields, overflow: dict[str, Any]) -> Iterator[Fields]:
    """Yield what did not fit into a dialogue, as memories named after it."""
    if not overflow:
        return
    text = orjson.dumps(overflow).decode()
    parts = [text] if len(text.encode()) <= PART_BYTES else _pieces(text)
    for place, part in enumerate(parts, 1):
        memory: Fields = {
            "id": fit_id(f"{dialogue['id']}:metadata:{place}"),
            "value": overflow if len(parts) == 1 else {"json": part, "part": place, "of": len(parts)},
            "label": "What did not fit into a dialogue",
            "metadata": {"dialogueId": dialogue["id"]},
        }
        yield memory | {name: dialogue[name] for name in ("namespace",) if name in dialogue}


def _fit_memory(memory: Fields, notes: Notes) -> Iterator[Fields]:
    memory["id"] = fit_id(memory["id"])
    text = orjson.dumps(memory["value"]).decode()
    if len(text.encode()) <= PART_BYTES:
        yield memory
        return
    notes[CUT_MEMORIES] += 1
    for place, part in enumerate(_pieces(text), 1):
        yield {**memory, "id": fit_id(f"{memory['id']}:part{place}"), "value": {"json": part, "part": place}}


def _pieces(text: str) -> list[str]:
    """Return a text in pieces each of which a memory can hold; a character takes up to six bytes of JSON."""
    step = PART_BYTES // 6
    return [text[start : start + step] for start in range(0, len(text), step)]


def _is_deeper(value: Any, limit: int) -> bool:
    if isinstance(value, dict):
        return limit == 0 or any(_is_deeper(child, limit - 1) for child in value.values())
    if isinstance(value, list):
        return limit == 0 or any(_is_deeper(child, limit - 1) for child in value)
    return False


def _flattened(value: Any, limit: int) -> Any:
    """Return a value in which what nests deeper is JSON text."""
    if isinstance(value, dict | list) and limit == 0:
        return orjson.dumps(value).decode()
    if isinstance(value, dict):
        return {name: _flattened(child, limit - 1) for name, child in value.items()}
    return [_flattened(child, limit - 1) for child in value] if isinstance(value, list) else value
