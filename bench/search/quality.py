"""How good the results of searches are: ``make bench-search``.

Judged queries run over the messages of real conversations, those of the tests, and over texts in
many languages (``multilingual.json``). A query of the first names by a regular expression what a
right answer says; one of the second names the right texts. Half of the queries, told by a checksum
of their text, are ``unseen``: rankings are developed on the others.

    earlier    what Colloquy did before: how many stems of the query a text has, shorter ones first
    fts5       SQLite's own bm25() over its own tokenizer and porter stems
    keyword    POST /search by words
    meaning    by meaning alone, with exact search; the embedder is MiniLM, or the one that the settings name
    hybrid     by both, the default where an embedder is on
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import re
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

from app.meaning.embedder import Embedder
from app.search.query import Mode
from bench.search.rankings import DEPTH, KeptVectors, Ranking, Search, Texts, earlier, find_embedder, fts5
from tests.unit.real_conversations import DATA

HERE = Path(__file__).parent
SOON = 5
FIRST = 10
"""How many results MRR and nDCG look at."""


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


def real_texts() -> dict[str, str]:
    """Return what people and assistants said, by the conversation and place."""
    texts: dict[str, str] = {}
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


def multilingual() -> tuple[dict[str, str], list[Judged]]:
    """Return the texts in many languages and their queries."""
    found = json.loads((HERE / "multilingual.json").read_text(encoding="utf-8"))
    queries = [Judged(one["kind"], one["query"], frozenset(one["ids"])) for one in found["queries"]]
    return found["texts"], queries


@dataclass
class Measures:
    """Sums over queries."""

    queries: int = 0
    sums: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def add(self, right: frozenset[str], found: Sequence[str], seconds: float) -> None:
        """Count one query."""
        self.queries += 1
        self.sums["hit@1"] += bool(right & set(found[:1]))
        self.sums["hit@5"] += bool(right & set(found[:SOON]))
        self.sums["hit@20"] += bool(right & set(found[:DEPTH]))
        places = [place for place, name in enumerate(found[:FIRST]) if name in right]
        gain = sum(1 / math.log2(place + 2) for place in places)
        ideal = sum(1 / math.log2(place + 2) for place in range(min(FIRST, len(right))))
        self.sums["MRR"] += 1 / (places[0] + 1) if places else 0
        self.sums["nDCG@10"] += gain / ideal
        self.sums["ms"] += seconds * 1000

    def row(self) -> str:
        """Return the means, as cells of a table."""
        means = {name: total / self.queries for name, total in self.sums.items()}
        return " | ".join(f"{mean:.1f}" if name == "ms" else f"{mean:.2f}" for name, mean in means.items())


def rankings(texts: Texts, embedder: Embedder) -> tuple[dict[str, Ranking], str]:
    """Return all rankings, and what the vectors took."""
    vectors = KeptVectors(embedder)
    search = Search(texts, vectors)
    told = f"{len(texts)} texts, {vectors.pieces} pieces, made in {vectors.seconds:.0f} s of CPU"
    found = {"earlier": earlier(texts), "fts5": fts5(texts)} | {
        mode.value: search.ranking(mode) for mode in Mode
    }
    return found, told


def measure(*, unseen: bool, kinds: Sequence[str], misses: str) -> None:
    """Print a table of all rankings over one half of the queries."""
    embedder = find_embedder()
    texts = real_texts()
    others, queries = multilingual()
    measures: dict[tuple[str, str], Measures] = defaultdict(Measures)
    for corpus, judged in [(texts, real_queries(texts)), (others, queries)]:
        made, told = rankings(corpus, embedder)
        print(f"{told}; {embedder.model}", file=sys.stderr)
        asked = [one for one in judged if one.is_unseen == unseen and (not kinds or one.kind in kinds)]
        for name, ranking in made.items():
            for one in asked:
                started = time.process_time()
                found = ranking(one.query)
                seconds = time.process_time() - started
                measures[one.kind, name].add(one.right, found, seconds)
                measures["all", name].add(one.right, found, seconds)
                if name == misses and not one.right & set(found[:SOON]):
                    print(f"missed: {one.kind}: {one.query}", file=sys.stderr)
    print("| queries | ranking | number | hit@1 | hit@5 | hit@20 | MRR | nDCG@10 | CPU ms |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for (kind, name), sums in sorted(measures.items(), key=lambda one: one[0][0]):
        print(f"| {kind} | {name} | {sums.queries} | {sums.row()} |")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{peak:.0f} MB of memory at most, with all rankings", file=sys.stderr)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seen", action="store_true", help="the half that rankings are developed on")
    parser.add_argument("--misses", default="", metavar="RANKING", help="name the queries that it misses")
    parser.add_argument("--kind", action="append", default=[], help="only queries of this kind (repeatable)")
    arguments = parser.parse_args()
    if not DATA.is_dir():
        print(f"{DATA} is not there: the real conversations cannot be searched", file=sys.stderr)
        sys.exit(0)
    measure(unseen=not arguments.seen, kinds=arguments.kind, misses=arguments.misses)


if __name__ == "__main__":
    main()
