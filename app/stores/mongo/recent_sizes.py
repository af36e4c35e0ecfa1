"""How many bytes each embedded message has, which a dialogue's document says beside the fields of its record.

``recentSizes`` holds for the ``rev`` that it names: a release that does not know it leaves it as it is, and
changes ``rev``.
"""

from __future__ import annotations

from typing import Final

import orjson

from ...domain.records import JsonText
from .database import Document

SIZES: Final = "recentSizes"


def sizes_of(rev: int, recent: JsonText) -> Document:
    """Return the sizes of embedded messages; empty if those are damaged, or in another form."""
    try:
        sizes = [len(orjson.dumps(one)) for one in orjson.loads(recent)]
    except (orjson.JSONDecodeError, TypeError):
        return {}
    return {"rev": rev, "bytes": sizes} if _make_up(sizes, recent) else {}


def sizes_hold(document: Document) -> bool:
    """Whether the sizes in a dialogue's document are those of its embedded messages."""
    sizes = document.get(SIZES)
    if not sizes or sizes["rev"] != document["rev"]:
        return False
    return _make_up(sizes["bytes"], document["recent"])


def _make_up(sizes: list[int], recent: str) -> bool:
    brackets_and_commas = max(2, len(sizes) + 1)
    return sum(sizes) + brackets_and_commas == len(recent.encode())
