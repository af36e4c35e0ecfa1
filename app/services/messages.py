"""The rules for messages: accepting, repeating, retagging, deleting, listing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

import orjson

from ..domain import timestamps
from ..domain.errors import (
    DialogueEnded,
    DialogueImmutable,
    DialogueNotFound,
    DuplicateId,
    MessageNotFound,
    quote,
)
from ..domain.json_text import compact_json
from ..domain.records import RECENT_BYTES, RECENT_MESSAGES, Dialogue, Message, Status, Timestamp
from . import bodies
from .conditions import require_current
from .recent import embed, longest_tail
from .results import Result

if TYPE_CHECKING:
    from ..stores import Transaction
    from .inputs import Condition, NewMessage


def require_dialogue(tx: Transaction, dialogue_id: str) -> Dialogue:
    """Lock a dialogue; raises DialogueNotFound."""
    dialogue = tx.lock_dialogue(dialogue_id)
    if dialogue is None:
        raise dialogue_not_found(dialogue_id)
    return dialogue


def require_version(tx: Transaction, dialogue_id: str, condition: Condition) -> Dialogue:
    """Lock a dialogue; raises DialogueNotFound, or PreconditionFailed when If-Match names another version."""
    dialogue = require_dialogue(tx, dialogue_id)
    require_current(condition, dialogue)
    return dialogue


def dialogue_not_found(dialogue_id: str) -> DialogueNotFound:
    """Return the error for a dialogue that is not there."""
    return DialogueNotFound(f"There is no dialogue {quote(dialogue_id)} in this namespace.")


def require_active(dialogue: Dialogue) -> None:
    """Raise DialogueEnded for a dialogue that is not active."""
    if dialogue.status is not Status.ACTIVE:
        raise DialogueEnded(
            f"The dialogue is {dialogue.status.value}: it takes no messages, tags or label. "
            "Its state can still be written; POST /dialogue/{id}/reopen makes it active again."
        )


def find_repeat(tx: Transaction, dialogue: Dialogue, drafts: Sequence[NewMessage]) -> list[Message] | None:
    """Return the stored messages when ``drafts`` repeat them, None when all are new.

    Only messages with ids of the client's own can repeat. A batch repeats as a whole or not at
    all: any other clash of ids is a DuplicateId.
    """
    given = [draft.id for draft in drafts if draft.id_given]
    if not given:
        return None
    hashes = tx.message_hashes(dialogue, given)
    if not hashes:
        return None
    if all(draft.id in hashes and draft.hash.is_of(hashes[draft.id]) for draft in drafts):
        found = tx.find_messages(dialogue, given)
        return [found[draft.id] for draft in drafts]
    clash = next(draft_id for draft_id in given if draft_id in hashes)
    raise DuplicateId(
        f"The dialogue already has a message {quote(clash)} and this request is not a repeat of "
        "the one that made it. Nothing was stored."
    )


class Unread(NamedTuple):
    """What is known of a dialogue that was not read."""

    id: str
    namespace: str
    uid: str = ""


def record(draft: NewMessage, dialogue: Dialogue | Unread, seq: int, now: Timestamp) -> Message:
    """Return the message that a draft becomes at a place in the order of acceptance."""
    return Message(
        uid=dialogue.uid,
        id=draft.id,
        dialogue_id=dialogue.id,
        seq=seq,
        role=draft.role,
        tags=draft.tags,
        metadata=draft.metadata,
        created=draft.created or now,
        modified=now,
        body=bodies.message_body(draft, dialogue.id, dialogue.namespace, now),
        hash=draft.hash.current,
        terms=draft.terms,
        has_image=draft.has_image,
    )


def extend(
    tx: Transaction,
    dialogue: Dialogue,
    drafts: Sequence[NewMessage],
    now: Timestamp,
    copies: Sequence[Message] = (),
) -> tuple[Dialogue, list[Message]]:
    """Return the dialogue with the drafts counted and embedded, and the messages to insert.

    ``copies``, with which a fork begins, come before them.
    """
    start = dialogue.next_seq + len(copies)
    added = [*copies, *(record(draft, dialogue, seq, now) for seq, draft in enumerate(drafts, start))]
    return count_in(tx, dialogue, added), added


def count_in(tx: Transaction, dialogue: Dialogue, added: Sequence[Message]) -> Dialogue:
    """Return the dialogue with accepted messages in its counters and its recent messages."""
    if not added:
        return dialogue
    recent, recent_count = embed(dialogue, added, lambda: newest_to_embed(tx, dialogue))
    newest = max(added, key=attrgetter("created")).created
    return replace(
        dialogue,
        next_seq=dialogue.next_seq + len(added),
        total=dialogue.total + len(added),
        last_message_created=max(newest, dialogue.last_message_created or newest),
        recent=recent,
        recent_count=recent_count,
    )


def touch(dialogue: Dialogue, now: Timestamp) -> Dialogue:
    """Return the next version of a dialogue that has changed."""
    return replace(dialogue, rev=dialogue.rev + 1, modified=now)


def append_one(tx: Transaction, dialogue_id: str, draft: NewMessage, condition: Condition) -> Result:
    """Add a message and answer it; raises what ``accept`` does."""
    return Result(accept(tx, dialogue_id, (draft,), condition)[0].body)


def append(tx: Transaction, dialogue_id: str, drafts: Sequence[NewMessage], condition: Condition) -> Result:
    """Add messages and answer them; raises what ``accept`` does."""
    return Result(bodies.messages_array(accept(tx, dialogue_id, drafts, condition)))


def accept(
    tx: Transaction, dialogue_id: str, drafts: Sequence[NewMessage], condition: Condition
) -> list[Message]:
    """Add messages, all or none, and return them; of a repeat the stored ones as they are now.

    Raises DialogueNotFound, DuplicateId, PreconditionFailed, and DialogueEnded for a dialogue not active.
    """
    newest = _append_newest(tx, dialogue_id, drafts, condition)
    if newest is not None:
        return [newest]
    dialogue = require_dialogue(tx, dialogue_id)
    repeat = find_repeat(tx, dialogue, drafts)
    if repeat is not None:
        return repeat
    require_current(condition, dialogue)
    require_active(dialogue)
    if not drafts:
        return []
    now = timestamps.now()
    extended, added = extend(tx, dialogue, drafts, now)
    tx.save_dialogue(touch(extended, now))
    tx.insert_messages(added)
    return added


def _append_newest(
    tx: Transaction, dialogue_id: str, drafts: Sequence[NewMessage], condition: Condition
) -> Message | None:
    """Add a message without reading its dialogue, where that decides nothing but its place."""
    if len(drafts) != 1 or drafts[0].id_given or condition.etags is not None:
        return None
    unread = Unread(dialogue_id, tx.scope.namespace)
    message = tx.embed_newest(dialogue_id, lambda: record(drafts[0], unread, 0, timestamps.now()))
    if message is not None:
        tx.insert_messages([message])
    return message


def set_tags(
    tx: Transaction, dialogue_id: str, message_id: str, tags: tuple[str, ...], condition: Condition
) -> Result:
    """Replace a message's tags and answer it; the same tags change nothing.

    Raises MessageNotFound and PreconditionFailed.
    """
    dialogue = tx.lock_dialogue(dialogue_id)
    message = require_message(tx, dialogue_id, message_id)
    require_current(condition, dialogue)
    if message.tags == tags:
        return Result(message.body)
    now = timestamps.now()
    fields = orjson.loads(message.body) | {"tags": tags, "modified": now}
    changed = replace(message, tags=tags, modified=now, body=compact_json(fields))
    tx.save_message(changed)
    if dialogue is not None and dialogue.uid == message.uid:
        tx.save_dialogue(touch(refill(tx, dialogue), now))
    return Result(changed.body)


def delete(tx: Transaction, dialogue_id: str, message_id: str, condition: Condition) -> Result:
    """Delete a message, refill the recent ones and mark summaries that covered it as stale.

    Raises MessageNotFound, PreconditionFailed and DialogueImmutable.
    """
    dialogue = tx.lock_dialogue(dialogue_id)
    message = require_message(tx, dialogue_id, message_id)
    require_current(condition, dialogue)
    require_mutable(tx)
    tx.remove_message(message)
    is_quoted = tx.stale_summaries(message.uid, message.seq)
    if dialogue is not None and dialogue.uid == message.uid:
        if is_quoted:
            tx.embed_dialogue_again(dialogue.id, dialogue.uid)
        remaining = refill(tx, replace(dialogue, total=dialogue.total - 1))
        tx.save_dialogue(touch(remaining, timestamps.now()))
    return bodies.deletion_result(message_id)


def require_message(tx: Transaction, dialogue_id: str, message_id: str) -> Message:
    """Return a message of the newest generation that has it; raises MessageNotFound."""
    message = tx.find_message(dialogue_id, message_id)
    if message is None:
        raise message_not_found(dialogue_id, message_id)
    return message


def message_not_found(dialogue_id: str, message_id: str) -> MessageNotFound:
    """Return the error for a message that is not there."""
    return MessageNotFound(
        f"There is no message {quote(message_id)} in a dialogue {quote(dialogue_id)} of this namespace."
    )


def require_mutable(tx: Transaction) -> None:
    """Raise DialogueImmutable in an immutable project, which deletes nothing."""
    if tx.is_immutable():
        raise DialogueImmutable("This project is immutable: dialogues and messages cannot be deleted.")


def newest_to_embed(tx: Transaction, dialogue: Dialogue) -> list[Message]:
    """Return the last 10 messages, of large ones no more than it takes to know what may be embedded."""
    return tx.newest_messages(dialogue, RECENT_MESSAGES, RECENT_BYTES)


def refill(tx: Transaction, dialogue: Dialogue) -> Dialogue:
    """Return the dialogue with its recent messages read anew from the collection."""
    newest = newest_to_embed(tx, dialogue)
    recent, recent_count = longest_tail([message.body for message in newest])
    return replace(
        dialogue,
        recent=recent,
        recent_count=recent_count,
        last_message_created=newest[-1].created if newest else None,
    )
