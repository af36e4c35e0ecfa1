"""How keys spread over shards, and what a billion messages take: the figures of docs/scale.md.

Dialogues of a thousand projects, whose sizes follow Zipf's law, are dealt to shards by the shard keys
of app/stores/mongo/schema.py. MongoDB hashes a key with MD5 over its BSON and cuts the range of hashes
evenly; a ranged key is cut so that each shard holds as many as the next.
"""

from __future__ import annotations

import argparse
import bisect
import hashlib
import random
import tempfile
from collections import Counter
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from typing import Any

import bson
from ulid import ULID

from app.domain.records import Scope, ScopeFilter
from app.stores.mongo.mapping import dialogue_document, key_of, message_document
from app.stores.mongo.schema import INDEXES
from app.stores.sqlite import open_sqlite
from bench import data

PROJECTS = 1000
NEWEST, ACTIVE = 0.01, 0.9
"""The newest hundredth of a project's dialogues takes nine tenths of its appends."""

APPENDS = 200_000
INNER = 0.01
"""The part of an index that is above its leaves, and so in every lookup's way."""

MILLISECONDS_APART = 500
ENTRY_BYTES = 12
"""What an index entry takes beside its key: record id and overhead, before prefix compression."""

Key = tuple[str, str]
"""Project and dialogue id."""
Place = Callable[[Key], int]


def generate(count: int, dice: random.Random) -> dict[str, list[Key]]:
    """Return the dialogues of each project, oldest first, their ids ULIDs as the server makes them."""
    totals = list(accumulate(1 / rank for rank in range(1, PROJECTS + 1)))
    projects: dict[str, list[Key]] = {f"project-{rank:04}": [] for rank in range(1, PROJECTS + 1)}
    names = list(projects)
    for number in range(count):
        name = names[bisect.bisect(totals, dice.random() * totals[-1])]
        moment = (1_767_225_600_000 + number * MILLISECONDS_APART).to_bytes(6)
        projects[name].append((name, str(ULID(moment + dice.randbytes(10)))))
    return projects


def hashed(shards: int) -> Place:
    """Deal by the hash of a dialogue's primary key, as dialogues are."""

    def place(key: Key) -> int:
        primary = bson.encode({"_id": key_of(Scope(key[0]), key[1])})
        digest = int.from_bytes(hashlib.md5(primary, usedforsecurity=False).digest()[:8])
        return digest * shards >> 64

    return place


def ranged(shards: int, keys: list[Key]) -> Place:
    """Deal by ranges of (project, dialogue id) that hold equally many, as messages are."""
    ordered = sorted(keys)
    bounds = [ordered[len(ordered) * number // shards] for number in range(1, shards)]
    return lambda key: bisect.bisect_right(bounds, key)


def draw_appends(projects: dict[str, list[Key]], dice: random.Random) -> list[Key]:
    """Return the dialogues that a number of appends go to: as active as large, mostly the newest."""
    every = [keys for keys in projects.values() if keys]
    chosen = dice.choices(every, weights=[len(keys) for keys in every], k=APPENDS)
    return [_draw(keys, dice) for keys in chosen]


def _draw(keys: list[Key], dice: random.Random) -> Key:
    newest = max(1, round(len(keys) * NEWEST))
    return dice.choice(keys[-newest:] if dice.random() < ACTIVE else keys)


def fullest(place: Place, keys: list[Key], shards: int) -> float:
    """Return the share of the fullest shard, 1.0 being an even share."""
    return max(Counter(map(place, keys)).values()) * shards / len(keys)


def spread(projects: dict[str, list[Key]], dice: random.Random) -> list[str]:
    """Return a table of the fullest shard's share, of data and of appends."""
    keys = [key for entries in projects.values() for key in entries]
    largest = max(projects.values(), key=len)
    appends = draw_appends(projects, dice)
    lines = [
        f"{len(keys):,} dialogues; the largest project has {len(largest) / len(keys):.1%} of them.",
        "",
        "| shards | dialogues, hashed | appends | largest project | messages, ranged | appends |",
        "| ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for shards in (2, 4, 8, 16, 32):
        by_hash, by_range = hashed(shards), ranged(shards, keys)
        figures = (
            fullest(by_hash, keys, shards),
            fullest(by_hash, appends, shards),
            fullest(by_hash, largest, shards),
            fullest(by_range, keys, shards),
            fullest(by_range, appends, shards),
        )
        lines.append(f"| {shards} | " + " | ".join(f"{figure:.2f}" for figure in figures) + " |")
    return lines


def sizes(dialogues: int) -> dict[str, float]:
    """Return the mean bytes of BSON of a dialogue, a message, and the entries of their indexes."""
    documents = read_documents(dialogues)
    found: dict[str, float] = {}
    for name, entries in documents.items():
        found[name] = sum(len(bson.encode(entry)) for entry in entries) / len(entries)
        found[f"{name} index"] = sum(index_bytes(entry, name) for entry in entries) / len(entries)
    return found


def read_documents(dialogues: int) -> dict[str, list[dict[str, Any]]]:
    """Return the bench's data as the documents that MongoDB would keep."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_sqlite(Path(folder) / "sizes.db")
        store.migrate()
        data.load(store, data.Size(dialogues, 10))
        scope = Scope(data.PROJECT)
        found = list(store.iterate_dialogues(ScopeFilter(data.PROJECT)))
        rows = [row for one in found for row in store.messages_since(scope, one.id, one.uid, -1)]
        store.close()
    return {
        "dialogues": [dialogue_document(one) for one in found],
        "messages": [message_document(scope, row) for row in rows],
    }


def index_bytes(document: dict[str, Any], collection: str) -> int:
    """Return the bytes of a document's entries in all indexes, uncompressed; an array has one an element."""
    total = len(bson.encode({"_id": document.get("_id", b"x" * 12)})) + ENTRY_BYTES
    for index in INDEXES[collection]:
        names = list(index.document["key"])
        values = {name: document.get(name) for name in names}
        terms = values.pop("terms", None)
        base = len(bson.encode(values)) - 5 - sum(len(name) + 1 for name in values) + ENTRY_BYTES
        items = terms if isinstance(terms, list) else [""]
        total += sum(base + (len(str(term)) + 5 if "terms" in names else 0) for term in items)
    return total


def growth(found: dict[str, float]) -> list[str]:
    """Return a table of what some numbers of messages take, ten to a dialogue."""
    lines = [
        (
            f"A dialogue with 10 embedded messages is {found['dialogues']:,.0f} bytes of BSON and "
            f"{found['dialogues index']:,.0f} of index entries, a message {found['messages']:,.0f} and "
            f"{found['messages index']:,.0f}."
        ),
        "",
        "| messages | dialogues | documents, GB | indexes, GB | working set, GB |",
        "| ---: | ---: | ---: | ---: | ---: |",
    ]
    for count in (10**6, 10**7, 10**8, 10**9):
        dialogues = count // 10
        documents = dialogues * found["dialogues"] + count * found["messages"]
        indexes = dialogues * found["dialogues index"] + count * found["messages index"]
        working = NEWEST * (documents + indexes) + INNER * indexes
        figures = " | ".join(f"{size / 1e9:,.1f}" for size in (documents, indexes, working))
        lines.append(f"| {count:,} | {dialogues:,} | {figures} |")
    return lines


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dialogues", type=int, default=1_000_000)
    count = parser.parse_args().dialogues
    dice = random.Random(11)  # the same figures each time are the point
    print("\n".join(spread(generate(count, dice), dice)))
    print()
    print("\n".join(growth(sizes(200))))


if __name__ == "__main__":
    main()
