"""What a worker's process does about the memory of its heaps."""

from __future__ import annotations

import ctypes
import gc
from pathlib import Path

import pytest

from app.server.tuning import keep_loaded, trim_heaps

LIBC = ctypes.CDLL(None)
STATUS = Path("/proc/self/status")
MIB = 1024 * 1024
BLOCK = 16 * 1024
BLOCKS = 4096


def own_memory() -> int:
    """Return how many bytes of private memory this process has."""
    fields = dict(line.split(":", 1) for line in STATUS.read_text(encoding="ascii").splitlines())
    return int(fields["RssAnon"].split()[0]) * 1024


@pytest.mark.skipif(not hasattr(LIBC, "malloc_trim"), reason="this is not the GNU C library")
@pytest.mark.skipif(not STATUS.exists(), reason="there is no /proc")
def test_free_pages_between_blocks_in_use_go_back() -> None:
    """Of 64 MiB of which every 16th block stays in use, most goes back to the system."""
    LIBC.malloc.restype = ctypes.c_void_p
    LIBC.free.argtypes = [ctypes.c_void_p]
    blocks = [LIBC.malloc(BLOCK) for _ in range(BLOCKS)]
    for block in blocks:
        ctypes.memset(block, 1, BLOCK)
    kept = blocks[15::16]
    for number, block in enumerate(blocks):
        if number % 16 != 15:
            LIBC.free(block)
    before = own_memory()
    trim_heaps()
    given_back = before - own_memory()
    for block in kept:
        LIBC.free(block)
    assert given_back > 40 * MIB


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where heaps cannot be trimmed, nothing happens."""
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    trim_heaps()


def test_what_is_loaded_is_not_looked_through_again() -> None:
    """The collector of garbage knows all that is there as permanent."""
    loaded = [[number] for number in range(100)]
    gc.collect()  # what is garbage now would be kept for good
    before = gc.get_freeze_count()
    keep_loaded()
    assert gc.get_freeze_count() >= before + len(loaded)
