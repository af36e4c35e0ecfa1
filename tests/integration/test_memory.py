"""A worker gives back the memory of large bodies as soon as it is done with them."""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.server import Server, serving

PAGE = os.sysconf("SC_PAGE_SIZE")
MIB = 1024 * 1024
CLIENTS = 8
ANSWERS = 500
ANSWER = "A" * (2 * MIB)
CONTENT = "A" * (7 * MIB)

WITHIN = 40 * MIB
"""How much larger than before a worker may be some seconds after such a burst."""

MOST = 450 * MIB
"""How large it may be at the worst moment."""


def large_blocks_return(test: Callable[[Path], None]) -> Callable[[Path], None]:
    """Mark a test of a real worker, which needs the C library whose setting it is, and /proc."""
    for mark in (
        pytest.mark.server,
        pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="this is not the GNU C library"),
        pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="there is no /proc"),
    ):
        test = mark(test)
    return test


def worker_of(server: Server) -> int:
    """Return the process id of the only worker."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text()
    return int(children.split()[0])


def resident(process: int) -> int:
    """Return how many bytes of memory a process has."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * PAGE


def send_large(server: Server, number: int, statuses: list[int], content: str = CONTENT) -> None:
    """Store a large message in a dialogue and read it back."""
    headers = {"Authorization": f"Bearer {server.key}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=120) as client:
        message = {"role": "user", "content": content}
        made = client.post("/dialogue", json={"id": f"d{number}", "message": message})
        statuses += [made.status_code, client.get(f"/dialogue/d{number}").status_code]


def fetch_large(server: Server, statuses: list[int]) -> None:
    """Read a large dialogue, one time after another."""
    headers = {"Authorization": f"Bearer {server.key}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=120) as client:
        statuses += [client.get("/dialogue/d0").status_code for _ in range(ANSWERS // CLIENTS)]


def settle(worker: int, before: int) -> int:
    """Wait until the worker is small again, for some seconds at most, and return how large it is then."""
    deadline = time.monotonic() + 10
    while resident(worker) > before + WITHIN and time.monotonic() < deadline:
        time.sleep(0.2)
    return resident(worker)


@large_blocks_return
def test_memory_comes_back(tmp_path: Path) -> None:
    """Clients that send 7 MiB at once leave a worker as it was, and never make it larger than said."""
    with serving(f"sqlite:///{tmp_path}/store.db", tmp_path / "server.log", WORKERS="1") as server:
        for _ in range(50):
            httpx.get(server.url + "/ready")
        worker = worker_of(server)
        before = most = resident(worker)
        statuses: list[int] = []
        clients = [threading.Thread(target=send_large, args=(server, n, statuses)) for n in range(CLIENTS)]
        for client in clients:
            client.start()
        while any(client.is_alive() for client in clients):
            most = max(most, resident(worker))
            time.sleep(0.02)
        assert statuses == [200] * (2 * CLIENTS)
        assert settle(worker, before) <= before + WITHIN
        assert most <= MOST


@large_blocks_return
def test_memory_comes_back_after_large_answers(tmp_path: Path) -> None:
    """Clients that read 2 MiB five hundred times leave a worker as it was."""
    with serving(f"sqlite:///{tmp_path}/store.db", tmp_path / "server.log", WORKERS="1") as server:
        for _ in range(50):
            httpx.get(server.url + "/ready")
        worker = worker_of(server)
        before = resident(worker)
        statuses: list[int] = []
        send_large(server, 0, statuses, ANSWER)
        clients = [threading.Thread(target=fetch_large, args=(server, statuses)) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        assert statuses == [200] * (2 + ANSWERS // CLIENTS * CLIENTS)
        assert settle(worker, before) <= before + WITHIN
