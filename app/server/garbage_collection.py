"""Python's collector of reference cycles: it comes less often where many objects are made on purpose."""

from __future__ import annotations

import gc
from typing import Final

COLLECT_AFTER: Final = 50_000
"""How many more objects there may be before cycles among the newest are looked for; by default 700."""


def relax() -> None:
    """Leave alone what is there to stay, and look for cycles less often in what comes.

    Looking for them takes half of the time of a body of millions of small arrays otherwise, and a
    fourteenth of an import.
    """
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 20, 20)
