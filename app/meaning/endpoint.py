"""The embedder that asks an OpenAI-compatible ``/embeddings`` endpoint."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from time import monotonic
from typing import Any, Final

from ..model_endpoint.client import EndpointClient, EndpointError
from ..waiting import aside
from .embedder import EmbedderError, TextRefused
from .pieces import cut_by_bytes

REFUSALS: Final = {400, 413, 422}
"""The answers that a text itself may be the cause of."""

ANSWER_MEBIBYTES: Final = 64

QUERY_SECONDS: Final = 10.0
"""How long a query waits for its vector at most: somebody waits for what it finds."""

REST_SECONDS: Final = 10.0
"""For how long queries do without an endpoint that has failed one."""


class _Rest:
    """Whether queries ask the endpoint, which they do not while one has just failed."""

    def __init__(self) -> None:
        self._until = 0.0

    def begin(self) -> None:
        """Let no query ask for a while."""
        self._until = monotonic() + REST_SECONDS

    def end(self) -> None:
        """Let all queries ask."""
        self._until = 0.0

    def admits(self) -> bool:
        """Whether a query may ask; behind a rest one does, while the others go on without."""
        if not self._until:
            return True
        is_over = monotonic() >= self._until
        if is_over:
            self.begin()
        return is_over


@dataclass(frozen=True, slots=True)
class EndpointEmbedder:
    """A model behind an endpoint; ``batch`` texts are sent in one request at most."""

    client: EndpointClient
    name: str
    dimensions: int
    batch: int = 32
    query_prefix: str = ""
    passage_prefix: str = ""
    _rest: _Rest = field(default_factory=_Rest, init=False, repr=False, compare=False)

    @property
    def model(self) -> str:
        """The model's name, with what else the vectors of passages depend on."""
        return f"{self.name}/{self.dimensions}{self.passage_prefix and ' '}{self.passage_prefix}".rstrip()

    def passages(self, texts: Sequence[str]) -> list[list[bytes]]:
        """Return the vectors of the pieces of each text."""
        pieces = [cut_by_bytes(text) for text in texts]
        asked = [self.passage_prefix + piece for piece in chain.from_iterable(pieces)]
        batches = [asked[start : start + self.batch] for start in range(0, len(asked), self.batch)]
        vectors = chain.from_iterable(self._embed(batch, self.client) for batch in batches)
        return [[next(vectors) for _ in text] for text in pieces]

    def query(self, text: str) -> bytes:
        """Return the vector of a query, of which about 1,200 bytes are read.

        It is asked for once and for QUERY_SECONDS at most; behind a query that failed, it fails at once.
        """
        pieces = cut_by_bytes(text)
        if not pieces:
            raise TextRefused("There is nothing to read in the text")
        if not self._rest.admits():
            raise EmbedderError("The model's endpoint failed a moment ago")
        with aside():
            return self._ask_once(self.query_prefix + pieces[0])

    def _ask_once(self, text: str) -> bytes:
        """Return the vector of a text, and let the queries that come next ask or rest by how it went."""
        client = replace(self.client, timeout=min(self.client.timeout, QUERY_SECONDS), retries=0)
        try:
            (vector,) = self._embed([text], client)
        except TextRefused:
            self._rest.end()
            raise
        except EmbedderError:
            self._rest.begin()
            raise
        self._rest.end()
        return vector

    def _embed(self, texts: list[str], client: EndpointClient) -> list[bytes]:
        try:
            answer = client.post("/embeddings", {"model": self.name, "input": texts})
        except EndpointError as error:
            kind = TextRefused if error.status in REFUSALS else EmbedderError
            raise kind(str(error)) from error
        try:
            found = {one["index"]: one["embedding"] for one in answer["data"]}
            return [self._to_bytes(found[place]) for place in range(len(texts))]
        except (KeyError, OverflowError, TypeError) as error:
            raise EmbedderError("The model's endpoint answered without data[].embedding") from error

    def _to_bytes(self, numbers: Any) -> bytes:
        if len(numbers) != self.dimensions:
            raise EmbedderError(
                f"The model's endpoint answered with vectors of {len(numbers)} numbers, not {self.dimensions}"
            )
        length = math.hypot(*numbers)
        if not math.isfinite(length) or not length:
            raise EmbedderError("The model's endpoint answered with a vector without a direction")
        return struct.pack(f"<{self.dimensions}e", *(number / length for number in numbers))
