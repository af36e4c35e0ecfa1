"""A model's folder in the layout of sentence-transformers: what its files say about how to use it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any, Final

from .embedder import EmbedderError

MOST_TOKENS: Final = 256
"""How many tokens a piece has at most, the special ones among them."""

KNOWN_MODULES: Final = {"Transformer", "Pooling", "Normalize"}
QUERY_PROMPTS: Final = ("query",)
PASSAGE_PROMPTS: Final = ("passage", "document")


class Pooling(StrEnum):
    """How one vector is made of those of the tokens."""

    MEAN = "mean_tokens"
    CLS = "cls_token"
    MAX = "max_tokens"


@dataclass(frozen=True, slots=True)
class Use:
    """How a model is used: ``tokens`` at once, with what it was trained to find before each text."""

    config: dict[str, Any]
    dimensions: int
    pooling: Pooling
    tokens: int
    query_prefix: str
    passage_prefix: str


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A model. ``name`` tells models apart whose vectors cannot be compared."""

    path: Path
    weights: Path
    name: str
    use: Use


def open_folder(
    path: Path,
    weights: str,
    checksum: str | None = None,
    query_prefix: str | None = None,
    passage_prefix: str | None = None,
) -> ModelFolder:
    """Read what a folder says, and check its weights against a SHA-256 if one is given.

    A prefix that is given stands in place of the folder's own. Raises EmbedderError in one line for what is
    missing, broken or of a kind that cannot be used.
    """
    file = path / weights
    found = _checksum(file)
    if checksum not in (None, found):
        raise EmbedderError(f"{file} has the SHA-256 {found}, not {checksum}")
    try:
        use = _read_use(path, query_prefix, passage_prefix)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise EmbedderError(f"{path} is not in the layout of sentence-transformers") from error
    made_of = json.dumps([found, use.pooling, use.tokens, use.passage_prefix])
    name = f"{path.resolve().name[:100]}-{sha256(made_of.encode()).hexdigest()[:12]}"
    return ModelFolder(path, file, name, use)


def _read_use(path: Path, query_prefix: str | None, passage_prefix: str | None) -> Use:
    config = _read(path / "config.json")
    _require_known(path / "modules.json")
    own = _read_if_there(path / "sentence_bert_config.json").get("max_seq_length") or MOST_TOKENS
    prompts = _read_if_there(path / "config_sentence_transformers.json").get("prompts") or {}
    return Use(
        config,
        config["hidden_size"],
        _pooling(path / "1_Pooling" / "config.json"),
        min(MOST_TOKENS, own, config["max_position_embeddings"]),
        _prefix(query_prefix, prompts, QUERY_PROMPTS),
        _prefix(passage_prefix, prompts, PASSAGE_PROMPTS),
    )


def _checksum(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise EmbedderError(f"{file} cannot be read: {error.strerror}") from error


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise EmbedderError(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise EmbedderError(f"{file} is not JSON") from error


def _read_if_there(file: Path) -> dict[str, Any]:
    return _read(file) if file.exists() else {}


def _require_known(file: Path) -> None:
    """Raise EmbedderError for a model of which more is made than pooled and normalised tokens."""
    kinds = {module["type"].rpartition(".")[2] for module in _read(file)}
    if unknown := sorted(kinds - KNOWN_MODULES):
        raise EmbedderError(f"{file} names what cannot be used: {', '.join(unknown)}")


def _pooling(file: Path) -> Pooling:
    config = _read(file)
    chosen = [mode for mode in config if mode.startswith("pooling_mode_") and config[mode]]
    try:
        (mode,) = chosen
        return Pooling(mode.removeprefix("pooling_mode_"))
    except ValueError as error:
        raise EmbedderError(f"{file} asks for pooling that is not known: {', '.join(chosen)}") from error


def _prefix(given: str | None, prompts: dict[str, str], names: tuple[str, ...]) -> str:
    if given is not None:
        return given + " "
    return next((prompts[name] for name in names if prompts.get(name)), "")
