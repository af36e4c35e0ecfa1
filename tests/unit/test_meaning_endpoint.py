"""The embedder that asks an endpoint, against a stub of it: good, slow, broken and lying ones."""

from __future__ import annotations

import json
import math
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from app.domain.errors import RateLimitExceeded
from app.meaning.embedder import Embedder, EmbedderError, TextRefused
from app.meaning.endpoint import REST_SECONDS
from app.opening import open_embedder
from app.settings import Settings
from app.waiting import end_request, lend_place
from tests.chat_endpoint import Answer, Stub, endpoint, raw, send

KEY = "sk-very-secret-key"


def open_endpoint(stub: Stub, tmp_path: Path, **settings: str) -> Embedder:
    """Return the embedder that the settings name, which asks the stub."""
    key = tmp_path / "key"
    key.write_text(KEY + "\n")
    environment = {
        "COLLOQUY_EMBEDDER": "endpoint",
        "COLLOQUY_EMBEDDER_URL": f"http://127.0.0.1:{stub.server_address[1]}/v1/",
        "COLLOQUY_EMBEDDER_KEY_FILE": str(key),
        "COLLOQUY_EMBEDDER_MODEL": "some-model",
        "COLLOQUY_EMBEDDER_DIMENSIONS": "2",
        "COLLOQUY_EMBEDDER_RETRIES": "0",
    }
    environment |= {f"COLLOQUY_EMBEDDER_{name.upper()}": value for name, value in settings.items()}
    embedder = open_embedder(Settings.from_environment(environment))
    assert embedder is not None
    return embedder


def lengths(stub: Stub) -> Answer:
    """An endpoint that gives each text the vector (its length, 1), the last one first."""

    def answer(handler: BaseHTTPRequestHandler, _number: int) -> None:
        texts = stub.asked[-1]["input"]
        data = [{"index": place, "embedding": [len(text), 1]} for place, text in enumerate(texts)]
        send(handler, 200, json.dumps({"data": data[::-1]}).encode())

    return answer


def numbers_of(vector: bytes) -> tuple[float, ...]:
    """Return the numbers of a vector."""
    return struct.unpack("<2e", vector)


def test_texts_are_embedded_in_batches(tmp_path: Path) -> None:
    """Pieces are sent so many at once, and their vectors come back in order and with length 1."""
    with endpoint(raw(200)) as stub:
        stub.answer = lengths(stub)
        embedder = open_endpoint(stub, tmp_path, batch="2")
        found = embedder.passages(["one", " ", "word " * 300, "seven"])

    assert [asked["path"] for asked in stub.asked] == ["/v1/embeddings"] * 2
    assert [asked["model"] for asked in stub.asked] == ["some-model"] * 2
    assert stub.keys == [f"Bearer {KEY}"] * 2
    sent = [text for asked in stub.asked for text in asked["input"]]
    assert [len(vectors) for vectors in found] == [1, 0, 2, 1]
    assert (sent[0], sent[-1]) == ("one", "seven")
    for text, vector in zip(sent, [vector for vectors in found for vector in vectors], strict=True):
        length = math.hypot(len(text), 1)
        assert numbers_of(vector) == pytest.approx((len(text) / length, 1 / length), abs=0.001)


def test_prefixes_are_sent(tmp_path: Path) -> None:
    """What the model was trained to find before a text is before it; the stored name tells it."""
    with endpoint(raw(200)) as stub:
        stub.answer = lengths(stub)
        plain = open_endpoint(stub, tmp_path)
        prefixed = open_endpoint(stub, tmp_path, query_prefix="query:", passage_prefix="passage:")
        plain.query("one")
        prefixed.query("one")
        prefixed.passages(["two"])

    assert [asked["input"] for asked in stub.asked] == [["one"], ["query: one"], ["passage: two"]]
    assert (plain.model, prefixed.model) == ("some-model/2", "some-model/2 passage:")
    assert plain.dimensions == 2


def test_of_a_long_query_the_beginning_is_sent(tmp_path: Path) -> None:
    """A query is one text of at most 1,200 bytes; one of spaces asks nobody."""
    with endpoint(raw(200)) as stub:
        stub.answer = lengths(stub)
        embedder = open_endpoint(stub, tmp_path)
        embedder.query("word " * 5_000)
        with pytest.raises(TextRefused):
            embedder.query("  ")

    [asked] = stub.asked
    assert 600 <= len(asked["input"][0]) <= 1_200


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refused_text_is_told_apart(tmp_path: Path, status: int) -> None:
    """The statuses that a text may be the cause of are not worth another try."""
    with (
        endpoint(raw(status, b"too long")) as stub,
        pytest.raises(TextRefused, match=f"answered with status {status}"),
    ):
        open_endpoint(stub, tmp_path, retries="2").passages(["one"])
    assert len(stub.asked) == 1


