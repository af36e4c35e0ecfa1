"""The long lists that are walked: their items, which of them each filter gives, and the changes meanwhile."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any

from app.domain.json_text import compact_json
from app.domain.records import Dialogue, JsonText, Memory, Message, Scope, Status, Timestamp
from app.domain.timestamps import format_time
from tests.contract.conftest import Api
from tests.records import dialogue as new_dialogue
from tests.records import memory as new_memory
from tests.records import message as new_message

NAMESPACES = ("", "anna", "bert@example.org")
TIED = format_time(datetime(2026, 3, 15, 12, tzinfo=UTC))
FIRST = datetime(2025, 1, 1, tzinfo=UTC)
DAYS = 500
PARENT = "parent"
MOST_CHURN = 40
"""How many items of its own one other client keeps at once."""

Item = dict[str, Any]


@dataclass
class Walk:
    """A list to be walked: its path and filters, and which items belong in it."""

    path: str
    query: dict[str, Any]
    expected: set[str]
    key: Callable[[Item], str]
    """What tells an item apart."""
    place: Callable[[Item], tuple[str, ...]]
    """What the list is ordered by, of items that nobody changes."""
    time: Callable[[Item], str] = itemgetter("created")
    """What it is ordered by first."""
    moving: frozenset[str] = frozenset()
    """Those that others move meanwhile; they are not among the expected ones."""


def moments(count: int, tied: int, shuffle: random.Random) -> list[Timestamp]:
    """Return times, ``tied`` of them equal and every tenth of the others equal to its neighbour."""
    step = timedelta(days=DAYS) / max(1, count)
    times = [format_time(FIRST + step * (number - number % 10 % 2)) for number in range(count - tied)]
    times += [TIED] * tied
    shuffle.shuffle(times)
    return times


def address(item: Item) -> str:
    """Return what tells a dialogue or memory apart from one of the same id in another namespace."""
    return f"{item.get('namespace', '')}|{item['id']}"


def place(item: Item) -> tuple[str, ...]:
    """Return what a list of dialogues or memories is ordered by."""
    return item["created"], item.get("namespace", ""), item["id"]


def between(shuffle: random.Random) -> str:
    """Return a time anywhere in the lists, often the one that a thousand items share."""
    if shuffle.random() < 0.3:
        return TIED
    return format_time(FIRST + timedelta(days=DAYS) * shuffle.random())


def dates(created: Callable[[Any], str], items: Sequence[Any]) -> Iterator[tuple[dict[str, Any], list[Any]]]:
    """Yield each filter on time with the items that pass it."""
    yield {"created": "2026"}, [item for item in items if created(item) >= "2026"]
    yield {"created": "2026-03"}, [item for item in items if created(item)[:7] == "2026-03"]
    yield {"created": TIED[:10]}, [item for item in items if created(item)[:10] == TIED[:10]]
    inside = [item for item in items if "2025-06-01" <= created(item) < "2026-01-16"]
    yield {"startDate": "2025-06-01", "endDate": "2026-01-15"}, inside
    yield {"startDate": TIED, "endDate": TIED}, [item for item in items if created(item) == TIED]


# --- Dialogues ---


def make_dialogues(count: int, tied: int) -> list[Dialogue]:
    """Return dialogues of three namespaces, ids shared between them, in every status, some tagged."""
    shuffle = random.Random(1)
    made = []
    for number, created in enumerate(moments(count, tied, shuffle)):
        namespace = NAMESPACES[number % 3]
        made.append(
            new_dialogue(
                Scope("acme", namespace),
                id=f"d{number // 3:06}",
                created=created,
                modified=created,
                status=list(Status)[0 if number % 5 else number // 5 % 3],
                tags=("red", "odd") if number % 4 == 1 else ("red",) if number % 4 == 3 else (),
                thread_of=PARENT if number % 20 < 3 else None,
            )
        )
    return made


def dialogue_walks(items: Sequence[Dialogue]) -> Iterator[Walk]:
    """Yield the list with each filter, and with several at once."""

    def of(query: dict[str, Any], belonging: Sequence[Dialogue]) -> Walk:
        visible = belonging
        if "status" not in query:
            visible = [item for item in belonging if item.status is not Status.ARCHIVED]
        return Walk("/dialogue", query, {f"{item.namespace}|{item.id}" for item in visible}, address, place)

    yield of({}, items)
    yield of({"status": "all"}, items)
    for status in Status:
        yield of({"status": status.value}, [item for item in items if item.status is status])
    for namespace in NAMESPACES[1:]:
        yield of({"namespace": namespace}, [item for item in items if item.namespace == namespace])
        threads = [item for item in items if item.namespace == namespace and item.thread_of]
        yield of({"namespace": namespace, "threadOf": PARENT}, threads)
    yield of({"threadOf": PARENT}, [item for item in items if not item.namespace and item.thread_of])
    yield of({"tag": "red"}, [item for item in items if item.tags])
    yield of({"tag": ["red", "odd"]}, [item for item in items if len(item.tags) == 2])
    for query, belonging in dates(lambda item: item.created, items):
        yield of(query, belonging)
        anna = [item for item in belonging if item.namespace == "anna" and item.tags]
        yield of({**query, "namespace": "anna", "tag": "red", "status": "all"}, anna)


class DialogueChurn:
    """Clients that create dialogues and delete them again."""

    def __init__(self) -> None:
        self._mine: dict[int, list[tuple[str, str]]] = {}
        self._made = 0

    def change(self, api: Api, shuffle: random.Random, number: int) -> int:
        """Insert one and, when there are many, delete one; how many changes that was."""
        mine = self._mine.setdefault(number, [])
        self._made += 1
        name, namespace = f"churn-{number}-{shuffle.randrange(10**12)}", shuffle.choice(NAMESPACES)
        place = {"namespace": namespace} if namespace else {}
        body = {"id": name, "created": between(shuffle), "tags": ["red", "odd"], **place}
        api.ok("POST", "/dialogue", body)
        mine.append((name, namespace))
        if len(mine) < MOST_CHURN:
            return 1
        old, where = mine.pop(shuffle.randrange(len(mine)))
        api.ok("DELETE", f"/dialogue/{old}", query={"namespace": where} if where else None)
        return 2


# --- Memories ---


def make_memories(count: int, tied: int) -> list[tuple[Scope, Memory]]:
    """Return memories of three namespaces, ids shared between them, some tagged."""
    made = []
    for number, created in enumerate(moments(count, tied, random.Random(2))):
        scope = Scope("acme", NAMESPACES[number % 3])
        fields = {"id": f"k{number // 3:06}", "created": created, "modified": created}
        made.append(
            (scope, new_memory(scope, **fields, tags=("red",) if number % 4 else (), value=JsonText("1")))
        )
    return made


def memory_walks(items: Sequence[Memory]) -> Iterator[Walk]:
    """Yield the list with each filter, and with several at once."""

    def of(query: dict[str, Any], belonging: Sequence[Memory]) -> Walk:
        return Walk("/memory", query, {f"{item.namespace}|{item.id}" for item in belonging}, address, place)

    yield of({}, items)
    yield of({"namespace": "anna"}, [item for item in items if item.namespace == "anna"])
    yield of({"tag": "red"}, [item for item in items if item.tags])
    for query, belonging in dates(lambda item: item.created, items):
        yield of(query, belonging)
        tagged = [item for item in belonging if item.namespace == "anna" and item.tags]
        yield of({**query, "namespace": "anna", "tag": "red"}, tagged)


def churn_memories(api: Api, shuffle: random.Random, number: int) -> int:
    """Insert a memory and delete it; it is always the newest of the list while it is there."""
    name = f"churn-{number}-{shuffle.randrange(10**12)}"
    api.ok("POST", "/memory", {"id": name, "value": 1, "tags": ["red"], "namespace": "anna"})
    api.ok("DELETE", f"/memory/{name}?namespace=anna")
    return 2


# --- Messages ---


def said_id(item: Item) -> str:
    """Return what tells a message apart in its dialogue."""
    return str(item["id"])


def said_place(item: Item) -> tuple[str, ...]:
    """Return what a list of messages is ordered by: the id of a seeded one has its place in the dialogue."""
    return item["created"], item["id"]


def make_messages(count: int, tied: int) -> tuple[Dialogue, list[Message]]:
    """Return a dialogue and its messages, accepted in another order than they were created in."""
    parent = new_dialogue(id="long")
    times = moments(count, tied, random.Random(3))
    made = [_message(parent, seq, created) for seq, created in enumerate(times)]
    return replace(parent, total=count, next_seq=count, last_message_created=Timestamp(max(times))), made


def _message(parent: Dialogue, seq: int, created: Timestamp) -> Message:
    fields: Item = {"id": f"m{seq:06}", "created": created, "modified": created}
    shown = {"dialogueId": parent.id, "role": "user", "content": "hello", "contentLength": 5}
    body = compact_json({**fields, **shown, "tags": [], "metadata": {}})
    return new_message(parent, seq, **fields, body=body)


def message_walks(items: Sequence[Message]) -> Iterator[Walk]:
    """Yield the list with each filter."""
    for query, belonging in ({}, items), *dates(lambda item: item.created, items):
        expected = {item.id for item in belonging}
        yield Walk("/messages", {"dialogueId": "long", **query}, expected, said_id, said_place)


class MessageChurn:
    """Clients that append messages, also among the oldest, and delete them again."""

    def __init__(self) -> None:
        self._mine: dict[int, list[str]] = {}

    def change(self, api: Api, shuffle: random.Random, number: int) -> int:
        """Insert one and, when there are many, delete one; how many changes that was."""
        mine = self._mine.setdefault(number, [])
        name = f"churn-{number}-{shuffle.randrange(10**12)}"
        body = {"id": name, "created": between(shuffle), "role": "user", "content": "passing"}
        api.ok("POST", "/dialogue/long/message", body)
        mine.append(name)
        if len(mine) < MOST_CHURN:
            return 1
        api.ok("DELETE", f"/message/{mine.pop(shuffle.randrange(len(mine)))}?dialogueId=long")
        return 2
