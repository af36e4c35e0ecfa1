"""A real server for tests: ``colloquy serve`` in a process group of its own, on a free port."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from app.services.keys import KEY_BYTES, KEY_PREFIX
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 60


@dataclass
class Server:
    """A running server: its address, its first key, its process and where its output goes."""

    url: str
    key: str
    process: subprocess.Popen[bytes]
    log: Path

    def kill(self) -> None:
        """SIGKILL the whole process group, as a crash would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM it and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


def start(store_url: str, log: Path, *options: str, scheme: str = "http", **settings: str) -> Server:
    """Start a server and wait until it is ready. ``settings`` are COLLOQUY_ variables, without prefix."""
    port = int(settings.pop("PORT", 0)) or free_port()
    key = settings.pop("API_KEY", KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES))
    own = {"STORE_URL": store_url, "PORT": str(port), "API_KEY": key} | settings
    environment = {name: text for name, text in os.environ.items() if not name.startswith("COLLOQUY_")}
    environment |= {"COLLOQUY_" + name: text for name, text in own.items()}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "serve", *options],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    server = Server(f"{scheme}://127.0.0.1:{port}", key, process, log)
    _wait_until_ready(server)
    return server


def _wait_until_ready(server: Server) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            if httpx.get(server.url + "/ready", verify=False).status_code == httpx.codes.OK:  # noqa: S501  # ours
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    if server.process.poll() is None:
        server.kill()
    raise RuntimeError(f"the server did not start:\n{server.log.read_text()[-4000:]}")


@contextmanager
def serving(
    store_url: str, log: Path, *options: str, scheme: str = "http", **settings: str
) -> Iterator[Server]:
    """Start a server and stop it afterwards, whatever became of it."""
    server = start(store_url, log, *options, scheme=scheme, **settings)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.kill()
