"""Settings: every name, default and bound in one table, read from the environment once.

A secret (a URL with a password, a key) may also come from a file: ``COLLOQUY_X_FILE`` names one
whose content is taken for ``COLLOQUY_X``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from ..domain.limits import BODY_BYTES, MESSAGE_BYTES, MOST_BODY_BYTES, MOST_MESSAGE_BYTES
from . import values

PREFIX = "COLLOQUY_"

OF_CLIENTS = {PREFIX + "URL", PREFIX + "KEY", PREFIX + "FROM_KEY"}
"""What programs that talk to a server read, where it is and with which key: no settings of the server."""


class SettingsError(ValueError):
    """A setting has a value that it cannot have; the text names it and what would be right."""


def _setting(default: Any, read: Callable[[str], Any], doc: str, *, secret: bool = False) -> Any:
    return field(default=default, metadata={"read": read, "doc": doc, "secret": secret})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the operator decides. ``from_environment`` reads ``COLLOQUY_`` plus the upper-case name."""

    store_url: str = _setting(
        "sqlite:///data/colloquy.db",
        values.store_url,
        "where conversations are kept: sqlite:///PATH (four slashes: an absolute path) or mongodb://...",
        secret=True,
    )
    api_key: str | None = _setting(
        None,
        values.api_key,
        "a key of `default` of 16 characters or more, honoured at every start; if the first, with all rights",
        secret=True,
    )
    host: str = _setting("127.0.0.1", values.text, "the address that `serve` listens on")
    port: int = _setting(8080, values.integer(1, 65535), "the port that `serve` listens on")
    tls_cert: Path | None = _setting(
        None, values.file, "a certificate with its chain (PEM): `serve` then speaks TLS, 1.2 or later"
    )
    tls_key: Path | None = _setting(
        None, values.file, "the certificate's private key (PEM); not needed where it is in the same file"
    )
    workers: int = _setting(2, values.integer(1, 256), "worker processes of `serve`")
    threads: int = _setting(
        8,
        values.integer(2, 256),
        "threads of each worker, 2 or more: requests that wait for the store at once",
    )
    request_timeout: float = _setting(
        10.0,
        values.seconds(0.1, 600),
        "how long a request may wait for the store (then 503); "
        "a heavy one waits half of it for its turn (then 429)",
    )
    key_cache: float = _setting(
        2.0,
        values.seconds(0, 60),
        "for how long a worker trusts a key it has looked up: a revoked key works no longer than this",
    )
    rate_limit: str = _setting(
        "60000/minute",
        values.rate,
        "requests that one key may make, such as 6000/minute; each worker counts for itself; 0: no limit",
    )
    address_rate_limit: str = _setting(
        "60000/minute", values.rate, "the same for one address (of IPv6 a /64), before the key is looked up"
    )
    rate_limit_store: str | None = _setting(
        None,
        values.rate_store,
        "where workers count together: redis://HOST/DATABASE (extra `redis`) or mongodb://HOST/DATABASE",
        secret=True,
    )
    trusted_proxies: int = _setting(
        0,
        values.integer(0, 10),
        "proxies before Colloquy: so many addresses at the end of X-Forwarded-For are believed",
    )
    cors_origins: tuple[str, ...] | None = _setting(
        None, values.origins, "pages that may call from a browser: https://app.example.org, with commas, or *"
    )
    message_bytes: int = _setting(
        MESSAGE_BYTES,
        values.integer(64 * 1024, MOST_MESSAGE_BYTES),
        "the largest content of a message, in bytes of JSON; 12582912 at most",
    )
    body_bytes: int = _setting(
        BODY_BYTES,
        values.integer(1024 * 1024, MOST_BODY_BYTES),
        "the largest request body, in bytes; 37748736 at most",
    )
    idempotency_hours: int = _setting(
        24, values.integer(24, 24 * 365), "how long the answer to a request with an Idempotency-Key is kept"
    )
    audit_days: int = _setting(400, values.integer(1, 36_500), "for how many days the audit is kept")
    summary_provider: str = _setting(
        "extractive",
        values.choice("extractive", "chat"),
        "what makes summaries: extractive (offline) or chat",
    )
    summary_templates: Path | None = _setting(
        None, values.folder, "a folder with summary templates of your own, NAME.txt each"
    )
    chat_url: str | None = _setting(
        None, values.http_url, "base URL of an OpenAI-compatible API, needed for summaries by chat"
    )
    chat_key: str | None = _setting(None, values.text, "the API key for chat_url", secret=True)
    chat_model: str | None = _setting(
        None, values.text, "the model for summaries, needed for summaries by chat"
    )
    chat_timeout: float = _setting(
        30.0, values.seconds(0.1, 600), "how long one request to the model may take"
    )
    chat_retries: int = _setting(
        2, values.integer(0, 10), "how often a failed request to the model is repeated"
    )
    chat_window: int = _setting(
        16_000, values.integer(1_000, 10_000_000), "the model's context window, in tokens"
    )
    embedder: str = _setting(
        "none",
        values.choice("none", "local", "endpoint"),
        "what search by meaning has vectors from: none (search by words only), local or endpoint",
    )
    embedder_folder: Path | None = _setting(
        None, values.folder, "local: a folder with a model in the layout of sentence-transformers"
    )
    embedder_weights: str = _setting(
        "model.safetensors",
        values.text,
        "local: the file in the folder that has the weights, .safetensors or .onnx",
    )
    embedder_checksum: str | None = _setting(
        None, values.sha256, "local: the SHA-256 that the weights must have, in hexadecimal"
    )
    embedder_url: str | None = _setting(
        None, values.http_url, "endpoint: base URL of an OpenAI-compatible API with /embeddings"
    )
    embedder_key: str | None = _setting(None, values.text, "endpoint: the API key", secret=True)
    embedder_model: str | None = _setting(None, values.name, "endpoint: the model")
    embedder_dimensions: int | None = _setting(
        None, values.integer(1, 4096), "endpoint: how many numbers a vector of the model has"
    )
    embedder_timeout: float = _setting(
        30.0, values.seconds(0.1, 600), "endpoint: how long one request may take"
    )
    embedder_retries: int = _setting(
        2, values.integer(0, 10), "endpoint: how often a failed request is repeated"
    )
    embedder_batch: int = _setting(
        32, values.integer(1, 2048), "endpoint: how many texts one request has at most"
    )
    embedder_query_prefix: str | None = _setting(
        None, values.name, "what the model wants before a query, such as query: for e5; a space follows"
    )
    embedder_passage_prefix: str | None = _setting(
        None, values.name, "the same before what is searched, such as passage: for e5"
    )
    vector_folder: Path | None = _setting(
        None,
        values.folder,
        "where workers share large sets of vectors while they run, on a disk rather than in memory; "
        "by default beside the SQLite file, or where temporary files are",
    )
    vector_bytes: int = _setting(
        2 * 1024**3,
        values.integer(0, 2**50),
        "how large these files may become together: a number of a vector takes 4 bytes; 0: nothing is shared",
    )
    metrics_token: str | None = _setting(
        None,
        values.api_key,
        "what GET /metrics asks for as a bearer token; without it, only this machine itself may read metrics",
        secret=True,
    )
    build: str = _setting(
        "unknown", values.text, "what names this build, such as a commit: shown by /health and the metrics"
    )
    slow_request: float = _setting(
        1.0,
        values.seconds(0, 600),
        "a request that takes this long is logged as a warning, whatever its answer",
    )
    log_level: str = _setting(
        "info", values.choice("debug", "info", "warning", "error"), "debug, info, warning or error"
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read settings; raises SettingsError for a bad value, and for a name that is unknown."""
        known = {PREFIX + entry.name.upper(): entry for entry in fields(cls)}
        _refuse_unknown(environment, known.keys() | OF_CLIENTS)
        given: dict[str, Any] = {}
        for name, entry in known.items():
            text = _value(environment, name)
            if text:
                given[entry.name] = _read(name, text, entry.metadata["read"])
        settings = cls(**given)
        for (name, value), needed in _NEEDED.items():
            if getattr(settings, name) == value and None in [getattr(settings, other) for other in needed]:
                names = " and ".join(PREFIX + other.upper() for other in needed)
                raise SettingsError(f"{PREFIX}{name.upper()}={value} needs {names}.")
        if settings.tls_key is not None and settings.tls_cert is None:
            raise SettingsError(f"{PREFIX}TLS_KEY needs {PREFIX}TLS_CERT.")
        return settings

    @property
    def store_place(self) -> str:
        """Where the store is, for a person: its URL without the user and the password."""
        scheme, _, rest = self.store_url.partition("://")
        return f"{scheme}://{rest.rpartition('@')[2]}"

    @property
    def sqlite_path(self) -> Path | None:
        """Where the SQLite file is, or None when the store is MongoDB."""
        path = self.store_url.removeprefix("sqlite:///")
        return None if path == self.store_url else Path(path)

    @property
    def vector_parent(self) -> Path | None:
        """Where the folder for shared vectors is made, or None when temporary files are the place."""
        beside = None if self.sqlite_path is None else self.sqlite_path.parent
        return self.vector_folder or beside


_NEEDED = {
    ("summary_provider", "chat"): ("chat_url", "chat_model"),
    ("embedder", "local"): ("embedder_folder",),
    ("embedder", "endpoint"): ("embedder_url", "embedder_model", "embedder_dimensions"),
}
"""What a value makes necessary beside it."""


def _refuse_unknown(environment: Mapping[str, str], known: set[str]) -> None:
    for name in environment:
        if name.startswith(PREFIX) and name not in known and name.removesuffix("_FILE") not in known:
            raise SettingsError(f"{name} is not a setting. Known: {', '.join(sorted(known))}.")


def _value(environment: Mapping[str, str], name: str) -> str:
    path = environment.get(name + "_FILE")
    if path is None:
        return environment.get(name, "")
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{name}_FILE names a file that cannot be read: {path}") from error


def _read(name: str, text: str, read: Callable[[str], Any]) -> Any:
    try:
        return read(text)
    except ValueError as error:
        raise SettingsError(f"{name} must be {error}.") from error
