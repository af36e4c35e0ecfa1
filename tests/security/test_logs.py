"""Logs: what they say of requests and failures, and that no key and no content is in them."""

from __future__ import annotations

import json
import logging
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask.testing import FlaskClient

from app.logs import JsonLines, access, configure, trace
from app.settings import PREFIX, Settings, SettingsError
from app.stores import Backend
from app.wiring import connect
from tests.contract.conftest import application, make_key
from tests.security.server import Server, serving

CANARY = "canary77e1"
"""Part of everything that clients send in this module."""

KEY_CACHE = 1.0
"""The seconds for which the server under test trusts a key."""

POLL_SECONDS = 5.0


def formatted(record: logging.LogRecord) -> dict[str, Any]:
    """Return a record as it is logged."""
    line: dict[str, Any] = json.loads(JsonLines().format(record))
    return line


def record_of(error: BaseException | None = None, message: str = "something") -> logging.LogRecord:
    """Return a log record, with an exception if one is given."""
    info = None if error is None else (type(error), error, error.__traceback__)
    return logging.LogRecord("test", logging.ERROR, __file__, 1, message, None, info)


def kinds_of(error: BaseException) -> list[str]:
    """Return the classes that a traceback shows."""
    return [entry for entry in trace(error) if not entry.startswith(" ")]


def caught(fail: Callable[[], object]) -> BaseException:
    """Return the exception that a call raises."""
    try:
        fail()
    except Exception as error:  # noqa: BLE001  # whatever it is
        return error
    raise AssertionError("nothing was raised")


# --- Tracebacks. ---


def test_a_traceback_says_where_and_not_what() -> None:
    """A logged exception shows classes, files, lines and functions, of its causes too, and no texts."""

    def fail() -> None:
        try:
            json.loads(CANARY)
        except json.JSONDecodeError as error:
            raise TypeError(f"no {CANARY}") from error

    line = formatted(record_of(caught(fail)))

    assert CANARY not in json.dumps(line)
    kinds = [entry for entry in line["traceback"] if not entry.startswith(" ")]
    assert kinds == ["builtins.TypeError", "json.decoder.JSONDecodeError"]
    assert any("test_logs.py" in entry and entry.endswith("in fail") for entry in line["traceback"])


def test_a_traceback_follows_what_was_being_handled() -> None:
    """An exception raised while another was handled shows both, unless the other was put aside."""

    def fail() -> None:
        raise KeyError(CANARY)

    def go_on() -> None:
        try:
            fail()
        except KeyError:
            int(CANARY)

    def put_aside() -> None:
        try:
            fail()
        except KeyError:
            raise ValueError from None

    assert kinds_of(caught(go_on)) == ["builtins.ValueError", "builtins.KeyError"]
    assert kinds_of(caught(put_aside)) == ["builtins.ValueError"]


def test_a_traceback_of_a_circle_ends() -> None:
    """Two exceptions that name each other as their cause are each shown once."""
    first, second = ValueError(), KeyError()
    first.__cause__, second.__cause__ = second, first

    assert trace(first) == ["builtins.ValueError", "builtins.KeyError"]


def test_codes_tell_failures_apart(tmp_path: Path) -> None:
    """What drivers and the system give as a code or a name is shown, and so is a bad setting."""

    def read_only() -> None:
        path = tmp_path / "store.db"
        sqlite3.connect(path).close()
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            connection.execute("CREATE TABLE secret (x)")
        finally:
            connection.close()

    shown = [
        trace(caught(fail))[0]
        for fail in (
            read_only,
            (tmp_path / CANARY).read_bytes,
            lambda: Settings.from_environment({"COLLOQUY_PORT": "many"}),
            lambda: __import__("no_such_module"),
        )
    ]

    assert shown == [
        "sqlite3.OperationalError (SQLITE_READONLY)",
        "builtins.FileNotFoundError (2)",
        "app.settings.SettingsError (COLLOQUY_PORT must be a whole number from 1 to 65535.)",
        "builtins.ModuleNotFoundError (no_such_module)",
    ]


