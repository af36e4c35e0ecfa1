"""What the MongoDB store asks of the server: how much, with which indexes, how durably."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from operator import methodcaller
from typing import Any

import pytest

from app.domain.list_queries import (
    DialogueListQuery,
    MemoryListQuery,
    MessageListQuery,
    MetadataFilter,
    SortKey,
    SummaryListQuery,
)
from app.domain.records import IdempotencyRecord, JsonText, Order, ScopeFilter, Status, TimeRange, Timestamp
from app.search.keywords import read_keywords
from app.search.query import MetadataCondition, Operator, SearchObject, SearchQuery
from app.stores import Backend, Transaction
from tests.integration.mongo_server import Server
from tests.records import (
    ANNA,
    SCOPE,
    deleted,
    dialogue,
    erase,
    instant,
    key,
    memory,
    message,
    stored,
    summary,
)

pytestmark = pytest.mark.mongodb

WRITTEN_ONCE = ["find", "update", "commitTransaction"]
FOREVER = Timestamp("2999-01-01T00:00:00.000Z")


@pytest.fixture
def backend(server: Server) -> Backend:
    """Give a migrated store whose commands are recorded."""
    store = server.open()
    store.migrate()
    server.recorder.commands.clear()
    return store


def test_reading_a_dialogue_is_one_find_by_primary_key(server: Server, backend: Backend) -> None:
    """Present or missing, nothing else is sent, and search terms are not fetched."""
    parent = stored(backend, dialogue(id="d"))
    for name, expected in (("d", parent), ("missing", None)):
        server.recorder.commands.clear()
        assert backend.get_dialogue(SCOPE, name) == expected
        (command,) = server.recorder.commands
        assert command["find"] == "dialogues"
        assert command["filter"] == {"_id": {"p": "acme", "n": "", "i": name}}
        assert not {"terms", "facets"} & set(command["projection"])


def test_an_append_that_reads_is_four_commands_the_dialogue_first(server: Server, backend: Backend) -> None:
    """Read, save, insert, commit: majority and journal, and the state is not sent again.

    ``test_mongo_newest`` has those that need not read.
    """
    parent = stored(backend, dialogue(id="d", state=JsonText('{"large":1}')))
    server.recorder.commands.clear()

    def append(tx: Transaction) -> None:
        found = tx.lock_dialogue("d")
        assert found == parent
        tx.save_dialogue(replace(found, rev=2, total=1, next_seq=1))
        tx.insert_messages([message(found, 0)])

    backend.write(SCOPE, append)
    assert server.recorder.names() == ["find", "update", "insert", "commitTransaction"]
    read, save, _, commit = server.recorder.commands
    version = {name: save["updates"][0]["q"][name] for name in ("uid", "rev")}
    assert version == {"uid": parent.uid, "rev": parent.rev}
    assert save["updates"][0]["u"]["$set"] == {"rev": 2, "total": 1, "nextSeq": 1, "recentSizes.rev": 2}
    assert not save["updates"][0].get("upsert")
    assert read["readConcern"]["level"] == "snapshot"
    assert commit["writeConcern"] == {"w": "majority", "j": True}


def test_lists_fetch_neither_state_nor_messages(server: Server, backend: Backend) -> None:
    """One command a page, whatever its place."""
    for number in range(5):
        stored(backend, dialogue(id=f"d{number}", created=instant(number)))
    query = DialogueListQuery(ScopeFilter("acme"), 2)
    server.recorder.commands.clear()
    first = backend.list_dialogues(query)
    last = first.items[-1]
    backend.list_dialogues(replace(query, after=(last.created, last.namespace, last.id)))
    assert server.recorder.names() == ["find", "find"]
    for command in server.recorder.commands:
        assert not {"state", "recent", "terms"} & set(command["projection"])


def test_a_dialogue_that_is_locked_and_not_saved_is_written_once(server: Server, backend: Backend) -> None:
    """What the transaction decided by it holds until its end, although it changes nothing of it."""
    parent = stored(backend, dialogue(id="d"))
    runs = 0

    def decide(tx: Transaction) -> None:
        nonlocal runs
        runs += 1
        found = tx.lock_dialogue("d")
        assert found is not None
        if runs == 1:
            changes = {"$set": {"rev": found.rev + 1}}
            server.database["dialogues"].update_one({"uid": parent.uid}, changes)
        tx.insert_summary(summary(found, id="s"))

    backend.write(SCOPE, decide)
    assert runs == 2
    server.recorder.commands.clear()
    backend.write(SCOPE, lambda tx: tx.lock_dialogue("d"))
    assert server.recorder.names() == WRITTEN_ONCE
    assert server.recorder.commands[1]["updates"][0]["u"] == {"$inc": {"locks": 1}}


def test_a_memory_is_written_once(server: Server, backend: Backend) -> None:
    """Where it is saved, else at the end; what another has changed meanwhile is read again."""
    backend.write(SCOPE, methodcaller("insert_memory", memory(id="m", label="old")))
    seen: list[str | None] = []

    def rename(tx: Transaction) -> None:
        found = tx.lock_memory("m")
        assert found is not None
        seen.append(found.label)
        if len(seen) == 1:
            server.database["memories"].update_one({"id": "m"}, {"$set": {"label": "theirs"}})
        tx.save_memory(replace(found, description="mine"))

    backend.write(SCOPE, rename)
    assert seen == ["old", "theirs"]
    changed = backend.get_memory(SCOPE, "m")
    assert changed is not None
    assert (changed.label, changed.description) == ("theirs", "mine")
    for update in ("$set", "$inc"):

        def work(tx: Transaction, update: str = update) -> None:
            tx.lock_memory("m")
            if update == "$set":
                tx.save_memory(changed)

        server.recorder.commands.clear()
        backend.write(SCOPE, work)
        assert [name for name in server.recorder.names() if name != "delete"] == WRITTEN_ONCE
        assert update in server.recorder.commands[1]["updates"][0]["u"]


def test_memories_that_stay_as_they_are_are_written_at_once(server: Server, backend: Backend) -> None:
    """However many are locked; one that another has changed meanwhile has all of them read again."""
    for one in ("a", "b", "c"):
        backend.write(SCOPE, methodcaller("insert_memory", memory(id=one, label="old")))
    seen: list[list[str | None]] = []

    def lock(tx: Transaction) -> None:
        found = [tx.lock_memory(one) for one in ("c", "a", "b")]
        seen.append([None if one is None else one.label for one in found])
        if len(seen) == 1:
            server.database["memories"].update_one({"id": "b"}, {"$set": {"label": "theirs"}})

    backend.write(SCOPE, lock)
    assert seen == [["old", "old", "old"], ["old", "old", "theirs"]]
    server.recorder.commands.clear()
    backend.write(SCOPE, lock)
    assert server.recorder.names() == ["find", "find", "find", "update", "commitTransaction"]

    def remove(tx: Transaction) -> None:
        lock(tx)
        tx.remove_memory("b")

    backend.write(SCOPE, remove)
    assert [backend.get_memory(SCOPE, one) is None for one in ("a", "b", "c")] == [False, True, False]


def test_a_page_of_messages_is_one_find(server: Server, backend: Backend) -> None:
    """Whoever lists them has found their generation, so that nothing else is asked."""
    parent = dialogue(id="d")
    stored(backend, parent, [message(parent, seq) for seq in range(3)])
    server.recorder.commands.clear()
    page = backend.list_messages(SCOPE, "d", MessageListQuery(parent.uid, 2))
    assert ([item.seq for item in page.items], page.more) == ([0, 1], True)
    assert server.recorder.names() == ["find"]


def test_a_page_that_the_server_cuts_leaves_no_cursor_behind(server: Server, backend: Backend) -> None:
    """An answer has 16 MiB at most; what is left comes with the next page."""
    for number in range(3):
        large = memory(id=f"m{number}", value=JsonText(f'"{"x" * 9 * 2**20}"'))
        backend.write(SCOPE, methodcaller("insert_memory", large))
    server.recorder.commands.clear()
    page = backend.list_memories(MemoryListQuery(ScopeFilter("acme"), 3, Order.ASC))
    assert ([item.id for item in page.items], page.more) == (["m0"], True)
    assert (server.recorder.names(), server.recorder.killed) == (["find"], 1)


def test_a_page_is_asked_for_again_after_a_passing_failure(server: Server, backend: Backend) -> None:
    """As a dialogue is."""
    stored(backend, dialogue(id="d"))
    with server.failing("find", closeConnection=True):
        page = backend.list_dialogues(DialogueListQuery(ScopeFilter("acme"), 2))
    assert [item.id for item in page.items] == ["d"]


def use_everything(backend: Backend) -> None:
    """Call every operation that has a filter, so that its commands are recorded."""
    parent = stored(backend, dialogue(id="d", thread_of="p", label="flight"))
    rows = [message(parent, seq, "flight", has_image=True) for seq in range(3)]

    def write(tx: Transaction) -> None:
        tx.find_idempotency("digest")
        tx.lock_dialogue("d")
        tx.lock_tombstone("d")
        tx.is_immutable()
        tx.count_threads("p")
        tx.insert_messages(rows)
        tx.find_messages(parent, ["m0", "m1"])
        tx.find_message("d", "m0")
        tx.messages_below(parent, 2)
        tx.message_hashes(parent, ["m0", "m1"])
        tx.newest_messages(parent, 2)
        tx.messages_through(parent, rows[1], 5, 10_000)
        tx.save_message(replace(rows[0], tags=("x",)))
        tx.remove_message(rows[2])
        tx.insert_memory(memory(id="mem", terms="flight"))
        tx.lock_memory("mem")
        tx.save_memory(memory(id="mem", terms="flight"))
        tx.insert_summary(summary(parent, id="s"))
        tx.find_summary("s")
        tx.stale_summaries(parent.uid, 0)
        tx.save_dialogue(replace(parent, rev=2))
        tx.save_idempotency(IdempotencyRecord("digest", "print", JsonText("{}"), None, FOREVER))

    backend.write(SCOPE, write)
    read_everything(backend, parent.uid)
    backend.write(SCOPE, lambda tx: tx.remove_memory("mem"))
    deleted(backend, parent, purge=True)
    backend.sweep()
    for scope in (ANNA, SCOPE):
        erase(backend, scope)
    backend.list_erasures(FOREVER)


def read_everything(backend: Backend, uid: str) -> None:
    """Call every read, the pages of lists in each order and from the middle."""
    scope_filters = (ScopeFilter("acme"), ScopeFilter("acme", ""))
    span = TimeRange(instant(0), instant(9))
    for scope_filter in scope_filters:
        for order in Order:
            query = DialogueListQuery(
                scope_filter, 5, order, (instant(1), "", "a"), span, (Status.ACTIVE,), ("t",)
            )
            backend.list_dialogues(query)
            backend.list_dialogues(DialogueListQuery(scope_filter, 5, order))
            backend.list_dialogues(replace(query, thread_of="p"))
            for sort_key in SortKey:
                ordered = replace(query, sort_key=sort_key)
                backend.list_dialogues(ordered)
                backend.list_dialogues(replace(ordered, after=None, times=TimeRange(), roots=True))
            backend.list_dialogues(replace(query, metadata=(MetadataFilter("k", ("1", 1)),)))
            backend.list_memories(
                MemoryListQuery(scope_filter, 5, order, (instant(1), "", "a"), span, ("t",))
            )
        for kind in SearchObject:
            condition = MetadataCondition("k", Operator.EQ, 1)
            backend.search(SearchQuery(scope_filter, kind, read_keywords("flight"), 5))
            backend.search(
                SearchQuery(
                    scope_filter, kind, read_keywords("flight"), 5, has_image=True, metadata=(condition,)
                )
            )
        backend.stats(scope_filter)
        list(backend.iterate_dialogues(scope_filter))
        list(backend.iterate_tombstones(scope_filter))
    backend.get_dialogues(SCOPE, ["d", "e"])
    backend.find_generation(SCOPE, "gone")
    backend.find_idempotency(SCOPE, "request")
    backend.get_memory(SCOPE, "mem")
    backend.get_summary(SCOPE, "s")
    backend.list_messages(SCOPE, "d", MessageListQuery(uid, 5, after=(instant(1), 1), times=span))
    backend.get_message(SCOPE, "d", "m0")
    list(backend.messages_since(SCOPE, "d", uid, -1))
    backend.list_summaries(SCOPE, "d", SummaryListQuery(uid, 5, after=(instant(1), "a")))
    backend.latest_summary(SCOPE, "d", uid)
    backend.find_key("hash")
    backend.list_keys("acme")


SMALL = {"projects", "keys", "meta"}
"""Collections that an operator reads whole."""


def queries(command: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what can be explained of a command: updates and deletes as the finds they begin with."""
    kind = next(iter(command))
    rows = command[kind]
    if kind in {"find", "aggregate"}:
        omitted = {"lsid", "txnNumber", "autocommit", "startTransaction", "readConcern", "maxTimeMS"}
        yield {name: value for name, value in command.items() if name not in omitted and name[0] != "$"}
    elif kind == "findAndModify":
        sort = {"sort": command["sort"]} if "sort" in command else {}
        yield {"find": rows, "filter": command["query"], **sort}
    elif kind in {"update", "delete"}:
        for statement in command[kind + "s"]:
            yield {"find": rows, "filter": statement["q"]}


