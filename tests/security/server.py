"""A real server for tests: gunicorn as ``colloquy serve`` runs it, on a free port, with a key of its own."""

from __future__ import annotations

import contextlib
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from urllib.request import urlopen

from app.cli.local_tls import LocalCertificate
from app.cli.serve import PACKAGE, server_command, server_environment
from app.domain import timestamps
from app.domain.records import Project, Rights
from app.opening import open_backend
from app.services.keys import Grant, create_key
from app.settings import PREFIX, Settings
from tests.ports import free_port

HOST = "127.0.0.1"
PROJECT = "fuzz"
START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Memory:
    """The memory of a process, in KiB: what is resident, and its share of what several processes use."""

    resident: int
    proportional: int

    @classmethod
    def of(cls, pid: int) -> Memory:
        """Measure a process."""
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]
        sizes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
        return cls(sizes["Rss"], sizes["Pss"])

    def __str__(self) -> str:
        return f"RSS {self.resident / 1024:.1f} MiB, PSS {self.proportional / 1024:.1f} MiB"


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: where it is, a key with full rights, and its processes."""

    host: str
    port: int
    key: str
    pid: int
    log: Path
    certificate: Path | None
    """What clients trust, where the server speaks TLS."""

    @property
    def url(self) -> str:
        """The address of the API."""
        return f"{'https' if self.certificate else 'http'}://{self.host}:{self.port}"

    def connect(self, timeout: float) -> socket.socket:
        """Open a connection, with TLS where the server speaks it."""
        return secured(socket.create_connection((self.host, self.port), timeout), self.certificate)

    def client(self, timeout: float) -> HTTPConnection:
        """Return a client of HTTP that connects with its first request."""
        if self.certificate is None:
            return HTTPConnection(self.host, self.port, timeout=timeout)
        return HTTPSConnection(self.host, self.port, timeout=timeout, context=trusting(self.certificate))

    def workers(self) -> list[int]:
        """Return the ids of the worker processes."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii")
        return [int(child) for child in children.split()]

    def memory(self) -> dict[int, Memory]:
        """Return the memory of each worker by its process id."""
        return {worker: Memory.of(worker) for worker in self.workers()}


def secured(client: socket.socket, certificate: Path | None) -> socket.socket:
    """Return a connection as it is, or with TLS where there is a certificate to trust."""
    return client if certificate is None else trusting(certificate).wrap_socket(client, server_hostname=HOST)


@cache
def trusting(certificate: Path) -> ssl.SSLContext:
    """Return what clients share that trust this certificate."""
    return ssl.create_default_context(cafile=certificate)


@contextlib.contextmanager
def serving(store_url: str, folder: Path, *, tls: bool = False, **changes: str) -> Iterator[Server]:
    """Run a server on a store; ``changes`` are further COLLOQUY_ settings, in lower case."""
    certificate = None
    if tls:
        made = LocalCertificate.prepare(folder, HOST)
        changes["tls_cert"], certificate = str(made.server), made.authority
    port = free_port()
    chosen = {"store_url": store_url, "host": HOST, "port": str(port), "log_level": "warning"} | _unlimited()
    settings = {PREFIX + name.upper(): value for name, value in (chosen | changes).items()}
    key = new_project(chosen["store_url"], PROJECT)
    environment = {
        name: value for name, value in server_environment().items() if not name.startswith(PREFIX)
    } | settings
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # our own server
            server_command(),
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=PACKAGE.parent,
        )
    server = Server(HOST, port, key, process.pid, log, certificate)
    try:
        _await_start(server, process)
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _unlimited() -> dict[str, str]:
    """Switch rate limits off, which have tests of their own."""
    return {"rate_limit": "0", "address_rate_limit": "0"}


def new_project(store_url: str, name: str) -> str:
    """Create a project in a store, which is migrated first, and return a key of it with all rights."""
    backend = open_backend(Settings(store_url=store_url))
    backend.migrate()
    backend.create_project(Project(name, immutable=False, created=timestamps.now()))
    text, record = create_key(Grant(name, Rights.ADMIN))
    backend.create_key(record)
    backend.close()
    return text


def _await_start(server: Server, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    trust = trusting(server.certificate) if server.certificate else None
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), urlopen(server.url + "/ready", timeout=2, context=trust):  # noqa: S310  # a server of this test, on loopback
            return
        time.sleep(0.1)
    raise RuntimeError("the server did not start:\n" + server.log.read_text(encoding="utf-8")[-2000:])
