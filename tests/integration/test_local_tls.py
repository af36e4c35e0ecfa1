"""``colloquy serve --local-tls``: a certificate that is made once, and programs that trust it."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from app.cli import local_tls
from app.cli.local_tls import LocalCertificate, names_for
from tests.server import ROOT, serving

HOST = "127.0.0.1"


def run(command: list[str], **environment: str) -> str:
    """Run a program that has to succeed, with no trust but what the environment gives it."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in {"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}
        and not name.startswith("COLLOQUY_")
    }
    done = subprocess.run(
        command, cwd=ROOT, env=kept | environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.server
def test_programs_trust_the_certificate_as_the_server_says(tmp_path: Path) -> None:
    """What ``serve`` prints makes curl, requests, httpx, urllib and our commands trust it."""
    log = tmp_path / "server.log"
    with serving(f"sqlite:///{tmp_path}/store.db", log, "--local-tls", scheme="https") as server:
        authority = f"{tmp_path}/tls/authority.pem"
        printed = log.read_text()
        for line in (f"NODE_EXTRA_CA_CERTS={authority}", f"REQUESTS_CA_BUNDLE={authority}"):
            assert f"  export {line}\n" in printed
        trust = {"SSL_CERT_FILE": authority, "REQUESTS_CA_BUNDLE": authority}
        for fetch in (
            f"import requests; print(requests.get('{server.url}/health').status_code)",
            f"import httpx; print(httpx.get('{server.url}/health').status_code)",
            f"import urllib.request; print(urllib.request.urlopen('{server.url}/health').status)",
        ):
            assert run([sys.executable, "-W", "error", "-c", fetch], **trust) == "200\n"
        [command] = [line for line in printed.splitlines() if line.startswith("  curl ")]
        assert json.loads(run(["bash", "-c", command + " -sS"]))["status"] == "ok"
        with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
            httpx.get(server.url + "/health")

        conversation = tmp_path / "one.jsonl"
        conversation.write_text('{"id": "one", "messages": [{"role": "user", "content": "hi"}]}\n')
        command_line = [sys.executable, "-m", "app"]
        to = ["--url", server.url, "--key", server.key]
        run([*command_line, "import", str(conversation), *to], REQUESTS_CA_BUNDLE=authority)
        trusting = httpx.Client(verify=ssl.create_default_context(cafile=authority))
        with trusting as client:
            headers = {"Authorization": f"Bearer {server.key}"}
            assert client.get(server.url + "/dialogue/one", headers=headers).json()["totalMessages"] == 1


@pytest.mark.server
def test_a_second_start_uses_the_same_certificate(tmp_path: Path) -> None:
    """Clients that trusted it before a restart trust it after; only its owner reads the key."""
    store = f"sqlite:///{tmp_path}/store.db"
    contents = []
    for _ in range(2):
        with serving(store, tmp_path / "server.log", "--local-tls", scheme="https", WORKERS="1"):
            contents.append(
                [(tmp_path / "tls" / name).read_bytes() for name in ("server.pem", "authority.pem")]
            )
    assert contents[0] == contents[1]
    assert (tmp_path / "tls/server.pem").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in (tmp_path / "tls").iterdir()) == ["authority.pem", "server.pem"]


def made(folder: Path, host: str = HOST) -> bytes:
    """Prepare a certificate and return it with its key."""
    return LocalCertificate.prepare(folder, host).server.read_bytes()


def test_it_is_renewed_before_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One with 29 days left is replaced; one with 31 is used."""
    monkeypatch.setattr(local_tls, "VALID", timedelta(days=29))
    short = made(tmp_path)
    monkeypatch.setattr(local_tls, "VALID", timedelta(days=31))
    longer = made(tmp_path)
    assert short != longer == made(tmp_path)


def test_it_is_renewed_for_a_new_name(tmp_path: Path) -> None:
    """A host that it does not name gets it replaced; one that it names does not."""
    first = made(tmp_path)
    assert first == made(tmp_path, "localhost") == made(tmp_path, "::1")
    second = made(tmp_path, "192.0.2.7")
    assert first != second == made(tmp_path)
    assert made(tmp_path, "Store.Example") == made(tmp_path, "store.example")


def test_a_server_for_everybody_is_called_by_its_host_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Listening everywhere, a certificate names the machine, unless its name can stand in none."""
    monkeypatch.setattr(socket, "gethostname", lambda: "Kitchen")
    local = {"localhost", "127.0.0.1", "::1"}
    assert names_for("0.0.0.0") == local | {"kitchen"}  # noqa: S104  # a name, nobody listens
    monkeypatch.setattr(socket, "gethostname", lambda: "my_machine")
    assert names_for("::") == local


@pytest.mark.parametrize("name", ["server.pem", "authority.pem"])
@pytest.mark.parametrize("content", [None, b"", b"nothing of the kind\n", "another's"])
def test_what_does_not_fit_is_made_again(tmp_path: Path, name: str, content: bytes | str | None) -> None:
    """A file that is missing, broken, or belongs to another certificate costs a new one, and nothing else."""
    before = made(tmp_path)
    if content is None:
        (tmp_path / name).unlink()
    elif isinstance(content, str):
        made(tmp_path / "other")
        (tmp_path / "other" / name).replace(tmp_path / name)
    else:
        (tmp_path / name).write_bytes(content)
    after = made(tmp_path)
    assert before != after == made(tmp_path)


def test_a_key_of_another_certificate_does_not_fit(tmp_path: Path) -> None:
    """The key that stands before the chain has to be the certificate's own."""
    chain = made(tmp_path).partition(b"-----BEGIN CERTIFICATE")
    key = made(tmp_path / "other").partition(b"-----BEGIN CERTIFICATE")[0]
    (tmp_path / "server.pem").write_bytes(key + chain[1] + chain[2])
    assert made(tmp_path) != key + chain[1] + chain[2]
