"""Counting and embedding a message that is newer than all others, in one command.

What an append would read first, the command's filter asks of the dialogue: that it is active, has not expired
and has no newer message. The server cuts the oldest embedded message off the text of the array, at the place
that ``recent_sizes`` says, and adds the new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import bson
from bson.raw_bson import RawBSONDocument

from ...domain.expiry import Expiry
from ...domain.records import RECENT_BYTES, RECENT_MESSAGES, Message, Scope, Status
from .database import Document, Projection
from .mapping import LAST, key_of
from .queries import expired_dialogues
from .recent_sizes import SIZES

PLACE_FIELDS: Projection = {"_id": 0, "uid": 1, "nextSeq": 1}
"""What the message takes over from the dialogue as it was before."""

_BYTES: Final = f"${SIZES}.bytes"
_LENGTH: Final = {"$strLenBytes": "$recent"}


def _plus_one(field: str) -> Document:
    return {"$add": [f"${field}", 1]}


def _encoded(expression: Document) -> RawBSONDocument:
    """Return what is the same for every message, so that it is encoded once."""
    return RawBSONDocument(bson.encode(expression))


_HAVE_SIZES: Final = _encoded(
    {
        "$and": [
            {"$eq": ["$rev", f"${SIZES}.rev"]},
            {"$eq": [_LENGTH, {"$add": [{"$sum": _BYTES}, {"$max": [2, _plus_one("recentCount")]}]}]},
        ]
    }
)
"""Whether the sizes are those of this version, and with commas and brackets make up the text."""


def _counted() -> Document:
    """Return the stage that counts a message and leaves the beginning of an array for it."""
    is_full = {"$gte": ["$recentCount", RECENT_MESSAGES]}
    start = {"$cond": [is_full, {"$add": [2, {"$arrayElemAt": [_BYTES, 0]}]}, 1]}
    kept = {"$substrBytes": ["$recent", start, {"$subtract": [_LENGTH, {"$add": [start, 1]}]}]}
    changes = {
        "rev": _plus_one("rev"),
        "nextSeq": _plus_one("nextSeq"),
        "total": _plus_one("total"),
        "recentCount": {"$min": [_plus_one("recentCount"), RECENT_MESSAGES]},
        "recent": {"$cond": [{"$eq": ["$recentCount", 0]}, "[", {"$concat": ["[", kept, ","]}]},
        SIZES: {"rev": _plus_one("rev"), "bytes": {"$slice": [_BYTES, 1 - RECENT_MESSAGES]}},
    }
    return {"$set": changes}


_COUNTED: Final = _encoded(_counted())


def takes_newest(scope: Scope, message: Message, expiry: Expiry) -> Document:
    """Return the filter for the message's dialogue, if it takes the message as its newest."""
    most = RECENT_BYTES - len(message.body.encode())
    return {
        "_id": key_of(scope, message.dialogue_id),
        "status": Status.ACTIVE.value,
        LAST: {"$lte": message.created},
        "$nor": expired_dialogues(expiry.dialogues()),
        "$expr": {"$and": [_HAVE_SIZES, {"$lte": [_LENGTH, most]}]},
    }


def with_newest(message: Message) -> list[Mapping[str, Any]]:
    """Return the update of a dialogue that ``takes_newest``."""
    changes = {
        "modified": {"$max": ["$modified", message.modified]},
        LAST: message.created,
        "recent": {"$concat": ["$recent", {"$literal": message.body}, "]"]},
        f"{SIZES}.bytes": {"$concatArrays": [_BYTES, [len(message.body.encode())]]},
    }
    return [_COUNTED, {"$set": changes}]
