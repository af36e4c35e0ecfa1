"""How a worker process is set up for many threads and large bodies."""

from __future__ import annotations

import ctypes
import gc
import resource
import sys
import threading
import time
from typing import Final

SWITCH_SECONDS: Final = 0.0005
"""How long a thread may keep the interpreter from others that want it; by default 5 ms.

A light request gives the interpreter up whenever it waits for the store or a client, and beside a search
waited so long for it each time: 95th to 99th percentiles were twice as high with 5 ms.
"""

COLLECT_AFTER: Final = 10_000
"""How many more objects there may be before garbage collection looks for cycles; by default 700.

With 700 a body of millions of small arrays takes half as long again, with 10,000 as long as with 50,000.
With 50,000 what cycles of earlier requests held, up to 15 MiB, lay between what is in use.
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

TRIM_SECONDS: Final = 10.0
"""How often the free pages within the heaps go back to the system. Once takes about 0.4 ms, 20 ms at most."""

_MMAP_THRESHOLD: Final = -3
_ARENA_MAX: Final = -8
"""The parameters' numbers in malloc.h of the GNU C library."""


def tune_process() -> None:
    """Set up this process."""
    _spare_memory()
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.set_threshold(COLLECT_AFTER, 20, 20)
    threading.Thread(target=_trim_from_time_to_time, name="heaps", daemon=True).start()


def keep_loaded() -> None:
    """Leave out of garbage collection what is there, now that the application is loaded: it is there to stay.

    Looking through all of it takes 40 ms, in which no thread runs. Next to nothing of it is garbage.
    """
    gc.freeze()


def trim_heaps() -> None:
    """Give the free pages of the heaps back to the system.

    By itself the GNU C library gives back only the end of a heap. Large and small blocks of mixed requests
    leave gaps that grow for hours. Where there is another C library, nothing is done.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _trim_from_time_to_time() -> None:
    while True:
        time.sleep(TRIM_SECONDS)
        trim_heaps()


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
