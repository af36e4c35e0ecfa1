"""The list of dialogues by activity: its items, which of them each filter gives, and who moves meanwhile."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from app.domain.records import Dialogue, JsonText, Status
from tests.contract.conftest import Api
from tests.reliability.walk_lists import (
    DialogueChurn,
    Item,
    Walk,
    address,
    dates,
    make_dialogues,
    moments,
)

MOVING = 25
"""One dialogue in so many is appended to during the walks."""


def is_moving(name: str) -> bool:
    """Whether others append to the dialogue of an id."""
    return name.startswith("moving")


def make_active_dialogues(count: int, tied: int) -> list[Dialogue]:
    """Return dialogues whose activity has an order of its own, a thousand times equal too; some will move."""
    shuffle = random.Random(4)
    changed, said = moments(count, tied, shuffle), moments(count, tied, shuffle)
    return [
        _moving(item)
        if number % MOVING == 0
        else replace(
            item,
            modified=changed[number],
            total=number % 7,
            last_message_created=said[number] if number % 7 else None,
            metadata=JsonText(f'{{"plan":"{("free", "pro")[number % 2]}","seats":{number % 500}}}'),
        )
        for number, item in enumerate(make_dialogues(count, tied))
    ]


def _moving(item: Dialogue) -> Dialogue:
    return replace(item, id=f"moving-{item.id}", status=Status.ACTIVE, metadata=JsonText('{"plan":"pro"}'))


def last_activity(item: Item) -> str:
    """Return what a list by the newest message is ordered by."""
    found: str = item.get("lastMessageCreated") or item["created"]
    return found


def last_change(item: Item) -> str:
    """Return what a list by the last change is ordered by."""
    found: str = item["modified"]
    return found


ORDERS: dict[str, Callable[[Item], str]] = {"modified": last_change, "lastMessageCreated": last_activity}


def activity_walks(items: Sequence[Dialogue]) -> Iterator[Walk]:
    """Yield the list in each order, with each filter and with several at once."""
    for name, time in ORDERS.items():
        for query, belonging in _filtered(items):
            yield _walk({"orderBy": name, **query}, time, belonging)


def _filtered(items: Sequence[Dialogue]) -> Iterator[tuple[dict[str, Any], Sequence[Dialogue]]]:
    roots = [item for item in items if not item.thread_of]
    anna = [item for item in items if item.namespace == "anna"]
    yield {}, items
    yield {"status": "all"}, items
    yield {"roots": "true"}, roots
    yield {"namespace": "anna"}, anna
    yield {"namespace": "anna", "roots": "true"}, [item for item in anna if not item.thread_of]
    yield {"namespace": "anna", "threadOf": "parent"}, [item for item in anna if item.thread_of]
    yield {"tag": "red"}, [item for item in items if item.tags]
    yield {"metadata.plan": "pro"}, [item for item in items if '"plan":"pro"' in item.metadata]
    yield {"metadata.seats": "7", "roots": "true"}, [item for item in roots if '"seats":7}' in item.metadata]
    yield from dates(lambda item: item.created, items)


def _walk(query: dict[str, Any], time: Callable[[Item], str], belonging: Sequence[Dialogue]) -> Walk:
    archived = "status" in query
    names = {
        f"{item.namespace}|{item.id}" for item in belonging if archived or item.status is not Status.ARCHIVED
    }
    moving = frozenset(name for name in names if is_moving(name.partition("|")[2]))

    def place(item: Item) -> tuple[str, ...]:
        return time(item), item.get("namespace", ""), item["id"]

    return Walk("/dialogue", query, names - moving, address, place, time, moving)


class ActivityChurn:
    """Clients that append to the moving dialogues, and create and delete others."""

    def __init__(self, moving: Sequence[Dialogue]) -> None:
        self._moving = moving
        self._others = DialogueChurn()

    def change(self, api: Api, shuffle: random.Random, number: int) -> int:
        """Move one, and insert or delete others; how many changes that was."""
        item = shuffle.choice(self._moving)
        body = {"dialogueId": item.id, "role": "user", "content": "more"}
        where = {"namespace": item.namespace} if item.namespace else {}
        api.ok("POST", "/message", body | where)
        return 1 + self._others.change(api, shuffle, number)
