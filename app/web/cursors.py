"""Cursors: opaque, signed, and bound to the list, the filters and the order that made them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import orjson

from ..domain.errors import Detail, InvalidParameter

SIGNATURE_BYTES = 16
LONGEST_CURSOR = 2048

Position = list[str | int]


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

    def write(self, binding: object, position: Sequence[str | int]) -> str:
        """Return the cursor behind ``position`` for the list that ``binding`` describes."""
        payload = orjson.dumps(position)
        return base64.urlsafe_b64encode(self._sign(binding, payload) + payload).rstrip(b"=").decode()

    def read(self, binding: object, cursor: str, position_length: int) -> Position:
        """Return the position in a cursor; raises InvalidParameter unless it is one of this list."""
        try:
            raw = base64.b64decode(_padded(cursor), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise refusal() from None
        signature, payload = raw[:SIGNATURE_BYTES], raw[SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._sign(binding, payload)):
            raise refusal()
        position: Position = orjson.loads(payload)
        if len(position) != position_length:
            raise refusal()
        return position

    def find_start(self, page: PageRequest) -> tuple[str | int, ...] | None:
        """Return the position behind which a page starts; raises InvalidParameter as ``read`` does."""
        return None if page.cursor is None else tuple(self.read(page.binding, page.cursor, page.length))

    def _sign(self, binding: object, payload: bytes) -> bytes:
        message = orjson.dumps(binding) + b"\0" + payload
        return hmac.digest(self._secret, message, hashlib.sha256)[:SIGNATURE_BYTES]


def _padded(cursor: str) -> bytes:
    if len(cursor) > LONGEST_CURSOR:
        raise refusal()
    return cursor.encode("ascii") + b"=" * (-len(cursor) % 4)


def refusal() -> InvalidParameter:
    """Return the error for a cursor that is not one of this list."""
    return InvalidParameter(
        "next is not a cursor of this list with these filters: pass it back unchanged, with the same "
        "parameters, or start again without it.",
        Detail("next", "is not valid here"),
    )
