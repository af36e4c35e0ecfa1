"""Identifiers: ULIDs, their successors, and fingerprints, which tell a repeated request from another one."""

from __future__ import annotations

import hashlib

import orjson
from ulid import ULID


def new_id() -> str:
    """Return a fresh ULID: 26 characters that sort by time of creation."""
    return str(ULID())


def successor(previous: str | None) -> str:
    """Return a fresh ULID that sorts after ``previous`` even if the clock went back."""
    fresh = ULID()
    if previous is None or str(fresh) > previous:
        return str(fresh)
    return str(ULID.from_int(int(ULID.from_str(previous)) + 1))


def fingerprint(*parts: object) -> str:
    """Return a digest (32 hex characters) of JSON values; the order of object keys does not count."""
    text = orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()[:32]