def stages(plan: Any) -> Iterator[dict[str, Any]]:
    """Yield every stage of a plan, from the top down, however it is nested."""
    if isinstance(plan, dict):
        if "stage" in plan:
            yield plan
        for name, value in plan.items():
            if name not in {"enginePlan", "command", "rejectedPlans"}:
                yield from stages(value)
    elif isinstance(plan, list):
        for value in plan:
            yield from stages(value)


def test_every_query_has_an_index(server: Server, backend: Backend) -> None:
    """The server plans no scan of a whole collection for any of them."""
    backend.create_key(key(id="k", hash="hash"))
    use_everything(backend)
    explained = 0
    for command in list(server.recorder.commands):
        for query in queries(command):
            if query[next(iter(query))] in SMALL:
                continue
            planned = list(stages(server.database.command({"explain": query})))
            used = [stage["stage"] for stage in planned]
            assert "COLLSCAN" not in used, query
            assert {"IXSCAN", "IDHACK", "EOF", "EXPRESS_IXSCAN", "COUNT_SCAN"} & set(used), (query, used)
            explained += 1
    assert explained > 60


def equalities(query: dict[str, Any]) -> set[str]:
    """Return the fields that a filter holds to one value, or to some, whose orders are merged."""
    points = {name for name, value in query.items() if name[0] != "$" and not isinstance(value, dict)}
    if "$and" in query:  # metadata narrows more than threads do
        return points | {"facets"}
    return points | ({"tokens", "isThread"} & query.keys())


