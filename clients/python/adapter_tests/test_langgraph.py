"""LangGraph's store. What its own store in memory promises is asked of both."""

from __future__ import annotations

import asyncio
import threading
import uuid
from typing import Any

import pytest
from conftest import PATIENT, Example
from langgraph.store.base import (
    BaseStore,
    GetOp,
    InvalidNamespaceError,
    ListNamespacesOp,
    MatchCondition,
    PutOp,
    SearchOp,
)
from langgraph.store.memory import InMemoryStore
from live import LiveServer

from colloquy_client import Colloquy
from colloquy_client.langgraph import ColloquyStore

VALUES: list[dict[str, Any]] = [
    {"text": "Hello", "n": 1, "f": 2.5, "none": None, "yes": True, "list": [1, [2, {"a": []}]]},
    {"$set": {"a.b": 1}, "": "", "🚀": 'café 中文 \\ "x" \n'},
    {},
]


@pytest.fixture(params=["memory", "colloquy"])
def store(request: Any, client: Colloquy) -> BaseStore:
    """Give the framework's own store, and ours."""
    return InMemoryStore() if request.param == "memory" else ColloquyStore(client)


def _keys(items: Any) -> list[str]:
    return [item.key for item in items]


def test_values_of_every_kind_come_back_equal(store: BaseStore) -> None:
    """What was put is what is got, with its place and times; put replaces, delete removes."""
    for number, value in enumerate(VALUES):
        store.put(("a", "b"), str(number), value)
    for number, value in enumerate(VALUES):
        item = store.get(("a", "b"), str(number))
        assert item is not None
        assert (item.namespace, item.key, item.value) == (("a", "b"), str(number), value)
        assert item.created_at.tzinfo is not None
    store.put(("a", "b"), "0", {"new": 1})
    changed = store.get(("a", "b"), "0")
    assert changed is not None
    assert changed.value == {"new": 1}
    assert changed.updated_at >= changed.created_at
    store.delete(("a", "b"), "0")
    store.delete(("a", "b"), "0")
    assert store.get(("a", "b"), "0") is None
    assert store.get(("nobody",), "0") is None


def test_places_are_kept_apart(store: BaseStore) -> None:
    """Namespaces and keys of any characters are places of their own."""
    places = [
        (("a",), "b/c"),
        (("a", "b"), "c"),
        (("a", "b/c"), "d"),
        (("a/b", "c"), "d"),
        (("user 1:äöü",), "~~x"),
        (("x" * 200, "y" * 200), "z" * 200),
        (tuple("abcdefghijkl"), "deep"),
    ]
    for number, (namespace, key) in enumerate(places):
        store.put(namespace, key, {"n": number})
    for number, (namespace, key) in enumerate(places):
        item = store.get(namespace, key)
        assert item is not None
        assert item.value == {"n": number}


def test_search_lists_what_is_under_a_prefix(store: BaseStore) -> None:
    """Without a query items are listed in the order they were put, and cut by offset and limit."""
    for number in range(5):
        store.put(("docs", "a" if number % 2 else "b"), str(number), {"n": number})
    store.put(("docsx",), "x", {"n": 9})
    assert sorted(_keys(store.search(("docs",)))) == ["0", "1", "2", "3", "4"]
    assert _keys(store.search(("docs", "a"))) == ["1", "3"]
    assert _keys(store.search(("docs", "b"), limit=2, offset=1)) == ["2", "4"]
    assert len(store.search((), limit=100)) == 6
    assert store.search(("nothing",)) == []


def test_deep_namespaces_are_searched_by_their_whole_path(store: BaseStore) -> None:
    """Prefixes that are longer than what the server knows by a tag hold too."""
    deep = tuple("abcdefghij")
    store.put((*deep, "one"), "k", {"n": 1})
    store.put((*deep, "two"), "k", {"n": 2})
    assert [item.value["n"] for item in store.search((*deep, "two"))] == [2]
    assert len(store.search(deep)) == 2


@pytest.mark.parametrize(
    ("wanted", "keys"),
    [
        ({"color": "red"}, ["a", "c"]),
        ({"score": {"$gt": 1}}, ["b", "c"]),
        ({"score": {"$gte": 2, "$lt": 3}}, ["b"]),
        ({"score": {"$lte": 1}}, ["a"]),
        ({"color": {"$ne": "red"}}, ["b"]),
        ({"color": {"$eq": "red"}, "score": 3}, ["c"]),
        ({"deep": {"x": 1}}, ["a"]),
        ({"list": [1, 2]}, ["b"]),
        ({"missing": None}, ["a", "b", "c"]),
    ],
)
def test_filters(store: BaseStore, wanted: dict[str, Any], keys: list[str]) -> None:
    """Values are compared by equality and by operators, nested ones too."""
    store.put(("f",), "a", {"color": "red", "score": 1, "deep": {"x": 1, "y": 2}})
    store.put(("f",), "b", {"color": "blue", "score": 2, "list": [1, 2]})
    store.put(("f",), "c", {"color": "red", "score": 3, "deep": 5, "list": [2, 1]})
    assert _keys(store.search(("f",), filter=wanted)) == keys


def test_an_unknown_operator_is_refused(store: BaseStore) -> None:
    """A filter that cannot be understood is an error."""
    store.put(("f",), "a", {"n": 1})
    with pytest.raises(ValueError, match=r"\$in"):
        store.search(("f",), filter={"n": {"$in": [1]}})


