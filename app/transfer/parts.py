"""A project's settings and keys, as an export of ours has them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from ..domain import timestamps
from ..domain.errors import quote
from ..domain.records import Key, Rights, Scope, ScopeFilter, Timestamp
from ..services.audit import COMMAND_LINE
from ..services.keys import adopt
from ..services.projects import project_fields, take_over
from .conversation import BadLine, Fields, Part
from .origin import require_text

if TYPE_CHECKING:
    from ..stores import Backend
    from .drafts import Drafter
    from .tally import Tally

DIFFERENT = "settings of the project differ from what is here, which holds conversations and keeps its own"
LEFT_OUT = "keys were left out; --with-keys takes them, straight into a store"


class Parts(Protocol):
    """Where settings and keys go."""

    def add(self, place: str, part: Part) -> None:
        """Take one; raises BadLine when it breaks a rule."""


class NoParts:
    """Leaves settings and keys out."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def add(self, _: str, part: Part) -> None:
        """Count a key."""
        if part.kind == "key":
            self._tally.notes[LEFT_OUT] += 1


class StoreParts:
    """Gives a project that is still empty its settings, and keys where they are asked for."""

    def __init__(
        self, backend: Backend, project: str, drafter: Drafter, tally: Tally, *, with_keys: bool
    ) -> None:
        self._backend = backend
        self._project = project
        self._drafter = drafter
        self._tally = tally
        self._with_keys = with_keys

    def add(self, _: str, part: Part) -> None:
        """Take one; raises BadLine when it breaks a rule."""
        if part.kind == "project":
            self._set_up(part.fields)
        elif self._with_keys:
            self._adopt(part.fields)
        else:
            self._tally.notes[LEFT_OUT] += 1

    def _set_up(self, fields: Fields) -> None:
        settings = {name: value for name, value in fields.items() if name not in ("id", "created")}
        command = self._drafter.project(settings)
        counts = self._backend.stats(ScopeFilter(self._project))
        if not any((counts.active, counts.ended, counts.archived, counts.memories, counts.messages)):
            work = partial(
                take_over, actor=COMMAND_LINE, name=self._project, command=command, created=_created(fields)
            )
            self._backend.write(Scope(self._project), work)
            return
        project = self._backend.get_project(self._project)
        here = {} if project is None else project_fields(project)
        if any(here.get(name) != value for name, value in settings.items()):
            self._tally.notes[DIFFERENT] += 1

    def _adopt(self, fields: Fields) -> None:
        key = _key(fields, self._project)
        work = partial(adopt, actor=COMMAND_LINE, key=key)
        if self._backend.find_key(key.hash) is None:
            self._tally.keys += self._backend.write(Scope(self._project), work)


def _created(fields: Fields) -> Timestamp:
    try:
        return timestamps.parse_time(fields["created"])
    except (KeyError, TypeError, ValueError):
        raise BadLine("created of the project is missing or no time.") from None


def _key(fields: Fields, project: str) -> Key:
    names = ("namespace", "label", "expires", "revoked", "last_used")
    texts: dict[str, Any] = {name: _text(fields, name) for name in names}
    try:
        rights = Rights(fields.get("rights") or "")
    except ValueError:
        raise BadLine(f"rights are none that a key has: {quote(fields.get('rights'))}.") from None
    identifier, created = _text(fields, "id"), _text(fields, "created")
    if identifier is None or created is None:
        raise BadLine("A key has no id or no time.")
    named: dict[str, Any] = {"id": identifier, "created": created, "hash": require_text(fields, "hash")}
    return Key(project=project, rights=rights, **named, **texts)


def _text(fields: Fields, name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise BadLine(f"{name} of a key is no text: {quote(value)}.")
    return value
