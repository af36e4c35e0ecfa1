"""Keyword search: which rows have how many of the terms, filtered, ordered and cut in SQL.

A row's ``score`` is ``(matched << 32) - size``: more matched terms first, then fewer terms in all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

import orjson

from ...search.query import Hit, OrderBy, SearchObject, SearchQuery
from ..bounds import take_hits
from . import mapping
from .database import SqliteDatabase
from .filters import filter_clauses
from .indexing import match_expressions
from .mapping import Columns, Row
from .statements import NOT_PURGED

BATCH: Final = 10
"""How many hits are read at once: a dialogue with its evidence may take 3 MiB."""

MATCHES: Final = 3
"""How many messages a dialogue's hit shows."""

_HITS: Final = (
    "(SELECT found.rowid AS number, count(*) AS matched FROM json_each(?1) AS term "
    "CROSS JOIN {0}_terms AS found WHERE found.{0}_terms MATCH term.value GROUP BY found.rowid)"
)
_SCORED: Final = (
    "SELECT row.number, (hit.matched << 32) - row.size AS score "
    f"FROM {_HITS} AS hit CROSS JOIN {{0}} AS row ON row.number = hit.number"
)
_EVIDENCE: Final = (
    "SELECT parent.number, (hit.matched << 32) - evidence.size AS score, evidence.number AS message, "
    f"evidence.created, evidence.id FROM {_HITS.format('message')} AS hit "
    "CROSS JOIN message AS evidence ON evidence.number = hit.number "
    "CROSS JOIN dialogue AS parent ON parent.project = evidence.project "
    "AND parent.namespace = evidence.namespace AND parent.id = evidence.dialogue_id "
    "AND parent.uid = evidence.uid"
)
_SCORED_DIALOGUES: Final = (
    f"SELECT number, max(score) AS score FROM ({_SCORED.format('dialogue')} "
    f"UNION ALL SELECT number, score FROM ({_EVIDENCE})) GROUP BY number"
)
BEST_MESSAGES: Final = (
    "SELECT number, message FROM (SELECT number, message, row_number() OVER "
    "(PARTITION BY number ORDER BY score DESC, created DESC, id) AS place FROM "
    f"({_EVIDENCE}) WHERE number IN (SELECT value FROM json_each(?2))) "
    f"WHERE place <= {MATCHES} ORDER BY number, place"
)
_COLUMNS: Final[dict[SearchObject, Columns[Any]]] = {
    SearchObject.DIALOGUE: mapping.DIALOGUE_ITEM,
    SearchObject.MESSAGE: mapping.MESSAGE_ITEM,
    SearchObject.MEMORY: mapping.MEMORY_ITEM,
}


def find_hits(db: SqliteDatabase, query: SearchQuery) -> list[Hit]:
    """Return the best hits, best first; a query without terms finds nothing.

    Raises ServiceUnavailable when the file cannot be read.
    """
    terms = list(dict.fromkeys(query.terms))
    if not terms:
        return []
    matching = orjson.dumps(match_expressions(query.scope_filter, terms)).decode()
    with db.snapshot():
        best = db.all(*search_query(query, matching))
        evidence = _evidence(db, query.object, matching, best)
        return take_hits(_hits(db, query.object, best, evidence, len(terms)))


def _evidence(db: SqliteDatabase, kind: SearchObject, matching: str, best: list[Row]) -> dict[int, list[int]]:
    """Return the numbers of the best messages of each dialogue that was found."""
    evidence: dict[int, list[int]] = defaultdict(list)
    if kind is SearchObject.DIALOGUE:
        found = orjson.dumps([number for number, _ in best]).decode()
        for dialogue, message in db.all(BEST_MESSAGES, (matching, found)):
            evidence[dialogue].append(message)
    return evidence


def _hits(
    db: SqliteDatabase, kind: SearchObject, best: list[Row], evidence: dict[int, list[int]], terms: int
) -> Iterator[Hit]:
    """Yield the hits, a batch of them read at a time."""
    for start in range(0, len(best), BATCH):
        batch = best[start : start + BATCH]
        items = _fetch(db, kind, [number for number, _ in batch])
        messages = _fetch(
            db, SearchObject.MESSAGE, [message for number, _ in batch for message in evidence[number]]
        )
        for number, score in batch:
            matches = tuple(messages[message] for message in evidence[number])
            yield Hit(items[number], _relevance(score, terms), matches)


def _fetch(db: SqliteDatabase, kind: SearchObject, numbers: list[int]) -> dict[int, Any]:
    if not numbers:
        return {}
    columns = _COLUMNS[kind]
    found = db.all(fetch_query(kind, columns), (orjson.dumps(numbers).decode(),))
    return {row[-1]: columns.read(row[:-1]) for row in found}


def search_query(query: SearchQuery, matching: str) -> tuple[str, list[object]]:
    """Return the query for the numbers and scores of the best hits."""
    table = query.object.value
    scored = _SCORED_DIALOGUES if query.object is SearchObject.DIALOGUE else _SCORED.format(table)
    clauses = filter_clauses(query)
    if query.object is SearchObject.MESSAGE:
        clauses.add(NOT_PURGED.format("item"))
    sql = (
        f"SELECT item.number, scored.score FROM ({scored}) AS scored "
        f"CROSS JOIN {table} AS item ON item.number = scored.number "
        f"WHERE {clauses} ORDER BY {_order(query)} LIMIT ?"
    )
    return sql, [matching, *clauses.values, query.limit]


def fetch_query(kind: SearchObject, columns: Columns[Any]) -> str:
    """Return the query for whole rows by their numbers."""
    return f"SELECT {columns}, number FROM {kind.value} WHERE number IN (SELECT value FROM json_each(?))"


def _order(query: SearchQuery) -> str:
    """Return the order: what was asked for, then the newest, then the ids, so that none is a tie."""
    ids = ["item.id", "item.namespace"]
    if query.object is SearchObject.MESSAGE:
        ids += ["item.dialogue_id", "item.uid"]
    if query.order_by is OrderBy.RELEVANCE:
        return ", ".join([f"scored.score {query.order.value}", "item.created DESC", *ids])
    return ", ".join([f"item.{query.order_by.value} {query.order.value}", *ids])


def _relevance(score: int, terms: int) -> float:
    matched = -(-score >> 32)
    size = (matched << 32) - score
    return (matched - 0.5 + 0.5 * min(1.0, matched / size)) / terms
