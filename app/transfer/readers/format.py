"""What a reader is: one module a format, each with a ``FORMAT`` that says what it recognises and reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from ..conversation import Conversation, Part, Tree
from ..input.assets import Assets, NoAssets
from ..input.decoding import Notes


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value came from: the document's name, the files beside it, and notes to be counted."""

    name: str
    assets: Assets = field(default_factory=NoAssets)
    notes: Notes = field(default_factory=Notes)


Found = Conversation | Tree | Part
Read = Callable[[Any, Source], Iterable[Found]]


def _never(_: Any) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Format:
    """One format.

    ``recognises`` says whether a value is a whole conversation in it. ``is_record`` says whether a value is
    one of several that make conversations together: an array, or a file, of such is given to ``read`` as a
    list. ``key`` says which conversation a record belongs to, where a file may have many. ``read`` raises
    BadLine for what it cannot make sense of.
    """

    name: str
    program: str
    read: Read
    recognises: Callable[[Any], bool] = _never
    is_record: Callable[[Any], bool] = _never
    key: Callable[[Any], str] | None = None
