"""The embedder of the tests keeps the promises of the interface."""

from __future__ import annotations

import math
import struct

import pytest

from app.meaning.embedder import Embedder, EmbedderError, TextRefused
from tests.fake_embedder import FakeEmbedder


def numbers_of(vector: bytes) -> tuple[float, ...]:
    """Return the numbers of a vector as the interface describes them."""
    return struct.unpack(f"<{len(vector) // 2}e", vector)


def cosine(one: bytes, other: bytes) -> float:
    """Return the inner product of two vectors."""
    return sum(a * b for a, b in zip(numbers_of(one), numbers_of(other), strict=True))


def test_vectors_have_unit_length_and_the_stated_form() -> None:
    """A vector has two bytes a dimension and a length of 1."""
    embedder: Embedder = FakeEmbedder()

    vector = embedder.query("the train to Bonn")

    assert len(vector) == 2 * embedder.dimensions
    assert math.sqrt(cosine(vector, vector)) == pytest.approx(1, abs=0.002)


def test_synonyms_are_near_and_other_words_are_not() -> None:
    """A query in other words is nearer to what it means than to anything else."""
    embedder = FakeEmbedder(synonyms={"automobile": "car"})
    [[car], [train], [], pieces] = embedder.passages(["my car", "a train", " ", "my car\n\na train"])

    query = embedder.query("automobile")

    assert cosine(query, car) > 0.5 > cosine(query, train)
    assert pieces == [car, train]


def test_failures_are_told_apart() -> None:
    """An embedder that is away may come back; a refused text stays refused."""
    with pytest.raises(TextRefused):
        FakeEmbedder().passages(["fine", "unspeakable"])
    with pytest.raises(TextRefused):
        FakeEmbedder().query("?!")
    with pytest.raises(EmbedderError, match="away"):
        FakeEmbedder(is_away=True).query("fine")
