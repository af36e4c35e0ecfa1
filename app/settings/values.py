"""What values settings may have: each reader takes a text and raises ValueError, which says what is right."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

KEY_MINIMUM = 16
"""How many characters a key has at least."""

LONGEST_NAME = 100
"""How many characters a name has at most."""

_SHA256 = re.compile("[0-9a-f]{64}")
_ORIGIN = re.compile(
    r"[a-z][a-z0-9+.-]*://[a-z0-9.-]+(:[0-9]{1,5})?|[a-z][a-z0-9+.-]*://\[[0-9a-f:.]+\](:[0-9]{1,5})?"
)


def integer(low: int, high: int) -> Callable[[str], int]:
    """Return a reader of whole numbers within bounds."""

    def read(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    return read


def seconds(low: float, high: float) -> Callable[[str], float]:
    """Return a reader of times in seconds within bounds."""

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


def choice(*allowed: str) -> Callable[[str], str]:
    """Return a reader of one of some words."""

    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"one of {', '.join(allowed)}")
        return text

    return read


def http_url(text: str) -> str:
    """Read the address of an HTTP API."""
    if not text.startswith(("http://", "https://")):
        raise ValueError("a URL that starts with http:// or https://")
    return text


def store_url(text: str) -> str:
    """Read the address of a store."""
    if not text.startswith(("sqlite:///", "mongodb://", "mongodb+srv://")):
        raise ValueError("sqlite:///PATH or mongodb://HOST/DATABASE")
    return text


def rate_store(text: str) -> str:
    """Read the address of what counts requests together."""
    if not text.startswith(("redis://", "rediss://", "mongodb://", "mongodb+srv://")):
        raise ValueError("redis://HOST/DATABASE or mongodb://HOST/DATABASE")
    if text.startswith("redis") and find_spec("redis") is None:
        raise ValueError(
            "mongodb://HOST/DATABASE, or its extra added: pip install -e '.[redis]' in Colloquy's folder"
        )
    return text


def rate(text: str) -> str:
    """Read how many requests may be made in a time."""
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


def origins(text: str) -> tuple[str, ...]:
    """Read the origins of web pages."""
    origins = tuple(origin.strip().lower() for origin in text.split(","))
    if origins != ("*",) and not all(map(_ORIGIN.fullmatch, origins)):
        raise ValueError("origins as browsers send them, such as https://app.example.org, with commas, or *")
    return origins


def api_key(text: str) -> str:
    """Read a key that is hard to guess."""
    if len(text) < KEY_MINIMUM or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(f"at least {KEY_MINIMUM} printable ASCII characters without spaces")
    return text


def text(text: str) -> str:
    """Read anything."""
    return text


def name(text: str) -> str:
    """Read a short name."""
    if len(text) > LONGEST_NAME or not text.isprintable():
        raise ValueError(f"at most {LONGEST_NAME} printable characters")
    return text


def sha256(text: str) -> str:
    """Read a checksum."""
    if not _SHA256.fullmatch(text.lower()):
        raise ValueError("64 hexadecimal digits")
    return text.lower()


def folder(text: str) -> Path:
    """Read the path of a folder."""
    if not Path(text).is_dir():
        raise ValueError("a folder that exists")
    return Path(text)


def file(text: str) -> Path:
    """Read the path of a file."""
    if not Path(text).is_file():
        raise ValueError("a file that exists")
    return Path(text)
