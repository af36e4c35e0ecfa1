"""A store that an earlier release made goes on under this one; servers take turns without a gap.

``upgrades/`` has a store of each kind as the first schema of 0.1.0 kept it, and what its server answered.
"""

from __future__ import annotations

import gzip
import itertools
import json
import os
import secrets
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pymongo
import pytest
from bson import json_util

from app.domain.records import Scope, ScopeFilter
from app.opening import open_backend
from app.services.bootstrap import DEFAULT_PROJECT
from app.services.repair import repair
from app.services.verify import Kind, Seen, verify
from app.settings import Settings
from app.stores import Backend
from tests.contract.conftest import Api
from tests.integration.everything import connect_api
from tests.integration.importing import check_store
from tests.integration.test_readme import assert_contains
from tests.ports import free_port
from tests.server import Server, start

UPGRADES = Path(__file__).parent / "upgrades"
FIRST = "0.1.0-first"


def lay_sqlite(folder: Path) -> str:
    """Put the old file down; return its URL."""
    path = folder / "old.db"
    path.write_bytes(gzip.decompress((UPGRADES / f"{FIRST}.sqlite.gz").read_bytes()))
    return f"sqlite:///{path}"


def lay_mongodb(server: str) -> str:
    """Put the old collections and indexes into a database of their own; return its URL."""
    name = "test_" + secrets.token_hex(6)
    url = urlunsplit(urlsplit(server)._replace(path="/" + name))
    lines = gzip.decompress((UPGRADES / f"{FIRST}.mongodb.jsonl.gz").read_bytes()).splitlines()
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        rows = client[name]["nothing"]
        for line in lines:
            document = json_util.loads(line)
            if "collection" not in document:
                rows.insert_one(document)
                continue
            rows = client[name][document["collection"]]
            for index, keys, options in document["indexes"]:
                rows.create_index([(field, kind) for field, kind in keys], name=index, **options)
    return url


@pytest.fixture(params=["sqlite", "mongodb"])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the URL of an old store, and its key with what its server answered."""
    kind: str = request.param
    said = json.loads(gzip.decompress((UPGRADES / f"{FIRST}.{kind}.json.gz").read_bytes()))
    if kind == "sqlite":
        yield lay_sqlite(tmp_path), said
        return
    server = os.environ.get("MONGODB_URI")
    if not server:
        pytest.skip("MONGODB_URI names no MongoDB server")
    url = lay_mongodb(server)
    yield url, said
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        client.drop_database(urlsplit(url).path[1:])


def upgraded(url: str) -> Backend:
    """Open a store, migrated, everything in it indexed again."""
    backend = open_backend(Settings(store_url=url))
    backend.migrate()
    while backend.index_step():
        pass
    return backend


def test_an_old_store_answers_as_it_did(old: tuple[str, dict[str, Any]]) -> None:
    """Each answer of the old server is in that of this one; its keys, ids and ETags hold."""
    url, said = old
    backend = upgraded(url)
    api = connect_api(backend, said["key"])
    for path, (status, answer) in said["answers"].items():
        response = api.get(path)
        assert response.status_code == status, path
        if status == 200:
            assert_contains(response.get_json(), answer, path)
    check_store(backend)
    for words, count in (("whales", 22), ("aside", 2)):
        body = {"query": words, "object": "message", "limit": 50}
        assert len(api.ok("POST", "/search", body)["items"]) == count, words
    _write(api)
    check_store(backend)
    backend.close()


def _write(api: Api) -> None:
    """Go on with what the old server left."""
    api.ok("POST", "/dialogue/order/messages", {"id": "new", "role": "user", "content": "a walrus"})
    api.ok("DELETE", "/dialogue/order/message/o0")
    api.ok("POST", "/dialogue", {"id": "gone", "messages": [{"role": "user", "content": "again"}]})
    api.ok("PUT", "/memory/tea", {"value": "coffee"})
    api.ok("DELETE", "/dialogue/thread")
    found = api.ok("POST", "/search", {"query": "walrus", "object": "message"})["items"]
    assert [item["id"] for item in found] == ["new"]


def test_servers_that_start_together_upgrade_once(old: tuple[str, dict[str, Any]], tmp_path: Path) -> None:
    """Two of this release start on the old store at once, and both serve it."""
    url, said = old
    key = said["key"]
    servers: list[Server] = []

    def begin(number: int) -> None:
        servers.append(start(url, tmp_path / f"{number}.log", API_KEY=key, WORKERS="1"))

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        assert len(servers) == 2
        for server in servers:
            assert ask(server.url, key, "GET", "/dialogue/order")[0] == 200
    finally:
        for server in servers:
            server.stop()


def test_what_an_old_server_still_wrote_is_kept_and_found_after_a_repair(
    old: tuple[str, dict[str, Any]],
) -> None:
    """On MongoDB a request under way in an old server may end after the upgrade; nothing of it is lost."""
    url, _ = old
    if url.startswith("sqlite"):
        pytest.skip("an old server cannot write to an upgraded file: its statements are refused")
    backend = upgraded(url)
    name = urlsplit(url).path[1:]
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        messages = client[name]["messages"]
        late = messages.find_one({"messageId": "t0", "namespace": ""})
        assert late is not None
        for added in ("tokens", "number", "facets"):
            late.pop(added, None)
        body = json.loads(late["body"]) | {"id": "late", "content": "a late walrus", "contentLength": 13}
        late |= {"messageId": "late", "seq": 1, "terms": "late walrus", "body": json.dumps(body)}
        del late["_id"]
        messages.insert_one(late)
        counts = {"$set": {"nextSeq": 2, "total": 2, "recentCount": 2}, "$inc": {"rev": 1}}
        client[name]["dialogues"].update_one({"_id.i": "thread", "_id.n": ""}, counts)
    problems = list(verify(backend, DEFAULT_PROJECT, Seen()))

    assert Kind.INDEX in {problem.kind for problem in problems}
    assert list(repair(backend, problems))
    check_store(backend)
    assert backend.get_message(Scope(DEFAULT_PROJECT), "thread", "late") is not None
    assert backend.stats(ScopeFilter(DEFAULT_PROJECT)).messages > 0
    backend.close()


def ask(url: str, key: str, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
    """Send one request and return the status and the body."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, headers, method=method)  # noqa: S310  # our own server
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310  # our own server
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


