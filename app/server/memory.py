"""Having large blocks of memory go back to the system as soon as they are free.

The GNU C library maps a large block apart and unmaps it when it is freed; but with each block that is freed
it raises what counts as large, up to 32 MiB. After a burst of large bodies these blocks come from the heaps
of the threads, which keep them, and each heap has its own. A threshold that is set once stays as it is.
"""

from __future__ import annotations

import ctypes
from typing import Final

LARGE_BLOCK_BYTES: Final = 256 * 1024

_MMAP_THRESHOLD: Final = -3
"""The parameter's number in malloc.h of the GNU C library."""


def return_large_blocks() -> None:
    """Set the threshold for this process; where there is another C library, nothing is done."""
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(_MMAP_THRESHOLD, LARGE_BLOCK_BYTES)
