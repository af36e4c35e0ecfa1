"""A whole project or one whole namespace: counts, and the list of namespaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..domain.json_text import compact_json
from .bodies import Embedded, stats_body
from .results import Result

if TYPE_CHECKING:
    from ..domain.list_queries import NamespaceListQuery
    from ..domain.records import ScopeFilter
    from ..stores import Store


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
