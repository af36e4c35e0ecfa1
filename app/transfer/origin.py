"""What an export of ours says of a dialogue beyond what the API shows: how it lay in the store it is from.

It is checked here, and kept as JSON until the dialogue is stored.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from ..domain.errors import quote
from ..domain.json_text import compact_json
from ..domain.records import Summary, Timestamp
from ..services.origin import Origin
from .conversation import BadLine, Fields

ORIGIN = frozenset({"uid", "nextSeq", "createHash", "createdCount"})
ORIGIN_MESSAGE = frozenset({"seq", "hash"})

MOST = 2**53
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}\Z")
_HASH = re.compile(r"[0-9a-f]{0,64}\Z")


def read_uid(fields: Fields) -> str:
    """Return the uid of a dialogue; raises BadLine."""
    uid = fields.get("uid")
    if not isinstance(uid, str) or _ULID.match(uid) is None:
        raise BadLine(f"uid is no ULID: {quote(uid)}.")
    return uid


def require_text(fields: Fields, name: str) -> str:
    """Return a fingerprint; raises BadLine."""
    value = fields.get(name)
    if not isinstance(value, str) or _HASH.match(value) is None:
        raise BadLine(f"{name} is no fingerprint: {quote(value)}.")
    return value


def read_origin(fields: Fields, messages: list[Fields]) -> Fields:
    """Return how a dialogue lay in its store, checked; raises BadLine."""
    seqs = [_number(item, "seq") for item in messages]
    if any(later <= earlier for earlier, later in pairwise(seqs)):
        raise BadLine("The messages are not in the order of their seq.")
    summaries = fields.get("summaries", [])
    if not isinstance(summaries, list) or not all(isinstance(item, dict) for item in summaries):
        raise BadLine("summaries is not an array of objects.")
    return {
        "uid": read_uid(fields),
        "next_seq": max(_number(fields, "nextSeq"), seqs[-1] + 1 if seqs else 0),
        "create_hash": require_text(fields, "createHash"),
        "created_count": _number(fields, "createdCount"),
        "seqs": seqs,
        "hashes": [require_text(item, "hash") for item in messages],
        "summaries": [_summary(item) for item in summaries],
    }


def origin_of(fields: Fields) -> Origin:
    """Return what ``read_origin`` returned as the services take it."""
    return Origin(
        uid=fields["uid"],
        next_seq=fields["next_seq"],
        create_hash=fields["create_hash"],
        created_count=fields["created_count"],
        seqs=tuple(fields["seqs"]),
        hashes=tuple(fields["hashes"]),
        summaries=tuple(Summary(**summary) for summary in fields["summaries"]),
    )


def _summary(item: Fields) -> Fields:
    body = item.get("body")
    if not isinstance(body, dict) or not all(isinstance(body.get(name), str) for name in _NAMED):
        raise BadLine("A summary has no body with id, dialogueId and created.")
    flags = {name: item.get(name) for name in ("ranged", "completed", "stale")}
    if not all(isinstance(flag, bool) for flag in flags.values()):
        raise BadLine("ranged, completed and stale of a summary are true or false.")
    return {
        "uid": "",
        "id": body["id"],
        "dialogue_id": body["dialogueId"],
        "created": Timestamp(body["created"]),
        "through_seq": _number(item, "throughSeq", least=-1),
        "hash": require_text(item, "hash"),
        "body": compact_json(body),
        **flags,
    }


_NAMED = ("id", "dialogueId", "created")


def _number(fields: Fields, name: str, least: int = 0) -> int:
    value: Any = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value < MOST:
        raise BadLine(f"{name} is no number that it can be: {quote(value)}.")
    return value
