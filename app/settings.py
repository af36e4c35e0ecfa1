"""Settings: every name, default and bound in one table, read from the environment once.

A secret (a URL with a password, a key) may also come from a file: ``COLLOQUY_X_FILE`` names one
whose content is taken for ``COLLOQUY_X``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .domain.limits import BODY_BYTES, MESSAGE_BYTES, MOST_BODY_BYTES, MOST_MESSAGE_BYTES

PREFIX = "COLLOQUY_"
KEY_MINIMUM = 16

OF_CLIENTS = {PREFIX + "URL", PREFIX + "KEY"}
"""What programs that talk to a server read, where it is and with which key: no settings of the server."""

_ORIGIN = re.compile(
    r"[a-z][a-z0-9+.-]*://[a-z0-9.-]+(:[0-9]{1,5})?|[a-z][a-z0-9+.-]*://\[[0-9a-f:.]+\](:[0-9]{1,5})?"
)


class SettingsError(ValueError):
    """A setting has a value that it cannot have; the text names it and what would be right."""


def _integer(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    return read


def _seconds(low: float, high: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        wanted = f"seconds from {low:g} to {high:g}"
        try:
            value = float(text)
        except ValueError:
            raise ValueError(wanted) from None
        if not low <= value <= high:
            raise ValueError(wanted)
        return value

    return read


def _choice(*allowed: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"one of {', '.join(allowed)}")
        return text

    return read


def _http_url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError("a URL that starts with http:// or https://")
    return text


def _store_url(text: str) -> str:
    if not text.startswith(("sqlite:///", "mongodb://", "mongodb+srv://")):
        raise ValueError("sqlite:///PATH or mongodb://HOST/DATABASE")
    return text


def _rate_store(text: str) -> str:
    if not text.startswith(("redis://", "rediss://", "mongodb://", "mongodb+srv://")):
        raise ValueError("redis://HOST/DATABASE or mongodb://HOST/DATABASE")
    if text.startswith("redis") and find_spec("redis") is None:
        raise ValueError("mongodb://HOST/DATABASE, or the extra installed: pip install 'colloquy[redis]'")
    return text


def _rate(text: str) -> str:
    wanted = "a number of requests for a time, such as 6000/minute or 50/10 seconds, or 0 for no limit"
    if text == "0":
        return text
    try:
        from limits import parse_many  # takes a while, and most commands need no rate

        rates = parse_many(text)
    except ValueError:
        raise ValueError(wanted) from None
    if len(rates) != 1 or rates[0].amount < 1:
        raise ValueError(wanted)
    return text


def _origins(text: str) -> tuple[str, ...]:
    origins = tuple(origin.strip().lower() for origin in text.split(","))
    if origins != ("*",) and not all(map(_ORIGIN.fullmatch, origins)):
        raise ValueError("origins as browsers send them, such as https://app.example.org, with commas, or *")
    return origins


def _api_key(text: str) -> str:
    if len(text) < KEY_MINIMUM or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(f"at least {KEY_MINIMUM} printable ASCII characters without spaces")
    return text


def _text(text: str) -> str:
    return text


def _folder(text: str) -> Path:
    if not Path(text).is_dir():
        raise ValueError("a folder that exists")
    return Path(text)


def _file(text: str) -> Path:
    if not Path(text).is_file():
        raise ValueError("a file that exists")
    return Path(text)


def _setting(default: Any, read: Callable[[str], Any], doc: str, *, secret: bool = False) -> Any:
    return field(default=default, metadata={"read": read, "doc": doc, "secret": secret})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the operator decides. ``from_environment`` reads ``COLLOQUY_`` plus the upper-case name."""

    store_url: str = _setting(
        "sqlite:///data/colloquy.db",
        _store_url,
        "where conversations are kept: sqlite:///PATH (four slashes: an absolute path) or mongodb://...",
        secret=True,
    )
    api_key: str | None = _setting(
        None,
        _api_key,
        "a key of `default` of 16 characters or more, honoured at every start; if the first, with all rights",
        secret=True,
    )
    host: str = _setting("127.0.0.1", _text, "the address that `serve` listens on")
    port: int = _setting(8080, _integer(1, 65535), "the port that `serve` listens on")
    tls_cert: Path | None = _setting(
        None, _file, "a certificate with its chain (PEM): `serve` then speaks TLS, 1.2 or later"
    )
    tls_key: Path | None = _setting(
        None, _file, "the certificate's private key (PEM); not needed where it is in the same file"
    )
    workers: int = _setting(2, _integer(1, 256), "worker processes of `serve`")
    threads: int = _setting(
        8, _integer(2, 256), "threads of each worker, 2 or more: requests that wait for the store at once"
    )
    request_timeout: float = _setting(
        10.0, _seconds(0.1, 600), "how long one request may wait for the store before it is 503"
    )
    key_cache: float = _setting(
        2.0,
        _seconds(0, 60),
        "for how long a worker trusts a key it has looked up: a revoked key works no longer than this",
    )
    rate_limit: str = _setting(
        "60000/minute",
        _rate,
        "requests that one key may make, such as 6000/minute; each worker counts for itself; 0: no limit",
    )
    address_rate_limit: str = _setting(
        "60000/minute", _rate, "the same for one address (of IPv6 a /64), before the key is looked up"
    )
    rate_limit_store: str | None = _setting(
        None,
        _rate_store,
        "where workers count together: redis://HOST/DATABASE (extra `redis`) or mongodb://HOST/DATABASE",
        secret=True,
    )
    trusted_proxies: int = _setting(
        0,
        _integer(0, 10),
        "proxies before Colloquy: so many addresses at the end of X-Forwarded-For are believed",
    )
    cors_origins: tuple[str, ...] | None = _setting(
        None, _origins, "pages that may call from a browser: https://app.example.org, with commas, or *"
    )
    message_bytes: int = _setting(
        MESSAGE_BYTES,
        _integer(64 * 1024, MOST_MESSAGE_BYTES),
        "the largest content of a message, in bytes of JSON; 12582912 at most",
    )
    body_bytes: int = _setting(
        BODY_BYTES,
        _integer(1024 * 1024, MOST_BODY_BYTES),
        "the largest request body, in bytes; 37748736 at most",
    )
    idempotency_hours: int = _setting(
        24, _integer(24, 24 * 365), "how long the answer to a request with an Idempotency-Key is kept"
    )
    audit_days: int = _setting(400, _integer(1, 36_500), "for how many days the audit is kept")
    summary_provider: str = _setting(
        "extractive", _choice("extractive", "chat"), "what makes summaries: extractive (offline) or chat"
    )
    summary_templates: Path | None = _setting(
        None, _folder, "a folder with summary templates of your own, NAME.txt each"
    )
    chat_url: str | None = _setting(
        None, _http_url, "base URL of an OpenAI-compatible API, needed for summaries by chat"
    )
    chat_key: str | None = _setting(None, _text, "the API key for chat_url", secret=True)
    chat_model: str | None = _setting(None, _text, "the model for summaries, needed for summaries by chat")
    chat_timeout: float = _setting(30.0, _seconds(0.1, 600), "how long one request to the model may take")
    chat_retries: int = _setting(2, _integer(0, 10), "how often a failed request to the model is repeated")
    chat_window: int = _setting(16_000, _integer(1_000, 10_000_000), "the model's context window, in tokens")
    metrics_token: str | None = _setting(
        None,
        _api_key,
        "what GET /metrics asks for as a bearer token; without it, only this machine itself may read metrics",
        secret=True,
    )
    build: str = _setting(
        "unknown", _text, "what names this build, such as a commit: shown by /health and the metrics"
    )
    slow_request: float = _setting(
        1.0, _seconds(0, 600), "a request that takes this long is logged as a warning, whatever its answer"
    )
    log_level: str = _setting(
        "info", _choice("debug", "info", "warning", "error"), "debug, info, warning or error"
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read settings; raises SettingsError for a bad value, and for a name that is unknown."""
        known = {PREFIX + entry.name.upper(): entry for entry in fields(cls)}
        _refuse_unknown(environment, known.keys() | OF_CLIENTS)
        values: dict[str, Any] = {}
        for name, entry in known.items():
            text = _value(environment, name)
            if text:
                values[entry.name] = _read(name, text, entry.metadata["read"])
        settings = cls(**values)
        if settings.summary_provider == "chat" and not (settings.chat_url and settings.chat_model):
            raise SettingsError(
                f"{PREFIX}SUMMARY_PROVIDER=chat needs {PREFIX}CHAT_URL and {PREFIX}CHAT_MODEL."
            )
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
