"""A real server as ``colloquy serve`` runs it: several processes, which can be killed at any moment."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.ports import free_port
from tests.reliability.client import Client, Request

ROOT = Path(__file__).parents[2]
START_SECONDS = 60.0
PROBES = 12
"""How many connections are opened at once to find out which workers serve."""

LOG_SHOWN = 2000
"""How many characters of its log a server that does not start leaves behind."""

SERVE = ("-m", "app", "serve")


class Server:
    """The processes of one server, in a process group of their own, on a free port of loopback."""

    def __init__(
        self,
        store_url: str,
        log: Path,
        *,
        workers: int = 2,
        threads: int = 8,
        timeout: float = 10.0,
        command: Sequence[str] = SERVE,
    ) -> None:
        self.port = free_port()
        self._command = [sys.executable, *command]
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("COLLOQUY_")}
        self.environment = inherited | {
            "COLLOQUY_STORE_URL": store_url,
            "COLLOQUY_PORT": str(self.port),
            "COLLOQUY_WORKERS": str(workers),
            "COLLOQUY_THREADS": str(threads),
            "COLLOQUY_REQUEST_TIMEOUT": str(timeout),
            "COLLOQUY_LOG_LEVEL": "warning",
        }

    def start(self) -> None:
        """Start the processes and wait until they answer /health."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        client = Client(self.port, "", 5.0)
        try:
            client.send_until_answered(Request("GET", "/health"), START_SECONDS)
        except TimeoutError as error:
            said = self._log.read_text(encoding="utf-8", errors="replace")[-LOG_SHOWN:]
            raise TimeoutError(f"the server does not start: {error}\n{said}") from error
        finally:
            client.close()

    def wait_until_ready(self) -> None:
        """Wait until the store takes writes."""
        client = Client(self.port, "")
        client.send_until_answered(Request("GET", "/ready"), START_SECONDS)
        client.close()

    def wait_until_all_serve(self) -> None:
        """Wait until each of the workers has taken a connection; a race through one would be none."""
        served: set[int] = set()
        deadline = time.monotonic() + START_SECONDS
        while len(served) < int(self.environment["COLLOQUY_WORKERS"]):
            assert time.monotonic() < deadline, f"only the workers {served} of {self.workers()} serve"
            before = {pid: _count_sockets(pid) for pid in self.workers()}
            clients = [Client(self.port, "", 5.0) for _ in range(PROBES)]
            for client in clients:
                client.send(Request("GET", "/health"))
            served |= {pid for pid, count in before.items() if _count_sockets(pid) > count}
            for client in clients:
                client.close()
            time.sleep(0.1)

    def kill(self) -> None:
        """SIGKILL to every process of the group at once."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def kill_worker(self, number: int) -> None:
        """SIGKILL to one of the workers; the master starts another."""
        workers = self.workers()
        if workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(workers[number % len(workers)], signal.SIGKILL)

    def workers(self) -> list[int]:
        """Return the process ids of the workers."""
        if self._process is None:
            return []
        listed = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return [int(pid) for pid in listed.read_text().split()]

    def stop(self) -> None:
        """Ask the server to finish, then make sure that it has."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 5
        while self._process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        self.kill()


def _count_sockets(pid: int) -> int:
    """Return how many sockets a process has open."""
    count = 0
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            count += str(entry.readlink()).startswith("socket:")
    return count
