"""The Protocol of the part of a transaction that erases the scope's namespace, some of it at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from ..domain.erasure import Erasure, Reach


@dataclass(frozen=True, slots=True)
class Erased:
    """How much an erasure removed."""

    dialogues: int
    messages: int
    memories: int
    summaries: int


class Removed(NamedTuple):
    """A dialogue that was removed: whose thread it was, and how many messages it had."""

    id: str
    uid: str
    thread_of: str | None
    total: int


class Hidden(NamedTuple):
    """How many tombstones were marked, and what could be seen behind them until then."""

    tombstones: int
    messages: int
    summaries: int


class NamespaceErasure(Protocol):
    """What a reach covers of a namespace goes, at most so many of a kind at once; ``most`` may be 0."""

    def lock_erasure(self) -> Erasure | None:
        """The erasure of the namespace that has begun and not ended; other writers of it are kept out."""

    def save_erasure(self, erasure: Erasure) -> None:
        """Keep the record of the erasure, which replaces the locked one."""

    def remove_erasure(self) -> None:
        """Remove the record of the erasure, if there is one."""

    def erase_dialogues(self, reach: Reach, most: int) -> tuple[list[Removed], int]:
        """Remove dialogues, and say how many summaries they had; the sweep takes what they leave."""

    def erase_tombstones(self, reach: Reach, most: int) -> Hidden:
        """Hide messages and summaries of deleted dialogues; the sweep takes them and the tombstones."""

    def erase_memories(self, reach: Reach, most: int) -> int:
        """Remove memories; how many."""

    def erase_answers(self, reach: Reach, most: int) -> int:
        """Remove recorded answers; how many."""
