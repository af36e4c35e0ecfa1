"""How a worker process is set up for many threads and large bodies."""

from __future__ import annotations

import ctypes
import gc
import resource
import sys
from typing import Final

SWITCH_SECONDS: Final = 0.0005
"""How long a thread may keep the interpreter from others that want it; by default 5 ms.

A light request gives the interpreter up whenever it waits for the store or a client, and beside a search
waited so long for it each time: 95th to 99th percentiles were twice as high with 5 ms.
"""

COLLECT_AFTER: Final = 50_000
"""How many more objects there may be before garbage collection looks for cycles; by default 700.

Otherwise it takes half of the time of a body of millions of small arrays.
"""

LARGE_BLOCK_BYTES: Final = 256 * 1024

MOST_ARENAS: Final = 2
"""How many heaps of the C library there are: by default up to eight for each processor, one for a thread.

Each keeps what its thread needed most. Threads that hold the interpreter seldom allocate at the same time.
"""

OTHER_FILES: Final = 32
"""How many files and sockets a worker has open besides connections and what its threads open."""

FILES_OF_A_THREAD: Final = 4
"""How many files and sockets a thread has open: those of its connection to the store, and a temporary one."""

_MMAP_THRESHOLD: Final = -3
_ARENA_MAX: Final = -8
"""The parameters' numbers in malloc.h of the GNU C library."""


def tune_process() -> None:
    """Set up this process, and leave out of garbage collection what is there to stay."""
    _spare_memory()
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 20, 20)


def fit_connections(most: int, threads: int) -> int:
    """Return how many connections of clients a worker may hold, ``most`` if the limit of open files allows.

    That limit is raised as far as it may be. Files that clients' connections took would be missing where a
    thread opens the store, and requests would fail until a client goes.
    """
    reserved = OTHER_FILES + FILES_OF_A_THREAD * threads
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most + reserved
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return most if soft == resource.RLIM_INFINITY else max(threads, min(most, soft - reserved))


def _spare_memory() -> None:
    """Have large blocks of memory go back to the system as soon as they are free, and keep few heaps.

    The GNU C library maps a large block apart and unmaps it when it is freed; but with each block that is
    freed it raises what counts as large, up to 32 MiB. After a burst of large bodies these blocks come from
    the heaps of the threads, which keep them, and each heap has its own. A threshold that is set once stays
    as it is; where there is another C library, nothing is done.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(_MMAP_THRESHOLD, LARGE_BLOCK_BYTES)
        set_option(_ARENA_MAX, MOST_ARENAS)
