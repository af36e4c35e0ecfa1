"""The embedder that runs a model on this machine, on one thread for each text that it reads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
from tokenizers import Tokenizer

from ..waiting import blocking
from .embedder import EmbedderError, TextRefused
from .folder import ModelFolder, Pooling
from .pieces import READ_CHARACTERS, windows

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHARED_TOKENS: Final = 48
"""How many tokens a piece repeats of the one before."""

BATCH_TOKENS: Final = 2048
"""How many tokens are run at once: for MiniLM about 40 MB of memory beside the weights."""


class _Model(Protocol):
    """What makes a row of numbers of each token of some texts."""

    def run(self, texts: Sequence[Sequence[int]]) -> list[NDArray[np.float32]]:
        """Return for each text a row for each token."""


@dataclass(slots=True)
class LocalEmbedder:
    """A model of sentence-transformers; its weights are read at the first use."""

    folder: ModelFolder
    _tokenizer: Any
    _load: Callable[[], _Model]
    _loading: threading.Lock = field(default_factory=threading.Lock)
    _loaded: _Model | None = None

    @property
    def model(self) -> str:
        """The folder's name, and a checksum of the weights and of how passages are read."""
        return self.folder.name

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has."""
        return self.folder.use.dimensions

    def passages(self, texts: Sequence[str]) -> list[list[bytes]]:
        """Return the vectors of the pieces of each text."""
        pieces = [self._pieces(text) for text in texts]
        vectors = self._embed(tokens for text in pieces for tokens in text)
        return [[next(vectors) for _ in text] for text in pieces]

    def query(self, text: str) -> bytes:
        """Return the vector of a query, of which 256 tokens are read."""
        if not text.strip():
            raise TextRefused("There is nothing to read in the text")
        with blocking():
            return next(self._embed([self._encode(self.folder.use.query_prefix + text[:READ_CHARACTERS])]))

    def _pieces(self, text: str) -> list[list[int]]:
        """Return the tokens of the pieces of a text, each with the prefix before it."""
        text = text[:READ_CHARACTERS].strip()
        if not text:
            return []
        places = self._tokenizer.encode(text, add_special_tokens=False).offsets
        room = self.folder.use.tokens - len(self._tokenizer.encode(self.folder.use.passage_prefix).ids)
        spans = windows(len(places), room, min(SHARED_TOKENS, room // 2))
        cut = [text[places[start][0] : places[end - 1][1]] for start, end in spans]
        return [self._encode(self.folder.use.passage_prefix + piece) for piece in cut]

    def _encode(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text).ids
        # Of what is too long the last token stays: it ends a text.
        return ids if len(ids) <= self.folder.use.tokens else [*ids[: self.folder.use.tokens - 1], ids[-1]]

    def _embed(self, texts: Iterable[list[int]]) -> Iterator[bytes]:
        for batch in _batches(texts):
            for rows in self._model().run(batch):
                yield _to_bytes(_pool(rows, self.folder.use.pooling))

    def _model(self) -> _Model:
        with self._loading:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded


def open_local(folder: ModelFolder) -> LocalEmbedder:
    """Return an embedder. Raises EmbedderError for a folder without a tokenizer.

    Raises ImportError when what runs its weights is not installed.
    """
    load = _loader(folder)
    file = folder.path / "tokenizer.json"
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises nothing narrower
        raise EmbedderError(f"{file} is missing or not a tokenizer") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return LocalEmbedder(folder, tokenizer, load)


def _loader(folder: ModelFolder) -> Callable[[], _Model]:
    """Return what reads the weights; only the library that they need is imported."""
    if folder.weights.suffix == ".onnx":
        from .onnx import load_onnx

        return partial(load_onnx, folder.weights, folder.use.dimensions)
    from .bert import load_bert

    return partial(load_bert, folder.weights, folder.use.config)


def _batches(texts: Iterable[list[int]]) -> Iterator[list[list[int]]]:
    held: list[list[int]] = []
    tokens = 0
    for text in texts:
        if held and tokens + len(text) > BATCH_TOKENS:
            yield held
            held, tokens = [], 0
        held.append(text)
        tokens += len(text)
    if held:
        yield held


def _pool(rows: NDArray[np.float32], pooling: Pooling) -> NDArray[np.float32]:
    if pooling is Pooling.CLS:
        pooled: NDArray[np.float32] = rows[0]
    else:
        pooled = rows.mean(axis=0) if pooling is Pooling.MEAN else rows.max(axis=0)
    return pooled


def _to_bytes(vector: NDArray[np.float32]) -> bytes:
    length = np.linalg.norm(vector)
    if not np.isfinite(length) or not length:
        raise TextRefused("The model made no vector of a text")
    return (vector / length).astype("<f2").tobytes()
