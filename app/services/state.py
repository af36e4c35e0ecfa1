"""State: a JSON object of up to 1 MiB, merged in code so that no key is ever a database path."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from ..domain import timestamps
from ..domain.errors import PayloadTooLarge
from ..domain.json_text import compact_json, is_same_json
from ..domain.records import JsonText
from .bodies import etag_of
from .messages import require_version, touch
from .results import Result

if TYPE_CHECKING:
    from ..domain.records import Dialogue
    from ..stores import Transaction
    from .inputs import Condition

STATE_BYTES = 1024 * 1024
"""The most that a state may take, in bytes of compact JSON, after the merge."""


def parse(text: JsonText) -> dict[str, Any]:
    """Return stored JSON as an object."""
    loaded: dict[str, Any] = orjson.loads(text)
    return loaded


def render(state: dict[str, Any]) -> JsonText:
    """Return a state as JSON text; raises PayloadTooLarge."""
    text = compact_json(state)
    if len(text.encode()) > STATE_BYTES:
        raise PayloadTooLarge("The state would exceed 1 MiB of JSON. Nothing was stored.")
    return text


def merge(state: JsonText, changes: dict[str, Any]) -> JsonText:
    """Return the state with the given keys replaced; the text is unchanged if nothing differs."""
    return _changed(state, render(parse(state) | changes))


def _changed(before: JsonText, after: JsonText) -> JsonText:
    """Return the state after a change, as it was written before if its values are the same."""
    return before if is_same_json(before, after) else after


def patch(state: JsonText, changes: dict[str, Any]) -> JsonText:
    """Return the state after a JSON merge patch (RFC 7396): null removes a key, objects nest."""
    return _changed(state, render(_patched(parse(state), changes)))


def _patched(target: object, changes: dict[str, Any]) -> dict[str, Any]:
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = _patched(result.get(key), value)
        else:
            result[key] = value
    return result


def merge_state(tx: Transaction, dialogue_id: str, changes: dict[str, Any], condition: Condition) -> Result:
    """Replace the given keys of a dialogue's state; raises what ``replace_state`` does."""
    dialogue = require_version(tx, dialogue_id, condition)
    return _save(tx, dialogue, merge(dialogue.state, changes))


def replace_state(tx: Transaction, dialogue_id: str, state: dict[str, Any], condition: Condition) -> Result:
    """Replace a dialogue's state, of ended dialogues too.

    Raises DialogueNotFound, PreconditionFailed and PayloadTooLarge.
    """
    dialogue = require_version(tx, dialogue_id, condition)
    return _save(tx, dialogue, _changed(dialogue.state, render(state)))


def patch_state(tx: Transaction, dialogue_id: str, changes: dict[str, Any], condition: Condition) -> Result:
    """Apply a JSON merge patch to a dialogue's state; raises what ``replace_state`` does."""
    dialogue = require_version(tx, dialogue_id, condition)
    return _save(tx, dialogue, patch(dialogue.state, changes))


def _save(tx: Transaction, dialogue: Dialogue, state: JsonText) -> Result:
    if state != dialogue.state:
        dialogue = touch(replace(dialogue, state=state), timestamps.now())
        tx.save_dialogue(dialogue)
    return Result(dialogue.state, etag_of(dialogue))
