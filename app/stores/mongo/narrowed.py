"""The vectors of the items that a filter leaves, where an index tells which these are and they are few."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from ...search.query import SearchQuery
from .database import Document, Rows
from .queries import within

BATCH: Final = 1000
"""How many items' vectors one command asks for."""


def narrowed_vectors(rows: Rows, vectors: Rows, query: SearchQuery, limit: int) -> list[int] | None:
    """Return the numbers of the vectors of all items of the project that one of the filters leaves.

    None without a filter that has an index, and where each leaves more items than ``limit``.
    """
    project = {"project": query.scope_filter.project}
    for wanted in _narrowing(rows.name, query):
        found = list(rows.find({**project, **wanted}, ["namespace"], limit=limit + 1))
        if len(found) <= limit:
            model = None if query.vector is None else query.vector.model
            made = {**project, "kind": rows.name, "model": model, "seq": {"$exists": True}}
            found.sort(key=itemgetter("namespace"))
            return [one["seq"] for named in _items(found, made) for one in vectors.find(named, ["seq"])]
    return None


def _narrowing(kind: str, query: SearchQuery) -> Iterator[Document]:
    """Yield the filters that an index serves."""
    tags = {"$in": query.tags_any, "$all": query.tags_all}
    wanted = {operator: list(names) for operator, names in tags.items() if names}
    if wanted:
        yield {"tags": wanted}
    if query.has_image and kind == "messages":
        yield {"hasImage": True}
    # The indexes of dialogues by time have, before it, whether they are threads.
    threads = {"isThread": {"$in": [None, True]}} if kind == "dialogues" else {}
    if within(query.created):
        yield {**threads, "created": within(query.created)}
    if within(query.modified) and kind != "messages":
        yield {**threads, "modified": within(query.modified)}


def _items(documents: Sequence[Document], made: Document) -> Iterator[Document]:
    """Yield filters for the vectors of items that are in the order of their namespaces.

    They name both, as the index does.
    """
    for start in range(0, len(documents), BATCH):
        groups = groupby(documents[start : start + BATCH], itemgetter("namespace"))
        either: list[Any] = [
            {**made, "namespace": namespace, "item": {"$in": [one["_id"] for one in items]}}
            for namespace, items in groups
        ]
        yield {"$or": either}
