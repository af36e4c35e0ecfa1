"""Every store finds what is nearest in meaning, exactly, whatever is written and removed meanwhile."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.domain.records import JsonText, Memory, Scope, ScopeFilter, TimeRange
from app.meaning.files import VectorFiles
from app.meaning.matrices import Matrices
from app.search import nearest as nearest_items
from app.search import results
from app.search.fusion import weigh_cosine
from app.search.keywords import read_keywords
from app.search.query import (
    DialogueRef,
    MetadataCondition,
    Mode,
    Operator,
    OrderBy,
    QueryVector,
    SearchObject,
    SearchQuery,
)
from app.services.embedding import Embedding
from app.stores import Backend
from tests.conftest import STORES, open_backend
from tests.fake_embedder import FakeEmbedder
from tests.records import ANNA, SCOPE, deleted, dialogue, instant, memory, message, project, stored

WORDS = [f"word{number}" for number in range(40)]
EMBEDDER = FakeEmbedder(dimensions=24)


@pytest.fixture
def store(backend: Backend) -> Backend:
    """Give a store that embeds what is written."""
    return prepared(backend)


def prepared(backend: Backend, matrices: Matrices | None = None) -> Backend:
    """Return a store with an embedder."""
    backend.create_project(project())
    backend.queue_for(EMBEDDER.model, matrices or Matrices())
    return backend


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> VectorFiles:
    """Give what processes share, to which they add when they have four vectors of their own."""
    monkeypatch.setattr("app.meaning.matrices.MOST_TAIL_BYTES", 4 * 4 * EMBEDDER.dimensions)
    folder = tmp_path / "files"
    folder.mkdir()
    return VectorFiles(folder, 10**9)


def embed(backend: Backend) -> None:
    """Embed everything there is."""
    Embedding(backend, EMBEDDER).work()


def ask(text: str, kind: SearchObject = SearchObject.MESSAGE, **fields: Any) -> SearchQuery:
    """Return a search by meaning."""
    base = SearchQuery(
        scope_filter=ScopeFilter("acme"),
        object=kind,
        keywords=read_keywords(text),
        limit=20,
        mode=Mode.MEANING,
        vector=QueryVector(EMBEDDER.model, EMBEDDER.query(text)),
    )
    return replace(base, **fields)


def ids(backend: Backend, query: SearchQuery) -> list[str]:
    """Return the ids of what a search finds."""
    return [hit.item.id for hit in backend.search(query).hits]


def say(backend: Backend, *texts: str, scope: Scope = SCOPE, **fields: Any) -> Any:
    """Store a dialogue with messages, and embed it."""
    parent = dialogue(scope, **fields)
    messages = [message(parent, seq, text, id=f"{parent.id}-{seq}") for seq, text in enumerate(texts)]
    stored(backend, parent, messages)
    embed(backend)
    return parent


def keep(backend: Backend, one: Memory) -> None:
    """Store a memory."""
    backend.write(replace(SCOPE, namespace=one.namespace), lambda tx: tx.insert_memory(one))


def test_the_nearest_come_first(store: Backend) -> None:
    """With how near they are, a piece that is nearest deciding; what is not embedded yet is not found."""
    say(store, "cat dog", "cat", "bird bird\n\ncat dog", id="d")
    stored(store, dialogue(id="later"), [])

    found = store.search(ask("cat dog")).hits
    assert [hit.item.id for hit in found][:2] == ["d-2", "d-0"]
    assert [round(hit.relevance, 2) for hit in found[:2]] == [1.0, 1.0]
    assert found[2].relevance < 0.9
    assert ids(store, ask("cat", SearchObject.DIALOGUE)) == ["d"]


def test_what_is_written_and_removed_counts_at_once(store: Backend) -> None:
    """Although the vectors of the scope are in memory."""
    parent = say(store, "cat", "dog", id="d")
    assert ids(store, ask("cat"))[0] == "d-0"
    say(store, "cat cat", id="e")
    assert set(ids(store, ask("cat"))[:2]) == {"d-0", "e-0"}

    deleted(store, parent, purge=True)
    assert ids(store, ask("cat")) == ["e-0"]
    one = memory(id="k", value=JsonText('"cat"'))
    store.write(SCOPE, lambda tx: tx.insert_memory(one))
    embed(store)
    assert ids(store, ask("cat", SearchObject.MEMORY)) == ["k"]
    store.write(SCOPE, lambda tx: tx.save_memory(replace(one, value=JsonText('"dog"'))))
    assert ids(store, ask("cat", SearchObject.MEMORY)) == []
    embed(store)
    found = store.search(ask("cat", SearchObject.MEMORY)).hits
    assert found[0].relevance < 0.9


def test_each_worker_finds_what_is_there(backend: Backend, files: VectorFiles) -> None:
    """Whatever was written and deleted since it searched last, and whoever of them added to the file."""
    chance = random.Random(1)  # noqa: S311 - it guards nothing
    store = prepared(backend)
    workers = [Matrices(files=files) for _ in range(3)]
    parents: dict[str, Any] = {}
    texts: dict[str, str] = {}
    for number in range(24):
        if not parents or chance.random() < (0.8 if number < 12 else 0.4):
            said = [" ".join(chance.choices(WORDS, k=3)) for _ in range(chance.randint(1, 4))]
            parents[f"d{number}"] = say(store, *said, id=f"d{number}")
            texts |= {f"d{number}-{seq}": text for seq, text in enumerate(said)}
        else:
            name = chance.choice(list(parents))
            deleted(store, parents.pop(name), purge=True)
            texts = {known: text for known, text in texts.items() if known.partition("-")[0] != name}
        store.queue_for(EMBEDDER.model, chance.choice(workers))
        asked = " ".join(chance.choices(WORDS, k=2))
        found = store.search(ask(asked, limit=200)).hits
        assert {hit.item.id for hit in found} == set(texts)
        if texts:
            assert found[0].relevance == pytest.approx(max(0, nearest(texts, asked)), abs=2e-5)


@pytest.mark.parametrize("is_shared", [False, True])
def test_a_scope_is_never_left(
    backend: Backend, files: VectorFiles, tmp_path: Path, *, is_shared: bool
) -> None:
    """Neither the namespace nor the project, whoever searched before; with vectors in files, too."""
    store = prepared(backend, Matrices(files=files if is_shared else None))
    store.create_project(project("globex"))
    cats = ["cat"] * 5
    say(store, *cats, scope=ANNA, id="a")
    say(store, *cats, scope=Scope("globex"), id="g")
    say(store, *cats, id="d")

    def found(scope_filter: ScopeFilter) -> list[str]:
        return sorted(name.partition("-")[0] for name in ids(store, ask("cat", scope_filter=scope_filter)))

    for _ in range(2):
        assert found(ScopeFilter("acme")) == ["a"] * 5 + ["d"] * 5
        assert found(ScopeFilter("acme", "anna@example.org")) == ["a"] * 5
        assert found(ScopeFilter("acme", "")) == ["d"] * 5
        assert found(ScopeFilter("globex")) == ["g"] * 5
        assert found(ScopeFilter("initech")) == []
    assert ids(store, ask("cat", scope_filter=ScopeFilter("globex"), object=SearchObject.DIALOGUE)) == ["g"]
    assert len(list((tmp_path / "files").glob("*.vectors"))) == (4 if is_shared else 0)


def test_vectors_of_another_model_are_not_compared(store: Backend) -> None:
    """They have nothing in common, not even their length."""
    say(store, "cat", id="d")
    other = FakeEmbedder("fake-2", dimensions=16)
    vector = QueryVector(other.model, other.query("cat"))
    assert ids(store, ask("cat", vector=vector)) == []

    Embedding(store, other).work()
    assert ids(store, ask("cat", vector=vector)) == ["d-0"]


def test_filters_apply(store: Backend) -> None:
    """Tags, times, metadata, excluded words, phrases, one dialogue."""
    parent = dialogue(id="d", tags=("pets",), metadata=JsonText('{"n":1}'))
    rows = [
        message(parent, 0, "cat", tags=("a",)),
        message(parent, 1, "cat dog", metadata=JsonText('{"n":1}')),
        message(parent, 2, "cat bird"),
    ]
    stored(store, parent, rows)
    say(store, "cat", id="e")

    assert ids(store, ask("cat", tags_any=("a",))) == ["m0"]
    assert ids(store, ask("cat", metadata=(MetadataCondition("n", Operator.EQ, 1),))) == ["m1"]
    assert ids(store, ask("cat", created=TimeRange(instant(2)))) == ["m2"]
    assert set(ids(store, ask("cat -dog -bird"))) == {"m0", "e-0"}
    assert ids(store, ask('"cat dog"')) == ["m1"]
    assert ids(store, ask("cat", dialogue=DialogueRef("e", dialogue_uid(store, "e")))) == ["e-0"]
    assert ids(store, ask("cat", SearchObject.DIALOGUE, tags_any=("pets",))) == ["d"]
    assert ids(store, ask("cat", order_by=OrderBy.CREATED))[0] == "m2"


@pytest.mark.parametrize("kind", [SearchObject.MESSAGE, SearchObject.MEMORY, SearchObject.DIALOGUE])
def test_dates_that_leave_few_are_searched_wholly(
    monkeypatch: pytest.MonkeyPatch, store: Backend, kind: SearchObject
) -> None:
    """However many others are nearer; where they leave many, among the nearest of all."""
    monkeypatch.setattr(nearest_items, "STEP", 4)
    monkeypatch.setattr(nearest_items, "MOST_WALKED", 4)
    for number in range(12):
        said = "cat" if number < 8 else "bird"
        place = replace(SCOPE, namespace="other") if number == 11 else SCOPE
        parent = dialogue(place, id=f"d{number}", label=said, created=instant(number))
        stored(store, parent, [message(parent, 0, said, id=f"m{number}", created=instant(number))])
        keep(store, memory(place, id=f"k{number}", value=JsonText(f'"{said}"'), created=instant(number)))
    embed(store)
    letter = {SearchObject.MESSAGE: "m", SearchObject.MEMORY: "k", SearchObject.DIALOGUE: "d"}[kind]

    few = ask("cat", kind, created=TimeRange(instant(9)))
    assert set(ids(store, few)) == {f"{letter}{number}" for number in (9, 10, 11)}
    asked = replace(few, scope_filter=ScopeFilter("acme", SCOPE.namespace))
    assert set(ids(store, asked)) == {f"{letter}{number}" for number in (9, 10)}
    many = ids(store, ask("cat", kind, created=TimeRange(instant(1))))
    assert set(many) <= {f"{letter}{number}" for number in range(1, 8)}
    tagged = ids(store, ask("cat", kind, tags_any=("none",)))
    assert tagged == []


@pytest.mark.parametrize("kind", [SearchObject.MESSAGE, SearchObject.MEMORY, SearchObject.DIALOGUE])
def test_tags_and_times_that_leave_few_are_searched_wholly(
    monkeypatch: pytest.MonkeyPatch, store: Backend, kind: SearchObject
) -> None:
    """However many others are nearer, and as they are now; each filter that has an index is tried."""
    monkeypatch.setattr(nearest_items, "STEP", 4)
    monkeypatch.setattr(nearest_items, "MOST_WALKED", 4)
    letter = {SearchObject.MESSAGE: "m", SearchObject.MEMORY: "k", SearchObject.DIALOGUE: "d"}[kind]
    for number in range(12):
        said = "cat" if number < 8 else "bird"
        tags = ("usual",) if number < 6 else ("rare", f"t{number}")[: 12 - number]
        at = {"created": instant(number), "modified": instant(number), "tags": tags}
        parent = dialogue(SCOPE, id=f"d{number}", label=said, **at)
        stored(store, parent, [message(parent, 0, said, id=f"m{number}", has_image=number > 9, **at)])
        keep(store, memory(SCOPE, id=f"k{number}", value=JsonText(f'"{said}"'), **at))
    embed(store)

    def found(**filters: Any) -> set[str]:
        return set(ids(store, ask("cat", kind, **filters)))

    assert found(tags_all=("rare", "t10")) == {f"{letter}10"}
    assert found(tags_any=("t9", "t10", "none")) == {f"{letter}9", f"{letter}10"}
    assert found(tags_any=("t9", "t10"), tags_none=("t9",)) == {f"{letter}10"}
    times = TimeRange(instant(8))
    assert found(tags_any=("rare",), created=times) == {f"{letter}{number}" for number in range(8, 12)}
    if kind is SearchObject.MESSAGE:
        assert found(has_image=True) == {"m10", "m11"}
    else:
        assert found(modified=times) == {f"{letter}{number}" for number in range(8, 12)}


def test_messages_count_for_the_dialogues_that_pass(monkeypatch: pytest.MonkeyPatch, store: Backend) -> None:
    """However many messages of other dialogues are nearer."""
    monkeypatch.setattr(results, "MOST_CANDIDATES", 3)
    monkeypatch.setattr(nearest_items, "STEP", 2)
    for number in range(4):
        say(store, "cat", "cat cat", id=f"d{number}")
    say(store, "bird", "cat bird bird", id="e", tags=("pets",))

    [hit] = store.search(ask("cat", SearchObject.DIALOGUE, tags_any=("pets",))).hits
    assert [match.item.id for match in hit.matches] == ["e-1", "e-0"]


def dialogue_uid(backend: Backend, name: str) -> str:
    """Return the uid of a dialogue."""
    found = backend.get_dialogue(SCOPE, name)
    assert found is not None
    return found.uid


def test_a_dialogue_shows_the_messages_that_it_is_found_by(store: Backend) -> None:
    """The nearest three of them."""
    say(store, "cat", "cat dog", "dog dog dog cat", "bird", id="d", label="animals")
    [hit] = store.search(ask("cat", SearchObject.DIALOGUE)).hits

    assert [match.item.id for match in hit.matches] == ["d-0", "d-1", "d-2"]
    assert hit.relevance == hit.matches[0].relevance


def test_pages_follow_each_other(store: Backend) -> None:
    """Each result comes once, those that are equally near too."""
    chance = random.Random(1)  # noqa: S311 - it guards nothing
    texts = [" ".join(chance.sample(WORDS, 2)) for _ in range(60)] + ["word1 word2"] * 20
    for start in range(0, 80, 8):
        say(store, *texts[start : start + 8], id=f"d{start}")
    for kind, count in ((SearchObject.MESSAGE, 80), (SearchObject.DIALOGUE, 10)):
        for mode in (Mode.MEANING, Mode.HYBRID):
            query = ask("word1 word2", kind, limit=7, mode=mode)
            whole = ids(store, replace(query, limit=100))
            assert len(whole) == count
            assert list(walk(store, query)) == whole


@pytest.mark.parametrize("kind", [SearchObject.MESSAGE, SearchObject.DIALOGUE])
@pytest.mark.parametrize("mode", [Mode.MEANING, Mode.HYBRID])
def test_pages_keep_their_candidates(
    monkeypatch: pytest.MonkeyPatch, store: Backend, kind: SearchObject, mode: Mode
) -> None:
    """What is embedded between two pages takes no place of what the first one found, however near it is."""
    monkeypatch.setattr(results, "MOST_CANDIDATES", 10)
    monkeypatch.setattr(nearest_items, "STEP", 10)
    for number in range(8):
        say(store, f"word1 word{number + 2}", f"word{number + 10}", id=f"d{number}")
    query = ask("word1 word20", kind, limit=2, mode=mode)
    whole = list(walk(store, query))
    first = store.search(query)
    for number in range(8):
        say(store, "word1 word20", "word1 word20 word1 word20", id=f"new{number}")

    rest = walk(store, replace(query, after=first.last, frequencies=first.frequencies))

    assert len(whole) > 6
    assert [hit.item.id for hit in first.hits] == whole[:2]
    assert [name for name in rest if not name.startswith("new")] == whole[2:]


def walk(backend: Backend, query: SearchQuery) -> Iterator[str]:
    """Yield the ids of all pages."""
    while True:
        found = backend.search(query)
        yield from (hit.item.id for hit in found.hits)
        if found.last is None:
            return
        query = replace(query, after=found.last, frequencies=found.frequencies)


@pytest.mark.parametrize("other", STORES[1:])
@pytest.mark.parametrize("seed", range(3))
def test_both_stores_find_the_same(tmp_path: Path, files: VectorFiles, other: str, seed: int) -> None:
    """In the same order and by the same numbers, as comparing with each vector does.

    One has its vectors in memory, the other in files.
    """
    chance = random.Random(seed)  # noqa: S311 - it guards nothing
    opened = [open_backend(kind, tmp_path) for kind in ("sqlite", other)]
    matrices = [Matrices(files=files if seed % 2 else None), Matrices(files=None if seed % 2 else files)]
    stores = [prepared(next(one), vectors) for one, vectors in zip(opened, matrices, strict=True)]
    texts = {}
    for number in range(12):
        parent = dialogue(chance.choice([SCOPE, ANNA]), id=f"d{number}", label=chance.choice([None, *WORDS]))
        rows = []
        for seq in range(chance.randrange(9)):
            text = "\n\n".join(" ".join(chance.choices(WORDS, k=3)) for _ in range(chance.randint(1, 3)))
            rows.append(message(parent, seq, text, id=f"d{number}-{seq}"))
            texts[f"d{number}-{seq}"] = text
        for one in stores:
            stored(one, parent, rows)
    for one in stores:
        embed(one)
    for _ in range(12):
        asked = " ".join(chance.choices(WORDS, k=2))
        for kind in (SearchObject.MESSAGE, SearchObject.DIALOGUE):
            for mode in (Mode.MEANING, Mode.HYBRID):
                query = ask(asked, kind, mode=mode, limit=chance.choice([3, 50]))
                first, second = (shown(one, query) for one in stores)
                assert first == second
        best = nearest(texts, asked)
        assert shown(stores[0], ask(asked, limit=1))[0][1] == pytest.approx(best, abs=2e-5)
    for generator in opened:
        next(generator, None)


def shown(backend: Backend, query: SearchQuery) -> list[tuple[str, float, list[str]]]:
    """Return what a search finds, and by what."""
    hits = backend.search(query).hits
    return [(hit.item.id, hit.relevance, [one.item.id for one in hit.matches]) for hit in hits]


def nearest(texts: dict[str, str], asked: str) -> float:
    """Return how near the nearest message is, worked out one by one."""

    def numbers(vector: bytes) -> tuple[float, ...]:
        return struct.unpack(f"<{len(vector) // 2}e", vector)

    query = numbers(EMBEDDER.query(asked))
    found = []
    for text, pieces in zip(texts.values(), EMBEDDER.passages(list(texts.values())), strict=True):
        best = max(sum(a * b for a, b in zip(query, numbers(piece), strict=True)) for piece in pieces)
        found.append(weigh_cosine(best, len(set(text.split()))))
    return max(found)
