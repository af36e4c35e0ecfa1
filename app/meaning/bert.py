"""The BERT family in numpy: MiniLM, multilingual e5 and others with the same layers, from a safetensors file.

The texts of a batch stand one behind the other in one matrix, without padding, and only the attention
looks at each for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from .embedder import EmbedderError

Array = NDArray[np.float32]
OFFSET_TYPES: Final = {"roberta", "xlm-roberta", "camembert"}
"""Kinds of models whose positions begin behind that of the padding."""

TYPES: Final = {"bert"} | OFFSET_TYPES
_HALF: Final = np.float32(0.5)


@dataclass(frozen=True, slots=True)
class _Linear:
    weight: Array
    bias: Array

    def __call__(self, rows: Array) -> Array:
        made: Array = rows @ self.weight
        made += self.bias
        return made


@dataclass(frozen=True, slots=True)
class _Norm:
    weight: Array
    bias: Array
    epsilon: float

    def __call__(self, rows: Array) -> Array:
        """Return the rows with mean 0 and deviation 1 each, scaled; the rows themselves are overwritten."""
        rows -= rows.mean(axis=-1, keepdims=True)
        deviation = np.sqrt(np.einsum("ij,ij->i", rows, rows) / rows.shape[1] + self.epsilon)
        rows /= deviation[:, None]
        rows *= self.weight
        rows += self.bias
        return rows


@dataclass(frozen=True, slots=True)
class _Layer:
    attended: _Linear
    """Queries, keys and values, side by side."""
    output: _Linear
    output_norm: _Norm
    inner: _Linear
    outer: _Linear
    outer_norm: _Norm
    heads: int

    def __call__(self, rows: Array, bounds: Sequence[int]) -> Array:
        attended = self.attended(rows)
        seen = np.concatenate([self._attend(attended[start:end]) for start, end in pairwise(bounds)])
        rows = self.output_norm(self.output(seen) + rows)
        return self.outer_norm(self.outer(_gelu(self.inner(rows))) + rows)

    def _attend(self, attended: Array) -> Array:
        """Return what each token of one text takes from the others."""
        parts = attended.reshape(len(attended), 3, self.heads, -1).transpose(1, 2, 0, 3)
        queries, keys, values = parts[0], parts[1], parts[2]
        shares = queries @ keys.transpose(0, 2, 1)
        shares *= np.float32(queries.shape[-1] ** -0.5)
        shares -= shares.max(axis=-1, keepdims=True)
        np.exp(shares, out=shares)
        shares /= shares.sum(axis=-1, keepdims=True)
        seen: Array = (shares @ values).transpose(1, 0, 2).reshape(len(attended), -1)
        return seen


def _gelu(rows: Array) -> Array:
    """Return GELU by its tanh approximation; vectors differ from the exact one's by less than 0.0002."""
    curved = rows * rows
    curved *= np.float32(0.044715 * 0.7978845608)
    curved += np.float32(0.7978845608)
    curved *= rows
    np.tanh(curved, out=curved)
    curved += np.float32(1)
    curved *= rows
    curved *= _HALF
    return curved


@dataclass(frozen=True, slots=True)
class Bert:
    """A model in memory; several threads may use it at once."""

    words: Array
    positions: Array
    """With the type of all tokens in them."""
    norm: _Norm
    layers: tuple[_Layer, ...]

    def run(self, texts: Sequence[Sequence[int]]) -> list[Array]:
        """Return for each text, given as tokens, a row for each token."""
        bounds = [0, *accumulate(len(tokens) for tokens in texts)]
        rows = self.words[np.concatenate([np.asarray(tokens) for tokens in texts])]
        rows += np.concatenate([self.positions[: len(tokens)] for tokens in texts])
        rows = self.norm(rows)
        for layer in self.layers:
            rows = layer(rows, bounds)
        return [rows[start:end] for start, end in pairwise(bounds)]


def load_bert(file: Path, config: dict[str, Any]) -> Bert:
    """Read a model. Raises EmbedderError for one of another kind."""
    if config.get("model_type") not in TYPES or config.get("hidden_act", "gelu") != "gelu":
        raise EmbedderError(f"{file} is no BERT: name an .onnx file of the model as its weights")
    try:
        return _build(load_file(file), config)
    except (KeyError, OSError, SafetensorError, TypeError, ValueError) as error:
        raise EmbedderError(f"{file} does not have the weights of the BERT in its config.json") from error


def _build(tensors: dict[str, NDArray[Any]], config: dict[str, Any]) -> Bert:
    epsilon = config.get("layer_norm_eps", 1e-12)

    def tensor(name: str) -> Array:
        return np.ascontiguousarray(tensors[name], np.float32)

    def linear(*names: str) -> _Linear:
        weights = np.concatenate([tensor(f"{name}.weight") for name in names])
        return _Linear(np.ascontiguousarray(weights.T), np.concatenate([tensor(f"{n}.bias") for n in names]))

    def norm(name: str) -> _Norm:
        return _Norm(tensor(f"{name}.weight"), tensor(f"{name}.bias"), epsilon)

    def layer(place: str) -> _Layer:
        own = f"{place}.attention.self"
        return _Layer(
            linear(f"{own}.query", f"{own}.key", f"{own}.value"),
            linear(f"{place}.attention.output.dense"),
            norm(f"{place}.attention.output.LayerNorm"),
            linear(f"{place}.intermediate.dense"),
            linear(f"{place}.output.dense"),
            norm(f"{place}.output.LayerNorm"),
            config["num_attention_heads"],
        )

    words = tensor("embeddings.word_embeddings.weight")
    first = config["pad_token_id"] + 1 if config["model_type"] in OFFSET_TYPES else 0
    positions = tensor("embeddings.position_embeddings.weight")[first:]
    return Bert(
        words,
        positions + tensor("embeddings.token_type_embeddings.weight")[0],
        norm("embeddings.LayerNorm"),
        tuple(layer(f"encoder.layer.{number}") for number in range(config["num_hidden_layers"])),
    )
