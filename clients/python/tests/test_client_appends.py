"""Long appends: cut, in order, and completed by a repeat, whatever happened in between."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from live import LiveServer

from colloquy_client import Colloquy, Retries, errors
from colloquy_client.batches import cut_batches

PATIENT = Retries(repeats=60, longest_wait=1)
TEXTS = [f"message {number}" for number in range(120)]


def _said(client: Colloquy, dialogue: str) -> list[Any]:
    return [message["content"] for message in client.dialogue(dialogue).messages()]


def test_a_long_append_is_cut_and_stays_in_order(client: Colloquy) -> None:
    """120 messages arrive in five requests, in order, and the answer has them all."""
    stored = client.dialogue("d").append(*TEXTS, role="user")
    assert [message["content"] for message in stored] == TEXTS
    assert _said(client, "d") == TEXTS


def test_batches_end_before_they_are_too_large() -> None:
    """A batch has at most 25 messages and about 4 MiB; a larger message goes alone."""
    large: Any = {"role": "user", "content": "x" * 3_000_000}
    small: Any = {"role": "user", "content": "x"}
    sizes = [len(batch) for batch in cut_batches([large, large, *[small] * 30])]
    assert sizes == [1, 25, 6]
    assert list(cut_batches([])) == []


class Breaking(httpx.BaseTransport):
    """Fails every request after the first so many appends."""

    def __init__(self, appends: int) -> None:
        self.inner = httpx.HTTPTransport()
        self.left = appends

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Pass the request on, or say that nobody listens."""
        if request.url.path == "/messages" and request.method == "POST":
            self.left -= 1
        if self.left < 0:
            raise httpx.ConnectError("gone", request=request)
        return self.inner.handle_request(request)

    def close(self) -> None:
        """Close the connections."""
        self.inner.close()


def test_an_append_that_broke_off_is_completed(server: LiveServer, client: Colloquy) -> None:
    """``AppendIncomplete`` names the key; the same append under it adds what is missing, once."""
    client.dialogue("d").create()
    with Colloquy(
        server.url, server.key, client.namespace, retries=Retries(repeats=0), transport=Breaking(2)
    ) as breaking:
        with pytest.raises(errors.AppendIncomplete) as raised:
            breaking.dialogue("d").append(*TEXTS, role="user")
        assert (raised.value.stored, raised.value.total) == (50, 120)
        assert isinstance(raised.value.__cause__, errors.ConnectionFailed)
    assert _said(client, "d") == TEXTS[:50]
    client.dialogue("d").append(*TEXTS, role="user", key=raised.value.key)
    client.dialogue("d").append(*TEXTS, role="user", key=raised.value.key)
    assert _said(client, "d") == TEXTS


def test_an_append_that_stored_nothing_says_why(client: Colloquy) -> None:
    """When the first batch is refused, its own error is raised."""
    with pytest.raises(errors.InvalidRequest, match="role"):
        client.dialogue("d").append("x", role="robot")


def test_another_content_under_a_used_key_is_refused(client: Colloquy) -> None:
    """A key stands for one append: other messages under it are ``DuplicateId``, and nothing is stored."""
    client.dialogue("d").append("one", role="user", key="run-1")
    with pytest.raises(errors.DuplicateId):
        client.dialogue("d").append("two", role="user", key="run-1")
    assert _said(client, "d") == ["one"]


def test_a_server_killed_in_the_middle_loses_and_doubles_nothing(own_server: LiveServer) -> None:
    """While appends run, the server is killed with SIGKILL and started again: all is there once."""
    with Colloquy(own_server.url, own_server.key, retries=PATIENT) as client:
        done = threading.Event()

        def write() -> None:
            for number in range(40):
                client.dialogue("d").append(f"{number} a", f"{number} b", role="user")
            done.set()

        writer = threading.Thread(target=write)
        writer.start()
        time.sleep(0.1)
        own_server.kill()
        own_server.start()
        writer.join(timeout=60)
        assert done.is_set()
        assert _said(client, "d") == [f"{number} {part}" for number in range(40) for part in "ab"]


WRITER = """
import sys
from colloquy_client import Colloquy
conversation = Colloquy().dialogue("shared")
for number in range(20):
    conversation.append(f"{sys.argv[1]} {number}", f"{sys.argv[1]} {number} too", role="user")
"""


def test_two_processes_share_a_conversation(server: LiveServer) -> None:
    """Two processes append to one dialogue at once: pairs stay together, and each one's are in order."""
    path = str(Path(__file__).resolve().parents[1])
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, name], env=server.environment() | {"PYTHONPATH": path}
        )
        for name in ("left", "right")
    ]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    with Colloquy(server.url, server.key) as client:
        said = _said(client, "shared")
    assert said[1::2] == [f"{text} too" for text in said[::2]]
    for name in ("left", "right"):
        assert [text for text in said[::2] if text.startswith(name)] == [f"{name} {n}" for n in range(20)]
