"""Ids that the API takes, made from those of other programs."""

from __future__ import annotations

import hashlib
import re

LONGEST_ID = 128

_ID = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._~:@-]{1,128}\Z")


def is_id(text: str) -> bool:
    """Whether the API takes a text as an id."""
    return _ID.match(text) is not None


def fit_id(text: str) -> str:
    """Return a text itself where it can be an id, else its hash: the same each time."""
    return text if is_id(text) else hash_id(text.encode())


def hash_id(content: bytes) -> str:
    """Return an id made of content: the same for the same content."""
    return hashlib.sha256(content).hexdigest()[:32]
