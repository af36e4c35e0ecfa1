"""The embedder that asks an OpenAI-compatible ``/embeddings`` endpoint."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from ..model_endpoint.client import EndpointClient, EndpointError
from ..waiting import aside
from .embedder import EmbedderError, TextRefused
from .pieces import cut_by_bytes

REFUSALS: Final = {400, 413, 422}
"""The answers that a text itself may be the cause of."""

ANSWER_MEBIBYTES: Final = 64


@dataclass(frozen=True, slots=True)
class EndpointEmbedder:
    """A model behind an endpoint; ``batch`` texts are sent in one request at most."""

    client: EndpointClient
    name: str
    dimensions: int
    batch: int = 32
    query_prefix: str = ""
    passage_prefix: str = ""

    @property
    def model(self) -> str:
        """The model's name, with what else the vectors of passages depend on."""
        return f"{self.name}/{self.dimensions}{self.passage_prefix and ' '}{self.passage_prefix}".rstrip()

    def passages(self, texts: Sequence[str]) -> list[list[bytes]]:
        """Return the vectors of the pieces of each text."""
        pieces = [cut_by_bytes(text) for text in texts]
        asked = [self.passage_prefix + piece for piece in chain.from_iterable(pieces)]
        batches = [asked[start : start + self.batch] for start in range(0, len(asked), self.batch)]
        vectors = chain.from_iterable(map(self._embed, batches))
        return [[next(vectors) for _ in text] for text in pieces]

    def query(self, text: str) -> bytes:
        """Return the vector of a query, of which about 1,200 bytes are read."""
        pieces = cut_by_bytes(text)
        if not pieces:
            raise TextRefused("There is nothing to read in the text")
        with aside():
            return self._embed([self.query_prefix + pieces[0]])[0]

    def _embed(self, texts: list[str]) -> list[bytes]:
        try:
            answer = self.client.post("/embeddings", {"model": self.name, "input": texts})
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
