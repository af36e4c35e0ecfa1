"""Lists of turns, as data sets of task-oriented dialogues have them: ``{"dialogue_id", "turns": [...]}``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...domain.errors import quote
from ..conversation import BadLine, Fields
from .fields import head, message, objects, own_id, rest_of
from .format import Format, Found, Source
from .named import conversation

_SPEAKERS = {"USER": "user", "SYSTEM": "assistant"}
_TURN = ("speaker", "utterance", "state")


def read(fields: Any, _: Source) -> Iterator[Found]:
    """Read one dialogue; the states of its turns become one, key by key."""
    turns = objects(fields["turns"], "turns")
    body = head(own_id(fields, ("dialogue_id",)) or "", fields, ("dialogue_id", "turns", "tags"))
    if fields.get("tags") is not None:
        body["tags"] = fields["tags"]
    if state := _merge_states(turns):
        body["state"] = state
    yield conversation(body, [_turn(turn) for turn in turns])


def _turn(turn: Fields) -> Fields:
    speaker = turn.get("speaker")
    role = _SPEAKERS.get(speaker.upper()) if isinstance(speaker, str) else None
    if role is None:
        raise BadLine(f"A turn's speaker must be USER or SYSTEM, not {quote(speaker)}.")
    content = turn.get("utterance") or {"content": turn.get("utterance")}
    body = message("", role, content, metadata=rest_of(turn, _TURN))
    del body["id"]
    return body


def _merge_states(turns: Sequence[Fields]) -> Fields:
    """Return the state after all turns: each turn's keys replace those before."""
    merged: Fields = {}
    for place, turn in enumerate(turns):
        state = turn.get("state")
        if state is not None and not isinstance(state, dict):
            raise BadLine(f"turns[{place}].state is not an object.")
        merged |= state or {}
    return merged


def _recognises(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("turns"), list) and "messages" not in value


FORMAT = Format("turns", "Lists of turns, as data sets of dialogues have them", read, _recognises)
