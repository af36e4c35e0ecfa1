"""How good the results of searches are: ``make bench-search``.

Judged queries run over the messages of real conversations, those of the tests, and over texts in
many languages (``multilingual.json``). A query of the first names by a regular expression what a
right answer says; one of the second names the right texts. Half of the queries, told by a checksum
of their text, are ``unseen``: rankings are developed on the others.

    earlier    what Colloquy did before: how many stems of the query a text has, shorter ones first
    fts5       SQLite's own bm25() over its own tokenizer and porter stems
    keyword    POST /search
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import re
import sqlite3
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

import Stemmer

from app.domain.records import ScopeFilter
from app.search.keywords import read_keywords
from app.search.query import SearchObject, SearchQuery
from app.search.words import fold
from app.stores import Transaction
from app.stores.sqlite import open_sqlite
from bench.search.store import SCOPE, dialogue, message
from tests.unit.real_conversations import DATA

HERE = Path(__file__).parent
DEPTH = 10
SOON = 5
WORD = re.compile(r"\w+")

Texts = dict[str, str]
Ranking = Callable[[str], list[str]]


@dataclass(frozen=True)
class Judged:
    """A query, and the texts that answer it."""

    kind: str
    query: str
    right: frozenset[str]

    @property
    def is_unseen(self) -> bool:
        """Whether it is kept back while rankings are developed."""
        return crc32(self.query.encode()) % 2 == 1


def read_lines(name: str) -> Iterator[Any]:
    """Yield the conversations of a file of real ones."""
    with gzip.open(DATA / name, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def real_texts() -> Texts:
    """Return what people and assistants said, by the conversation and place."""
    texts: Texts = {}
    for one in read_lines("service-dialogues.jsonl.gz"):
        texts |= {f"s-{one['dialogue_id']}.{n}": turn["utterance"] for n, turn in enumerate(one["turns"])}
    for one in read_lines("agent-conversations.jsonl.gz"):
        for n, said in enumerate(one["messages"]):
            if said["role"] in {"user", "assistant"} and isinstance(said["content"], str) and said["content"]:
                texts[f"a-{one['id']}.{n}"] = said["content"]
    return texts


def real_queries(texts: Texts) -> list[Judged]:
    """Return the judged queries over the real conversations."""
    judged = []
    for one in json.loads((HERE / "real.json").read_text(encoding="utf-8")):
        says = re.compile(one["says"], re.IGNORECASE | re.DOTALL)
        right = frozenset(name for name, text in texts.items() if says.search(text))
        judged.append(Judged(one["kind"], one["query"], right))
    return judged


def multilingual() -> tuple[Texts, list[Judged]]:
    """Return the texts in many languages and their queries."""
    found = json.loads((HERE / "multilingual.json").read_text(encoding="utf-8"))
    queries = [Judged(one["kind"], one["query"], frozenset(one["ids"])) for one in found["queries"]]
    return found["texts"], queries


def earlier(texts: Texts) -> Ranking:
    """Return the ranking that Colloquy had before."""
    stemmer = Stemmer.Stemmer("english")
    stems = {name: set(stemmer.stemWords(WORD.findall(fold(text)))) for name, text in texts.items()}

    def ranking(query: str) -> list[str]:
        asked = set(stemmer.stemWords(WORD.findall(fold(query))))
        found = [(-len(asked & have), len(have), name) for name, have in stems.items() if asked & have]
        return [name for _, _, name in sorted(found)[:DEPTH]]

    return ranking


def fts5(texts: Texts) -> Ranking:
    """Return SQLite's own ranking."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE item USING fts5 (name UNINDEXED, text, tokenize = 'porter')")
    connection.executemany("INSERT INTO item VALUES (?, ?)", texts.items())

    def ranking(query: str) -> list[str]:
        words = " OR ".join(f'"{word}"' for word in WORD.findall(query))
        sql = f"SELECT name FROM item WHERE item MATCH ? ORDER BY rank LIMIT {DEPTH}"
        return [name for (name,) in connection.execute(sql, (words,))]

    return ranking


