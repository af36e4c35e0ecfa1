"""The audit: who did what to what, when, from where; noted in the transaction of the effect."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson

from ..domain import timestamps
from ..domain.ids import new_id
from ..domain.json_text import compact_json
from ..domain.records import Action, Actor, AuditEntry, Rights, Scope
from .results import Result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..domain.list_queries import AuditListQuery
    from ..stores import Catalog, Transaction

ROWS_AT_ONCE = 1000
"""How many entries one step removes."""

SERVER = Scope("")
"""The scope of what concerns no project, or one that may not exist yet."""

COMMAND_LINE = Actor("command line", Rights.ADMIN)
"""Who acts at a shell of the server."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What something is done to; ``project`` None concerns no project."""

    project: str | None
    namespace: str | None = None
    target: str | None = None


def note(tx: Transaction, actor: Actor, action: Action, subject: Subject, **details: Any) -> None:
    """Note what the transaction does; details that are None are left out."""
    given = {name: value for name, value in details.items() if value is not None}
    tx.insert_audit(
        AuditEntry(
            id=new_id(),
            time=timestamps.now(),
            action=action,
            details=compact_json(given),
            project=subject.project,
            actor=actor.name,
            target=subject.target,
            namespace=subject.namespace or None,
            address=actor.address,
            request_id=actor.request_id,
        )
    )


def note_export(tx: Transaction, project: str, namespace: str | None) -> None:
    """Note that a project, or one namespace of it, is exported at a shell."""
    note(tx, COMMAND_LINE, Action.EXPORTED, Subject(project, namespace))


def note_failed_logins(tx: Transaction, counts: Mapping[str, int]) -> None:
    """Note from which addresses requests came without a valid key, and how many."""
    for address, count in counts.items():
        caller = Actor("nobody", Rights.READ, address=address)
        note(tx, caller, Action.LOGIN_FAILED, Subject(None), count=count)


def list_audit(catalog: Catalog, query: AuditListQuery) -> Result:
    """Return a page of the audit."""
    page = catalog.page_audit(query)
    last = page.items[-1] if page.more else None
    return Result(
        compact_json([entry_fields(entry) for entry in page.items]),
        position=None if last is None else (last.time, last.id),
    )


def entry_fields(entry: AuditEntry) -> dict[str, Any]:
    """Return the fields of an entry."""
    fields = {
        "id": entry.id,
        "time": entry.time,
        "action": entry.action.value,
        "project": entry.project,
        "actor": entry.actor,
        "target": entry.target,
        "namespace": entry.namespace,
        "address": entry.address,
        "requestId": entry.request_id,
        "details": orjson.Fragment(entry.details),
    }
    return {name: value for name, value in fields.items() if value is not None}


def drop_old(catalog: Catalog, days: int) -> None:
    """Remove entries that are older, in batches."""
    before = timestamps.format_time(datetime.now(UTC) - timedelta(days=days))
    while catalog.drop_audit(before, ROWS_AT_ONCE) == ROWS_AT_ONCE:
        pass
