"""TLS in the worker: whole answers to slow and quick clients, and strangers who keep nobody waiting."""

from __future__ import annotations

import json
import select
import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from http.client import HTTPSConnection
from pathlib import Path

import pytest

from app.cli.local_tls import LocalCertificate
from app.server.client_socket import PIECE
from app.server.tls_socket import TlsSocket, server_context
from tests.ports import free_port
from tests.security.corpus import CASES, LIMIT, MIB, post
from tests.security.server import serving, trusting
from tests.security.test_corpus import exchange
from tests.server import start

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> LocalCertificate:
    """Make a certificate for this machine."""
    return LocalCertificate.prepare(tmp_path_factory.mktemp("tls"), "127.0.0.1")


@pytest.fixture(scope="module")
def place(
    certificate: LocalCertificate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[int, str]]:
    """Serve over TLS with one worker; gives the port and a key."""
    folder = tmp_path_factory.mktemp("served")
    port = free_port()
    server = start(
        f"sqlite:///{folder}/store.db",
        folder / "log",
        scheme="https",
        TLS_CERT=str(certificate.server),
        PORT=str(port),
        WORKERS="1",
        THREADS="4",
    )
    yield port, server.key
    assert server.stop() == 0
    assert "Traceback" not in server.log.read_text()


def ask(
    place: tuple[int, str], certificate: LocalCertificate, method: str, path: str, body: object = None
) -> object:
    """Send one request and return its answer's JSON."""
    port, key = place
    client = HTTPSConnection("127.0.0.1", port, timeout=30, context=trusting(certificate.authority))
    with closing(client):
        client.request(
            method, path, None if body is None else json.dumps(body), {"Authorization": f"Bearer {key}"}
        )
        with client.getresponse() as response:
            assert response.status == 200
            return json.loads(response.read())


def test_requests_are_answered_whole(place: tuple[int, str], certificate: LocalCertificate) -> None:
    """A message of 900 KB is stored and read over TLS."""
    text = "ä" * 450_000
    ask(place, certificate, "POST", "/dialogue", {"id": "d", "message": {"role": "user", "content": text}})
    found = ask(place, certificate, "GET", "/dialogue/d")
    assert found["messages"][0]["content"] == text  # type: ignore[index]  # an object


def test_a_large_answer_is_sealed_piece_by_piece(certificate: LocalCertificate) -> None:
    """One piece at a time, so that others have their turn; a client that reads slowly gets all of it."""
    ours, theirs = socket.socketpair()
    whole = bytes(range(256)) * (8 * PIECE // 256)
    with ThreadPoolExecutor(1) as pool, closing(theirs):
        reading = pool.submit(read_all, trusting(certificate.authority), theirs, len(whole))
        with closing(TlsSocket(ours, server_context(str(certificate.server), None))) as server:
            while not server._is_greeted:
                server.receive()
                select.select([server], [], [], 10)
            server.sendall(whole)
            pieces = 0
            while not server.is_sent:
                left = server.unsent
                server.send_piece()
                assert left - server.unsent <= PIECE
                pieces += left != server.unsent
                select.select([], [server], [], 10)
            assert pieces == 8
            assert reading.result() == whole


def read_all(context: ssl.SSLContext, client: socket.socket, size: int) -> bytes:
    """Read so many bytes, a few at a time."""
    read = bytearray()
    with context.wrap_socket(client, server_hostname="127.0.0.1") as secure:
        while len(read) < size:
            read += secure.recv(5000)
    return bytes(read)


def test_slow_handshakes_keep_nobody_waiting(place: tuple[int, str], certificate: LocalCertificate) -> None:
    """While 40 clients have sent half a greeting, or nothing, another one is answered soon."""
    with ExitStack() as stack:
        for number in range(40):
            client = stack.enter_context(closing(socket.create_connection(("127.0.0.1", place[0]))))
            client.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[: number % 12])
        begun = time.monotonic()
        ask(place, certificate, "GET", "/health")
        assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    "noise", [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", bytes(range(256)), b"\x16\x03\x01\xff\xff" * 99]
)
def test_what_is_no_tls_is_closed(
    place: tuple[int, str], certificate: LocalCertificate, noise: bytes
) -> None:
    """A client that does not speak TLS loses its connection, and nobody else does."""
    with closing(socket.create_connection(("127.0.0.1", place[0]), timeout=30)) as client:
        client.sendall(noise)
        client.shutdown(socket.SHUT_WR)
        try:
            while client.recv(65536):
                pass
        except ConnectionResetError:
            pass
    assert ask(place, certificate, "GET", "/health")


def test_pipelined_requests_in_one_record_are_answered(
    place: tuple[int, str], certificate: LocalCertificate
) -> None:
    """Nothing of what a record holds is left lying in it."""
    plain = socket.create_connection(("127.0.0.1", place[0]), timeout=30)
    with trusting(certificate.authority).wrap_socket(plain, server_hostname="127.0.0.1") as client:
        client.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n" * 3)
        received = b""
        while received.count(b"HTTP/1.1 200") < 3:
            received += client.recv(65536)
        client.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        while piece := client.recv(65536):
            received += piece
    assert received.count(b"HTTP/1.1 200") == 4


def test_hostile_corpus_is_answered_as_without_tls(tmp_path: Path) -> None:
    """Each hostile request gets one of its right answers; Python's clients cannot close one half of TLS."""
    limits = {"body_bytes": str(LIMIT), "message_bytes": str(MIB)}
    with serving(f"sqlite:///{tmp_path}/store.db", tmp_path, tls=True, **limits) as server:
        message = {"role": "user", "content": "Where is my book?"}
        assert exchange(server, post("/dialogue", {"id": "d", "message": message}))[0] == 200
        cases = [case for case in CASES if not case.shut]
        answers = {case.name: exchange(server, case.raw) for case in cases}
        wrong = {
            case.name: answers[case.name] for case in cases if answers[case.name][0] not in case.statuses
        }
        assert wrong == {}
        assert "Traceback" not in server.log.read_text(encoding="utf-8")
