"""The JSON bodies in which clients see records.

Stored JSON (content, metadata, state, embedded messages) goes in as it stands, unparsed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import chain, islice, repeat
from typing import Any, NamedTuple

import orjson

from ..domain.json_text import compact_json
from ..domain.list_items import DialogueItem, MemoryItem, MessageItem
from ..domain.records import Dialogue, JsonText, Memory, Message, Summary, Timestamp
from ..search.content import content_texts, value_texts
from ..search.highlights import Highlighter
from ..search.query import Found, Hit, SearchObject, SearchQuery
from ..stores import Counts, Erased
from .inputs import NewMessage
from .results import Result


def etag_of(dialogue: Dialogue) -> str:
    """Return the strong ETag: it changes with every change and never repeats for a re-created id."""
    return f'"{dialogue.uid}-{dialogue.rev}"'


def message_body(draft: NewMessage, dialogue_id: str, namespace: str, now: Timestamp) -> JsonText:
    """Return the complete JSON of a new message."""
    fields: dict[str, Any] = {"id": draft.id, "dialogueId": dialogue_id}
    if namespace:
        fields["namespace"] = namespace
    fields["role"] = draft.role
    fields["content"] = orjson.Fragment(draft.content)
    fields["contentLength"] = draft.content_length
    if draft.name is not None:
        fields["name"] = draft.name
    fields["tags"] = draft.tags
    fields["metadata"] = orjson.Fragment(draft.metadata)
    fields["created"] = draft.created or now
    fields["modified"] = now
    return compact_json(fields)


def array_of(bodies: Iterable[JsonText]) -> JsonText:
    """Return complete JSON texts as one JSON array.

    They are copied once: each copy of some megabytes takes milliseconds, in which no other thread runs.
    """
    separated = chain.from_iterable(zip(repeat(","), bodies))
    return JsonText("".join(["[", *islice(separated, 1, None), "]"]))


def messages_array(messages: Iterable[Message | MessageItem]) -> JsonText:
    """Return messages as a JSON array."""
    return array_of(message.body for message in messages)


def head_fields(head: Dialogue | DialogueItem) -> dict[str, Any]:
    """Return the fields that every answer about a dialogue has."""
    fields: dict[str, Any] = {"id": head.id, "projectId": head.project}
    if head.namespace:
        fields["namespace"] = head.namespace
    if head.thread_of is not None:
        fields["threadOf"] = head.thread_of
    if head.label is not None:
        fields["label"] = head.label
    fields["status"] = head.status
    fields["tags"] = _tags(head.tags)
    fields["metadata"] = orjson.Fragment(head.metadata)
    fields["totalMessages"] = head.total
    fields["threadCount"] = head.thread_count
    fields["created"] = head.created
    fields["modified"] = head.modified
    if head.last_message_created is not None:
        fields["lastMessageCreated"] = head.last_message_created
    if head.ended_at is not None:
        fields["endedAt"] = head.ended_at
    if head.archived_at is not None:
        fields["archivedAt"] = head.archived_at
    if head.expires_at is not None:
        fields["expiresAt"] = head.expires_at
    return fields


def dialogue_body(dialogue: Dialogue, messages: JsonText | None, *, with_state: bool = True) -> JsonText:
    """Return a dialogue, its state and ``messages`` (a JSON array) included where asked."""
    fields = head_fields(dialogue)
    if with_state:
        fields["state"] = orjson.Fragment(dialogue.state)
    if messages is not None:
        fields["messages"] = orjson.Fragment(messages)
    return compact_json(fields)


def dialogue_result(dialogue: Dialogue, messages: JsonText) -> Result:
    """Return a full dialogue with its ETag."""
    return Result(dialogue_body(dialogue, messages), etag_of(dialogue))


def memory_result(memory: Memory) -> Result:
    """Return a memory."""
    return Result(compact_json(memory_fields(memory)))


def memory_fields(memory: Memory | MemoryItem) -> dict[str, Any]:
    """Return the fields of a memory."""
    fields: dict[str, Any] = {"id": memory.id}
    if memory.namespace:
        fields["namespace"] = memory.namespace
    if memory.label is not None:
        fields["label"] = memory.label
    if memory.description is not None:
        fields["description"] = memory.description
    fields["value"] = orjson.Fragment(memory.value)
    fields["tags"] = _tags(memory.tags)
    fields["metadata"] = orjson.Fragment(memory.metadata)
    fields["created"] = memory.created
    fields["modified"] = memory.modified
    if memory.expires_at is not None:
        fields["expiresAt"] = memory.expires_at
    return fields


def _tags(tags: Sequence[str] | JsonText) -> object:
    """Return tags to be written as JSON; those of a list item may be JSON already."""
    return orjson.Fragment(tags) if isinstance(tags, str) else tags


def summary_body(summary: Summary) -> JsonText:
    """Return a summary; ``stale`` is there when a message that it covers was deleted."""
    if not summary.stale:
        return summary.body
    return JsonText(summary.body[:-1] + ',"stale":true}')


def page_texts(items: JsonText, cursor: str | None, system: str | None = None) -> Sequence[str]:
    """Return one page of a list in texts that follow each other, so that the large one need not be copied.

    ``items`` is a JSON array; ``next`` is absent on the last page.
    """
    fields: dict[str, Any] = {}
    if system is not None:
        fields["system"] = system
    if cursor is not None:
        fields["next"] = cursor
    return '{"items":', items, f",{compact_json(fields)[1:]}" if fields else "}"


def page_body(items: JsonText) -> JsonText:
    """Return a list that has all its items on one page."""
    return JsonText("".join(page_texts(items, None)))


def deletion_result(resource_id: str) -> Result:
    """Return the answer to a deletion."""
    return Result(compact_json({"success": True, "id": resource_id}))


class Embedded(NamedTuple):
    """How many items are embedded, and by which model."""

    model: str
    items: int


def stats_body(counts: Counts, embedded: Embedded | None = None) -> JsonText:
    """Return the counts of a project or namespace."""
    dialogues = {"active": counts.active, "ended": counts.ended, "archived": counts.archived}
    fields: dict[str, Any] = {
        "dialogues": {"total": sum(dialogues.values()), **dialogues},
        "messages": counts.messages,
        "memories": counts.memories,
        "summaries": counts.summaries,
    }
    if embedded is not None:
        items = sum(dialogues.values()) + counts.messages + counts.memories
        waiting = max(0, items - embedded.items)  # what is purged and not swept yet is embedded, not counted
        fields["meaning"] = {"model": embedded.model, "embedded": items - waiting, "waiting": waiting}
    return compact_json(fields)


def erased_body(namespace: str, erased: Erased) -> JsonText:
    """Return how much an erasure removed."""
    return compact_json({"success": True, "namespace": namespace, **asdict(erased)})


def search_body(query: SearchQuery, found: Found, understood: dict[str, Any] | None = None) -> JsonText:
    """Return hits in both shapes: ``results`` with their relevance, ``items`` without.

    ``understood`` is the request as it was read, if there is one to show.
    """
    marks = Highlighter(query.keywords)
    items = [_item(hit.item) for hit in found.hits]
    results = [_result(query.object, hit, item, marks) for hit, item in zip(found.hits, items, strict=True)]
    request = {} if understood is None else {"request": understood}
    return compact_json({"results": results, "items": items, **request})


def with_next(body: JsonText, cursor: str) -> JsonText:
    """Return an object's JSON with the cursor to what follows it."""
    return JsonText(f'{body[:-1]},"next":"{cursor}"}}')