def keyword(texts: Texts) -> Ranking:
    """Return the ranking of POST /search, over a store in a temporary folder."""
    backend = open_sqlite(Path(tempfile.mkdtemp()) / "colloquy.db")
    backend.migrate()
    by_dialogue: dict[str, list[str]] = defaultdict(list)
    for name in texts:
        by_dialogue[name.partition(".")[0]].append(name)
    names = {}

    def work(tx: Transaction) -> None:
        for number, (parent, rows) in enumerate(by_dialogue.items()):
            made = [message(parent, number, n, texts[name]) for n, name in enumerate(rows)]
            names.update({(parent, row.id): name for row, name in zip(made, rows, strict=True)})
            tx.insert_dialogue(dialogue(parent, made))
            tx.insert_messages(made)

    backend.write(SCOPE, work)

    def ranking(query: str) -> list[str]:
        asked = SearchQuery(ScopeFilter(SCOPE.project), SearchObject.MESSAGE, read_keywords(query), DEPTH)
        bodies = (json.loads(hit.item.body) for hit in backend.search(asked).hits)
        return [names[body["dialogueId"], body["id"]] for body in bodies]

    return ranking


RANKINGS: dict[str, Callable[[Texts], Ranking]] = {"earlier": earlier, "fts5": fts5, "keyword": keyword}


@dataclass
class Measures:
    """Sums over queries."""

    queries: int = 0
    sums: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def add(self, right: frozenset[str], found: Sequence[str], seconds: float) -> None:
        """Count one query."""
        self.queries += 1
        places = [place for place, name in enumerate(found[:DEPTH]) if name in right]
        gain = sum(1 / math.log2(place + 2) for place in places)
        ideal = sum(1 / math.log2(place + 2) for place in range(min(DEPTH, len(right))))
        self.sums["hit@1"] += places[:1] == [0]
        self.sums["hit@5"] += bool(places and places[0] < SOON)
        self.sums["MRR"] += 1 / (places[0] + 1) if places else 0
        self.sums["nDCG@10"] += gain / ideal
        self.sums["ms"] += seconds * 1000

    def row(self) -> str:
        """Return the means, as cells of a table."""
        means = {name: total / self.queries for name, total in self.sums.items()}
        return " | ".join(f"{mean:.1f}" if name == "ms" else f"{mean:.2f}" for name, mean in means.items())


def measure(*, unseen: bool, kinds: Sequence[str], misses: bool) -> None:
    """Print a table of all rankings over one half of the queries."""
    texts = real_texts()
    others, queries = multilingual()
    parts = [(texts, real_queries(texts)), (others, queries)]
    measures: dict[tuple[str, str], Measures] = defaultdict(Measures)
    for name, make in RANKINGS.items():
        for corpus, judged in parts:
            rank = make(corpus)
            for one in judged:
                if one.is_unseen != unseen or (kinds and one.kind not in kinds):
                    continue
                started = time.perf_counter()
                found = rank(one.query)
                seconds = time.perf_counter() - started
                measures[one.kind, name].add(one.right, found, seconds)
                measures["all", name].add(one.right, found, seconds)
                if misses and name == "keyword" and not one.right & set(found[:5]):
                    print(f"missed: {one.kind}: {one.query}", file=sys.stderr)
    print("| queries | ranking | number | hit@1 | hit@5 | MRR | nDCG@10 | ms |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for (kind, name), found in sorted(measures.items()):
        print(f"| {kind} | {name} | {found.queries} | {found.row()} |")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seen", action="store_true", help="the half that rankings are developed on")
    parser.add_argument("--misses", action="store_true", help="name the queries that keyword search misses")
    parser.add_argument("--kind", action="append", default=[], help="only queries of this kind (repeatable)")
    arguments = parser.parse_args()
    if not DATA.is_dir():
        print(f"{DATA} is not there: the real conversations cannot be searched", file=sys.stderr)
        sys.exit(0)
    measure(unseen=not arguments.seen, kinds=arguments.kind, misses=arguments.misses)


if __name__ == "__main__":
    main()