def test_exit_codes_of_any_kind_are_not_content() -> None:
    """A code that is neither a number nor a name is left out."""
    assert trace(SystemExit(f"said {CANARY}")) == ["builtins.SystemExit"]


def test_malformed_requests_are_not_quoted() -> None:
    """What gunicorn says of a request that is no HTTP ends behind the address."""
    for address in ("127.0.0.1", "::1", "2001:db8::7"):
        said = f"Invalid request from ip={address}: Invalid HTTP Header: 'Authorization Bearer {CANARY}: x'"
        assert formatted(record_of(message=said))["message"] == f"Invalid request from ip={address}"
    failed = record_of(message=f"Error handling request GET /namespace/{CANARY}")
    assert formatted(failed)["message"] == "Error handling request"


@pytest.fixture
def logged(capfd: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """Give standard error back as text, and put the logging of the test run back afterwards."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    with os.fdopen(os.dup(2), "w") as stream, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", stream)
        yield lambda: capfd.readouterr().err
        access.close()
        root.handlers[:] = before
        root.setLevel(level)


def test_a_bug_is_logged_without_content(sqlite_backend: Backend, logged: Callable[[], str]) -> None:
    """A 500 leaves a traceback under its request id, without the content that broke the handler."""
    configure("info")
    key, client = make_key(sqlite_backend), connected(sqlite_backend)
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(sqlite_backend, "write", lambda *_: Path(CANARY).read_bytes())
        body = {"message": {"role": "user", "content": CANARY}}
        response = client.post("/dialogue", json=body, headers={"Authorization": f"Bearer {key}"})

    text = logged()
    lines = [json.loads(line) for line in text.splitlines()]
    request_id = response.headers["X-Request-Id"]
    assert response.status_code == 500
    assert CANARY not in text + response.get_data(as_text=True)
    assert key not in text
    failed = next(line for line in lines if request_id in line.get("message", ""))
    assert failed["traceback"][0] == "builtins.FileNotFoundError (2)"
    assert lines[-1]["requestId"] == request_id
    assert (lines[-1]["status"], lines[-1]["route"], lines[-1]["project"]) == (500, "/dialogue", "acme")


def test_a_line_says_who_asked_and_what_it_took(sqlite_backend: Backend, logged: Callable[[], str]) -> None:
    """An access line has its level, the key's id, the address, bytes in and out, times, and the trace."""
    configure("info")
    key, client = make_key(sqlite_backend), connected(sqlite_backend)
    traced = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    body = {"message": {"role": "user", "content": "Hello"}}
    headers = {"Authorization": f"Bearer {key}"} | traced
    answer = client.post("/dialogue", json=body, headers=headers)

    (line,) = [json.loads(line) for line in logged().splitlines()]
    assert (line["level"], line["logger"], line["client"]) == ("info", "access", "127.0.0.1")
    assert line["key"] == sqlite_backend.list_keys("acme")[0].id
    assert (line["bytesIn"], line["bytesOut"]) == (len(json.dumps(body)), len(answer.data))
    assert 0 < line["storeMs"] <= line["ms"]
    assert line["traceId"] == "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    "sent",
    ["", "00-0-0-00", "00-" + "0" * 32 + "-b7ad6b7169203331-01", "ff-" + "a" * 32 + "-" + "b" * 16 + "-01"],
)
def test_what_is_no_trace_is_left_out(sqlite_backend: Backend, logged: Callable[[], str], sent: str) -> None:
    """A malformed traceparent, and the id that means none, are not logged."""
    configure("info")
    connected(sqlite_backend).get("/health", headers={"traceparent": sent})

    assert "traceId" not in json.loads(logged())


