"""Records as rows, and back. A column has the name of the record's field that it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import orjson

from ...domain.erasure import Erasure
from ...domain.list_items import DialogueItem, ExpiringItem, MemoryItem, MessageItem
from ...domain.records import (
    Action,
    AuditEntry,
    Dialogue,
    IdempotencyRecord,
    Key,
    Memory,
    Message,
    Project,
    Rights,
    Scope,
    Status,
    Summary,
    Tombstone,
)
from ..policies import read_retention, write_retention

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")

Row = tuple[Any, ...]
Codec = Callable[[Any], Any]


def write_tags(tags: Sequence[str]) -> str:
    """Return tags as a JSON array."""
    return orjson.dumps(tags).decode() if tags else "[]"


def read_tags(text: str) -> tuple[str, ...]:
    """Return stored tags."""
    return () if text == "[]" else tuple(orjson.loads(text))


WRITERS: Final[Mapping[str, Codec]] = {
    "tags": write_tags,
    "status": attrgetter("value"),
    "rights": attrgetter("value"),
    "action": attrgetter("value"),
    "retention": write_retention,
}
"""What makes the column of a field; the columns of all others hold the field as it is."""

READERS: Final[Mapping[str, Codec]] = {
    "tags": read_tags,
    "status": Status,
    "rights": Rights,
    "action": Action,
    "immutable": bool,
    "has_image": bool,
    "ranged": bool,
    "completed": bool,
    "stale": bool,
    "retention": read_retention,
}
"""What makes a field of its column."""


class Fields:
    """Some fields of a record that are written together: their columns and their values, in one order."""

    def __init__(self, *names: str) -> None:
        self.columns = ", ".join(names)
        self.assignments = ", ".join(f"{name} = ?" for name in names)
        self.of: Callable[[object], Any] = attrgetter(*names)
        """Returns the fields of a record, to compare them with another's."""
        self._writers = _codecs(names, WRITERS)
        self.values: Callable[[object], Sequence[Any]] = self._written if self._writers else self.of
        """Returns the values of the columns."""

    def _written(self, record: object) -> Sequence[Any]:
        values = list(self.of(record))
        for position, write in self._writers:
            values[position] = write(values[position])
        return values


@dataclass(frozen=True, slots=True)
class Columns(Generic[T]):
    """The columns that something is read from, what makes it of a row, and which of them are large."""

    names: tuple[str, ...]
    read: Callable[[Row], T]
    large: tuple[int, ...] = ()

    def __str__(self) -> str:
        return ", ".join(self.names)

    def of(self, table: str) -> str:
        """Return the columns with a table's name before each."""
        return ", ".join(f"{table}.{name}" for name in self.names)


def _codecs(names: Sequence[str], table: Mapping[str, Codec]) -> list[tuple[int, Codec]]:
    return [(position, table[name]) for position, name in enumerate(names) if name in table]


def _names(record: type[DataclassInstance]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(record))


def _record(record: Callable[..., T], names: tuple[str, ...], *large: str) -> Columns[T]:
    """Return the columns of all fields of a record."""
    readers = _codecs(names, READERS)

    def read(row: Row) -> T:
        values = list(row)
        for position, decode in readers:
            values[position] = decode(values[position])
        return record(*values)

    return Columns(names, read, tuple(map(names.index, large)))


def _item(make: Callable[[Row], T], names: tuple[str, ...], *large: str) -> Columns[T]:
    """Return the columns of a list item, which are answered as they are stored."""
    return Columns(names, make, tuple(map(names.index, large)))


def _read_tombstone(row: Row) -> tuple[Scope, Tombstone]:
    project, namespace, dialogue_id, uid, fate = row
    return Scope(project, namespace), Tombstone(dialogue_id, uid, fate > 0)


DIALOGUE: Final = _record(Dialogue, _names(Dialogue), "metadata", "state", "recent")
DIALOGUE_ITEM: Final = _item(DialogueItem._make, DialogueItem._fields, "tags", "metadata")
DIALOGUE_LISTED: Final = Columns(
    (*DIALOGUE_ITEM.names, "last_activity"), lambda row: DialogueItem._make(row[:-1]), DIALOGUE_ITEM.large
)
"""The columns of an item, and what lists sort it by beside them."""
MESSAGE: Final = _record(Message, _names(Message), "body")
MESSAGE_ITEM: Final = _item(MessageItem._make, MessageItem._fields, "body")
EXPIRING_ITEM: Final = _item(ExpiringItem._make, ExpiringItem._fields)
MEMORY: Final = _record(Memory, _names(Memory), "value", "metadata")
MEMORY_ITEM: Final = _item(MemoryItem._make, MemoryItem._fields, "value", "metadata")
SUMMARY: Final = _record(Summary, _names(Summary), "body")
PROJECT: Final = _record(Project, _names(Project))
KEY: Final = _record(Key, _names(Key))
AUDIT: Final = _record(AuditEntry, _names(AuditEntry))
IDEMPOTENCY: Final = _record(IdempotencyRecord, _names(IdempotencyRecord))
ANSWER: Final = Columns(
    ("project", "namespace", *IDEMPOTENCY.names),
    lambda row: (Scope(*row[:2]), IDEMPOTENCY.read(row[2:])),
    (2 + IDEMPOTENCY.names.index("body"),),
)
ERASURE: Final = _record(Erasure, _names(Erasure))
TOMBSTONE: Final = Columns(("project", "namespace", "dialogue_id", "uid", "fate"), _read_tombstone)

DIALOGUE_FIELDS: Final = Fields(*DIALOGUE.names)
COUNTED_FIELDS: Final = Fields(
    "rev",
    "next_seq",
    "total",
    "thread_count",
    "modified",
    "last_message_created",
    "state",
    "recent",
    "recent_count",
)
"""What changes with every message; the indexes of lists by activity alone have some of it."""
INDEXED_FIELDS: Final = Fields("status", "tags", "label", "ended_at", "archived_at", "expires_at")
"""What of a dialogue changes seldom, and is indexed or searched."""
MESSAGE_FIELDS: Final = Fields(*MESSAGE.names)
RETAGGED_FIELDS: Final = Fields("tags", "modified", "body")
"""What of a message can change."""
MEMORY_FIELDS: Final = Fields(*MEMORY.names)
REPLACED_FIELDS: Final = Fields("value", "tags", "modified", "terms", "label", "description", "expires_at")
"""What of a memory can change."""
SUMMARY_FIELDS: Final = Fields(*SUMMARY.names)
PROJECT_FIELDS: Final = Fields(*PROJECT.names)
KEY_FIELDS: Final = Fields(*KEY.names)
AUDIT_FIELDS: Final = Fields(*AUDIT.names)
ERASURE_FIELDS: Final = Fields(*ERASURE.names)
IDEMPOTENCY_FIELDS: Final = Fields(*IDEMPOTENCY.names)