def test_namespaces_are_listed(store: BaseStore) -> None:
    """Namespaces are listed in order, by prefix and suffix with wildcards, cut to a depth."""
    for namespace in (("a", "b", "v1"), ("a", "b", "v2"), ("a", "c", "v1"), ("d",)):
        for key in "xy":
            store.put(namespace, key, {})
    assert store.list_namespaces() == [("a", "b", "v1"), ("a", "b", "v2"), ("a", "c", "v1"), ("d",)]
    assert store.list_namespaces(prefix=("a", "b")) == [("a", "b", "v1"), ("a", "b", "v2")]
    assert store.list_namespaces(prefix=("a", "*", "v1")) == [("a", "b", "v1"), ("a", "c", "v1")]
    assert store.list_namespaces(suffix=("v1",), prefix=("a",)) == [("a", "b", "v1"), ("a", "c", "v1")]
    assert store.list_namespaces(max_depth=2) == [("a", "b"), ("a", "c"), ("d",)]
    assert store.list_namespaces(limit=1, offset=1) == [("a", "b", "v2")]
    assert store.list_namespaces(prefix=("x",)) == []


def test_batches_read_before_they_write(store: BaseStore) -> None:
    """In a batch reads see what was there before, and of several puts to a place the last holds."""
    store.put(("a",), "k", {"n": 1})
    got, first, second, found, listed = store.batch(
        [
            GetOp(("a",), "k"),
            PutOp(("a",), "k", {"n": 2}),
            PutOp(("a",), "k", {"n": 3}),
            SearchOp(("a",)),
            ListNamespacesOp((MatchCondition("prefix", ("a",)),)),
        ]
    )
    assert got.value == {"n": 1}  # type: ignore[union-attr]  # it was stored above
    assert (first, second, listed) == (None, None, [("a",)])
    assert found[0].value == {"n": 1}  # type: ignore[index, union-attr]  # it was stored above
    assert store.get(("a",), "k").value == {"n": 3}  # type: ignore[union-attr]  # it was stored above


def test_bad_namespaces_are_refused(store: BaseStore) -> None:
    """Labels that are empty, have periods or are reserved are errors before anything is sent."""
    for namespace in ((), ("",), ("a.b",), ("langgraph", "x")):
        with pytest.raises(InvalidNamespaceError):
            store.put(namespace, "k", {})
    with pytest.raises(NotImplementedError):
        store.put(("a",), "k", {}, ttl=5)


def test_the_asynchronous_methods_do_the_same(store: BaseStore) -> None:
    """Each asynchronous method does what its twin does."""

    async def use() -> None:
        await store.aput(("a",), "k", {"n": 1})
        assert (await store.aget(("a",), "k")).value == {"n": 1}  # type: ignore[union-attr]  # it was stored above
        assert _keys(await store.asearch(("a",))) == ["k"]
        assert await store.alist_namespaces() == [("a",)]
        await store.adelete(("a",), "k")
        assert await store.aget(("a",), "k") is None

    asyncio.run(use())


def test_items_are_found_by_their_words(client: Colloquy) -> None:
    """A query finds items by the words of their values, not of their places, with a score."""
    store = ColloquyStore(client)
    store.put(("facts", "ada"), "tea", {"text": "likes green tea", "kind": "drink"})
    store.put(("facts", "ada"), "hills", {"text": "likes hiking in green hills"})
    store.put(("facts", "bob"), "tea", {"text": "hates tea"})
    store.put(("facts", "ada"), "hidden", {"text": "secret tea"}, index=False)
    found = store.search(("facts", "ada"), query="green teas")
    assert _keys(found) == ["tea", "hills"]
    assert all(0 < (item.score or 0) <= 1 for item in found)
    assert _keys(store.search(("facts", "ada"), query="green", filter={"kind": "drink"})) == ["tea"]
    assert store.search(("facts", "ada"), query="facts") == []
    assert len(store.search(("facts",), query="tea", limit=1)) == 1
    assert store.get(("facts", "ada"), "hidden") is not None


def test_a_killed_server_loses_nothing(own_server: LiveServer) -> None:
    """Puts that run while the server is killed and started again are all there, once."""
    with Colloquy(own_server.url, own_server.key, retries=PATIENT) as client:
        store = ColloquyStore(client)
        writer = threading.Thread(
            target=lambda: [store.put(("run",), str(number), {"n": number}) for number in range(60)]
        )
        writer.start()
        own_server.kill()
        own_server.start()
        writer.join(timeout=120)
        assert [item.value["n"] for item in store.search(("run",), limit=100)] == list(range(60))


def test_workers_share_a_store(client: Colloquy) -> None:
    """Workers that put, read and delete the same places leave each with one value or none."""
    store = ColloquyStore(client)

    def work(name: str) -> None:
        for number in range(15):
            store.put(("shared",), str(number % 3), {"by": name})
            store.put((name,), str(number), {"by": name})
            if number % 5 == 0:
                store.delete(("shared",), str(number % 3))

    workers = [threading.Thread(target=work, args=(name,)) for name in ("left", "right")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
    assert len(store.search(("left",), limit=100)) == len(store.search(("right",), limit=100)) == 15
    shared = store.search(("shared",))
    assert len({item.key for item in shared}) == len(shared) <= 3


def test_a_second_process_continues(example: Example) -> None:
    """The example, run twice, remembers in its second run."""
    name = f"ada {uuid.uuid4()}"
    assert example("langgraph_store", name) == "You asked about orders 1 times.\n"
    assert example("langgraph_store", name) == "You asked about orders 2 times.\n"
