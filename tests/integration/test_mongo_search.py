"""What a search asks of MongoDB is bounded, however many messages have its words.

The bounds are made small, so that they take effect in small stores. What the server examines for it is held
by what it is asked: an index leads each look to its items in the order of the walk, and a limit ends it.
"""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.records import ScopeFilter
from app.search import counting, ranking
from app.search.keywords import read_keywords
from app.search.query import SearchObject, SearchQuery
from app.stores import Backend
from tests.integration.mongo_server import Server
from tests.records import dialogue, message
from tests.reliability.seeding import seed

pytestmark = pytest.mark.mongodb

SENTENCE = (
    "whales sing slowly below frozen northern waters while hungry sailors count distant silver islands "
    "before winter storms"
)
WORDS = len(read_keywords(SENTENCE).words)
LIMIT = 5
EACH = 10
"""Messages of a dialogue."""

BOUNDS = {
    "MOST_CANDIDATES": 30,
    "MOST_POSTINGS": 200,
    "COMMON": 20,
    "MOST_PAIRED": 4,
    "SAMPLE": 4,
    "LEAST_SAMPLE": 2,
    "MOST_COUNTED": 40,
}
COMMANDS = 2 + 4 + 6 + BOUNDS["MOST_POSTINGS"] // BOUNDS["COMMON"]
"""Of one index: what is hidden, counts, each impact, rare words and pairs, and where walks are shared out."""

MOST_TOKENS = 20
"""A word's forms, each with every impact."""

READS = 5
"""Candidates, dialogues of messages twice, hits and their evidence."""


def fill(backend: Backend, first: int, last: int) -> None:
    """Store dialogues in each of which every message has the words of the sentence."""
    parents = [dialogue(id=f"d{number}", uid=f"{number:026}") for number in range(first, last)]
    texts = {seq: f"{SENTENCE} number {seq}" for seq in range(EACH)}
    rows = [message(parent, seq, text) for parent in parents for seq, text in texts.items()]
    seed(backend, parents, messages=rows)


def examined(pipeline: list[dict[str, Any]], tokens: int) -> int:
    """Return how many keys of the index a look can examine: up to its limit, and where each token begins."""
    match, *ordered = pipeline[: 2 + ("$sort" in pipeline[1])]
    assert set(match["$match"]) == {"project", "tokens"}
    assert [list(stage) for stage in ordered] in ([["$limit"]], [["$sort"], ["$limit"]])
    if len(ordered) > 1:
        assert list(ordered[0]["$sort"]) == ["number"]
    wanted = match["$match"]["tokens"]
    asked = len(wanted["$in"]) if isinstance(wanted, dict) else 1
    assert asked <= tokens
    return asked + int(ordered[-1]["$limit"])


def looks(command: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """Return the pipelines of the looks that one command asks for."""
    first = [stage for stage in command["pipeline"] if "$unionWith" not in stage]
    others = [stage["$unionWith"] for stage in command["pipeline"] if "$unionWith" in stage]
    assert {one["coll"] for one in others} <= {command["aggregate"]}
    return [first, *(one["pipeline"] for one in others)]


def work(server: Server, backend: Backend, kind: SearchObject) -> tuple[int, int, int]:
    """Return how many commands a search sends, what they may examine, and how many documents come."""
    server.recorder.commands.clear()
    server.recorder.documents = 0
    query = SearchQuery(ScopeFilter("acme"), kind, read_keywords(SENTENCE), LIMIT)
    assert backend.search(query).hits
    commands = server.recorder.commands
    assert "getMore" not in server.recorder.names()
    pipelines = [one for command in commands if "aggregate" in command for one in looks(command)]
    ids = [command["filter"]["_id"] for command in commands if "_id" in command.get("filter", {})]
    named = sum(len(one["$in"]) if isinstance(one, dict) else 1 for one in ids)
    keys = named + sum(examined(one, MOST_TOKENS) for one in pipelines)
    return len(commands), keys, server.recorder.documents


@pytest.mark.parametrize("kind", [SearchObject.MESSAGE, SearchObject.DIALOGUE])
def test_a_search_asks_no_more_of_a_larger_store(
    server: Server, kind: SearchObject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not more commands, keys and documents for 1,000 messages than for 200."""
    for name, bound in BOUNDS.items():
        monkeypatch.setattr(ranking if hasattr(ranking, name) else counting, name, bound)
    backend = server.open()
    backend.migrate()
    fill(backend, 0, 20)
    small = work(server, backend, kind)
    fill(backend, 20, 100)
    large = work(server, backend, kind)

    indexes = 2 if kind is SearchObject.DIALOGUE else 1
    walked = indexes * (BOUNDS["MOST_POSTINGS"] + 3 * (WORDS + 1))
    read = 3 * indexes * BOUNDS["MOST_CANDIDATES"] + 4 * LIMIT
    for commands, keys, documents in (small, large):
        assert commands <= indexes * COMMANDS + READS
        assert documents <= walked + read
        assert keys <= indexes * (WORDS + 1) * 3 * (BOUNDS["MOST_COUNTED"] + 20) + walked + read
    # Where the first sample is full, one more is counted of each word and of all items.
    assert large[2] <= small[2] + indexes * (WORDS + 1)
