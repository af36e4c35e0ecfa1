"""Limits that several rooms keep, in bytes: the server counts what arrives, the application what it reads."""

from __future__ import annotations

MEBIBYTE = 1024 * 1024

BODY_BYTES = 16 * MEBIBYTE
"""The largest request body, unless a setting says otherwise."""

MOST_BODY_BYTES = 36 * MEBIBYTE
"""The largest request body that a setting may allow."""

MESSAGE_BYTES = 8 * MEBIBYTE
"""The largest content of a message as compact JSON, unless a setting says otherwise."""

MOST_MESSAGE_BYTES = 12 * MEBIBYTE
"""The largest content that a setting may allow: a document of MongoDB has 16 MiB, and holds more than it."""


def describe_bytes(size: int) -> str:
    """Return a limit in words for a person: in MiB where it is a whole number of them."""
    whole, rest = divmod(size, MEBIBYTE)
    return f"{size:,} bytes" if rest else f"{whole} MiB"
