"""Claude Code's session files: one record a line, linked by ``parentUuid``, with sidechains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from ..conversation import Fields, Node, Tree
from . import blocks
from .fields import own_id, read_role, rest_of
from .format import Format, Found, Source

SILENT = "records of Claude Code that say nothing (progress, snapshots, queues) were left out"
LARGE = "large results that Claude Code kept a second time beside the message were left out"
RESULT_BYTES = 8 * 1024

_SPOKEN = ("user", "assistant", "system")
_TITLES = {"summary": "summary", "custom-title": "customTitle", "ai-title": "aiTitle"}
_HEAD = ("cwd", "gitBranch", "version", "slug", "entrypoint")
_MESSAGE = (
    "uuid",
    "parentUuid",
    "sessionId",
    "message",
    "timestamp",
    "content",
    "toolUseResult",
    "type",
    *_HEAD,
)
_API = ("role", "content", "type")


def read(records: Any, source: Source) -> Iterator[Found]:
    """Read the sessions of a file; a subagent's file is a thread of the session that started it."""
    together: dict[str, list[Fields]] = {}
    loose = []
    for record in records:
        if not isinstance(record, dict):
            continue
        session = own_id(record, ("sessionId",))
        if session is None:
            loose.append(record)
            continue
        agent = record.get("agentId")
        name = f"{session}:{agent}" if agent and record.get("isSidechain") else session
        together.setdefault(name, []).append(record)
    for name, found in together.items():
        yield _session(name, [*loose, *found], source)


def _session(name: str, records: list[Fields], source: Source) -> Tree:
    dialogue: Fields = {"id": name, "metadata": {"source": "claude-code"}}
    session, _, agent = name.partition(":")
    if agent:
        dialogue["threadOf"] = session
    nodes: dict[str, Node] = {}
    current = None
    for record in records:
        for key in _HEAD:
            if record.get(key):
                dialogue["metadata"].setdefault(key, record[key])
        title = record.get(_TITLES.get(str(record.get("type")), ""))
        if isinstance(title, str) and title:
            dialogue["label"] = title
        uuid = own_id(record, ("uuid",))
        spoken = _messages(uuid, record, source) if uuid is not None else []
        if uuid is None or not spoken:
            source.notes[SILENT] += not title
        if uuid is None:
            continue
        parent = record.get("parentUuid") or record.get("logicalParentUuid")
        nodes[uuid] = Node(parent if isinstance(parent, str) else None, spoken)
        if spoken and (agent or record.get("isSidechain") is not True):
            current = uuid
    return Tree(dialogue, nodes, current)


def _messages(uuid: str, record: Fields, source: Source) -> list[Fields]:
    kind, said = record.get("type"), record.get("message")
    if kind not in _SPOKEN:
        return []
    said = said if isinstance(said, dict) else {"role": kind, "content": record.get("content")}
    content = said.get("content")
    if content in (None, "", []):
        return []
    metadata = rest_of(record, _MESSAGE) | {name: item for name, item in said.items() if name not in _API}
    if "id" in metadata:
        metadata["messageId"] = metadata.pop("id")
    result = record.get("toolUseResult")
    if result is not None:
        if len(orjson.dumps(result)) <= RESULT_BYTES:
            metadata["toolUseResult"] = result
        else:
            source.notes[LARGE] += 1
    found = content if isinstance(content, list) else [blocks.text(str(content))]
    return blocks.speak(
        uuid,
        read_role(said.get("role", kind), f"record {uuid}"),
        [block if isinstance(block, dict) else blocks.text(str(block)) for block in found],
        created=record.get("timestamp"),
        metadata=metadata,
    )


def _is_record(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        return False
    if "sessionId" in value:
        return True
    return (value["type"] == "summary" and "leafUuid" in value) or value["type"] == "file-history-snapshot"


FORMAT = Format("claude-code", "Claude Code's session files (.jsonl)", read, is_record=_is_record)
