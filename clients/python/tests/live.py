"""A real server for the client's tests: a process of its own, killed and started again at will.

It needs the project's environment but not ours: tests of adapters run in environments that have no server.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[3]
PYTHON = os.environ.get("COLLOQUY_SERVER_PYTHON", str(ROOT / ".venv/bin/python"))
START_SECONDS = 60


def free_port() -> int:
    """Return a port that nobody listens on, and that the system gives to no client's connection meanwhile."""
    while True:
        port = 10_000 + secrets.randbelow(22_768)
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


@dataclass
class LiveServer:
    """A server over an SQLite file in a folder. It keeps address and key when it is started again."""

    folder: Path
    port: int = field(default_factory=free_port)
    # Of the form that every key has, so that the search for keys in logs knows it.
    key: str = field(default_factory=lambda: "colloquy_" + secrets.token_urlsafe(32))
    workers: int = 1
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """Return the environment in which a client finds it."""
        own = {name: text for name, text in os.environ.items() if not name.startswith("COLLOQUY_")}
        return own | {"COLLOQUY_URL": self.url, "COLLOQUY_KEY": self.key}

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        settings = {
            "STORE_URL": f"sqlite:///{self.folder}/store.db",
            "API_KEY": self.key,
            "PORT": str(self.port),
            "WORKERS": str(self.workers),
            "LOG_LEVEL": "warning",
        }
        environment = {name: text for name, text in os.environ.items() if not name.startswith("COLLOQUY_")}
        environment |= {f"COLLOQUY_{name}": text for name, text in settings.items()}
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [PYTHON, "-m", "app", "serve"],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process is not None and self.process.poll() is None:
            try:
                if httpx.get(self.url + "/ready").status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        self.kill()
        raise RuntimeError(f"the server did not start:\n{(self.folder / 'server.log').read_text()[-4000:]}")

    def kill(self) -> None:
        """SIGKILL it and its workers, as a crash would."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@contextmanager
def serving(folder: Path, workers: int = 1) -> Iterator[LiveServer]:
    """Start a server and kill it afterwards, whatever became of it."""
    server = LiveServer(folder, workers=workers)
    server.start()
    try:
        yield server
    finally:
        server.kill()
