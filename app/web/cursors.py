"""Cursors: opaque, signed, and bound to the list, the filters and the order that made them.

A cursor carries the query that made it, so that ``next`` alone continues a list; what a request gives beside
``next`` has to agree with it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from ..domain.errors import Detail, InvalidParameter

SIGNATURE_BYTES = 16
LONGEST_CURSOR = 2048

BINDING_BYTES = 12

Position = list[str | int]
Query = dict[str, Any]
"""The query parameters of a list, by the names that its handler has for them."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page is asked for: of which list, and behind which position.

    ``binding`` is the list with its filters and its order, ``cursor`` the parameter ``next`` (None: the first
    page), ``length`` the number of values in a position of the list.
    """

    binding: Sequence[object]
    cursor: str | None
    length: int


class Cursors:
    """Makes and reads cursors with the store's own random secret."""

    def __init__(self, read_secret: Callable[[], bytes]) -> None:
        self._read_secret = read_secret

    @cached_property
    def _secret(self) -> bytes:
        """Read once, and only when a cursor is made or read: the store may be away at start-up."""
        return self._read_secret()

    def write(self, binding: object, position: Sequence[str | int], query: Query | None = None) -> str:
        """Return the cursor behind ``position`` for the list that ``binding`` describes.

        ``query`` is what ``recall`` will give back; it is left out where it would make the cursor too long.
        """
        cursor = self._write([position, query or {}, _digest(binding)])
        return cursor if len(cursor) <= LONGEST_CURSOR else self._write([position, {}, _digest(binding)])

    def read(self, binding: object, cursor: str, position_length: int) -> Position:
        """Return the position in a cursor; raises InvalidParameter unless it is one of this list."""
        position, _, digest = self._read(cursor)
        if digest != _digest(binding) or len(position) != position_length:
            raise refusal()
        return position

    def recall(self, cursor: str) -> Query:
        """Return the query that made a cursor; raises InvalidParameter for one that is not this store's."""
        return self._read(cursor)[1]

    def find_start(self, page: PageRequest) -> tuple[str | int, ...] | None:
        """Return the position behind which a page starts; raises InvalidParameter as ``read`` does."""
        return None if page.cursor is None else tuple(self.read(page.binding, page.cursor, page.length))

    def _write(self, payload: list[object]) -> str:
        text = orjson.dumps(payload)
        return base64.urlsafe_b64encode(self._sign(text) + text).rstrip(b"=").decode()

    def _read(self, cursor: str) -> tuple[Position, Query, str]:
        try:
            raw = base64.b64decode(_padded(cursor), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise refusal() from None
        signature, text = raw[:SIGNATURE_BYTES], raw[SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._sign(text)):
            raise refusal()
        position, query, digest = orjson.loads(text)
        return position, query, digest

    def _sign(self, text: bytes) -> bytes:
        return hmac.digest(self._secret, text, hashlib.sha256)[:SIGNATURE_BYTES]


def _digest(binding: object) -> str:
    return hashlib.blake2b(orjson.dumps(binding), digest_size=BINDING_BYTES).hexdigest()


def _padded(cursor: str) -> bytes:
    if len(cursor) > LONGEST_CURSOR:
        raise refusal()
    return cursor.encode("ascii") + b"=" * (-len(cursor) % 4)


def refusal() -> InvalidParameter:
    """Return the error for a cursor that is not one of this list."""
    return InvalidParameter(
        "next is not a cursor of this list with these filters: pass it back unchanged, with the same "
        "query, filters and order (a list takes it alone, too), or start again without it.",
        Detail("next", "is not valid here"),
    )