PACE = 0.01
"""Seconds between appends: without, the client takes the processor that the servers need to start."""


def test_a_rolling_restart_leaves_no_gap(tmp_path: Path) -> None:
    """Of two servers on one store each is restarted in turn: a client that asks the other one goes on.

    Every append is answered by one of the two at once, and is stored once.
    """
    url = f"sqlite:///{tmp_path}/store.db"
    key = "colloquy_" + "r" * 43
    ports = [free_port(), free_port()]
    servers = [_start(url, tmp_path, port, key) for port in ports]
    stop = threading.Event()
    appended: list[str] = []
    gaps: list[str] = []
    assert ask(servers[0].url, key, "POST", "/dialogue", {"id": "d"})[0] == 200

    def append() -> None:
        for number in itertools.count():
            if stop.wait(PACE):
                return
            message = {"id": f"m{number}", "role": "user", "content": "hi"}
            order = ports if number % 2 else ports[::-1]
            answers = (_try(f"http://127.0.0.1:{port}", key, message) for port in order)
            if not any(answers):
                gaps.append(message["id"])
            appended.append(message["id"])

    client = threading.Thread(target=append)
    client.start()
    try:
        for place, port in enumerate(ports):
            time.sleep(0.5)
            servers[place].stop()
            servers[place] = _start(url, tmp_path, port, key)
        time.sleep(0.5)
    finally:
        stop.set()
        client.join()
        for server in servers:
            server.stop()
    backend = open_backend(Settings(store_url=url))
    found = backend.get_dialogue(Scope(DEFAULT_PROJECT), "d")

    assert gaps == []
    assert found is not None
    kept = backend.messages_since(Scope(DEFAULT_PROJECT), "d", found.uid, -1)
    assert [message.id for message in kept] == appended
    assert len(appended) > 20
    backend.close()


def _try(url: str, key: str, message: dict[str, Any]) -> bool:
    try:
        return ask(url, key, "POST", "/dialogue/d/messages", message)[0] == 200
    except OSError:
        return False


def _start(url: str, folder: Path, port: int, key: str) -> Server:
    return start(url, folder / f"{port}.log", PORT=str(port), API_KEY=key, WORKERS="1")
