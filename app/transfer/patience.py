"""Going on with a store that was too slow: the same again, in smaller transactions and after a wait."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

from ..domain.errors import ServiceUnavailable

T = TypeVar("T")

PAUSES: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0)
"""Seconds before each try after the first; a minute in all, an election of MongoDB's takes a quarter of one.

Each try takes half of what the one before it took: the last of 1,000 rows takes four.
"""

SLOW: Final = "The store is slow, and the command goes on in smaller transactions: {}"


class Patience:
    """Decides whether a write that the store did not take is tried again; ``say`` is told of the first."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._told = False
        self._failed = 0

    def wait(self, error: ServiceUnavailable) -> None:
        """Wait before another try; raises ``error`` when nothing was taken in all of the tries."""
        if self._failed == len(PAUSES):
            raise error
        if not self._told:
            self._told = True
            self._say(SLOW.format(error.message))
        time.sleep(PAUSES[self._failed])
        self._failed += 1

    def succeed(self) -> None:
        """Take note that the store has taken something: the next failure is a first one again."""
        self._failed = 0

    def in_parts(
        self, whole: Sequence[T], write: Callable[[Sequence[T], bool], None]
    ) -> Iterator[Sequence[T]]:
        """Write items in order, in halves after a failure, and yield each part that is stored.

        ``write`` is told whether the part may be there already: a commit whose answer did not come in time
        may have taken effect, with all that it was to store. Raises ServiceUnavailable as ``wait`` does.
        """
        waiting = [whole]
        again = False
        while waiting:
            part = waiting.pop()
            try:
                write(part, again)
            except ServiceUnavailable as error:
                self.wait(error)
                again = True
                middle = (len(part) + 1) // 2
                waiting.extend(half for half in (part[middle:], part[:middle]) if half)
            else:
                self.succeed()
                yield part
