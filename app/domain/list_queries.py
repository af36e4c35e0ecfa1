"""List queries, which ask for one page of a list, and the page that is the answer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from .records import Order, Scalar, ScopeFilter, Status, TimeRange, Timestamp
from .retention import Kept

T = TypeVar("T")


class SortKey(StrEnum):
    """What a list of dialogues is ordered by, before namespace and id."""

    CREATED = "created"
    MODIFIED = "modified"
    LAST_MESSAGE = "lastMessageCreated"
    """When the newest message was created; a dialogue without messages has its own ``created`` here."""


@dataclass(frozen=True, slots=True)
class MetadataFilter:
    """A scalar at the top level of metadata: its key, and the values of which it has to have one."""

    key: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class DialogueListQuery:
    """One page of a list of dialogues, ordered by (``sort_key``, namespace, id).

    ``after`` is the position of the last item of the previous page. ``statuses`` empty means all.
    ``tags`` must all be carried, and all of ``metadata`` must hold. ``thread_of`` None means no filter;
    ``roots`` leaves out threads. ``times`` is about ``created``, whatever the order. ``with_expired`` lists
    those, too, that have expired and await the sweeper.
    """

    scope_filter: ScopeFilter
    limit: int
    order: Order = Order.DESC
    after: tuple[str, str, str] | None = None
    times: TimeRange = TimeRange()
    statuses: tuple[Status, ...] = ()
    tags: tuple[str, ...] = ()
    thread_of: str | None = None
    roots: bool = False
    metadata: tuple[MetadataFilter, ...] = ()
    sort_key: SortKey = SortKey.CREATED
    with_expired: bool = False


@dataclass(frozen=True, slots=True)
class MessageListQuery:
    """One page of the messages of one dialogue uid, ordered by (created, seq)."""

    uid: str
    limit: int
    order: Order = Order.ASC
    after: tuple[str, int] | None = None
    times: TimeRange = TimeRange()


@dataclass(frozen=True, slots=True)
class MemoryListQuery:
    """One page of a list of memories, ordered by (created, namespace, id)."""

    scope_filter: ScopeFilter
    limit: int
    order: Order = Order.DESC
    after: tuple[str, str, str] | None = None
    times: TimeRange = TimeRange()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SummaryListQuery:
    """One page of the summaries of one dialogue uid, ordered by (created, id)."""

    uid: str
    limit: int
    order: Order = Order.DESC
    after: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class KeyListQuery:
    """One page of the keys of a project, ordered by (created, id)."""

    project: str
    limit: int
    order: Order = Order.DESC
    after: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ProjectListQuery:
    """One page of the projects, ordered by name."""

    limit: int
    after: tuple[str] | None = None


@dataclass(frozen=True, slots=True)
class NamespaceListQuery:
    """One page of the namespaces of a scope filter that begin with ``prefix``, ordered by name."""

    scope_filter: ScopeFilter
    limit: int
    prefix: str = ""
    after: tuple[str] | None = None


@dataclass(frozen=True, slots=True)
class AuditListQuery:
    """One page of the audit, ordered by (time, id); ``project`` None covers everything.

    ``action``, ``actor`` and ``target`` None mean no filter.
    """

    project: str | None
    limit: int
    order: Order = Order.DESC
    after: tuple[str, str] | None = None
    times: TimeRange = TimeRange()
    action: str | None = None
    actor: str | None = None
    target: str | None = None


@dataclass(frozen=True, slots=True)
class ExpiryQuery:
    """One page of what of a project may have expired, ordered by (time, namespace, id) from the oldest on.

    The time is ``expires_at``, or ``modified`` with ``by_age``; it lies before ``before``.
    """

    project: str
    kind: Kept
    before: Timestamp
    limit: int
    by_age: bool = False
    after: tuple[str, str, str] | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items, in order, and whether more follow."""

    items: list[T]
    more: bool