def test_a_trace_is_in_every_line_of_its_request(sqlite_backend: Backend, logged: Callable[[], str]) -> None:
    """What another part logs during the request has the trace id and the part's name."""
    configure("info")
    key, client = make_key(sqlite_backend), connected(sqlite_backend)
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(sqlite_backend, "stats", lambda *_: 1 / 0)
        headers = {"traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01", "Authorization": f"Bearer {key}"}
        client.get("/stats", headers=headers)
    client.get("/health")

    failed, line, after = [json.loads(line) for line in logged().splitlines()]
    assert (failed["logger"], failed["traceId"]) == ("web.error_responses", "a" * 32)
    assert (line["level"], line["status"], line["traceId"]) == ("error", 500, "a" * 32)
    assert "traceId" not in after


@pytest.mark.parametrize(
    ("level", "slow", "kept"), [("warning", 1.0, [500]), ("warning", 0.0, [200, 500]), ("error", 0.0, [500])]
)
def test_a_quiet_level_keeps_what_failed_or_was_slow(
    sqlite_backend: Backend, logged: Callable[[], str], level: str, slow: float, kept: list[int]
) -> None:
    """At warning only 5xx and slow requests have a line, at error only 5xx."""
    configure(level)
    key = make_key(sqlite_backend)
    connect(application(), Settings(slow_request=slow), sqlite_backend)
    client = application().test_client()
    client.get("/health")
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(sqlite_backend, "stats", lambda *_: 1 / 0)
        client.get("/stats", headers={"Authorization": f"Bearer {key}"})

    lines = [json.loads(line) for line in logged().splitlines()]
    assert [line["status"] for line in lines if line["logger"] == "access"] == kept


def connected(backend: Backend) -> FlaskClient:
    """Return a client of the application on a store."""
    connect(application(), Settings(), backend)
    return application().test_client()


# --- A whole run: server, command line, strangers, revocation. ---


class Run:
    """A server with two workers at its most talkative, its command line, and every key that was made."""

    def __init__(self, server: Server, store_url: str) -> None:
        self.server = server
        self.store_url = store_url
        self.keys = [server.key]
        self.said = ""
        self.client = httpx.Client(base_url=server.url, headers={"Connection": "close"}, timeout=30)

    def command(self, *arguments: str, expected: int = 0) -> str:
        """Run ``colloquy`` and return its standard output; what else it says is kept."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        done = subprocess.run(  # our own command
            [sys.executable, "-m", "app", *arguments],
            env=environment | {"COLLOQUY_STORE_URL": self.store_url},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        self.said += done.stderr
        assert done.returncode == expected, done.stderr
        return done.stdout.strip()

    def make_key(self, *options: str) -> tuple[str, str]:
        """Create a key and return its text and its id."""
        text = self.command("keys", "create", "--project", "fuzz", *options)
        self.keys.append(text)
        return text, self.command("keys", "list").splitlines()[-1].split()[0]

    def ask(self, key: str, method: str = "GET", path: str = "/stats", **options: Any) -> int:
        """Send a request over a connection of its own and return its status."""
        headers = {"Authorization": f"Bearer {key}"} | options.pop("headers", {})
        return self.client.request(method, path, headers=headers, **options).status_code

    def send_raw(self, request: str) -> bytes:
        """Send bytes that may be no HTTP and return the beginning of the answer."""
        with socket.create_connection((self.server.host, self.server.port), timeout=5) as connection:
            connection.sendall(request.encode())
            return connection.recv(1000)

    def seconds_until_refused(self, key: str) -> float:
        """Ask until every worker refuses a key; both are hit by so many connections."""
        begun = time.monotonic()
        last_success = begun
        while (now := time.monotonic()) - last_success < 2 * KEY_CACHE and now - begun < POLL_SECONDS:
            if self.ask(key) == 200:
                last_success = now
        return last_success - begun


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Serve a SQLite store with two workers, everything logged."""
    folder = tmp_path_factory.mktemp("logs")
    url = f"sqlite:///{folder}/store.db"
    with serving(url, folder, log_level="debug", workers="2", key_cache=str(KEY_CACHE)) as server:
        served = Run(server, url)
        with served.client:
            yield served


