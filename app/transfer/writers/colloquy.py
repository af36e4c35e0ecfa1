"""Our own format: lines of JSON, each with a mark, that hold everything of a project.

The first line says what the file is, the last one how much it holds. Between them are the project's
settings, its keys where they are asked for, deleted dialogues that are still readable, dialogues as the
API shows them with all their messages and summaries, and memories.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

import orjson

from ...domain import timestamps
from ...domain.json_text import compact_json
from ...domain.records import Dialogue, Key, Memory, Message, Project, Scope, Summary, Tombstone
from ...domain.version import VERSION as RELEASE
from ...services.bodies import head_fields, memory_fields
from ...services.projects import project_fields
from .writer import Writer

MARK = "colloquy"
"""The field that tells our format from others; its value is the format's version."""

VERSION = 2
"""Version 1 had dialogues alone, without ``type`` and without what no answer shows."""

DERIVED = frozenset({"projectId", "totalMessages", "threadCount", "lastMessageCreated"})
"""What the API shows of a dialogue and derives from others; it is not written."""


def begin(project: str, namespace: str | None) -> str:
    """Return the first line."""
    about = {"release": RELEASE, "created": timestamps.now(), "project": project}
    return _line("export", about | ({} if namespace is None else {"namespace": namespace}))


def end(counts: Mapping[str, int]) -> str:
    """Return the last line, without which an export is cut short."""
    return _line("end", counts)


def project_line(project: Project) -> str:
    """Return the line of a project's settings."""
    return _line("project", project_fields(project))


def key_line(key: Key) -> str:
    """Return the line of a key, which has its hash and never the key itself."""
    fields = asdict(key)
    del fields["project"]
    return _line("key", {name: value for name, value in fields.items() if value is not None})


def memory_line(memory: Memory) -> str:
    """Return the line of a memory."""
    return _line("memory", memory_fields(memory) | {"hash": memory.hash})


def write_deleted(
    scope: Scope, tombstone: Tombstone, messages: Iterable[Message], summaries: Iterable[Summary]
) -> Iterator[str]:
    """Yield the line of a deleted dialogue in pieces; a purged one has no messages."""
    fields = {"id": tombstone.dialogue_id, "uid": tombstone.uid, "purged": tombstone.purged}
    yield _open("deleted", fields | ({"namespace": scope.namespace} if scope.namespace else {}))
    yield from _rows(messages, summaries)


def write(
    dialogue: Dialogue, messages: Iterable[Message], summaries: Iterable[Summary] = ()
) -> Iterator[str]:
    """Yield the line of a dialogue in pieces, a message at a time."""
    fields = {name: value for name, value in head_fields(dialogue).items() if name not in DERIVED}
    hidden = {
        "uid": dialogue.uid,
        "nextSeq": dialogue.next_seq,
        "createHash": dialogue.create_hash,
        "createdCount": dialogue.created_count,
    }
    yield _open("dialogue", {**fields, **hidden, "state": orjson.Fragment(dialogue.state)})
    yield from _rows(messages, summaries)


def _rows(messages: Iterable[Message], summaries: Iterable[Summary]) -> Iterator[str]:
    """Yield the end of a line: messages in the order of acceptance, then summaries."""
    yield ',"messages":['
    separator = ""
    for message in messages:
        yield f'{separator}{message.body[:-1]},"seq":{message.seq},"hash":"{message.hash}"}}'
        separator = ","
    yield '],"summaries":['
    separator = ""
    for summary in summaries:
        yield separator + compact_json(_summary(summary))
        separator = ","
    yield "]}\n"


def _summary(summary: Summary) -> dict[str, Any]:
    return {
        "throughSeq": summary.through_seq,
        "ranged": summary.ranged,
        "completed": summary.completed,
        "stale": summary.stale,
        "hash": summary.hash,
        "body": orjson.Fragment(summary.body),
    }


def _line(kind: str, fields: Mapping[str, Any]) -> str:
    return _open(kind, fields) + "}\n"


def _open(kind: str, fields: Mapping[str, Any]) -> str:
    """Return a line without its end."""
    return compact_json({MARK: VERSION, "type": kind, **fields})[:-1]


WRITER = Writer("colloquy", "Everything, to be imported again", ".jsonl", "application/jsonl", write)
