"""The server that the browser looks at, its projects and keys, and the data in them."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

from ..ports import free_port

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv/bin/python"
DATA = ROOT.parent / "shared/data"
MANY = 100_000
"""Dialogues of the project ``large``, and messages of the longest dialogue in it."""


@dataclass
class Server:
    """A server on a port of its own, with its data in a folder."""

    folder: Path
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def command(self, *arguments: str, given: bytes | None = None) -> str:
        """Run ``colloquy`` with some arguments and return what it prints."""
        line = [str(PYTHON), "-m", "app", *arguments]
        done = subprocess.run(
            line, cwd=ROOT, env=self._environment(), input=given, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()[-2000:]
        return done.stdout.decode().strip()

    def _environment(self) -> dict[str, str]:
        own = {
            "COLLOQUY_STORE_URL": f"sqlite:///{self.folder}/store.db",
            "COLLOQUY_PORT": str(self.port or 8080),
            "COLLOQUY_KEY_CACHE": "0",
            "COLLOQUY_LOG_LEVEL": "error",
        }
        return {name: text for name, text in os.environ.items() if not name.startswith("COLLOQUY_")} | own

    def start(self) -> None:
        """Start it on a port that is free now, and wait until it is ready."""
        self.port = free_port()
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(PYTHON), "-m", "app", "serve"],
                cwd=ROOT,
                env=self._environment(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        for _ in range(900):
            try:
                urllib.request.urlopen(f"{self.url}/ready").close()
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.1)
            else:
                return
        raise AssertionError((self.folder / "server.log").read_text(encoding="utf-8"))

    def stop(self) -> None:
        """Stop it with all its processes."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(timeout=60)
            self.process = None


@dataclass(frozen=True)
class Client:
    """Asks a server with a key."""

    server: Server
    key: str

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request and return its answer."""
        request = urllib.request.Request(
            self.server.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from error


def import_real(server: Server) -> None:
    """Import the real conversations, or a few of the same shape where they are absent."""
    files = sorted(DATA.glob("*.jsonl.gz"))
    for path in files:
        server.command("import", str(path))
    if not files:
        server.command("import", "-", given="\n".join(map(json.dumps, _stand_ins())).encode())


def _stand_ins() -> Iterator[dict[str, Any]]:
    for number in range(60):
        call = {
            "id": f"call-{number}",
            "type": "function",
            "function": {"name": "get_user_details", "arguments": json.dumps({"user_id": f"u{number}"})},
        }
        yield {
            "id": f"airline-{number}",
            "messages": [
                {"role": "system", "content": "# Airline Agent Policy\n\n" + "Be exact. " * 90},
                {"role": "user", "content": f"I would like to change my reservation {number}."},
                {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": call["id"], "name": "get_user_details", "content": "{}"},
                {"role": "assistant", "content": "I have found it. To which flight?"},
            ],
        }


def import_many(server: Server) -> None:
    """Make the project ``large``: very many dialogues, and one with very many messages."""
    server.command("projects", "create", "large")
    path = server.folder / "large.jsonl.gz"
    start = datetime(2026, 1, 1, tzinfo=UTC)
    with gzip.open(path, "wt", compresslevel=1) as lines:
        for number in range(MANY):
            made = _iso(start + timedelta(seconds=number))
            _write(lines, f"d{number}", made, [_message(f"m{number}", "user", f"Question {number}", made)])
        messages = [
            _message(
                f"m{number}",
                ("user", "assistant")[number % 2],
                f"Message number {number}. " + "It says something. " * (number % 7),
                _iso(start + timedelta(minutes=number)),
            )
            for number in range(MANY)
        ]
        _write(lines, "longest", _iso(start + timedelta(days=300)), messages, label="A long one")
    server.command("import", "--project", "large", str(path))


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _message(name: str, role: str, content: str, made: str) -> dict[str, Any]:
    times = {"created": made, "modified": made}
    return {"id": name, "role": role, "content": content, "tags": [], "metadata": {}} | times


def _write(lines: IO[str], name: str, made: str, messages: list[dict[str, Any]], **more: str) -> None:
    """Write a dialogue as ``colloquy export`` does."""
    common = {"colloquy": 1, "id": name, "status": "active", "tags": [], "metadata": {}, "state": {}}
    line = common | {"created": made, "modified": made, "messages": messages} | more
    lines.write(json.dumps(line) + "\n")
