"""Walks of long lists while others insert and delete: ``python -m tests.reliability.walk``.

A list of dialogues, of memories and of one dialogue's messages is filled with many items, a
thousand of them with one and the same ``created`` (and equal ids in several namespaces). Then it is
walked page by page in both orders with every filter, while other clients insert and delete items
everywhere in it. Each item that existed throughout has to come exactly once, in order.

The list of dialogues is walked by activity too, while others append to some of them. These may come
again, or only to who reads the front again; all others come exactly once, in order.
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
from dataclasses import dataclass, field

from tests.contract.conftest import Api
from tests.reliability.harness import KINDS, UNDOCUMENTED, Harness, open_harness
from tests.reliability.report import say
from tests.reliability.seeding import seed
from tests.reliability.walk_activity import (
    ActivityChurn,
    activity_walks,
    is_moving,
    make_active_dialogues,
)
from tests.reliability.walk_lists import (
    DialogueChurn,
    Item,
    MessageChurn,
    Walk,
    churn_memories,
    dialogue_walks,
    make_dialogues,
    make_memories,
    make_messages,
    memory_walks,
    message_walks,
)

LIMITS = (500, 499, 250, 97)
CHURNERS = 2


@dataclass
class Result:
    """What the walks of one kind of item came to."""

    walks: int = 0
    items: int = 0
    pages: int = 0
    changes: int = 0
    problems: list[str] = field(default_factory=list)


def walk(api: Api, wanted: Walk, order: str, limit: int, result: Result) -> None:
    """Read a list to its end and compare it with what has to be in it."""
    seen: list[str] = []
    times: list[str] = []
    places: list[tuple[str, ...]] = []
    query = {**wanted.query, "order": order, "limit": limit}
    while True:
        page = api.ok("GET", wanted.path, query=query)
        seen += map(wanted.key, page["items"])
        times += [wanted.time(item) for item in page["items"]]
        places += [wanted.place(item) for item in page["items"] if "churn" not in item["id"]]
        result.pages += 1
        if "next" not in page:
            break
        query["next"] = page["next"]
    result.walks += 1
    result.items += len(seen)
    where = f"{wanted.path} {wanted.query} {order} {limit}"
    counts = Counter(seen)
    missing = [item for item in wanted.expected if item not in counts]
    twice = [item for item, count in counts.items() if count > 1 and item not in wanted.moving]
    if wanted.moving - counts.keys() and order == "desc":
        result.problems += find_missed(api, wanted, wanted.moving - counts.keys(), times[0], where)
    known = wanted.expected | wanted.moving
    foreign = [item for item in counts if item not in known and "churn" not in item]
    for what, items in (("missing", missing), ("twice", twice), ("that do not belong", foreign)):
        if items:
            result.problems.append(f"{where}: {len(items)} items {what}, such as {items[:3]}")
    for listed in (times, places):
        if listed != sorted(listed, reverse=order == "desc"):
            result.problems.append(f"{where}: not in order")


def find_missed(api: Api, wanted: Walk, missed: frozenset[str], start: str, where: str) -> list[str]:
    """Read the front again, down to where a walk began, for those that moved there; say who is nowhere."""
    query: Item = {**wanted.query, "order": "desc", "limit": 500}
    while missed:
        page = api.ok("GET", wanted.path, query=query)
        missed -= set(map(wanted.key, page["items"]))
        if "next" not in page or wanted.time(page["items"][-1]) < start:
            break
        query["next"] = page["next"]
    return [f"{where}: {len(missed)} moved items missing, such as {sorted(missed)[:3]}"] if missed else []


def walk_all(stage: Harness, walks: Sequence[Walk], result: Result) -> None:
    """Walk every list in every order, each with another page size."""
    api = stage.client()
    for number, wanted in enumerate(walks):
        for order in ("desc", "asc"):
            walk(api, wanted, order, LIMITS[(number + len(order)) % len(LIMITS)], result)


@contextmanager
def churning(
    stage: Harness, change: Callable[[Api, random.Random, int], int], result: Result
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


def walk_dialogues(stage: Harness, count: int, tied: int, result: Result) -> None:
    """Prove the list of dialogues."""
    items = make_dialogues(count, tied)
    seed(stage.backend, dialogues=items)
    with churning(stage, DialogueChurn().change, result):
        walk_all(stage, list(dialogue_walks(items)), result)


def walk_activity(stage: Harness, count: int, tied: int, result: Result) -> None:
    """Prove the list of dialogues by activity."""
    items = make_active_dialogues(count, tied)
    seed(stage.backend, dialogues=items)
    moving = [item for item in items if is_moving(item.id)]
    with churning(stage, ActivityChurn(moving).change, result):
        walk_all(stage, list(activity_walks(items)), result)


def walk_memories(stage: Harness, count: int, tied: int, result: Result) -> None:
    """Prove the list of memories."""
    items = make_memories(count, tied)
    seed(stage.backend, memories=items)
    with churning(stage, churn_memories, result):
        walk_all(stage, list(memory_walks([item for _, item in items])), result)


def walk_messages(stage: Harness, count: int, tied: int, result: Result) -> None:
    """Prove the list of messages."""
    parent, items = make_messages(count, tied)
    seed(stage.backend, dialogues=[parent], messages=items)
    with churning(stage, MessageChurn().change, result):
        walk_all(stage, list(message_walks(items)), result)


LISTS = {
    "dialogues": walk_dialogues,
    "activity": walk_activity,
    "memories": walk_memories,
    "messages": walk_messages,
}


def prove(kind: str, lists: Sequence[str], count: int, tied: int) -> int:
    """Walk lists on one store and print the figures; how many problems there were."""
    problems = 0
    for name in lists:
        with open_harness(kind) as stage:
            if stage is None:
                return 0
            result, begun = Result(), time.monotonic()
            LISTS[name](stage, count, tied, result)
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
    parser.add_argument("--list", choices=LISTS, action="append")
    parser.add_argument("--dialogues", type=int, default=100_000, help="items of each list")
    parser.add_argument("--tied", type=int, default=1_000, help="how many of them have one created")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    problems = [
        prove(kind, options.list or list(LISTS), options.dialogues, options.tied)
        for kind in options.store or KINDS
    ]
    return 1 if sum(problems) else 0


if __name__ == "__main__":
    sys.exit(main())
