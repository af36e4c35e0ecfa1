"""Searching by meaning, by words and by both; without an embedder by words alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.services.embedding import Embedding
from app.settings import Settings
from app.stores import Backend
from app.wiring import connect
from tests.contract.conftest import Api, application, make_key
from tests.contract.searching import every_object, find, put, search
from tests.fake_embedder import FakeEmbedder

SYNONYMS = {"feline": "cat", "kitten": "cat", "hound": "dog", "puppy": "dog", "vessel": "boat"}


class Meaning:
    """An API with an embedder that takes synonyms for each other."""

    def __init__(self, backend: Backend) -> None:
        self.embedder = FakeEmbedder(synonyms=SYNONYMS)
        self.backend = backend
        connect(application(), Settings(key_cache=0.0), backend, embedder=self.embedder)
        self.api = Api(application(), make_key(backend))
        self.embedding = Embedding(backend, self.embedder)

    def put(self, kind: str, name: str, text: str, **fields: object) -> None:
        """Store something, and embed it."""
        put(self.api, kind, name, text, **fields)
        self.embedding.work()


@pytest.fixture
def meaning(backend: Backend) -> Iterator[Meaning]:
    """The API of project ``acme`` with an embedder."""
    yield Meaning(backend)
    connect(application(), Settings(key_cache=0.0), backend)
    backend.queue_for(None)


@every_object
def test_what_is_meant_is_found(meaning: Meaning, kind: str) -> None:
    """In other words; words alone find nothing then, and both find it."""
    meaning.put(kind, "a", "a kitten sleeps")
    meaning.put(kind, "b", "the vessel sails")
    api = meaning.api

    assert find(api, kind, "feline sleeps", mode="meaning")[0] == "a"
    assert find(api, kind, "feline", mode="keyword") == []
    assert find(api, kind, "feline sleeps", mode="hybrid")[0] == "a"
    assert search(api, kind, "feline sleeps")["request"]["mode"] == "hybrid"


def test_a_dialogue_shows_what_it_is_found_by(meaning: Meaning) -> None:
    """In every mode, the best messages of it."""
    texts = ["kitten", "boat", "hound"]
    said = [{"id": f"m{n}", "role": "user", "content": text} for n, text in enumerate(texts)]
    meaning.api.ok("POST", "/dialogue", {"id": "d", "label": "animals", "messages": said})
    meaning.embedding.work()

    for mode, asked in (
        ("meaning", "feline"),
        ("hybrid", "feline"),
        ("hybrid", "kitten"),
        ("keyword", "kitten"),
    ):
        [result] = search(meaning.api, "dialogue", asked, mode=mode)["results"]
        assert result["item"]["id"] == "d"
        assert result["matches"][0]["item"]["id"] == "m0"


def test_what_a_stale_summary_quotes_no_longer_counts(meaning: Meaning) -> None:
    """A dialogue is embedded by what its summary says until a message that it covers is deleted."""
    said = [{"id": text, "role": "user", "content": text} for text in ("kitten", "boat")]
    meaning.api.ok("POST", "/dialogue", {"id": "d", "label": "animals", "messages": said})
    meaning.api.ok("POST", "/summary", {"dialogueId": "d"})
    meaning.embedding.work()

    [quoting] = search(meaning.api, "dialogue", "animals", mode="meaning")["results"]
    meaning.api.ok("DELETE", "/dialogue/d/message/kitten")
    meaning.embedding.work()
    [after] = search(meaning.api, "dialogue", "animals", mode="meaning")["results"]

    assert quoting["relevance"] < 0.9
    assert after["relevance"] > 0.99


@pytest.mark.parametrize("mode", ["meaning", "hybrid"])
def test_filters_apply_in_each_mode(meaning: Meaning, mode: str) -> None:
    """Tags, metadata, dates and the namespace."""
    meaning.put("message", "a", "kitten", tags=["x"], created="2026-01-01T00:00:00Z")
    meaning.put("message", "b", "kitten", metadata={"n": 1}, created="2026-02-01T00:00:00Z")
    meaning.put("message", "c", "kitten", namespace="anna")
    api = meaning.api

    assert set(find(api, "message", "feline", mode=mode)) == {"a", "b", "c"}
    assert find(api, "message", "feline", mode=mode, tags=["x"]) == ["a"]
    assert find(api, "message", "feline", mode=mode, metadata={"n": 1}) == ["b"]
    assert find(api, "message", "feline", mode=mode, filter={"created": "2026-02"}) == ["b"]
    assert find(api, "message", "feline", mode=mode, namespace="anna") == ["c"]
    assert find(api, "message", "feline -kitten", mode="meaning", namespace="anna") == []


@every_object
@pytest.mark.parametrize("mode", ["meaning", "hybrid"])
def test_pages_go_on_where_they_ended(meaning: Meaning, kind: str, mode: str) -> None:
    """With ``next`` alone, although things are written and removed between them."""
    for number in range(12):
        put(meaning.api, kind, f"k{number}", f"kitten {number} hound")
    meaning.embedding.work()
    asked = {"query": "feline dog", "object": kind, "mode": mode, "limit": 5}
    first = meaning.api.ok("POST", "/search", asked)
    rest = []
    page = first
    while "next" in page:
        page = meaning.api.ok("POST", "/search", asked | {"next": page["next"]})
        rest += page["items"]

    ids = [item["id"] for item in [*first["items"], *rest]]
    assert len(ids) == len(set(ids)) == 12


def test_results_by_meaning_can_be_ordered_by_time(meaning: Meaning) -> None:
    """Those that are found."""
    for day in range(1, 4):
        meaning.put("message", f"m{day}", "kitten", created=f"2026-01-0{day}T00:00:00Z")

    asked = {"mode": "meaning", "orderBy": "created"}
    assert find(meaning.api, "message", "feline", **asked, order="asc") == ["m1", "m2", "m3"]
    assert find(meaning.api, "message", "feline", **asked) == ["m3", "m2", "m1"]


@pytest.mark.parametrize("mode", ["meaning", "hybrid"])
def test_without_an_embedder_there_is_no_meaning(api: Api, mode: str) -> None:
    """The answer names the field and the setting; a search that names no mode is by words."""
    error = api.refused(
        400, "INVALID_INPUT", "POST", "/search", {"query": "x", "object": "message", "mode": mode}
    )
    assert error["details"][0]["field"] == "mode"
    assert "COLLOQUY_EMBEDDER" in error["message"]
    assert search(api, "message", "x")["request"]["mode"] == "keyword"
    api.ok("POST", "/dialogue", {"id": "d"})
    assert (
        "COLLOQUY_EMBEDDER" in api.refused(400, "INVALID_PARAMETER", "GET", "/dialogue/d/similar")["message"]
    )


def test_an_unknown_mode_is_refused(meaning: Meaning) -> None:
    """By the name of its field."""
    asked = {"query": "x", "object": "message", "mode": "magic"}
    error = meaning.api.refused(400, "INVALID_INPUT", "POST", "/search", asked)
    assert error["details"][0]["field"] == "mode"


def test_an_embedder_that_is_away_leaves_the_words(meaning: Meaning) -> None:
    """A search by both says that it was one by words, on all its pages; one by meaning is 503."""
    for number in range(3):
        meaning.put("message", f"m{number}", "kitten")
    asked = {"query": "kitten", "object": "message", "limit": 1}
    before = meaning.api.ok("POST", "/search", asked)
    meaning.embedder.is_away = True
    first = meaning.api.ok("POST", "/search", asked)
    assert first["request"]["mode"] == "keyword"
    meaning.api.refused(503, "SERVICE_UNAVAILABLE", "POST", "/search", asked | {"mode": "meaning"})
    meaning.api.refused(503, "SERVICE_UNAVAILABLE", "POST", "/search", asked | {"next": before["next"]})

    meaning.embedder.is_away = False
    assert meaning.api.ok("POST", "/search", asked | {"next": first["next"]})["request"]["mode"] == "keyword"


@pytest.mark.parametrize("asked", ["...", "-", '"', '-"kitten"', "unspeakable", "?! " * 300])
def test_a_query_that_says_nothing_finds_nothing(meaning: Meaning, asked: str) -> None:
    """And is no error, in any mode."""
    meaning.put("message", "m", "kitten")
    for mode in ("meaning", "hybrid", "keyword"):
        assert find(meaning.api, "message", asked, mode=mode) == []


def test_similar_dialogues_are_found(meaning: Meaning) -> None:
    """Those that are nearest in meaning, without itself, within its namespace; none before it is embedded."""
    api = meaning.api
    for name, texts in {"d": ["kitten", "hound"], "near": ["feline", "puppy"], "far": ["boat"]}.items():
        said = [{"role": "user", "content": text} for text in texts]
        api.ok("POST", "/dialogue", {"id": name, "messages": said})
    api.ok("POST", "/dialogue", {"id": "other", "namespace": "anna", "messages": said})
    assert api.ok("GET", "/dialogue/d/similar") == {"results": [], "items": []}
    meaning.embedding.work()

    found = api.ok("GET", "/dialogue/d/similar")
    assert [item["id"] for item in found["items"]] == ["near", "far"]
    assert found["results"][0]["relevance"] > found["results"][1]["relevance"]
    assert len(found["results"][0]["matches"]) == 2
    assert len(api.ok("GET", "/dialogue/d/similar?limit=1")["items"]) == 1
    api.refused(404, "DIALOGUE_NOT_FOUND", "GET", "/dialogue/none/similar")
    api.refused(400, "INVALID_PARAMETER", "GET", "/dialogue/d/similar?limit=0")


def test_stats_say_how_much_is_embedded(meaning: Meaning) -> None:
    """Of the project and of one namespace; nothing without an embedder."""
    put(meaning.api, "message", "m", "kitten")
    put(meaning.api, "memory", "k", "hound", namespace="anna")
    assert meaning.api.ok("GET", "/stats")["meaning"] == {"model": "fake-1", "embedded": 0, "waiting": 3}
    meaning.embedding.work()

    assert meaning.api.ok("GET", "/stats")["meaning"] == {"model": "fake-1", "embedded": 3, "waiting": 0}
    assert meaning.api.ok("GET", "/stats?namespace=anna")["meaning"]["embedded"] == 1


def test_stats_without_an_embedder_do_not_speak_of_meaning(api: Api) -> None:
    """There is nothing to say."""
    assert "meaning" not in api.ok("GET", "/stats")


LONG = " ".join(f"filler{number}" for number in range(60))


def converse(api: Api) -> None:
    """Store a dialogue whose first exchanges are far behind its newest messages."""
    said = [
        ("user", "My kitten is called Minka."),
        ("assistant", "A lovely name."),
        ("user", "The invoice has number 4711."),
        ("assistant", "Noted."),
        *[("user" if number % 2 == 0 else "assistant", f"{LONG} {number}") for number in range(18)],
        ("user", "What now?"),
    ]
    bodies = [{"id": f"m{place}", "role": role, "content": text} for place, (role, text) in enumerate(said)]
    api.ok("POST", "/dialogue", {"id": "d", "messages": bodies})


def context_of(api: Api, **query: str) -> tuple[list[str], dict[str, object]]:
    """Return the ids of a context's messages, and the rest of the answer."""
    answer = api.ok("GET", "/dialogue/d/context", query={"maxTokens": "1200"} | query)
    assert answer["tokenCount"] <= 1200
    assert len(answer["messages"]) + answer["omittedMessages"] == 23
    return [message["id"] for message in answer["messages"]], answer


