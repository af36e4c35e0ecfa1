"""Pages of dialogues: each order walks an index of its own, or those that a filter leaves are sorted.

Which of both is less work the server tries out itself.
"""

from __future__ import annotations

from ...domain.expiry import DialogueHorizon
from ...domain.list_items import DialogueItem
from ...domain.list_queries import DialogueListQuery, Page, SortKey
from ...domain.records import DEFAULT_NAMESPACE, ScopeFilter, TimeRange
from .database import Document, MongoDatabase
from .facets import scalar_facets
from .mapping import DIALOGUE_ITEM_FIELDS, dialogue_item_from
from .paging import Source, read_page
from .queries import DIRECTION, beyond, expired_dialogues, in_scope, listed_by, tagged, within
from .statements import Sort

FIELD = {
    SortKey.CREATED: "created",
    SortKey.MODIFIED: "modified",
    SortKey.LAST_MESSAGE: "lastMessageCreated",
}
"""The field of an order."""


def list_dialogues(
    db: MongoDatabase, query: DialogueListQuery, horizon: DialogueHorizon
) -> Page[DialogueItem]:
    """Return one page, in order, but for what has expired."""
    criteria, sort = dialogue_list(query)
    criteria["$nor"] = expired_dialogues(horizon)
    with db.bounded():
        source = Source(db.dialogues, DIALOGUE_ITEM_FIELDS, dialogue_item_from, ("metadata",))
        return read_page(db, source, criteria, sort, query.limit)


def dialogue_list(query: DialogueListQuery) -> tuple[Document, Sort]:
    """Return filter and order of a list of dialogues."""
    scope_filter = query.scope_filter
    if query.thread_of is not None and scope_filter.namespace is None:
        scope_filter = ScopeFilter(scope_filter.project, DEFAULT_NAMESPACE)
    key = FIELD[query.sort_key]
    names, position = listed_by(key, scope_filter, query.after)
    is_by_created = query.sort_key is SortKey.CREATED
    times = query.times if is_by_created else TimeRange()
    criteria = in_scope(scope_filter) | beyond(names, position, query.order, times)
    if not is_by_created and (bounds := within(query.times)):
        criteria["created"] = bounds
    if query.statuses:
        criteria["status"] = {"$in": [status.value for status in query.statuses]}
    criteria |= tagged(query.tags) | _branch(query)
    if query.metadata:
        criteria["$and"] = [{"facets": {"$in": scalar_facets(wanted)}} for wanted in query.metadata]
    return criteria, [(name, DIRECTION[query.order]) for name in names]


def _branch(query: DialogueListQuery) -> Document:
    """Return the filter for the threads of one dialogue, or for roots, or for both, which an index merges."""
    kinds: Document = {"isThread": None if query.roots else {"$in": [None, True]}}
    if query.thread_of is None:
        return kinds
    return {"threadOf": query.thread_of} | (kinds if query.roots else {})
