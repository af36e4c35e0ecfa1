"""The files of docs/deployment do what they say: nginx before two servers, a unit, a manifest."""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.ports import free_port
from tests.server import ROOT, Server, serving

FILES = ROOT / "docs" / "deployment"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
OPENSSL = shutil.which("openssl")
ANALYZE = shutil.which("systemd-analyze")


@dataclass
class Front:
    """nginx, listening on a port of the loopback address with a certificate of its own."""

    port: int
    certificate: Path
    server: Server

    def access_lines(self) -> list[dict[str, Any]]:
        """Return what the server's log says of requests."""
        lines = [
            json.loads(line) for line in self.server.log.read_text().splitlines() if line.startswith("{")
        ]
        return [line for line in lines if "route" in line]

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        source: str = "127.0.0.1",
        claimed: str | None = None,
    ) -> tuple[int, dict[str, Any]]:
        """Send a request over TLS from a loopback address; return the status and the JSON."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        connection = HTTPSConnection(
            "localhost", self.port, context=context, source_address=(source, 0), timeout=30
        )
        sent = {"Authorization": f"Bearer {self.server.key}", "Content-Type": "application/json"}
        if claimed is not None:
            sent["X-Forwarded-For"] = claimed
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        found = answer.status, json.loads(answer.read())
        connection.close()
        return found


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """Run nginx, with the published configuration, before one server; the other one is away."""
    if NGINX is None or OPENSSL is None:
        pytest.skip("nginx or openssl is not installed")
    folder = tmp_path_factory.mktemp("front")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    make = f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout {key} -out {certificate}"
    names = ["-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([OPENSSL, *make.split(), *names], check=True, capture_output=True)
    port = free_port()
    log = folder / "server.log"
    with serving(f"sqlite:///{folder}/store.db", log, TRUSTED_PROXIES="1", WORKERS="1") as server:
        site = (FILES / "nginx.conf").read_text()
        changes = {
            "127.0.0.1:8080": server.url.removeprefix("http://"),
            "127.0.0.1:8081": f"127.0.0.1:{free_port()}",
            "listen 443": f"listen 127.0.0.1:{port}",
            "/etc/ssl/colloquy.pem": str(certificate),
            "/etc/ssl/private/colloquy.key": str(key),
        }
        for old, new in changes.items():
            assert site.count(old) == 1, old
            site = site.replace(old, new)
        nginx = _start_nginx(folder, site, port)
        try:
            yield Front(port, certificate, server)
        finally:
            nginx.terminate()
            nginx.wait(10)


def _start_nginx(folder: Path, site: str, port: int) -> subprocess.Popen[bytes]:
    """Start nginx in the foreground, everything that it writes in a folder."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "\n".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    configuration = folder / "nginx.conf"
    # As root nginx would give its workers another user, who may not enter the folder.
    user = "user root;" if os.geteuid() == 0 else ""
    configuration.write_text(
        f"{user} daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;\n"
        f"events {{}}\nhttp {{ access_log off; {paths}\n{site}\n}}\n"
    )
    process = subprocess.Popen([str(NGINX), "-c", str(configuration), "-e", f"{folder}/nginx.log"])
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process
        time.sleep(0.1)
    process.terminate()
    raise RuntimeError((folder / "nginx.log").read_text())


def test_nginx_ends_tls_and_asks_the_server_that_is_there(front: Front) -> None:
    """Requests are answered over TLS although one of the two servers is away, large bodies too."""
    large = json.dumps({"id": "d", "state": {"text": "x" * 900_000}}).encode()

    assert front.ask("POST", "/dialogue", large)[0] == 200
    for _ in range(10):
        status, answer = front.ask("GET", "/dialogue/d")
        assert status == 200
        assert len(answer["state"]["text"]) == 900_000
    assert front.ask("GET", "/metrics")[0] == 403


def test_too_large_a_body_has_the_envelope(front: Front) -> None:
    """The server's own limit answers, not nginx."""
    status, answer = front.ask("POST", "/dialogue", b'{"id": "' + b"x" * 17_000_000 + b'"}')

    assert (status, answer["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")


def test_the_log_has_the_clients_address_whatever_it_claims(front: Front) -> None:
    """The address is the one that nginx saw."""
    before = len(front.access_lines())
    front.ask("GET", "/dialogue/nothing", source="127.0.0.7", claimed="203.0.113.9")
    (line,) = front.access_lines()[before:]

    assert (line["route"], line["client"]) == ("/dialogue/{id}", "127.0.0.7")


def test_a_slow_body_waits_in_nginx(front: Front) -> None:
    """The server sees a request when all of it has come, so that a slow client holds no thread."""
    context = ssl.create_default_context(cafile=str(front.certificate))
    head = f"POST /dialogue HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {front.server.key}\r\n"
    body = b'{"id": "slow"}'
    before = len(front.access_lines())
    with (
        socket.create_connection(("127.0.0.1", front.port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as client,
    ):
        client.sendall(
            f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        )
        client.sendall(body[:5])
        time.sleep(1.0)
        client.sendall(body[5:])
        assert client.recv(20).startswith(b"HTTP/1.1 200")
    (slow,) = front.access_lines()[before:]

    assert (slow["route"], slow["method"]) == ("/dialogue", "POST")
    assert slow["ms"] < 900


@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """``systemd-analyze verify`` has nothing to say against it, the path of the program apart."""
    unit = (FILES / "colloquy.service").read_text()
    assert unit.count("/opt/colloquy/bin/colloquy serve") == 1
    path = tmp_path / "colloquy.service"
    path.write_text(unit.replace("/opt/colloquy/bin/colloquy serve", f"{sys.executable} -m app serve"))
    done = subprocess.run([str(ANALYZE), "verify", str(path)], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_the_manifest_fits_the_image() -> None:
    """User, port and probes are those of the image and of the API; each selector finds the pods."""
    parts = {part["kind"]: part for part in yaml.safe_load_all((FILES / "kubernetes.yaml").read_text())}
    pod = parts["Deployment"]["spec"]["template"]
    container = pod["spec"]["containers"][0]
    dockerfile = (ROOT / "Dockerfile").read_text()

    user = pod["spec"]["securityContext"]
    assert f"USER {user['runAsUser']}:{user['runAsGroup']}" in dockerfile
    assert f"EXPOSE {container['ports'][0]['containerPort']}" in dockerfile
    paths = {
        name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "readiness", "liveness")
    }
    assert paths == {"startup": "/health", "readiness": "/ready", "liveness": "/health"}
    labels = pod["metadata"]["labels"]
    assert parts["Service"]["spec"]["selector"] == labels
    assert parts["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