def test_a_context_brings_back_what_matters_to_a_question(meaning: Meaning) -> None:
    """In other words, a whole exchange, in order, before the newest messages, within the budget."""
    converse(meaning.api)
    meaning.embedding.work()
    without, answer = context_of(meaning.api)
    assert not {"m0", "m2"} & set(without)
    assert "relatedMessages" not in answer

    ids, answer = context_of(meaning.api, query="called feline Minka lovely my is")
    assert ids[:2] == ["m0", "m1"]
    assert ids[-1] == "m22"
    assert answer["relatedMessages"] == len(ids) - len(set(ids) & set(without))
    openai = meaning.api.ok(
        "GET", "/dialogue/d/context", query={"maxTokens": "1200", "query": "feline Minka", "format": "openai"}
    )
    assert openai["messages"][0]["content"] == "My kitten is called Minka."


def test_a_context_finds_by_words_without_an_embedder(api: Api) -> None:
    """And while the embedder is away."""
    converse(api)
    ids, answer = context_of(api, query="invoice number")
    assert ids[:2] == ["m2", "m3"]
    assert answer["relatedMessages"] == 2
    assert context_of(api, query="nothing of that")[1]["relatedMessages"] == 0
    assert context_of(api, query="What now?")[1]["relatedMessages"] == 0
    error = api.refused(400, "INVALID_PARAMETER", "GET", "/dialogue/d/context?query=")
    assert error["details"][0]["field"] == "query"


def test_a_context_goes_on_while_the_embedder_is_away(meaning: Meaning) -> None:
    """By words."""
    converse(meaning.api)
    meaning.embedding.work()
    meaning.embedder.is_away = True

    assert context_of(meaning.api, query="invoice number")[0][:2] == ["m2", "m3"]
