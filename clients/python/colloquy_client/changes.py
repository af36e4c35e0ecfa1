"""What was changed in a dialogue since it was read, and how that goes together with the changes of others."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from colloquy_client.errors import SaveConflict

State = dict[str, Any]


@dataclass
class Editable:
    """The parts of a dialogue that a program edits and saves."""

    label: str | None = None
    tags: list[str] = field(default_factory=list)
    state: State = field(default_factory=dict)

    @classmethod
    def read(cls, dialogue: Mapping[str, Any]) -> Editable:
        """Take them out of an answer."""
        own = {"label": dialogue.get("label"), "tags": dialogue["tags"], "state": dialogue["state"]}
        return cls(**copy.deepcopy(own))


Rule = Literal["raise", "mine", "theirs"] | Callable[[Editable, Editable, Editable], Editable]
"""What becomes of a conflict: ``raise``; merge, and where both changed the same thing keep ``mine`` or
``theirs``; or a function of what was read, of mine and of theirs, that returns what to save."""

_MISSING = object()


def merge_changes(base: Editable, mine: Editable, theirs: Editable, rule: Rule) -> Editable:
    """Return what to save over ``theirs``. The state is merged key by key at its top level."""
    if callable(rule):
        return rule(copy.deepcopy(base), copy.deepcopy(mine), copy.deepcopy(theirs))
    both = find_clashes(base, mine, theirs)
    if rule == "raise":
        raise SaveConflict("someone else changed the dialogue since it was loaded", tuple(both))
    keep_mine = rule == "mine"
    state: State = {}
    for key in dict.fromkeys([*theirs.state, *mine.state]):
        value = _choose(
            *(each.state.get(key, _MISSING) for each in (base, mine, theirs)), keep_mine=keep_mine
        )
        if value is not _MISSING:
            state[key] = value
    label = _choose(base.label, mine.label, theirs.label, keep_mine=keep_mine)
    tags = _choose(base.tags, mine.tags, theirs.tags, keep_mine=keep_mine)
    return copy.deepcopy(Editable(label, tags, state))


def _choose(base: Any, mine: Any, theirs: Any, *, keep_mine: bool) -> Any:
    if same_json(mine, base):
        return theirs
    return mine if same_json(theirs, base) or keep_mine else theirs


def same_json(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON: unlike Python, it tells 1 from true."""
    if one is _MISSING or other is _MISSING:
        return one is other
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def find_clashes(base: Editable, mine: Editable, theirs: Editable) -> list[str]:
    """Name what both sides changed, to different values."""
    pairs = {"label": (base.label, mine.label, theirs.label), "tags": (base.tags, mine.tags, theirs.tags)}
    for key in {**base.state, **mine.state, **theirs.state}:
        pairs[f"state.{key}"] = tuple(each.state.get(key, _MISSING) for each in (base, mine, theirs))
    return [name for name, sides in pairs.items() if not any(map(same_json, sides, (*sides[1:], sides[0])))]


@dataclass(frozen=True)
class Update:
    """The writes that a save takes: the whole state when keys were removed from it, and the other fields."""

    state: State | None
    fields: dict[str, Any]


def find_update(stored: Editable, wanted: Editable) -> Update:
    """Return what has to be written so that ``stored`` becomes ``wanted``."""
    fields: dict[str, Any] = {}
    if wanted.label != stored.label:
        fields["label"] = wanted.label
    if wanted.tags != stored.tags:
        fields["tags"] = wanted.tags
    if stored.state.keys() - wanted.state.keys():
        return Update(wanted.state, fields)
    changed = {k: v for k, v in wanted.state.items() if not same_json(stored.state.get(k, _MISSING), v)}
    return Update(None, fields | ({"state": changed} if changed else {}))
