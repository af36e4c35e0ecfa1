"""The stage: stores with the same data, every contender started on them, all checked to answer the same."""

from __future__ import annotations

import json
import secrets
import shutil
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pymongo

from app.stores.mongo import open_mongo
from app.stores.sqlite import open_sqlite
from bench import data, works
from bench.contenders.sqlite_store import index_words
from bench.lineup import Contender
from bench.process import Server
from tests.ports import free_port

CHECKED = "/dialogue/d7"


@dataclass(frozen=True, slots=True)
class Stage:
    """Running servers by the name of their contender."""

    store: str
    servers: dict[str, Server]
    count: int
    folder: Path

    def requests(self, work: works.Work, name: str) -> Path:
        """Return the file of requests for a contender; only cursors differ between them."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return works.write(work, self.count, lambda path: walk(self.servers[name], path), folder)


@contextmanager
def sqlite_stage(lineup: tuple[Contender, ...], size: data.Size, folder: Path) -> Iterator[Stage]:
    """Start contenders, each on a copy of the same file."""
    base = folder / "base.db"
    store = open_sqlite(base)
    store.migrate()
    data.load(store, size)
    store.close()
    urls = {}
    for contender in lineup:
        path = folder / f"{contender.name}.db"
        shutil.copy(base, path)
        if contender.name == "flask":
            index_words(str(path))
        urls[contender.name] = f"sqlite:///{path}"
    with _running("sqlite", lineup, urls, size, folder) as stage:
        yield stage


@contextmanager
def mongo_stage(uri: str, lineup: tuple[Contender, ...], size: data.Size, folder: Path) -> Iterator[Stage]:
    """Start contenders on one database, which is dropped afterwards."""
    name = "bench_" + secrets.token_hex(6)
    url = urlunsplit(urlsplit(uri)._replace(path="/" + name))
    client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(url)
    store = open_mongo(url, timeout=60)
    try:
        store.migrate()
        data.load(store, size)
        with _running("mongodb", lineup, dict.fromkeys((c.name for c in lineup), url), size, folder) as stage:
            yield stage
    finally:
        store.close()
        client.drop_database(name)
        client.close()


def copy_for_eve(database: Any, server: Server, count: int) -> None:
    """Give Eve the same dialogues as documents of its own, as Colloquy answers them."""
    documents = [get(server, f"/dialogue/d{number}") for number in range(count)]
    database["eve_dialogues"].insert_many([{"_id": item["id"], **item} for item in documents])


@contextmanager
def _running(
    store: str, lineup: tuple[Contender, ...], urls: dict[str, str], size: data.Size, folder: Path
) -> Iterator[Stage]:
    with ExitStack() as stack:
        servers: dict[str, Server] = {}
        for contender in lineup:
            if contender.name == "eve":
                with pymongo.MongoClient(urls["eve"]) as client:
                    copy_for_eve(client.get_default_database(), servers["colloquy"], size.dialogues)
            server = start(contender, urls[contender.name], folder)
            stack.callback(server.stop)
            servers[contender.name] = server
        _check_same(servers)
        yield Stage(store, servers, size.dialogues, folder)


def start(contender: Contender, url: str, folder: Path) -> Server:
    """Start one contender on a free port."""
    port = free_port()
    command = [part.format(port=port) for part in contender.command]
    log = folder / f"{contender.name}.log"
    return Server(command, contender.environment(url, port), port, contender.probe, log)


def get(server: Server, path: str) -> Any:
    """Return the JSON that a server answers to an authorised GET."""
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}")
    request.add_header("Authorization", f"Bearer {data.KEY}")
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  # our own server
        return json.load(answer)


def walk(server: Server, path: str) -> list[str]:
    """Return the paths of all pages of a list."""
    paths = [path]
    while (cursor := get(server, paths[-1]).get("next")) is not None:
        paths.append(f"{path}&next={urllib.request.quote(cursor)}")
    return paths


def _check_same(servers: dict[str, Server]) -> None:
    """Refuse to compare servers that answer differently, Eve's own bookkeeping apart."""
    wanted = get(servers["colloquy"], CHECKED)
    for name, server in servers.items():
        if name == "fixed":
            continue
        answered = {key: value for key, value in get(server, CHECKED).items() if not key.startswith("_")}
        if answered != wanted:
            raise RuntimeError(f"{name} answers {CHECKED} differently: {answered} instead of {wanted}")