def converse(run: Run, key: str) -> list[int]:
    """Send content by every way in, rightly and wrongly, and return the statuses."""
    message = {"id": "m", "role": "user", "content": f"a zebra and {CANARY}"}
    dialogue = {"id": "d", "label": CANARY, "tags": [CANARY], "state": {CANARY: CANARY}, "message": message}
    keyed = {"Idempotency-Key": CANARY}
    return [
        run.ask(key, "POST", "/dialogue", json=dialogue, headers=keyed),
        run.ask(key, "POST", "/memory", json={"value": CANARY, "namespace": CANARY}),
        run.ask(key, "POST", "/search", json={"object": "message", "query": f"zebra {CANARY}"}),
        run.ask(key, "GET", "/dialogue", params={"tag": CANARY}),
        run.ask(key, "POST", "/dialogue/d/compact"),
        run.ask(key, "POST", "/dialogue", json=dialogue | {"label": f"other {CANARY}"}),
        run.ask(key, "POST", "/dialogue", content=f'{{"label": "{CANARY}'),
        run.ask(key, "POST", "/dialogue", json={CANARY: 1}),
        run.ask(key, "GET", "/dialogue", params={"limit": CANARY}),
        run.ask(key, "GET", f"/dialogue/{CANARY}", params={"namespace": CANARY}),
        run.ask(key, "GET", f"/{CANARY}/{CANARY}"),
        run.ask(key, "POST", "/memory", json={"value": "x" * 1024 * 1024 + CANARY}),
    ]


@pytest.mark.server
def test_no_key_and_no_content_is_in_the_logs(run: Run) -> None:
    """After requests of every kind the logs of server and commands hold no key and no content."""
    key, _ = run.make_key("--rights", "full")
    wrong = "colloquy_" + "w" * 43
    run.keys.append(wrong)
    assert converse(run, key) == [200, 200, 200, 200, 200, 409, 400, 400, 400, 404, 404, 413]
    assert converse(run, wrong)[0] == 401
    assert run.ask(key[:-1]) == 401
    for line in (
        f"Authorization Bearer {key}",
        f"Authorization : Bearer {key}",
        f"Bad\x00: {key}",
        f" {key}",
    ):
        assert b" 400 " in run.send_raw(f"GET /stats HTTP/1.1\r\nHost: a\r\n{line}\r\n\r\n")[:20]
    assert b" 400 " in run.send_raw(f"{key} {CANARY}\r\n\r\n")[:20]
    run.command("keys", "revoke", key, expected=1)

    text = run.server.log.read_text(encoding="utf-8", errors="replace")
    assert text.count('"requestId"') > 20
    assert "Invalid request from ip=" in text
    assert [json.loads(line) for line in text.splitlines()] != []
    assert [secret for secret in run.keys if secret in text] == []
    assert CANARY not in text
    assert [secret for secret in run.keys if secret in run.said.replace(f'id "{key}"', "")] == []


@pytest.mark.server
def test_a_revoked_key_stops_in_both_workers(run: Run) -> None:
    """Within COLLOQUY_KEY_CACHE seconds of ``keys revoke`` no worker takes the key any more."""
    key, key_id = run.make_key()
    assert [run.ask(key) for _ in range(20)] == [200] * 20

    run.command("keys", "revoke", key_id)

    assert run.seconds_until_refused(key) <= KEY_CACHE + 0.2


@pytest.mark.parametrize("name", ["API_KEY", "STORE_URL", "RATE_LIMIT_STORE", "CHAT_URL"])
def test_a_refused_secret_is_not_repeated(name: str) -> None:
    """The message about a bad value does not contain the value."""
    with pytest.raises(SettingsError) as refusal:
        Settings.from_environment({PREFIX + name: f"{CANARY}\n"})

    assert CANARY not in str(refusal.value)
    assert PREFIX + name in str(refusal.value)
