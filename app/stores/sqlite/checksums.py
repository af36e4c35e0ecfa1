"""Checksums of messages: they tell, without reading a text again, that its words are those it is indexed by.

A checksum is made when a message is indexed, of its words, its JSON and the number of its tokens, and holds
that number. It is NULL where a release without checksums stored the message, until ``store_step`` was there.
"""

from __future__ import annotations

from sqlite3 import Connection
from typing import Final
from zlib import crc32

from ...search.analysis import body_terms
from ...search.tokens import index_tokens

KIND: Final = "message checksum"
"""The rows' name in ``reindexing``, behind ``message``: what is indexed again gets its checksum then."""

SET_CHECKSUM: Final = (
    "UPDATE message SET checksum = checksum_of(?1, terms, body) "
    "WHERE number = ?2 AND checksum IS NOT checksum_of(?1, terms, body)"
)
KEPT_TOKENS: Final = (
    "CASE WHEN checksum = checksum_of(checksum >> 32, terms, body) "
    "THEN checksum_of(checksum >> 32, terms, ?) END"
)
"""The checksum of a message that gets another JSON, and keeps its words; NULL if it was not right before."""

_WITHOUT: Final = (
    "SELECT number, terms, dialogue_id || '/' || id, body FROM message "
    "WHERE number < ? AND checksum IS NULL ORDER BY number DESC LIMIT ?"
)


def checksum_of(tokens: int, terms: str, body: str) -> int:
    """Return the number of tokens, and in the lower 32 bits a CRC-32 of everything."""
    return tokens << 32 | crc32(body.encode(), crc32(terms.encode(), tokens & 0xFFFFFFFF))


def tokens_by(checksum: int | None, terms: str, body: str) -> int | None:
    """Return how many tokens a message was indexed by, or None if it is not what it was then."""
    if checksum is None:
        return None
    tokens = checksum >> 32
    return tokens if checksum_of(tokens, terms, body) == checksum else None


def add_functions(connection: Connection) -> None:
    """Give a connection the function ``checksum_of(tokens, terms, body)``; NULL where there are no tokens."""
    connection.create_function("checksum_of", 3, _checksum_of, deterministic=True)


def _checksum_of(tokens: int | None, terms: str, body: str) -> int | None:
    return None if tokens is None else checksum_of(tokens, terms, body)


def store_step(connection: Connection, pending: int, rows: int) -> tuple[int, int] | None:
    """Give the newest messages numbered below ``pending`` their checksums, if their words are right."""
    found = [
        (number, len(index_tokens(terms, identity)) if body_terms(body) in {None, terms} else None)
        for number, terms, identity, body in connection.execute(_WITHOUT, (pending, rows))
    ]
    connection.executemany(SET_CHECKSUM, [(tokens, number) for number, tokens in found if tokens is not None])
    return (found[-1][0], len(found)) if found else None
