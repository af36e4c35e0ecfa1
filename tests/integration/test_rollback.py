"""Going back to this release after a later one has changed the schema, as docs/operations.md says.

The later release is imitated by what it leaves: a schema of a version that this one does not know.
"""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pymongo
import pytest

from app.opening import open_backend
from app.services.keys import KEY_PREFIX
from app.settings import Settings
from app.web.readiness import GOOD_SECONDS
from tests.integration.everything import connect_api
from tests.integration.test_upgrade import ask
from tests.ports import free_port
from tests.server import ROOT, Server, serving


@pytest.fixture(params=["sqlite", "mongodb"])
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[str]]:
    """Give the URLs of two stores in which nothing is yet."""
    if request.param == "sqlite":
        yield [f"sqlite:///{tmp_path}/{name}/store.db" for name in ("one", "other")]
        return
    server = os.environ.get("MONGODB_URI")
    if not server:
        pytest.skip("MONGODB_URI names no MongoDB server")
    made = [
        urlunsplit(urlsplit(server)._replace(path="/test_" + secrets.token_hex(6))) for _ in ("one", "other")
    ]
    yield made
    for url in made:
        with pymongo.MongoClient[dict[str, Any]](url) as client:
            client.drop_database(urlsplit(url).path[1:])


def upgrade(url: str, *, serves_this: bool) -> None:
    """Leave what a later release would: one more table or collection, the next version, whom it serves.

    Returns when no server answers by a check of its readiness from before.
    """
    place = urlsplit(url).path[1:]
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(place, isolation_level=None)) as connection:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            connection.execute("CREATE TABLE later (x)")
            connection.execute(f"PRAGMA user_version = {version + 1}")
            oldest = version if serves_this else version + 1
            connection.execute("UPDATE meta SET value = ? WHERE name = 'oldest'", (oldest,))
    else:
        with pymongo.MongoClient[dict[str, Any]](url) as client:
            client[place]["later"].insert_one({})
            schema = client[place]["meta"].find_one({"_id": "schema"})
            assert schema is not None
            version = schema["version"]
            changes = {"version": version + 1, "oldest": version if serves_this else version + 1}
            assert client[place]["meta"].update_one({"_id": "schema"}, {"$set": changes}).modified_count
    time.sleep(GOOD_SECONDS)


def run(url: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a command of this release on a store."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith("COLLOQUY_")}
    environment |= {"COLLOQUY_STORE_URL": url, "COLLOQUY_PORT": str(free_port())}
    command = [sys.executable, "-m", "app", *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_way_back_is_the_backup(urls: list[str], tmp_path: Path) -> None:
    """This release does not start on what the later one upgraded, and serves what was backed up before."""
    url, restored = urls
    key = KEY_PREFIX + "k" * 43
    with serving(url, tmp_path / "before.log", API_KEY=key, WORKERS="1") as server:
        body = {"id": "d", "message": {"role": "user", "content": "before"}}
        assert ask(server.url, key, "POST", "/dialogue", body)[0] == 200
        said = ask(server.url, key, "GET", "/dialogue/d")
        assert run(url, "backup", tmp_path / "before.backup").returncode == 0
        upgrade(url, serves_this=False)

        assert ask(server.url, key, "GET", "/ready")[0] == 503
        assert ask(server.url, key, "GET", "/dialogue/d") == said
        late = {"role": "user", "content": "after"}
        status, _ = ask(server.url, key, "POST", "/dialogue/d/messages", late)
        assert status in {200, 503}
        after = ask(server.url, key, "GET", "/dialogue/d")[1]
        assert (b"after" in after) == (status == 200)

    refused = run(url, "serve")
    assert refused.returncode != 0
    [line] = refused.stderr.splitlines()
    assert "newer version" in line or "later release" in line

    # At its end a restore checks everything.
    assert run(restored, "restore", tmp_path / "before.backup").returncode == 0
    backend = open_backend(Settings(store_url=restored))
    answer = connect_api(backend, key).get("/dialogue/d")
    assert (answer.status_code, answer.data) == said
    backend.close()


def test_a_schema_that_serves_this_release_leaves_no_gap(urls: list[str], tmp_path: Path) -> None:
    """A running server stays ready and goes on to write, and one that is started then does so too."""
    url, _ = urls
    key = KEY_PREFIX + "k" * 43

    def append(server: Server, number: int) -> int:
        body = {"id": f"m{number}", "role": "user", "content": "hi"}
        return ask(server.url, key, "POST", "/dialogue/d/messages", body)[0]

    with serving(url, tmp_path / "before.log", API_KEY=key, WORKERS="1") as server:
        assert ask(server.url, key, "POST", "/dialogue", {"id": "d"})[0] == 200
        upgrade(url, serves_this=True)
        assert ask(server.url, key, "GET", "/ready")[0] == 200
        assert append(server, 0) == 200
    with serving(url, tmp_path / "after.log", API_KEY=key, WORKERS="1") as server:
        assert ask(server.url, key, "GET", "/ready")[0] == 200
        assert append(server, 1) == 200
        found = json.loads(ask(server.url, key, "GET", "/messages?dialogueId=d")[1])
    assert [item["id"] for item in found["items"]] == ["m0", "m1"]
