"""Walks of long lists while others insert and delete: ``python -m tests.reliability.walk``.

A list of dialogues, of memories and of one dialogue's messages is filled with many items, a
thousand of them with one and the same ``created`` (and equal ids in several namespaces). Then it is
walked page by page in both orders with every filter, while other clients insert and delete items
everywhere in it. Each item that existed throughout has to come exactly once, in order.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from app.clock import format_time
from app.domain import Dialogue, JsonText, Memory, Message, Scope, Status, Timestamp
from app.identity import compact
from tests.contract.conftest import Api
from tests.records import dialogue as new_dialogue
from tests.records import memory as new_memory
from tests.records import message as new_message
from tests.reliability.report import say
from tests.reliability.seeding import seed
from tests.reliability.stage import KINDS, UNDOCUMENTED, Stage, open_stage

NAMESPACES = ("", "anna", "bert@example.org")
TIED = format_time(datetime(2026, 3, 15, 12, tzinfo=UTC))
FIRST = datetime(2025, 1, 1, tzinfo=UTC)
DAYS = 500
LIMITS = (500, 499, 250, 97)
PARENT = "parent"
CHURNERS = 2
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


@dataclass
class Result:
    """What the walks of one kind of item came to."""

    walks: int = 0
    items: int = 0
    pages: int = 0
    changes: int = 0
    problems: list[str] = field(default_factory=list)


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


def walk(api: Api, wanted: Walk, order: str, limit: int, result: Result) -> None:
    """Read a list to its end and compare it with what has to be in it."""
    seen: list[str] = []
    places: list[tuple[str, ...]] = []
    query = {**wanted.query, "order": order, "limit": limit}
    while True:
        page = api.ok("GET", wanted.path, query=query)
        seen += map(wanted.key, page["items"])
        places += [(item["created"], item.get("namespace", "")) for item in page["items"]]
        result.pages += 1
        if "next" not in page:
            break
        query["next"] = page["next"]
    result.walks += 1
    result.items += len(seen)
    where = f"{wanted.path} {wanted.query} {order} {limit}"
    counts = Counter(seen)
    missing = [item for item in wanted.expected if item not in counts]
    twice = [item for item, count in counts.items() if count > 1]
    foreign = [item for item in counts if item not in wanted.expected and "churn" not in item]
    for what, items in (("missing", missing), ("twice", twice), ("that do not belong", foreign)):
        if items:
            result.problems.append(f"{where}: {len(items)} items {what}, such as {items[:3]}")
    if wanted.path == "/messages":
        places = [place[:1] for place in places]
    if places != sorted(places, reverse=order == "desc"):
        result.problems.append(f"{where}: not in order")


def walk_all(stage: Stage, walks: Sequence[Walk], result: Result, orders: Sequence[str]) -> None:
    """Walk every list in every order, each with another page size."""
    api = stage.client()
    for number, wanted in enumerate(walks):
        for order in orders:
            walk(api, wanted, order, LIMITS[(number + len(order)) % len(LIMITS)], result)


@contextmanager
def churning(
    stage: Stage, change: Callable[[Api, random.Random, int], int], result: Result
) -> Iterator[None]:
    """Let other clients insert and delete meanwhile, and count what they did."""
    stop = threading.Event()

    def run(number: int) -> None:
        api, shuffle = stage.client(), random.Random(number)
        while not stop.is_set():
            try:
                result.changes += change(api, shuffle, number)
            except UNDOCUMENTED as error:
                result.problems.append(f"another client was refused: {error}")
                return
            time.sleep(0.002)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(CHURNERS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


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
        return Walk("/dialogue", query, {f"{item.namespace}|{item.id}" for item in visible}, address)

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


def walk_dialogues(stage: Stage, count: int, tied: int, result: Result, orders: Sequence[str]) -> None:
    """Prove the list of dialogues."""
    items = make_dialogues(count, tied)
    seed(stage.backend, dialogues=items)
    with churning(stage, DialogueChurn().change, result):
        walk_all(stage, list(dialogue_walks(items)), result, orders)


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
        return Walk("/memory", query, {f"{item.namespace}|{item.id}" for item in belonging}, address)

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


def walk_memories(stage: Stage, count: int, tied: int, result: Result, orders: Sequence[str]) -> None:
    """Prove the list of memories."""
    items = make_memories(count, tied)
    seed(stage.backend, memories=items)
    with churning(stage, churn_memories, result):
        walk_all(stage, list(memory_walks([item for _, item in items])), result, orders)


# --- Messages ---


def make_messages(count: int, tied: int) -> tuple[Dialogue, list[Message]]:
    """Return a dialogue and its messages, accepted in another order than they were created in."""
    parent = new_dialogue(id="long")
    times = moments(count, tied, random.Random(3))
    made = [_message(parent, seq, created) for seq, created in enumerate(times)]
    return replace(parent, total=count, next_seq=count, last_message_created=Timestamp(max(times))), made


def _message(parent: Dialogue, seq: int, created: Timestamp) -> Message:
    fields: Item = {"id": f"m{seq:06}", "created": created, "modified": created}
    shown = {"dialogueId": parent.id, "role": "user", "content": "hello", "contentLength": 5}
    body = compact({**fields, **shown, "tags": [], "metadata": {}})
    return new_message(parent, seq, **fields, body=body)


def message_walks(items: Sequence[Message]) -> Iterator[Walk]:
    """Yield the list with each filter."""
    place = {"dialogueId": "long"}
    for query, belonging in ({}, items), *dates(lambda item: item.created, items):
        yield Walk("/messages", {**place, **query}, {item.id for item in belonging}, lambda item: item["id"])


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


def walk_messages(stage: Stage, count: int, tied: int, result: Result, orders: Sequence[str]) -> None:
    """Prove the list of messages."""
    parent, items = make_messages(count, tied)
    seed(stage.backend, dialogues=[parent], messages=items)
    with churning(stage, MessageChurn().change, result):
        walk_all(stage, list(message_walks(items)), result, orders)


LISTS = {"dialogues": walk_dialogues, "memories": walk_memories, "messages": walk_messages}


def prove(kind: str, count: int, tied: int, orders: Sequence[str] = ("desc", "asc")) -> int:
    """Walk all lists on one store and print the figures; how many problems there were."""
    problems = 0
    for name, walk_list in LISTS.items():
        with open_stage(kind) as stage:
            if stage is None:
                return 0
            result, begun = Result(), time.monotonic()
            walk_list(stage, count, tied, result, orders)
            seconds = time.monotonic() - begun
        for problem in result.problems:
            say(f"PROBLEM {problem[:1000]}")
        problems += len(result.problems)
        say(
            f"{kind}: {count:,} {name}, {tied:,} of one time: {result.walks} walks, {result.pages:,} pages, "
            f"{result.items:,} items while others made {result.changes:,} changes; "
            f"{len(result.problems)} problems; {seconds:.0f} s",
        )
    return problems


def main() -> int:
    """Run the proof; 0 when nothing was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=KINDS, action="append")
    parser.add_argument("--dialogues", type=int, default=100_000, help="items of each list")
    parser.add_argument("--tied", type=int, default=1_000, help="how many of them have one created")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    problems = [prove(kind, options.dialogues, options.tied) for kind in options.store or KINDS]
    return 1 if sum(problems) else 0


if __name__ == "__main__":
    sys.exit(main())
