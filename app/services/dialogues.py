"""The rules for dialogues: creating, repeating, updating, ending, deleting."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..domain import timestamps
from ..domain.errors import Detail, DuplicateId, InvalidInput, ParentDialogueNotFound, quote
from ..domain.ids import successor
from ..domain.json_text import compact_json, is_same_json
from ..domain.records import RECENT_MESSAGES, Action, Actor, Dialogue, JsonText, Message, Status, Timestamp
from . import messages
from .audit import Subject, note
from .bodies import deletion_result, dialogue_result, messages_array
from .conditions import require_current
from .dialogue_reads import written_result
from .expiry import require_expirable
from .fork import Prepared, fork
from .inputs import UNSET, Condition, DialogueUpdate, NewDialogue, NewMessage
from .results import Result
from .state import merge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..stores import Removed, Transaction

EMPTY_ARRAY = JsonText("[]")


def create(tx: Transaction, command: NewDialogue, prepared: Prepared | None = None) -> Result:
    """Create a dialogue with its first messages; a repeat answers it as it is now.

    ``prepared`` is what was copied for a fork. Raises DuplicateId, ParentDialogueNotFound, InvalidInput for a
    fork that cannot be made and for an expiry that has passed, and DialogueImmutable for any in an immutable
    project.
    """
    if command.id_given:
        existing = tx.lock_dialogue(command.id)
        if existing is not None:
            return _repeat(tx, existing, command)
    fresh, shown = insert(tx, command, prepared)
    return dialogue_result(fresh, messages_array(shown))


def insert(
    tx: Transaction, command: NewDialogue, prepared: Prepared | None = None
) -> tuple[Dialogue, list[Message]]:
    """Store a dialogue under an id that is free; return it, and the messages that its creation shows."""
    parent = _require_parent(tx, command.thread_of)
    require_expirable(tx, command.expires_at)
    now = timestamps.now()
    fresh = begin(tx, command, now, None if prepared is None else prepared.uid)
    copies: list[Message] = []
    if command.fork_at is not None and parent is not None:
        fresh, copies = fork(tx, parent, fresh, command.fork_at, prepared)
    fresh, added = messages.extend(tx, fresh, command.messages, now, copies)
    if parent is not None:
        count_thread(tx, parent)
    tx.insert_dialogue(fresh)
    tx.insert_messages(added, {} if prepared is None else prepared.tokens)
    return fresh, added[-RECENT_MESSAGES:] if copies else added


def _repeat(tx: Transaction, existing: Dialogue, command: NewDialogue) -> Result:
    """Answer a repeated creation with those of its messages that still exist."""
    require_same(existing, command)
    if command.fork_at is not None:
        return written_result(existing)
    created = tx.messages_below(existing, existing.created_count)
    return dialogue_result(existing, messages_array(created))


def require_same(existing: Dialogue, command: NewDialogue) -> None:
    """Raise DuplicateId for a creation that does not repeat the one that made the dialogue."""
    if not command.hash.is_of(existing.create_hash):
        raise DuplicateId(
            f"A dialogue {quote(command.id)} exists in this namespace and was made by a different "
            "request. Nothing was stored."
        )


def count_thread(tx: Transaction, parent: Dialogue) -> None:
    """Count a new thread in its locked parent."""
    tx.save_dialogue(replace(parent, rev=parent.rev + 1, thread_count=parent.thread_count + 1))


def _require_parent(tx: Transaction, thread_of: str | None) -> Dialogue | None:
    if thread_of is None:
        return None
    parent = tx.lock_dialogue(thread_of)
    if parent is None:
        raise ParentDialogueNotFound(f"threadOf names no dialogue of this namespace: {quote(thread_of)}.")
    return parent


def begin(tx: Transaction, command: NewDialogue, now: Timestamp, uid: str | None = None) -> Dialogue:
    """Return the new dialogue without messages; threads that outlived an earlier one count.

    It gets the given uid if that sorts after those of earlier ones, else a new one. An earlier one that has
    expired and awaits the sweeper gives way.
    """
    clear_expired(tx, command.id)
    tombstone = tx.lock_tombstone(command.id) if command.id_given else None
    return Dialogue(
        project=tx.scope.project,
        namespace=tx.scope.namespace,
        id=command.id,
        uid=_choose_uid(tombstone.uid if tombstone else "", uid),
        rev=1,
        next_seq=0,
        total=0,
        thread_count=tx.count_threads(command.id) if tombstone else 0,
        status=Status.ACTIVE,
        tags=command.tags,
        metadata=command.metadata,
        created=command.created or now,
        modified=now,
        create_hash=command.hash.current,
        created_count=len(command.messages),
        thread_of=command.thread_of,
        label=command.label,
        state=command.state,
        recent=EMPTY_ARRAY,
        recent_count=0,
        expires_at=command.expires_at,
    )


def _choose_uid(newest: str, wanted: str | None) -> str:
    return wanted if wanted is not None and wanted > newest else successor(newest or None)


def clear_expired(tx: Transaction, dialogue_id: str) -> None:
    """Purge a dialogue that this transaction locked and found expired."""
    expired = tx.find_expired(dialogue_id)
    if expired is not None:
        tx.remove_dialogue(expired, purge=True)
        if expired.thread_of is not None:
            uncount_threads(tx, expired.thread_of, 1)


def update(tx: Transaction, dialogue_id: str, command: DialogueUpdate, condition: Condition) -> Result:
    """Apply a PUT, all or nothing; one that changes nothing moves neither ``modified`` nor the ETag.

    Raises DialogueNotFound, DuplicateId, PreconditionFailed, DialogueEnded, PayloadTooLarge, InvalidInput for
    other metadata and for an expiry that has passed, and DialogueImmutable for any in an immutable project.
    """
    dialogue = messages.require_dialogue(tx, dialogue_id)
    repeat = messages.find_repeat(tx, dialogue, command.messages)
    changed = _changed(dialogue, command)
    if repeat is not None and changed == dialogue:
        return dialogue_result(dialogue, messages_array(repeat))
    require_current(condition, dialogue)
    if changed.expires_at != dialogue.expires_at:
        require_expirable(tx, changed.expires_at)
    if command.messages or command.tags is not UNSET or command.label is not UNSET:
        messages.require_active(dialogue)
    now = timestamps.now()
    drafts: tuple[NewMessage, ...] = command.messages if repeat is None else ()
    changed, added = messages.extend(tx, changed, drafts, now)
    if changed != dialogue:
        changed = messages.touch(changed, now)
        tx.save_dialogue(changed)
        tx.insert_messages(added)
    return dialogue_result(changed, messages_array(added if repeat is None else repeat))


def _changed(dialogue: Dialogue, command: DialogueUpdate) -> Dialogue:
    """Return the dialogue with label, tags and state as the command wants them."""
    if command.echoed_metadata is not UNSET:
        _require_same_metadata(dialogue, command.echoed_metadata)
    label = dialogue.label if command.label is UNSET else command.label
    tags = dialogue.tags if command.tags is UNSET else command.tags
    state = dialogue.state if command.state is UNSET else merge(dialogue.state, command.state)
    expires_at = dialogue.expires_at if command.expires_at is UNSET else command.expires_at
    return replace(dialogue, label=label, tags=tags, state=state, expires_at=expires_at)


def _require_same_metadata(dialogue: Dialogue, echoed: dict[str, Any]) -> None:
    if not is_same_json(compact_json(echoed), dialogue.metadata):
        raise InvalidInput(
            "metadata is fixed when a dialogue is created and cannot be changed; use tags or state.",
            Detail("metadata", "differs from the stored metadata"),
        )


def end(tx: Transaction, dialogue_id: str, condition: Condition) -> Result:
    """End an active dialogue, and leave any other as it is; raises DialogueNotFound, PreconditionFailed."""
    dialogue = messages.require_version(tx, dialogue_id, condition)
    if dialogue.status is Status.ACTIVE:
        now = timestamps.now()
        dialogue = messages.touch(replace(dialogue, status=Status.ENDED, ended_at=now), now)
        tx.save_dialogue(dialogue)
    return written_result(dialogue)


def archive(tx: Transaction, dialogue_id: str, condition: Condition) -> Result:
    """Archive a dialogue, which lists then leave out; raises DialogueNotFound, PreconditionFailed."""
    dialogue = messages.require_version(tx, dialogue_id, condition)
    if dialogue.status is not Status.ARCHIVED:
        now = timestamps.now()
        dialogue = messages.touch(replace(dialogue, status=Status.ARCHIVED, archived_at=now), now)
        tx.save_dialogue(dialogue)
    return written_result(dialogue)


def reopen(tx: Transaction, dialogue_id: str, condition: Condition) -> Result:
    """Make a dialogue active again; raises DialogueNotFound, PreconditionFailed."""
    dialogue = messages.require_version(tx, dialogue_id, condition)
    if dialogue.status is not Status.ACTIVE:
        active = replace(dialogue, status=Status.ACTIVE, ended_at=None, archived_at=None)
        dialogue = messages.touch(active, timestamps.now())
        tx.save_dialogue(dialogue)
    return written_result(dialogue)


def delete(
    tx: Transaction, dialogue_id: str, condition: Condition, *, purged_by: Actor | None = None
) -> Result:
    """Delete a dialogue; its messages stay readable unless they are purged too.

    Raises DialogueNotFound, PreconditionFailed and DialogueImmutable.
    """
    dialogue = messages.require_version(tx, dialogue_id, condition)
    messages.require_mutable(tx)
    tx.remove_dialogue(dialogue, purge=purged_by is not None)
    if purged_by is not None:
        _note_purge(tx, purged_by, dialogue)
    if dialogue.thread_of is not None:
        uncount_threads(tx, dialogue.thread_of, 1)
    return deletion_result(dialogue_id)


def _note_purge(tx: Transaction, actor: Actor, dialogue: Dialogue) -> None:
    subject = Subject(dialogue.project, dialogue.namespace, dialogue.id)
    note(tx, actor, Action.DIALOGUE_PURGED, subject, messages=dialogue.total)


def uncount_removed(tx: Transaction, removed: Sequence[Removed]) -> None:
    """Count dialogues that were removed together no more in their parents, but for parents among them."""
    gone = {one.id for one in removed}
    parents = Counter(one.thread_of for one in removed if one.thread_of is not None)
    for parent_id, count in parents.items():
        if parent_id not in gone:
            uncount_threads(tx, parent_id, count)


def uncount_threads(tx: Transaction, parent_id: str, count: int) -> None:
    """Count threads no more in their parent; the lock on a deleted one keeps its count for a re-creation."""
    parent = tx.lock_dialogue(parent_id) or tx.find_expired(parent_id)
    if parent is None:
        tx.lock_tombstone(parent_id)
        tx.release_tombstone(parent_id)
    else:
        tx.save_dialogue(replace(parent, rev=parent.rev + 1, thread_count=parent.thread_count - count))
