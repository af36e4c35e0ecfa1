"""The inputs of the rules: what clients send, checked and normalised."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from ..domain.ids import Fingerprint
from ..domain.records import JsonText, Timestamp


class Unset(Enum):
    """The type of ``UNSET``: a field that the request did not carry, unlike one set to null."""

    TOKEN = 0


UNSET: Final = Unset.TOKEN


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message to be stored. ``hash`` is the fingerprint of what the client sent, id left out."""

    id: str
    id_given: bool
    role: str
    content: JsonText
    content_length: int
    name: str | None
    tags: tuple[str, ...]
    metadata: JsonText
    created: Timestamp | None
    hash: Fingerprint
    terms: str
    has_image: bool


@dataclass(frozen=True, slots=True)
class NewDialogue:
    """A dialogue to be created, with its first messages."""

    id: str
    id_given: bool
    thread_of: str | None
    fork_at: str | None
    label: str | None
    tags: tuple[str, ...]
    metadata: JsonText
    state: JsonText
    created: Timestamp | None
    messages: tuple[NewMessage, ...]
    hash: Fingerprint
    expires_at: Timestamp | None = None


@dataclass(frozen=True, slots=True)
class DialogueUpdate:
    """What a PUT may change; the ``echoed`` fields are tolerated when equal to what is stored."""

    label: str | Unset | None = UNSET
    tags: tuple[str, ...] | Unset = UNSET
    state: dict[str, Any] | Unset = UNSET
    expires_at: Timestamp | Unset | None = UNSET
    messages: tuple[NewMessage, ...] = ()
    echoed_metadata: dict[str, Any] | Unset = UNSET


@dataclass(frozen=True, slots=True)
class NewMemory:
    """A memory to be created."""

    id: str
    id_given: bool
    value: JsonText
    label: str | None
    description: str | None
    tags: tuple[str, ...]
    metadata: JsonText
    hash: Fingerprint
    terms: str
    expires_at: Timestamp | None = None


@dataclass(frozen=True, slots=True)
class MemoryUpdate:
    """What a PUT of a memory may change."""

    tags: tuple[str, ...] | Unset = UNSET
    value: JsonText | Unset = UNSET
    label: str | Unset | None = UNSET
    description: str | Unset | None = UNSET
    expires_at: Timestamp | Unset | None = UNSET


@dataclass(frozen=True, slots=True)
class Condition:
    """``If-Match``: the ETags one of which must be current; None when the header is absent."""

    etags: tuple[str, ...] | None = None


UNCONDITIONAL: Final = Condition()
"""No If-Match."""


@dataclass(frozen=True, slots=True)
class NewSummary:
    """A summary to be made; ``start_id`` and ``end_id`` restrict it to a range of messages."""

    dialogue_id: str
    id: str
    id_given: bool
    template: str | None
    start_id: str | None
    end_id: str | None
    tags: tuple[str, ...]
    metadata: JsonText | None
    hash: Fingerprint
