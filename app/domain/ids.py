"""Identifiers: ULIDs, their successors, and fingerprints, which tell a repeated request from another one."""

from __future__ import annotations

import hashlib
import random
import re
from datetime import datetime
from typing import Final, NamedTuple

from ulid import ULID

from .json_text import canonical_json, canonical_of, sorted_json
from .timestamps import EPOCH, MILLISECOND

RANDOM_BITS: Final = 80
"""How many bits of a ULID follow its time in milliseconds."""

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:@/+=-]{1,128}")


def id_of_request(sent: str | None) -> str:
    """Return the id that the client gave a request, or a new one: a name, which need not be secret."""
    if sent is not None and _REQUEST_ID.fullmatch(sent):
        return sent
    return f"{random.getrandbits(96):024x}"


def new_id() -> str:
    """Return a fresh ULID: 26 characters that sort by time of creation."""
    return str(ULID())


def successor(previous: str | None) -> str:
    """Return a fresh ULID that sorts after ``previous`` even if the clock went back."""
    fresh = ULID()
    if previous is None or str(fresh) > previous:
        return str(fresh)
    return str(ULID.from_int(int(ULID.from_str(previous)) + 1))


def last_id(moment: str) -> str:
    """Return the ULID after which those sort that are made later than a moment (ISO 8601)."""
    milliseconds = (datetime.fromisoformat(moment) - EPOCH) // MILLISECOND
    return str(ULID.from_int((milliseconds + 1 << RANDOM_BITS) - 1))


class Fingerprint(NamedTuple):
    """The digest of a request; ``earlier`` is what releases stored for it that told 1.0 from 1."""

    current: str
    earlier: str

    def is_of(self, stored: str) -> bool:
        """Whether a stored digest is that of the same request."""
        return stored in self


def fingerprint(*parts: object) -> Fingerprint:
    """Return the digest (32 hex characters) of JSON values, and of fingerprints in them.

    Neither the order of object keys counts, nor how a number is written.
    """
    nested = []

    def as_stored_earlier(part: Fingerprint) -> str:
        nested.append(part)
        return part.earlier

    written = sorted_json(parts, as_stored_earlier)
    canonical = canonical_json(parts, lambda part: part.current) if nested else canonical_of(written, parts)
    earlier = _digest(written)
    return Fingerprint(earlier if written == canonical else _digest(canonical), earlier)


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:32]
