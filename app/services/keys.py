"""API keys: made, shown once, stored only as a hash."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from ..domain import timestamps
from ..domain.ids import new_id
from ..domain.records import Key, Rights, Timestamp

KEY_PREFIX = "colloquy_"
"""What every generated key starts with, so that one is recognised where it should not be."""

KEY_BYTES = 32
"""How many random bytes a generated key has."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a key is to open, for whom and for how long."""

    project: str
    rights: Rights = Rights.FULL
    namespace: str | None = None
    label: str | None = None
    expires: Timestamp | None = None


def hash_key(text: str) -> str:
    """Return what is stored of a key: its SHA-256 in hex. Keys are random, so no salt is needed."""
    return hashlib.sha256(text.encode()).hexdigest()


def create_key(grant: Grant) -> tuple[str, Key]:
    """Return a new key's text, to be shown once, and the record to be stored."""
    text = KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)
    return text, record_key(text, grant)


def record_key(text: str, grant: Grant) -> Key:
    """Return the record of a key whose text is given."""
    return Key(
        id=new_id(),
        hash=hash_key(text),
        project=grant.project,
        rights=grant.rights,
        created=timestamps.now(),
        namespace=grant.namespace,
        label=grant.label,
        expires=grant.expires,
    )
