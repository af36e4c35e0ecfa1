"""The MongoDB store when it starts, when servers start together, and when projects end."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import mongomock
import pytest
from pymongo.errors import OperationFailure

from app.domain.errors import ServiceUnavailable
from app.domain.records import ScopeFilter
from app.stores import Backend, Transaction
from app.stores.mongo import maintenance, open_mongo, schema, start_up_lock
from app.stores.mongo.failures import unavailable
from app.stores.mongo.schema import INDEXES, OLDEST, VERSION, require_transactions
from tests.integration.mongo_server import Server
from tests.records import ANNA, SCOPE, close_project, deleted, dialogue, message, project, stored


@pytest.mark.parametrize("hello", [{"setName": "rs0"}, {"msg": "isdbgrid"}])
def test_servers_with_transactions_are_accepted(hello: dict[str, Any]) -> None:
    """A replica set, and the router of a sharded cluster."""
    require_transactions(hello)


def test_a_standalone_server_is_refused_with_the_way_out() -> None:
    """The message says what is needed and how to get it."""
    with pytest.raises(ServiceUnavailable, match=r"replica set.*--replSet"):
        require_transactions({"isWritablePrimary": True})


@pytest.mark.parametrize("url", ["mongodb://u:secret@h:port/d", "mongodb://u:secret@/d"])
def test_a_url_that_cannot_be_read_is_refused_without_its_password(url: str) -> None:
    """Before anything is connected."""
    with pytest.raises(ValueError, match="store URL") as caught:
        open_mongo(url)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("code", "said"), [(13, "does not allow"), (18, "user and the password"), (91, "does not answer")]
)
def test_what_the_server_refuses_for_good_is_said(code: int, said: str) -> None:
    """To try again would change nothing; what the server says may quote what was stored, and is left out."""
    assert said in str(unavailable(OperationFailure("secret", code)))
    assert "secret" not in str(unavailable(OperationFailure("secret", code)))


def test_the_database_is_the_urls_or_colloquy() -> None:
    """Opening connects to nothing."""
    names = {"mongodb://h/": "colloquy", "mongodb://h,g:2/my%2Ddb?retryWrites=true": "my-db"}
    for url, name in names.items():
        store: Any = open_mongo(url)
        assert store._db.database.name == name
        store.close()


def test_mongomock_refuses_what_it_cannot_do() -> None:
    """What writes alone undoes nothing."""
    store = open_mongo("mongodb://mock/db", client=mongomock.MongoClient())
    store.migrate()
    first = stored(store, dialogue(id="d"))

    def again(tx: Transaction) -> None:
        tx.insert_dialogue(first)

    with pytest.raises(ServiceUnavailable):
        store.write(SCOPE, again)
    assert store.get_dialogue(SCOPE, "d") == first


@pytest.mark.mongodb
def test_servers_that_start_together_migrate_once(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each ends with the same version and secret, and every index is there."""
    made: list[object] = []
    create = schema.create

    def count(connection: Any) -> None:
        made.append(connection)
        time.sleep(0.2)
        create(connection)

    monkeypatch.setattr(schema, "MIGRATIONS", (count, *schema.MIGRATIONS[1:]))
    stores = [open_mongo(server.url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        versions = list(pool.map(lambda store: store.migrate(), stores))
    assert versions == [VERSION] * 4
    assert len(made) == 1
    assert len({store.cursor_secret() for store in stores}) == 1
    for name, indexes in INDEXES.items():
        names = {index.document["name"] for index in indexes} | {"_id_"}
        assert set(server.database[name].index_information()) == names
    for store in stores:
        store.close()


@pytest.mark.mongodb
def test_a_store_that_is_not_migrated_is_not_ready(server: Server) -> None:
    """It says what to run; there is no secret yet either."""
    store = server.open()
    for ask in (store.check_ready, store.cursor_secret):
        with pytest.raises(ServiceUnavailable, match="colloquy migrate"):
            ask()


@pytest.mark.mongodb
def test_a_newer_schema_is_left_alone(server: Server) -> None:
    """A release that does not know it neither serves nor changes it."""
    server.database["meta"].insert_one({"_id": "schema", "version": VERSION + 1})
    store = server.open()
    for ask in (store.check_ready, store.migrate):
        with pytest.raises(ServiceUnavailable, match="later release"):
            ask()


@pytest.mark.mongodb
def test_a_later_schema_may_let_this_release_go_on(server: Server) -> None:
    """Then it is ready, starts, changes no version, and leaves alone what only a later one can make."""
    store = server.open()
    store.migrate()
    server.database["meta"].update_one({"_id": "schema"}, {"$inc": {"version": 1}})
    server.database["meta"].insert_one({"_id": "reindexing", "pending": ["later"]})
    store.check_ready()
    assert store.migrate() == VERSION + 1
    assert store.index_step() == 0
    assert server.database["meta"].find_one({"_id": "reindexing"}) is not None
    found = server.database["meta"].find_one({"_id": "schema"})
    assert found == {"_id": "schema", "version": VERSION + 1, "oldest": OLDEST}


@pytest.mark.mongodb
def test_a_read_only_server_is_not_ready(server: Server) -> None:
    """It answers, but cannot be written."""
    store = server.open(timeout=1.0)
    store.migrate()
    store.check_ready()
    with server.failing("update", errorCode=11130, errorLabels=[]), pytest.raises(ServiceUnavailable):
        store.check_ready()
    store.check_ready()


@pytest.mark.mongodb
def test_one_process_at_a_time_holds_the_lock(server: Server) -> None:
    """Another waits until it is given back, also after an error inside."""
    first, second = server.open(), server.open()
    order: list[str] = []

    def wait() -> None:
        with second.start_up_lock():
            order.append("second")

    def hold() -> None:
        with first.start_up_lock():
            thread.start()
            time.sleep(0.3)
            order.append("first")
            raise LookupError

    thread = threading.Thread(target=wait)
    with pytest.raises(LookupError):
        hold()
    thread.join()
    assert order == ["first", "second"]


@pytest.mark.mongodb
def test_the_lock_of_a_dead_process_runs_out(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before that, whoever cannot wait any longer is refused."""
    monkeypatch.setattr(start_up_lock, "LEASE", 3.0)
    dead: Any = server.open(timeout=5.0)
    assert dead._start_up_lock._take("dead")
    monkeypatch.setattr(start_up_lock, "LEASE", 0.0)
    hasty = server.open(timeout=1.0)
    with pytest.raises(ServiceUnavailable, match="Another process"), hasty.start_up_lock():
        pytest.fail("the lock was taken")
    monkeypatch.setattr(start_up_lock, "LEASE", 10.0)
    patient = server.open(timeout=10.0)
    with patient.start_up_lock():
        assert not dead._start_up_lock._take("third")


@pytest.mark.mongodb
def test_a_thread_waits_for_the_lock_of_another_in_its_process(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is refused when that takes too long."""
    monkeypatch.setattr(start_up_lock, "LEASE", 0.1)
    store = server.open(timeout=3.0)

    def attempt() -> str:
        with pytest.raises(ServiceUnavailable), store.start_up_lock():
            pytest.fail("the lock was taken")
        return "refused"

    with store.start_up_lock(), ThreadPoolExecutor(1) as pool:
        assert pool.submit(attempt).result() == "refused"


def closed_halfway(backend: Backend, server: Server) -> None:
    """Leave a project as a deletion does that was cut short after closing it."""
    backend.create_project(project("acme"))
    parent = dialogue(id="d")
    stored(backend, parent, [message(parent, seq) for seq in range(5)])
    change = {"$set": {"removed": datetime.now(UTC)}}
    server.database["projects"].update_one({"_id": "acme"}, change)


@pytest.mark.mongodb
def test_a_deletion_that_was_cut_short_is_finished_by_the_sweeper(server: Server) -> None:
    """In batches; the project is closed all the while."""
    backend = server.open()
    backend.migrate()
    closed_halfway(backend, server)
    assert backend.get_project("acme") is None
    counts = []
    while count := backend.sweep(rows=4):
        counts.append(count)
    assert counts == [4, 2]
    assert backend.stats(ScopeFilter("acme")).messages == 0


@pytest.mark.mongodb
def test_the_name_of_a_half_removed_project_starts_empty(server: Server) -> None:
    """Creating it again first removes what was left."""
    backend = server.open()
    backend.migrate()
    closed_halfway(backend, server)
    assert backend.create_project(project("acme"))
    assert backend.get_dialogue(SCOPE, "d") is None
    assert backend.stats(ScopeFilter("acme")).messages == 0
    assert backend.get_project("acme") == project("acme")


@pytest.mark.mongodb
def test_a_removed_project_is_forgotten_after_an_hour(server: Server) -> None:
    """Until then the sweeper removes what late requests wrote."""
    backend = server.open()
    backend.migrate()
    backend.create_project(project("acme"))
    backend.create_project(project("other"))
    close_project(backend)
    assert backend.sweep() == 0
    assert server.database["projects"].count_documents({}) == 2
    parent = dialogue(id="late")
    server.database["messages"].insert_one({"project": "acme", "uid": parent.uid, "terms": []})
    assert backend.sweep() == 1
    earlier = {"$set": {"removed": datetime.now(UTC) - timedelta(hours=2)}}
    server.database["projects"].update_one({"_id": "acme"}, earlier)
    assert backend.sweep() == 0
    assert [found["_id"] for found in server.database["projects"].find()] == ["other"]


@pytest.mark.mongodb
def test_the_sweeper_keeps_to_its_rows_over_several_projects(server: Server) -> None:
    """What one call leaves, the next one removes."""
    backend = server.open()
    backend.migrate()
    for name in ("acme", "globex"):
        backend.create_project(project(name))
        close_project(backend, name)
    for name in ("acme", "globex"):
        rows = [{"project": name, "messageId": f"late-{number}"} for number in range(2)]
        server.database["messages"].insert_many(rows)
    assert [backend.sweep(rows=2) for _ in range(3)] == [2, 2, 0]


@pytest.mark.mongodb
def test_graves_are_walked_a_batch_at_a_time(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each once, in one namespace and in all."""
    monkeypatch.setattr(maintenance, "ROWS", 2)
    backend = server.open()
    backend.migrate()
    for scope in (SCOPE, ANNA):
        for number in range(3):
            deleted(backend, stored(backend, dialogue(scope, id=f"d{number}")))
    everything = [
        (scope, tombstone.dialogue_id) for scope, tombstone in backend.iterate_tombstones(ScopeFilter("acme"))
    ]
    assert everything == [(scope, f"d{number}") for scope in (SCOPE, ANNA) for number in range(3)]
    hers = [
        tombstone.dialogue_id
        for _, tombstone in backend.iterate_tombstones(ScopeFilter("acme", ANNA.namespace))
    ]
    assert hers == ["d0", "d1", "d2"]
