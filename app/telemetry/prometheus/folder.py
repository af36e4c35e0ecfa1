"""The folder in which the processes of one server keep their counts, which each of them reads.

A worker writes files of its own. When it ends, what it counted is added to one file of those that have
ended, so that the folder holds no more files than there are workers.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ...server_folder import ServerFolder

METRICS: Final = ServerFolder("PROMETHEUS_MULTIPROC_DIR", "colloquy-metrics-")
"""Its variable names it to prometheus_client, which looks when it is imported."""

ENDED: Final = "0"
"""Stands for the process id in the name of the file of those that have ended."""


@contextlib.contextmanager
def locked(folder: Path, *, alone: bool) -> Iterator[None]:
    """Keep the files as they are while they are read, or be alone to change them."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def add_up_ended(process: int) -> None:
    """Add what a worker that has ended counted to what those before it did, and remove its files."""
    folder = METRICS.path
    if folder is None or not folder.is_dir():
        return
    from prometheus_client.mmap_dict import MmapedDict  # noqa: PLC0415  # it looks for the folder when imported

    with locked(folder, alone=True):
        for path in folder.glob(f"*_{process}.db"):
            kind = path.name.removesuffix(f"_{process}.db")
            if not kind.startswith("gauge"):  # what a process has now goes with it
                ended = MmapedDict(str(path.with_name(f"{kind}_{ENDED}.db")))
                for key, value, moment, _ in MmapedDict.read_all_values_from_file(str(path)):
                    ended.write_value(key, ended.read_value(key)[0] + value, moment)
                ended.close()
            path.unlink()
