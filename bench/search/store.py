"""Makes a large store to search: ``python -m bench.search.store STORE --messages 1000000``.

STORE is a folder for a SQLite file, or the URL of a MongoDB database. The words are made up, with
frequencies as in real text (Zipf) and with the function words of English. The same command always makes
the same texts.
"""

from __future__ import annotations

import argparse
import random
import time
from bisect import bisect
from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

from app.domain.json_text import compact_json
from app.domain.records import Dialogue, JsonText, Message, Scope, Status, Timestamp
from app.search.analysis import message_terms
from app.search.languages import FUNCTION_WORDS
from app.stores import Backend, Transaction
from app.stores.mongo import open_mongo
from app.stores.sqlite import open_sqlite

SCOPE = Scope("bench")
VOCABULARY = 200_000
EXPONENT = 1.05
MEDIAN_WORDS = 14
SPREAD = 0.8
LONGEST = 400
MESSAGES_EACH = 1_000_000 / 60_000
BATCH = 60
"""Dialogues in one transaction."""

SYLLABLES = [c + v + e for c in "bcdfghklmnprstvz" for v in "aeiou" for e in ("", "n", "r", "l", "st")]


class Language:
    """A vocabulary with the frequency of each word."""

    def __init__(self, seed: int = 1) -> None:
        self.random = random.Random(seed)
        made = dict.fromkeys(FUNCTION_WORDS["english"].split())
        while len(made) < VOCABULARY:
            made["".join(self.random.choices(SYLLABLES, k=self.random.choice((2, 2, 3, 3, 4))))] = None
        self.words = list(made)
        self._cumulated = list(accumulate(1 / rank**EXPONENT for rank in range(2, VOCABULARY + 2)))

    def word(self) -> str:
        """Return a word, as often as its frequency says."""
        place = bisect(self._cumulated, self.random.random() * self._cumulated[-1])
        return self.words[min(place, VOCABULARY - 1)]

    def sentence(self, length: int) -> str:
        """Return so many words."""
        return " ".join(self.word() for _ in range(length))

    def text(self) -> str:
        """Return the text of a message."""
        return self.sentence(min(LONGEST, max(1, round(self.random.lognormvariate(2.64, SPREAD)))))


def moment(number: int) -> Timestamp:
    """Return a time, one millisecond after that of the number before."""
    seconds, rest = divmod(number, 1000)
    days, seconds = divmod(seconds, 86_400)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return Timestamp(f"2026-{days // 28 + 1:02}-{days % 28 + 1:02}T{clock}.{rest:03}Z")


def dialogues(language: Language, messages: int) -> Iterator[tuple[Dialogue, list[Message]]]:
    """Yield dialogues until there are so many messages."""
    made = 0
    while made < messages:
        count = min(messages - made, max(1, round(language.random.expovariate(1 / MESSAGES_EACH))))
        name = f"d{made}"
        rows = [message(name, made + seq, seq, language.text()) for seq in range(count)]
        yield dialogue(name, rows), rows
        made += count


def message(name: str, number: int, seq: int, text: str) -> Message:
    """Return a message of a dialogue."""
    created = moment(number)
    body = compact_json({"id": f"m{seq}", "dialogueId": name, "role": "user", "content": text})
    return Message(
        uid=name,
        id=f"m{seq}",
        dialogue_id=name,
        seq=seq,
        role="user" if seq % 2 == 0 else "assistant",
        tags=(),
        metadata=JsonText("{}"),
        created=created,
        modified=created,
        body=body,
        hash="h",
        terms=message_terms(text),
    )


def dialogue(name: str, rows: list[Message]) -> Dialogue:
    """Return the dialogue of messages."""
    recent = rows[-10:]
    return Dialogue(
        project=SCOPE.project,
        namespace=SCOPE.namespace,
        id=name,
        uid=name,
        rev=1,
        next_seq=len(rows),
        total=len(rows),
        thread_count=0,
        status=Status.ACTIVE,
        tags=(),
        metadata=JsonText("{}"),
        created=rows[0].created,
        modified=rows[-1].created,
        create_hash="h",
        created_count=0,
        state=JsonText("{}"),
        recent=JsonText(f"[{','.join(row.body for row in recent)}]"),
        recent_count=len(recent),
        label=f"Dialogue {name}",
        last_message_created=rows[-1].created,
    )


def fill(backend: Backend, messages: int) -> None:
    """Store so many messages, and print how fast that went."""
    batch: list[tuple[Dialogue, list[Message]]] = []
    started, stored = time.perf_counter(), 0

    def work(tx: Transaction) -> None:
        for parent, rows in batch:
            tx.insert_dialogue(replace(parent))
            tx.insert_messages(rows)

    for one in dialogues(Language(), messages):
        batch.append(one)
        if len(batch) == BATCH:
            backend.write(SCOPE, work)
            stored += sum(len(rows) for _, rows in batch)
            batch.clear()
    if batch:
        backend.write(SCOPE, work)
    seconds = time.perf_counter() - started
    print(
        f"{messages:,} messages in {seconds:.0f} s, {messages / seconds:,.0f} a second, texts made included"
    )


def open_store(name: str) -> Backend:
    """Open the store in a folder, or in the MongoDB database that a URL names."""
    if name.startswith("mongodb"):
        return open_mongo(name, timeout=60)
    return open_sqlite(Path(name) / "colloquy.db", timeout=60)


def main() -> None:
    """Make the store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store")
    parser.add_argument("--messages", type=int, default=1_000_000)
    arguments = parser.parse_args()
    backend = open_store(arguments.store)
    backend.migrate()
    fill(backend, arguments.messages)
    backend.close()


if __name__ == "__main__":
    main()
