"""A whole project or one whole namespace: counts, and the erasure of one end user."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from ..domain.json_text import compact_json
from ..domain.records import Action
from .audit import Subject, note
from .bodies import Embedded, erased_body, stats_body
from .messages import require_mutable
from .results import Result

if TYPE_CHECKING:
    from ..domain.list_queries import NamespaceListQuery
    from ..domain.records import Actor, ScopeFilter
    from ..stores import Erased, Store, Transaction


def count(store: Store, scope_filter: ScopeFilter, model: str | None) -> Result:
    """Return how much there is of each kind, and how much of it is embedded by the model, if there is one."""
    counts = store.stats(scope_filter)
    if model is None:
        return Result(stats_body(counts))
    return Result(stats_body(counts, Embedded(model, store.count_vectors(scope_filter, model))))


def list_namespaces(store: Store, query: NamespaceListQuery) -> Result:
    """Return a page of the namespaces of a project."""
    page = store.list_namespaces(query)
    fields = [
        {
            "namespace": item.name,
            "dialogues": item.dialogues,
            "memories": item.memories,
            "lastActivity": item.last_activity,
        }
        for item in page.items
    ]
    return Result(compact_json(fields), position=(page.items[-1].name,) if page.more else None)


def erase(tx: Transaction, actor: Actor) -> Erased:
    """Remove everything of the transaction's namespace; readers honour it at once.

    Raises DialogueImmutable in an immutable project.
    """
    require_mutable(tx)
    erased = tx.erase_namespace()
    subject = Subject(tx.scope.project, tx.scope.namespace)
    note(tx, actor, Action.NAMESPACE_ERASED, subject, **asdict(erased))
    return erased


def erase_namespace(tx: Transaction, actor: Actor) -> Result:
    """Erase and answer how much that was; raises what ``erase`` does."""
    return Result(erased_body(tx.scope.namespace, erase(tx, actor)))