def _item(entry: DialogueItem | MessageItem | MemoryItem) -> object:
    if isinstance(entry, MessageItem):
        return orjson.Fragment(entry.body)
    return memory_fields(entry) if isinstance(entry, MemoryItem) else head_fields(entry)


def _result(kind: SearchObject, hit: Hit, item: object, marks: Highlighter) -> dict[str, Any]:
    result: dict[str, Any] = {"object": kind.value, "relevance": hit.relevance, "item": item}
    result["highlights"] = marks.mark(_texts(hit.item))
    if hit.matches:
        result["matches"] = [
            _result(SearchObject.MESSAGE, match, _item(match.item), marks) for match in hit.matches
        ]
    return result


def _texts(item: DialogueItem | MessageItem | MemoryItem) -> Iterator[tuple[str, str]]:
    """Give what is searched of an item, by the names of its fields."""
    if isinstance(item, MessageItem):
        content = orjson.loads(item.body).get("content")
        yield from (("content", text) for text in content_texts(content))
        return
    yield "label", item.label or ""
    if isinstance(item, MemoryItem):
        yield "description", item.description or ""
    tags = orjson.loads(item.tags) if isinstance(item.tags, str) else item.tags
    yield from (("tags", tag) for tag in tags)
    if isinstance(item, MemoryItem):
        yield from (("value", text) for text in value_texts(orjson.loads(item.value), keys=True))
    else:
        yield from (("metadata", text) for text in value_texts(orjson.loads(item.metadata)))
