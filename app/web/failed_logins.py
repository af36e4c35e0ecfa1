"""Failed logins: how many requests came without a valid key, by address; noted in the audit now and then.

Nobody who has no key makes the server write: a worker counts, and its sweeper notes the counts.
"""

from __future__ import annotations

import threading
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Final

from ..domain.errors import ServiceUnavailable
from ..services.audit import SERVER, note_failed_logins

if TYPE_CHECKING:
    from ..stores import Store

MOST_ADDRESSES: Final = 100
"""How many addresses are told apart between two notes."""

OTHERS: Final = "others"
"""What stands for all further addresses."""


class FailedLogins:
    """The counts of one worker since they were last noted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def count(self, address: str | None) -> None:
        """Count a request without a valid key."""
        with self._lock:
            known = len(self._counts) < MOST_ADDRESSES or address in self._counts
            self._counts[address or OTHERS if known else OTHERS] += 1

    def note(self, store: Store) -> None:
        """Write the counts to the audit and begin anew; raises ServiceUnavailable, and then keeps them."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            store.write(SERVER, partial(note_failed_logins, counts=counts))
        except ServiceUnavailable:
            with self._lock:
                self._counts += counts
            raise
