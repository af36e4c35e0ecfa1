"""A model of a few hundred random weights in the layout of sentence-transformers, and how BERT is defined."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import BertProcessing

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "query", "passage", ":", "one", "two", "three"]
SIZE, INNER, LAYERS, HEADS, POSITIONS = 4, 6, 2, 2, 20
Tensors = dict[str, Any]


def make_folder(path: Path, *, model_type: str = "bert", **changes: Any) -> Path:
    """Write a model; ``changes`` are files by name (dots as ``_``), each with its content."""
    config = {
        "model_type": model_type,
        "hidden_size": SIZE,
        "num_attention_heads": HEADS,
        "num_hidden_layers": LAYERS,
        "max_position_embeddings": POSITIONS,
        "layer_norm_eps": 1e-12,
        "pad_token_id": 0,
    }
    modules = [{"type": f"sentence_transformers.models.{name}"} for name in ("Transformer", "Pooling")]
    pooling = {"word_embedding_dimension": SIZE, "pooling_mode_mean_tokens": True}
    files = {"config": config, "modules": modules, "pooling": pooling} | changes
    (path / "1_Pooling").mkdir(parents=True)
    names = {"pooling": "1_Pooling/config"}
    for name, content in files.items():
        (path / f"{names.get(name, name)}.json").write_text(json.dumps(content))
    _tokenizer().save(str(path / "tokenizer.json"))
    save_file(make_tensors(), path / "model.safetensors")
    return path


def _tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(WordPiece({word: n for n, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer()
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.enable_padding(length=16)  # as MiniLM's own does, which has to be switched off
    tokenizer.enable_truncation(8)
    return tokenizer


def make_tensors() -> Tensors:
    """Return the weights, the same each time."""
    chance = np.random.default_rng(1)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(WORDS), SIZE),
        "embeddings.position_embeddings.weight": (POSITIONS, SIZE),
        "embeddings.token_type_embeddings.weight": (2, SIZE),
    }
    linear = {f"attention.self.{name}": (SIZE, SIZE) for name in ("query", "key", "value")} | {
        "attention.output.dense": (SIZE, SIZE),
        "intermediate.dense": (INNER, SIZE),
        "output.dense": (SIZE, INNER),
    }
    norms = ["embeddings.LayerNorm"]
    for layer in (f"encoder.layer.{number}." for number in range(LAYERS)):
        shapes |= {f"{layer}{name}.weight": shape for name, shape in linear.items()}
        shapes |= {f"{layer}{name}.bias": shape[:1] for name, shape in linear.items()}
        norms += [f"{layer}attention.output.LayerNorm", f"{layer}output.LayerNorm"]
    shapes |= {f"{norm}.{part}": (SIZE,) for norm in norms for part in ("weight", "bias")}
    return {name: chance.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def defined_rows(tokens: list[int], first_position: int = 0) -> list[list[float]]:
    """Return a row for each token, computed number by number as BERT is defined, with the exact GELU."""
    tensors = {name: tensor.astype(float).tolist() for name, tensor in make_tensors().items()}

    def linear(row: list[float], name: str) -> list[float]:
        weights, biases = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
        return [_product(weight, row) + bias for weight, bias in zip(weights, biases, strict=True)]

    def norm(row: list[float], name: str) -> list[float]:
        mean = sum(row) / len(row)
        deviation = math.sqrt(sum((number - mean) ** 2 for number in row) / len(row))
        scaled = [(number - mean) / deviation for number in row]
        return [
            w * number + b
            for w, number, b in zip(tensors[f"{name}.weight"], scaled, tensors[f"{name}.bias"], strict=True)
        ]

    def attend(rows: list[list[float]], layer: str) -> list[list[float]]:
        queries, keys, values = (
            [linear(row, f"{layer}attention.self.{name}") for row in rows]
            for name in ("query", "key", "value")
        )
        width = SIZE // HEADS
        seen: list[list[float]] = [[] for _ in rows]
        for start in range(0, SIZE, width):
            part = slice(start, start + width)
            for place, query in enumerate(queries):
                raised = [math.exp(_product(query[part], key[part]) / math.sqrt(width)) for key in keys]
                shares = [one / sum(raised) for one in raised]
                seen[place] += [
                    _product(shares, [value[column] for value in values])
                    for column in range(start, start + width)
                ]
        return seen

    rows = [
        norm(
            _sum(
                tensors["embeddings.word_embeddings.weight"][token],
                tensors["embeddings.position_embeddings.weight"][first_position + place],
                tensors["embeddings.token_type_embeddings.weight"][0],
            ),
            "embeddings.LayerNorm",
        )
        for place, token in enumerate(tokens)
    ]
    for layer in (f"encoder.layer.{number}." for number in range(LAYERS)):
        seen = [linear(row, f"{layer}attention.output.dense") for row in attend(rows, layer)]
        rows = [
            norm(_sum(row, more), f"{layer}attention.output.LayerNorm")
            for row, more in zip(rows, seen, strict=True)
        ]
        inner = [[_gelu(number) for number in linear(row, f"{layer}intermediate.dense")] for row in rows]
        rows = [
            norm(_sum(row, linear(more, f"{layer}output.dense")), f"{layer}output.LayerNorm")
            for row, more in zip(rows, inner, strict=True)
        ]
    return rows


def _gelu(number: float) -> float:
    return number * 0.5 * (1 + math.erf(number / math.sqrt(2)))


def _product(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def _sum(*rows: list[float]) -> list[float]:
    return [sum(numbers) for numbers in zip(*rows, strict=True)]
