"""API keys: made, shown once, stored only as a hash; granted by those who may do as much themselves."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..domain import timestamps
from ..domain.errors import Detail, Forbidden, InvalidInput, KeyEnded, KeyNotFound, quote
from ..domain.ids import new_id
from ..domain.json_text import compact_json
from ..domain.records import Action, Actor, JsonText, Key, Rights, Timestamp
from .audit import Subject, note
from .bodies import deletion_result
from .projects import require_project
from .results import Result

if TYPE_CHECKING:
    from ..domain.list_queries import KeyListQuery
    from ..stores import Catalog, Transaction

KEY_PREFIX = "colloquy_"
"""What every generated key starts with, so that one is recognised where it should not be."""

KEY_BYTES = 32
"""How many random bytes a generated key has."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a key is to open, for whom and for how long."""

    project: str
    rights: Rights = Rights.FULL
    namespace: str | None = None
    label: str | None = None
    expires: Timestamp | None = None


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Which key is meant: its id, and the project that it has to belong to."""

    project: str
    id: str


def hash_key(text: str) -> str:
    """Return what is stored of a key: its SHA-256 in hex. Keys are random, so no salt is needed."""
    return hashlib.sha256(text.encode()).hexdigest()


def create_key(grant: Grant) -> tuple[str, Key]:
    """Return a new key's text, to be shown once, and the record to be stored."""
    text = KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)
    return text, record_key(text, grant)


def record_key(text: str, grant: Grant) -> Key:
    """Return the record of a key whose text is given."""
    return Key(
        id=new_id(),
        hash=hash_key(text),
        project=grant.project,
        rights=grant.rights,
        created=timestamps.now(),
        namespace=grant.namespace,
        label=grant.label,
        expires=grant.expires,
    )


def issue(tx: Transaction, actor: Actor, grant: Grant) -> Result:
    """Store a new key of the transaction's project, and answer it with its text this once.

    Without an expiry it ends when the actor's own key does. Raises Forbidden for more than the actor has,
    InvalidInput for an expiry that has passed, ProjectNotFound.
    """
    if grant.expires is None:
        grant = replace(grant, expires=actor.expires)
    elif grant.expires <= timestamps.now():
        raise InvalidInput(
            f"expiresAt is not in the future: {grant.expires}.", Detail("expiresAt", "is not in the future")
        )
    _require_covered(actor, grant.rights, grant.expires)
    require_project(tx, grant.project)
    text, key = create_key(grant)
    tx.insert_key(key)
    _note(tx, actor, Action.KEY_CREATED, key, name=key.label, rights=key.rights.value, expiresAt=key.expires)
    return _issued(text, key)


def adopt(tx: Transaction, actor: Actor, key: Key) -> bool:
    """Store a key that was made elsewhere; False where its id is taken."""
    if tx.lock_key(key.id) is not None:
        return False
    tx.insert_key(key)
    _note(tx, actor, Action.KEY_CREATED, key, name=key.label, rights=key.rights.value, expiresAt=key.expires)
    return True


def rotate(tx: Transaction, actor: Actor, place: KeyPlace, overlap: timedelta) -> Result:
    """Replace a key by a new one that may do the same; the old one goes on working for a while.

    Raises what ``issue`` does, KeyNotFound, and KeyEnded for a key that does not work any more.
    """
    old = _lock_key(tx, actor, place)
    if not is_working(old):
        raise KeyEnded("The key is revoked or expired; create another one.")
    _require_covered(actor, old.rights, old.expires)
    text, new = create_key(Grant(old.project, old.rights, old.namespace, old.label, old.expires))
    tx.insert_key(new)
    ending = _ending(old, timestamps.format_time(datetime.now(UTC) + overlap))
    tx.save_key(ending)
    _note(tx, actor, Action.KEY_ROTATED, old, newKey=new.id, revokedAt=ending.revoked)
    return _issued(text, new)


def revoke(tx: Transaction, actor: Actor, place: KeyPlace) -> Result:
    """Revoke a key; an earlier revocation stands. Raises KeyNotFound, and Forbidden for a mightier key."""
    key = _lock_key(tx, actor, place)
    ending = _ending(key, timestamps.now())
    if ending != key:
        tx.save_key(ending)
        _note(tx, actor, Action.KEY_REVOKED, key)
    return deletion_result(place.id)


def get_key(catalog: Catalog, place: KeyPlace) -> Result:
    """Return what is stored of a key; raises KeyNotFound."""
    key = catalog.get_key(place.id)
    if key is None or key.project != place.project:
        raise _not_found(place)
    return Result(compact_json(key_fields(key)))


def list_keys(catalog: Catalog, query: KeyListQuery) -> Result:
    """Return a page of the keys of a project."""
    page = catalog.page_keys(query)
    last = page.items[-1] if page.more else None
    return Result(
        compact_json([key_fields(key) for key in page.items]),
        position=None if last is None else (last.created, last.id),
    )


def is_working(key: Key) -> bool:
    """Whether a key is neither expired nor revoked."""
    return all(end is None or end > timestamps.now() for end in (key.expires, key.revoked))


def key_fields(key: Key) -> dict[str, Any]:
    """Return what anybody may see of a key."""
    fields = {
        "id": key.id,
        "project": key.project,
        "name": key.label,
        "rights": key.rights.value,
        "namespace": key.namespace,
        "created": key.created,
        "expiresAt": key.expires,
        "revokedAt": key.revoked,
        "lastUsed": key.last_used,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _issued(text: str, key: Key) -> Result:
    fields = key_fields(key)
    return Result(compact_json(fields), first=JsonText(compact_json(fields | {"key": text})))


def _note(tx: Transaction, actor: Actor, action: Action, key: Key, **details: str | None) -> None:
    note(tx, actor, action, Subject(key.project, key.namespace, key.id), **details)


def _lock_key(tx: Transaction, actor: Actor, place: KeyPlace) -> Key:
    key = tx.lock_key(place.id)
    if key is None or key.project != place.project:
        raise _not_found(place)
    if not actor.rights.covers(key.rights):
        raise Forbidden(f"The key has the right {key.rights}, which yours has not.")
    return key


def _ending(key: Key, when: Timestamp) -> Key:
    return replace(key, revoked=when if key.revoked is None else min(key.revoked, when))


def _not_found(place: KeyPlace) -> KeyNotFound:
    return KeyNotFound(f"There is no key {quote(place.id)} in the project {quote(place.project)}.")


def _require_covered(actor: Actor, rights: Rights, expires: Timestamp | None) -> None:
    """Refuse to grant more than the actor has."""
    if not actor.rights.covers(rights):
        raise Forbidden(
            f"Your key has the right {actor.rights} and cannot grant {rights}.",
            Detail("rights", "is more than your key has"),
        )
    if actor.expires is not None and (expires is None or expires > actor.expires):
        raise Forbidden(
            f"Your key ends at {actor.expires}, and so must what it grants.",
            Detail("expiresAt", "is later than your key's own end"),
        )