def data(embedding: object, index: object = 0) -> bytes:
    """An answer with one vector."""
    return json.dumps({"data": [{"index": index, "embedding": embedding}]}).encode()


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (raw(500, KEY.encode()), "answered with status 500 (1 attempts)"),
        (raw(401, KEY.encode()), "answered with status 401"),
        (raw(404), "answered with status 404"),
        (raw(200, b"<html>"), "did not answer with JSON"),
        (raw(200, b"[]"), "without data[].embedding"),
        (raw(200, b'{"data": []}'), "without data[].embedding"),
        (raw(200, data([1, 2], index=1)), "without data[].embedding"),
        (raw(200, data([1, 2], index=[])), "without data[].embedding"),
        (raw(200, data("AAAA")), "vectors of 4 numbers, not 2"),
        (raw(200, data("AA")), "without data[].embedding"),
        (raw(200, data(7)), "without data[].embedding"),
        (raw(200, data([1, 2, 3])), "vectors of 3 numbers, not 2"),
        (raw(200, data([1, 10**400])), "without data[].embedding"),
        (raw(200, data([0, 0])), "without a direction"),
        (raw(200, data([math.nan, 1])), "without a direction"),
        (raw(200, data([math.inf, 1])), "without a direction"),
        (lambda handler, _number: handler.connection.close(), "broke off (1 attempts)"),
    ],
)
def test_a_failing_endpoint_may_be_asked_again(tmp_path: Path, answer: Answer, problem: str) -> None:
    """Whatever goes wrong is an error that may pass, and its text tells no secret."""
    with endpoint(answer) as stub, pytest.raises(EmbedderError) as error:
        open_endpoint(stub, tmp_path).query("one")

    assert problem in str(error.value)
    assert KEY not in str(error.value)
    assert not isinstance(error.value, TextRefused)


def test_a_query_waits_neither_for_repeats_nor_for_an_endpoint_that_failed_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One asks, the others fail at once; behind the rest one asks again, and all do when it has a vector."""
    now = 1_000.0
    monkeypatch.setattr("app.meaning.endpoint.monotonic", lambda: now)
    with endpoint(raw(503)) as stub:
        embedder = open_endpoint(stub, tmp_path, retries="2")
        for _ in range(3):
            with pytest.raises(EmbedderError):
                embedder.query("one")
        assert len(stub.asked) == 1

        now += REST_SECONDS
        for _ in range(3):
            with pytest.raises(EmbedderError):
                embedder.query("one")
        assert len(stub.asked) == 2

        now += REST_SECONDS
        stub.answer = raw(413)
        for _ in range(2):
            with pytest.raises(TextRefused):
                embedder.query("one")
        stub.answer = lengths(stub)
        for _ in range(2):
            assert embedder.query("one")
        assert len(stub.asked) == 6


def test_a_failure_counts_where_the_query_cannot_go_on_either(tmp_path: Path) -> None:
    """Who finds its place taken when the endpoint has failed is refused for that; the next does not ask."""

    @contextmanager
    def without_way_back() -> Iterator[None]:
        try:
            yield
        finally:
            raise RateLimitExceeded("its place is taken")

    with endpoint(raw(503)) as stub:
        embedder = open_endpoint(stub, tmp_path)
        lend_place(without_way_back)
        try:
            with pytest.raises(RateLimitExceeded):
                embedder.query("one")
        finally:
            end_request()
        with pytest.raises(EmbedderError, match="a moment ago"):
            embedder.query("one")
        assert len(stub.asked) == 1


def test_a_query_waits_no_longer_than_somebody_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a request for passages may take."""
    monkeypatch.setattr("app.meaning.endpoint.QUERY_SECONDS", 0.1)
    given_up = threading.Event()

    def answer(handler: BaseHTTPRequestHandler, _number: int) -> None:
        assert given_up.wait(30)
        handler.close_connection = True

    with endpoint(answer) as stub:
        with pytest.raises(EmbedderError, match="did not answer in time"):
            open_endpoint(stub, tmp_path, timeout="600").query("one")
        given_up.set()
