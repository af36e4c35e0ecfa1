"""A page of namespaces, put together of those that hold dialogues and those that hold memories."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..domain.list_items import NamespaceItem
from ..domain.list_queries import Page

LONGEST_NAME = 128
"""How many characters a namespace has at most."""

Tally = tuple[Any, ...]
"""A namespace, how many there are of one kind, and when the last of them was changed."""


def end_of(prefix: str) -> str:
    """Return what sorts behind every namespace that begins so."""
    return prefix + "\U0010ffff" * (LONGEST_NAME + 1)


def merge_tallies(dialogues: Iterable[Tally], memories: Iterable[Tally], limit: int) -> Page[NamespaceItem]:
    """Return the first ``limit`` namespaces by name; each kind has its first ``limit + 1``."""
    found: dict[str, NamespaceItem] = {}
    for name, count, changed in dialogues:
        found[name] = NamespaceItem(name, count, 0, changed)
    for name, count, changed in memories:
        known = found.get(name, NamespaceItem(name, 0, 0, changed))
        found[name] = known._replace(memories=count, last_activity=max(known.last_activity, changed))
    names = sorted(found)
    return Page([found[name] for name in names[:limit]], more=len(names) > limit)
