"""The rules for stored summaries: saving, repeating, reading, and when one is stale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from ..domain import timestamps
from ..domain.errors import DialogueNotFound, DuplicateId, SummaryNotFound, quote
from ..domain.json_text import compact_json
from ..domain.list_items import MessageItem
from ..domain.records import Dialogue, Message, Scope, Summary
from ..summaries import Digest, Turn
from .bodies import array_of, summary_body
from .messages import dialogue_not_found, require_version
from .results import Result

if TYPE_CHECKING:
    from ..domain.list_queries import SummaryListQuery
    from ..domain.records import JsonText
    from ..stores import Generation, Store, Transaction
    from .inputs import Condition, NewSummary


@dataclass(frozen=True, slots=True)
class Draft:
    """A summary that was made and not stored yet.

    ``dialogue`` is what it was made from: when messages were deleted since, it is born stale.
    """

    dialogue: Dialogue
    digest: Digest
    span: Span
    through_seq: int
    ranged: bool


class Span:
    """The first and last ``created`` and the highest seq of the messages that pass through it."""

    def __init__(self) -> None:
        self.first: str | None = None
        self.last: str | None = None
        self.through_seq = -1

    def watch(self, messages: Iterator[Message | MessageItem]) -> Iterator[Turn]:
        """Pass messages on as turns."""
        for message in messages:
            self.first = min(self.first or message.created, message.created)
            self.last = max(self.last or message.created, message.created)
            self.through_seq = max(self.through_seq, message.seq)
            yield turn_of(message)


def turn_of(message: Message | MessageItem) -> Turn:
    """Return a stored message as summaries and contexts read it."""
    fields = orjson.loads(message.body)
    role = "assistant" if fields["role"] == "model" else fields["role"]
    name = fields.get("name")
    return Turn(message.id, message.seq, role, fields["content"], message.created, name, message.body)


def find_repeat(command: NewSummary, existing: Summary | None) -> Summary | None:
    """Return the summary under the request's id; raises DuplicateId when another request made it."""
    if existing is not None and not command.hash.is_of(existing.hash):
        raise DuplicateId(f"A summary {quote(command.id)} exists and was made by a different request.")
    return existing


def save(tx: Transaction, command: NewSummary, made: Draft | Summary, condition: Condition) -> Result:
    """Store a draft and answer it, unless the request repeats a summary that is stored.

    Raises DialogueNotFound when the dialogue was deleted meanwhile, also when its id is in use again, and
    DuplicateId and PreconditionFailed.
    """
    return Result(summary_body(_save(tx, command, made, condition)))


def _save(tx: Transaction, command: NewSummary, made: Draft | Summary, condition: Condition) -> Summary:
    repeat = find_repeat(command, tx.find_summary(command.id) if command.id_given else None)
    if repeat is not None:
        return repeat
    dialogue = require_version(tx, command.dialogue_id, condition)
    if isinstance(made, Summary):
        return made
    if made.dialogue.uid != dialogue.uid:
        raise DialogueNotFound(f"The dialogue {quote(dialogue.id)} was deleted while it was summarised.")
    now = timestamps.now()
    summary = Summary(
        uid=dialogue.uid,
        id=command.id,
        dialogue_id=dialogue.id,
        created=now,
        through_seq=made.through_seq,
        ranged=made.ranged,
        completed=made.digest.status == "completed",
        stale=_has_lost_messages(made.dialogue, dialogue),
        hash=command.hash.current,
        body=_body(tx.scope, command, made, now),
    )
    tx.insert_summary(summary)
    return summary


def _has_lost_messages(before: Dialogue, now: Dialogue) -> bool:
    """Whether any message was deleted since the draft was begun: it may be one that the draft quotes."""
    return now.total - before.total < now.next_seq - before.next_seq


def _body(scope: Scope, command: NewSummary, draft: Draft, now: str) -> JsonText:
    digest = draft.digest
    fields: dict[str, Any] = {
        "id": command.id,
        "dialogueId": command.dialogue_id,
        "projectId": scope.project,
        "namespace": scope.namespace or None,
        "status": digest.status,
        "content": digest.content,
        "provider": digest.provider,
        "messageCount": draft.dialogue.total,
        "summarizedCount": digest.summarized_count,
        "skippedCount": digest.skipped_count,
        "contentTokenCount": digest.content_tokens,
        "totalTokens": digest.total_tokens,
        "template": command.template,
        "tags": command.tags or None,
        "metadata": orjson.Fragment(command.metadata) if command.metadata else None,
        "error": digest.error,
        "created": now,
        "modified": now,
    }
    present = {name: value for name, value in fields.items() if value is not None}
    span = draft.span if digest.content else Span()
    spanned = {"model": digest.model, "fromCreated": span.first, "toCreated": span.last}
    return compact_json(present | spanned)


def get_summary(store: Store, scope: Scope, summary_id: str) -> Result:
    """Return a summary; raises SummaryNotFound."""
    summary = store.get_summary(scope, summary_id)
    if summary is None:
        raise SummaryNotFound(f"There is no summary {quote(summary_id)} in this namespace.")
    return Result(summary_body(summary))


def find_living(store: Store, scope: Scope, dialogue_id: str) -> Generation:
    """Return the living generation of a dialogue; raises DialogueNotFound when it is deleted."""
    generation = store.find_generation(scope, dialogue_id)
    if generation is None or not generation.alive:
        raise dialogue_not_found(dialogue_id)
    return generation


def list_summaries(store: Store, query: SummaryListQuery, scope: Scope, dialogue_id: str) -> Result:
    """Return a page of a dialogue's summaries."""
    page = store.list_summaries(scope, dialogue_id, query)
    last = page.items[-1] if page.more else None
    return Result(
        array_of(map(summary_body, page.items)), position=None if last is None else (last.created, last.id)
    )
