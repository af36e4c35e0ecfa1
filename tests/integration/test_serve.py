"""``colloquy serve`` as an operator meets it."""

from __future__ import annotations

import http.server
import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from app.stores.sqlite import open_sqlite
from tests.ports import free_port
from tests.server import ROOT, serving, start


def _headers(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_nothing_acknowledged_is_lost_to_a_kill(tmp_path: Path) -> None:
    """After SIGKILL and a restart, with the same key, every answered message is there."""
    url = f"sqlite:///{tmp_path}/store.db"
    first = start(url, tmp_path / "log")
    with httpx.Client(base_url=first.url, headers=_headers(first.key)) as client:
        client.post("/dialogue", json={"id": "d"}).raise_for_status()
        for number in range(50):
            body = {"dialogueId": "d", "id": f"m{number}", "role": "user", "content": "x"}
            client.post("/message", json=body).raise_for_status()
    first.kill()
    with serving(url, tmp_path / "log", API_KEY=first.key) as second:
        answer = httpx.get(second.url + "/dialogue/d", headers=_headers(first.key)).json()
        assert answer["totalMessages"] == 50
        assert answer["messages"][-1]["id"] == "m49"


def test_several_servers_start_at_once(tmp_path: Path) -> None:
    """Three servers on one empty store make one project and one key between them."""
    outputs = [tmp_path / f"out{number}" for number in range(3)]
    processes = []
    for output in outputs:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("COLLOQUY_")} | {
            "COLLOQUY_STORE_URL": f"sqlite:///{tmp_path}/store.db",
            "COLLOQUY_PORT": str(free_port()),
            "COLLOQUY_WORKERS": "1",
        }
        with output.open("wb") as sink:
            processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", "app", "serve"], cwd=ROOT, env=environment, stdout=sink
                )
            )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not all("Documentation" in o.read_text() for o in outputs):
        time.sleep(0.1)
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait(timeout=60)
    assert sum(output.read_text().count("API key") for output in outputs) == 1
    backend = open_sqlite(tmp_path / "store.db")
    assert [project.name for project in backend.list_projects()] == ["default"]
    assert len(backend.list_keys()) == 1
    backend.close()


class _SlowModel(http.server.BaseHTTPRequestHandler):
    """Takes a second and a half for every answer."""

    asked = threading.Event()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.set()
        time.sleep(1.5)
        answer = {"choices": [{"message": {"role": "assistant", "content": "They said hello."}}]}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


def test_sigterm_finishes_running_requests(tmp_path: Path) -> None:
    """A request that runs when SIGTERM comes is answered, and the server ends with status 0."""
    model = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _SlowModel)
    model.daemon_threads = False  # so that closing it waits for its connections
    threading.Thread(target=model.serve_forever, daemon=True).start()
    chat = {
        "SUMMARY_PROVIDER": "chat",
        "CHAT_URL": f"http://127.0.0.1:{model.server_port}",
        "CHAT_MODEL": "slow",
    }
    with serving(f"sqlite:///{tmp_path}/store.db", tmp_path / "log", **chat) as server:
        headers = _headers(server.key)
        said = "Hello, is anybody there who can tell me when order 4711 comes?"
        hello = {"id": "d", "message": {"role": "user", "content": said}}
        httpx.post(server.url + "/dialogue", headers=headers, json=hello).raise_for_status()
        with ThreadPoolExecutor() as pool:
            running = pool.submit(
                httpx.post, server.url + "/dialogue/d/compact", headers=headers, json={}, timeout=30
            )
            assert _SlowModel.asked.wait(20)
            status = server.stop()
            answer = running.result()
    model.shutdown()
    model.server_close()
    assert (status, answer.status_code) == (0, 200)
    assert answer.json()["content"] == "They said hello."


def test_who_waits_for_the_store_keeps_nobody_waiting(tmp_path: Path) -> None:
    """While writes wait for a lock of the store, the same worker answers reads; then the writes are done."""
    path = tmp_path / "store.db"
    with serving(f"sqlite:///{path}", tmp_path / "log", WORKERS="1", THREADS="3") as server:
        client = httpx.Client(base_url=server.url, headers=_headers(server.key), timeout=30)
        with client, ThreadPoolExecutor() as pool, closing(sqlite3.connect(path)) as other:
            client.post("/dialogue", json={"id": "d"}).raise_for_status()
            other.execute("BEGIN IMMEDIATE")
            writes = [pool.submit(client.post, "/dialogue", json={}) for _ in range(2)]
            time.sleep(0.5)
            answers = [client.get("/dialogue/d") for _ in range(20)]
            assert not any(write.done() for write in writes)
            other.rollback()
            answers += [write.result() for write in writes]
    assert [answer.status_code for answer in answers] == [200] * 22


@pytest.mark.parametrize("wrong", [{"COLLOQUY_API_KEY": "short"}, {"COLLOQUY_STORE_URL": "file:x"}])
def test_bad_settings_are_one_line(wrong: dict[str, str]) -> None:
    """A setting that cannot be is one clear line and a status, without a traceback."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COLLOQUY_")} | wrong
    done = subprocess.run(
        [sys.executable, "-m", "app", "serve"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode != 0
    assert next(iter(wrong)) in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
