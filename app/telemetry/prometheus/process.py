"""What the process itself takes, as Linux tells it; the library's own figures know one process only."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path

from ..instruments import Counter, Instrument, Level


class ProcessFigures:
    """The figures of this process, which ``update`` reads anew."""

    def __init__(self) -> None:
        self._cpu = Counter("colloquy_process_cpu_seconds_total", "CPU time of all workers, past ones too.")
        self._memory = Level("colloquy_process_resident_memory_bytes", "Memory of all workers together.")
        self._files = Level("colloquy_process_open_fds", "Open files of all workers together.")
        self._threads = Level("colloquy_process_threads", "Threads of all workers together.")
        self._workers = Level("colloquy_process_workers", "Worker processes.")
        self._used = 0.0

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """All of them."""
        return self._cpu, self._memory, self._files, self._threads, self._workers

    def update(self) -> None:
        """Read them; what the system does not tell stays 0."""
        used = time.process_time()
        self._cpu.add(amount=used - self._used)
        self._used = used
        self._workers.value = 1
        self._threads.value = threading.active_count()
        with contextlib.suppress(OSError):
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
            self._memory.value = pages * os.sysconf("SC_PAGE_SIZE")
            self._files.value = sum(1 for _ in Path("/proc/self/fd").iterdir())
