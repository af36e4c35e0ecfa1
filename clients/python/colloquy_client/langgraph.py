"""The long-term memory of LangGraph, kept by Colloquy.

graph = builder.compile(store=ColloquyStore())
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from itertools import islice
from typing import Any

from langgraph.store.base import (
    BaseStore,
    GetOp,
    Item,
    ListNamespacesOp,
    MatchCondition,
    Op,
    PutOp,
    Result,
    SearchItem,
    SearchOp,
    validate_op_namespace,
)

from colloquy_client import Colloquy
from colloquy_client.cancellation import finish
from colloquy_client.errors import DuplicateId, MemoryNotFound
from colloquy_client.identifiers import dialogue_id
from colloquy_client.types import Memory

TAG = "langgraph"
UNINDEXED = "langgraph-unindexed"
"""The tag of an item that searches by words do not find."""

DEEPEST_TAG = 8
"""For how many levels of a namespace there is a tag; a memory has ten at most."""

MOST_FOUND = 500
"""The most that a search of the server gives."""

MOST_ATTEMPTS = 20
LONGEST_QUERY = 1000

Namespace = tuple[str, ...]


class ColloquyStore(BaseStore):
    """Keeps each item as a memory. Values come back equal; ``put`` replaces the whole value.

    ``search`` with a ``query`` finds the items that share words with it, best first, with a score from 0
    to 1 (by meaning too, where the server has an embedder), among the 500 best; without one it lists items as
    they were created. Filters are looked at here: a filter that few items meet reads many. So does
    ``list_namespaces``, which reads every item under the prefix that it is given. ``index=False`` hides an
    item from queries; a list of fields does not restrict what is indexed. There is no TTL.

    Writes of a batch are done one after the other, behind its reads; each is done wholly or not at all. The
    asynchronous methods run the blocking ones in threads.

    Without ``client`` one is made from ``COLLOQUY_URL`` and ``COLLOQUY_KEY``, and ``close`` closes it.
    ``namespace`` is Colloquy's: one end user's data, say.
    """

    def __init__(self, client: Colloquy | None = None, *, namespace: str | None = None) -> None:
        self._owned = client is None
        self._client = client or Colloquy()
        self._namespace = self._client.choose_namespace(namespace)

    def close(self) -> None:
        """Close the client, if it was made here."""
        if self._owned:
            self._client.close()

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Do several operations, in a thread."""
        return await finish(asyncio.to_thread(self.batch, list(ops)))

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Do several operations: what they read is from before what they write."""
        listed = list(ops)
        for op in listed:
            validate_op_namespace(op)
        results = [None if isinstance(op, PutOp) else self._read(op) for op in listed]
        last = {(op.namespace, op.key): op for op in listed if isinstance(op, PutOp)}
        for op in last.values():
            self._put(op)
        return results

    def _read(self, op: Op) -> Result:
        if isinstance(op, GetOp):
            return self._get(op)
        if isinstance(op, SearchOp):
            return list(self._search(op))
        if isinstance(op, ListNamespacesOp):
            return self._list_namespaces(op)
        raise ValueError(f"{type(op).__name__} is no operation of a store")

    def _get(self, op: GetOp) -> Item | None:
        try:
            memory = self._client.get_memory(_name(op.namespace, op.key), namespace=self._namespace)
        except MemoryNotFound:
            return None
        return Item(**_fields(memory))

    def _put(self, op: PutOp) -> None:
        name = _name(op.namespace, op.key)
        if op.value is None:
            with suppress(MemoryNotFound):
                self._client.delete_memory(name, namespace=self._namespace)
            return
        value, tags = dict(op.value), _tags(op.namespace, unindexed=op.index is False)
        about = {"labels": list(op.namespace), "key": op.key}
        for _ in range(MOST_ATTEMPTS):
            with suppress(DuplicateId, MemoryNotFound):  # created, or deleted, by somebody else meanwhile
                self._create_or_update(name, value, tags, about)
                return
        raise RuntimeError(
            f"{op.namespace} {op.key!r} was created and deleted {MOST_ATTEMPTS} times meanwhile"
        )

    def _create_or_update(self, name: str, value: Any, tags: list[str], about: dict[str, Any]) -> None:
        try:
            self._client.update_memory(name, namespace=self._namespace, value=value, tags=tags)
        except MemoryNotFound:
            self._client.create_memory(
                id=name, namespace=self._namespace, value=value, tags=tags, metadata=about
            )

    def _search(self, op: SearchOp) -> Iterator[SearchItem]:
        found = self._find(op, op.query) if op.query else self._list(op.namespace_prefix)
        matching = (
            SearchItem(**_fields(memory), score=score)
            for memory, score in found
            if _is_under(memory, op.namespace_prefix) and _compare(memory["value"], op.filter or {})
        )
        return islice(matching, op.offset, op.offset + op.limit)

    def _find(self, op: SearchOp, query: str) -> Iterator[tuple[Memory, float | None]]:
        plain = not op.filter and len(op.namespace_prefix) <= DEEPEST_TAG
        answer = self._client.search(
            query=query[:LONGEST_QUERY],
            object="memory",
            namespace=self._namespace,
            tags={"$all": [_tag(op.namespace_prefix)], "$nin": [UNINDEXED]},
            limit=min(op.offset + op.limit, MOST_FOUND) if plain else MOST_FOUND,
        )
        for result in answer["results"]:
            yield result["item"], result["relevance"]  # type: ignore[misc]  # memories were asked for

    def _list(self, prefix: Namespace) -> Iterator[tuple[Memory, float | None]]:
        listing = self._client.list_memories(namespace=self._namespace, tag=[_tag(prefix)], order="asc")
        return ((memory, None) for memory in listing)

    def _list_namespaces(self, op: ListNamespacesOp) -> list[Namespace]:
        conditions = op.match_conditions or ()
        prefixes = [each.path for each in conditions if each.match_type == "prefix" and "*" not in each.path]
        longest = max(prefixes, key=len, default=())
        namespaces = {_labels(memory) for memory, _ in self._list(longest)}
        matching = {each for each in namespaces if all(_matches(condition, each) for condition in conditions)}
        if op.max_depth is not None:
            matching = {each[: op.max_depth] for each in matching}
        return sorted(matching)[op.offset : op.offset + op.limit]


def _name(namespace: Namespace, key: str) -> str:
    return dialogue_id(TAG, *namespace, key)


def _tag(prefix: Namespace) -> str:
    """Return the tag of everything under a namespace, or under its first levels where it is deeper."""
    if not prefix:
        return TAG
    path = ".".join(prefix[:DEEPEST_TAG])  # no label has a period
    return f"{TAG}:{hashlib.sha256(path.encode()).hexdigest()[:32]}"


def _tags(namespace: Namespace, *, unindexed: bool) -> list[str]:
    depth = min(len(namespace), DEEPEST_TAG)
    return [*(_tag(namespace[:level]) for level in range(depth + 1)), *([UNINDEXED] if unindexed else [])]


def _labels(memory: Memory) -> Namespace:
    return tuple(memory["metadata"]["labels"])


def _is_under(memory: Memory, prefix: Namespace) -> bool:
    return _labels(memory)[: len(prefix)] == prefix


def _fields(memory: Memory) -> dict[str, Any]:
    return {
        "namespace": _labels(memory),
        "key": memory["metadata"]["key"],
        "value": memory["value"],
        "created_at": datetime.fromisoformat(memory["created"].replace("Z", "+00:00")),
        "updated_at": datetime.fromisoformat(memory["modified"].replace("Z", "+00:00")),
    }


def _matches(condition: MatchCondition, namespace: Namespace) -> bool:
    """Whether a namespace begins or ends with a path, in which ``*`` is any label."""
    path = condition.path
    if len(namespace) < len(path):
        return False
    part = (
        namespace[: len(path)]
        if condition.match_type == "prefix"
        else namespace[len(namespace) - len(path) :]
    )
    return all(wanted in {"*", label} for wanted, label in zip(path, part, strict=True))


def _compare(value: Any, wanted: Any) -> bool:
    """Whether a value meets a filter, as the framework's own stores decide it."""
    if isinstance(wanted, dict):
        if any(name.startswith("$") for name in wanted):
            return all(_meets(value, operator, bound) for operator, bound in wanted.items())
        return isinstance(value, dict) and all(
            _compare(value.get(name), each) for name, each in wanted.items()
        )
    if isinstance(wanted, (list, tuple)):
        same_length = isinstance(value, (list, tuple)) and len(value) == len(wanted)
        return same_length and all(map(_compare, value, wanted))
    return bool(value == wanted)


def _meets(value: Any, operator: str, bound: Any) -> bool:
    if operator in {"$eq", "$ne"}:
        return (value == bound) is (operator == "$eq")
    if operator not in {"$gt", "$gte", "$lt", "$lte"}:
        raise ValueError(f"{operator} is no operator of a filter")
    if value is None:
        return False
    number, limit = float(value), float(bound)
    if number == limit:
        return operator.endswith("e")
    return (number > limit) is operator.startswith("$gt")
