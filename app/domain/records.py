"""What Colloquy stores: plain frozen records, free of HTTP and of any database.

Times are text, ISO 8601 in UTC to the millisecond (``2026-01-02T03:04:05.678Z``), because that
form sorts as time does, needs no formatting on the way out and reads the same in every store.
``JsonText`` is text that is already valid, compact JSON; it is stored and answered as it stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from .retention import FOR_GOOD, Retention

JsonText = NewType("JsonText", str)
Timestamp = NewType("Timestamp", str)
Scalar = str | int | float | bool | None

DEFAULT_NAMESPACE = ""
"""The namespace of whatever names none; no request can spell it, since a name has 1 to 128 characters."""

RECENT_MESSAGES = 10
"""How many of a dialogue's newest messages are embedded in it."""

RECENT_BYTES = 1024 * 1024
"""The most that the embedded messages may take together, in bytes of their JSON."""


class Status(StrEnum):
    """Where a dialogue is in its life."""

    ACTIVE = "active"
    ENDED = "ended"
    ARCHIVED = "archived"


class Rights(StrEnum):
    """What a key may do, each with all that those before it may."""

    READ = "read"
    FULL = "full"
    MANAGE = "manage"
    ADMIN = "admin"

    def covers(self, other: Rights) -> bool:
        """Whether a key with these rights may do what one with the others may."""
        return self is other or _RANKS[self] >= _RANKS[other]


_RANKS = {right: rank for rank, right in enumerate(Rights)}


class Order(StrEnum):
    """The direction of a list."""

    ASC = "asc"
    DESC = "desc"


@dataclass(frozen=True, slots=True)
class Scope:
    """One namespace of one project: where a single resource is looked up or written."""

    project: str
    namespace: str = DEFAULT_NAMESPACE


@dataclass(frozen=True, slots=True)
class ScopeFilter:
    """What a list or a search covers: one namespace of a project, or all of them (None)."""

    project: str
    namespace: str | None = None


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A dialogue with its state and its newest messages.

    ``uid`` is new each time the id is created, and sorts after every earlier uid of the same id.
    ``rev`` grows by one with each change; uid and rev together are the ETag. ``next_seq`` is the
    sequence number that the next accepted message gets; unlike ``total`` it never falls.
    ``created_count`` is the number of messages that the creating request brought (seq 0 upward)
    and ``create_hash`` the fingerprint of that request, so that a repeat can be told from a clash.
    ``recent`` is a JSON array of its newest messages, oldest first: the longest tail of the last 10
    that fits 1 MiB; ``recent_count`` says how many that is.
    """

    project: str
    namespace: str
    id: str
    uid: str
    rev: int
    next_seq: int
    total: int
    thread_count: int
    status: Status
    tags: tuple[str, ...]
    metadata: JsonText
    created: Timestamp
    modified: Timestamp
    create_hash: str
    created_count: int
    state: JsonText
    recent: JsonText
    recent_count: int
    thread_of: str | None = None
    label: str | None = None
    last_message_created: Timestamp | None = None
    ended_at: Timestamp | None = None
    archived_at: Timestamp | None = None
    expires_at: Timestamp | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One message. ``body`` is the complete JSON object that clients see.

    The fields beside it are those that a store filters, orders or compares by. ``uid`` is the
    uid of the dialogue it was written to; ``hash`` the fingerprint of the creating request;
    ``terms`` the search analyser's stems, separated by spaces; ``has_image`` whether its content
    has an image block. The order of messages is (created, seq).
    """

    uid: str
    id: str
    dialogue_id: str
    seq: int
    role: str
    tags: tuple[str, ...]
    metadata: JsonText
    created: Timestamp
    modified: Timestamp
    body: JsonText
    hash: str
    terms: str
    has_image: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """A fact kept beside the dialogues. ``value`` is any JSON."""

    namespace: str
    id: str
    value: JsonText
    tags: tuple[str, ...]
    metadata: JsonText
    created: Timestamp
    modified: Timestamp
    hash: str
    terms: str
    label: str | None = None
    description: str | None = None
    expires_at: Timestamp | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """A stored summary of a dialogue.

    ``through_seq`` is the highest sequence number it accounts for (-1: none): the next rolling
    summary starts after it. ``ranged`` marks one that startId or endId restricted; it is never
    built upon. ``body`` is the complete JSON object that clients see, without ``stale``.
    ``uid`` is the uid of the dialogue.
    """

    uid: str
    id: str
    dialogue_id: str
    created: Timestamp
    through_seq: int
    ranged: bool
    completed: bool
    stale: bool
    hash: str
    body: JsonText


@dataclass(frozen=True, slots=True)
class Tombstone:
    """What remains of a deleted dialogue: the uid under which its messages are still kept.

    ``purged`` tombstones hide their messages and summaries at once; the sweeper removes the rows.
    """

    dialogue_id: str
    uid: str
    purged: bool


@dataclass(frozen=True, slots=True)
class Project:
    """A tenant. ``immutable`` forbids deleting dialogues and messages."""

    name: str
    immutable: bool
    created: Timestamp
    retention: Retention = FOR_GOOD


@dataclass(frozen=True, slots=True)
class Key:
    """An API key as stored: never the key itself, only its SHA-256 (hex).

    ``id`` is a short public name for listing and revoking. ``namespace`` binds the key to one
    namespace (None: the whole project).
    """

    id: str
    hash: str
    project: str
    rights: Rights
    created: Timestamp
    namespace: str | None = None
    label: str | None = None
    expires: Timestamp | None = None
    revoked: Timestamp | None = None
    last_used: Timestamp | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something that is granted or noted: a key, or the command line, which may do all.

    ``name`` is the key's id. ``expires`` is when the key ends. ``address`` and ``request_id`` are those
    of the request.
    """

    name: str
    rights: Rights
    expires: Timestamp | None = None
    address: str | None = None
    request_id: str | None = None


class Action(StrEnum):
    """What the audit notes."""

    KEY_CREATED = "key.created"
    KEY_ROTATED = "key.rotated"
    KEY_REVOKED = "key.revoked"
    PROJECT_CREATED = "project.created"
    PROJECT_CHANGED = "project.changed"
    PROJECT_DELETED = "project.deleted"
    RETENTION_CHANGED = "retention.changed"
    NAMESPACE_ERASED = "namespace.erased"
    DIALOGUE_PURGED = "dialogue.purged"
    EXPORTED = "project.exported"
    LOGIN_FAILED = "login.failed"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to what: one entry of the audit, which has no key and no content.

    ``project`` is the one concerned, None where none is. ``actor`` is a key's id, or says what acted.
    ``details`` is a JSON object.
    """

    id: str
    time: Timestamp
    action: Action
    details: JsonText
    project: str | None = None
    actor: str | None = None
    target: str | None = None
    namespace: str | None = None
    address: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class IdempotencyRecord:
    """The answer that a request with an Idempotency-Key got, kept for its repeats.

    ``request`` is the digest of project, method, path and key; ``fingerprint`` that of the
    query and body, to tell a repeat from another request under the same key.
    """

    request: str
    fingerprint: str
    body: JsonText
    etag: str | None
    expires: Timestamp


@dataclass(frozen=True, slots=True)
class TimeRange:
    """Half open: ``start`` included, ``before`` excluded; None leaves that side open."""

    start: Timestamp | None = None
    before: Timestamp | None = None
