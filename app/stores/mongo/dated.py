"""The vectors of items of some time, which the indexes by time find where these are few."""

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


def dated_vectors(rows: Rows, vectors: Rows, query: SearchQuery, limit: int) -> list[int] | None:
    """Return the numbers of the vectors of items of the project made in the time that is asked for.

    None without such a time, or for more items than ``limit``.
    """
    created = within(query.created)
    if not created:
        return None
    wanted: Document = {"project": query.scope_filter.project, "created": created}
    if rows.name == "dialogues":
        wanted["isThread"] = {"$in": [None, True]}  # which the index by time has
    found = list(rows.find(wanted, ["namespace"], limit=limit + 1))
    if len(found) > limit:
        return None
    found.sort(key=itemgetter("namespace"))
    model = None if query.vector is None else query.vector.model
    made = {"project": wanted["project"], "kind": rows.name, "model": model, "seq": {"$exists": True}}
    return [one["seq"] for named in _items(found, made) for one in vectors.find(named, ["seq"])]


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