def test_list_orders_come_from_an_index(server: Server, backend: Backend) -> None:
    """Each has an index of the fields it holds fixed, then those it sorts by, in order.

    Read off the indexes, because the test server's plans sort where MongoDB would not.
    """
    parent = stored(backend, dialogue(id="d"))
    server.recorder.commands.clear()
    read_everything(backend, parent.uid)
    checked = 0
    for command in server.recorder.commands:
        # The newest summary to build on is looked for among the few of one dialogue.
        if "sort" not in command or command["find"] in SMALL or "completed" in command["filter"]:
            continue
        fixed = equalities(command["filter"])
        sort = [name for name in command["sort"] if name not in fixed]
        indexes = server.database[command["find"]].index_information().values()
        keys = [[name for name, _ in index["key"]] for index in indexes]
        serving = [key for key in keys if set(key[: len(fixed)]) == fixed and key[len(fixed) :] == sort]
        assert serving, command
        assert len(set(command["sort"].values())) == 1
        checked += 1
    assert checked > 20


def test_every_index_leads_with_its_tenant(server: Server, backend: Backend) -> None:
    """Except those that serve no tenant: sweeper's, queue's, hashes of keys, ages of entries and answers."""
    leading = {
        (name, next(iter(index["key"])))
        for name in server.database.list_collection_names()
        for index in server.database[name].list_indexes()
        if index["name"] != "_id_"
    }
    exceptions = {
        ("graves", "pending"),
        ("erasures", "touched"),
        ("idempotency", "expireAt"),
        ("keys", "hash"),
        ("audit", "time"),
        ("vectors", "model"),
    }
    assert exceptions <= leading
    assert {field for _, field in leading - exceptions} == {"project"}
    assert backend.migrate() >= 1


def test_clients_keys_are_never_field_names(server: Server, backend: Backend) -> None:
    """Metadata and state are texts; what is searched by is a list of keys and values."""
    odd = JsonText('{"$where":"x","a.b":[1],"":null,"tags":["u","v","u"],"n":1.5}')
    stored(backend, dialogue(id="d", metadata=odd, state=odd))
    document = server.database["dialogues"].find_one({"id": "d"})
    assert document is not None
    assert (document["metadata"], document["state"]) == (odd, odd)
    assert document["facets"] == [
        {"k": "$where", "t": "text", "v": "x"},
        {"k": "", "t": "null", "v": None},
        {"k": "tags", "t": "element", "v": "u"},
        {"k": "tags", "t": "element", "v": "v"},
        {"k": "n", "t": "number", "v": 1.5},
    ]
    assert (document["status"], document["tags"], document["namespace"]) == ("active", [], "")
