"""The rules for summaries: rolling, repeating, ranges, what makes one stale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from app import clock
from app.domain import Dialogue, Message, MessageListing, Order, Scope, Summary
from app.errors import DialogueNotFound, DuplicateId, MessageNotFound, SummaryNotFound, quote
from app.identity import compact
from app.services.conditions import require_current
from app.services.messages import require_dialogue
from app.summaries import Digest, Provider, Turn

if TYPE_CHECKING:
    from app.domain import JsonText
    from app.services.commands import Condition, NewSummary
    from app.stores import Store, Transaction

PAGE = 200
"""How many messages one read brings when a range of them is summarised."""


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
    """Notes, of the messages that pass through it, the first and the last ``created``."""

    def __init__(self) -> None:
        self.first: str | None = None
        self.last: str | None = None

    def watch(self, messages: Iterator[Message]) -> Iterator[Turn]:
        """Pass messages on as turns."""
        for message in messages:
            self.first = min(self.first or message.created, message.created)
            self.last = max(self.last or message.created, message.created)
            yield turn_of(message)


def turn_of(message: Message) -> Turn:
    """Return a stored message as summaries and contexts read it."""
    fields = orjson.loads(message.body)
    return Turn(message.id, message.seq, message.role, fields["content"], message.created, fields.get("name"))


class Summarizer:
    """Makes summaries outside any transaction, since a model may take its time."""

    def __init__(self, store: Store, provider: Provider, fallback: Provider) -> None:
        self._store = store
        self._provider = provider
        self._fallback = fallback

    def find_current(self, scope: Scope, command: NewSummary) -> Summary | None:
        """Return the summary that accounts for everything already, if the request names no id."""
        if command.id_given or command.start_id or command.end_id:
            return None
        dialogue = self._require(scope, command.dialogue_id)
        latest = self._latest(scope, dialogue, command.template)
        if latest is None or latest.through_seq < dialogue.next_seq - 1:
            return None
        return latest

    def draft(self, scope: Scope, command: NewSummary, *, may_fall_back: bool) -> Draft:
        """Read what is new (or the range) in one pass and summarise it.

        A provider that fails gives a failed Digest; ``may_fall_back`` lets the extractive one
        step in and say so.
        """
        dialogue = self._require(scope, command.dialogue_id)
        digest, span = self._digest(scope, dialogue, command, self._provider)
        if digest.error is not None and may_fall_back:
            error = digest.error
            digest, span = self._digest(scope, dialogue, command, self._fallback)
            digest = replace_error(digest, error)
        ranged = bool(command.start_id or command.end_id)
        return Draft(dialogue, digest, span, dialogue.next_seq - 1, ranged)

    def _digest(
        self, scope: Scope, dialogue: Dialogue, command: NewSummary, provider: Provider
    ) -> tuple[Digest, Span]:
        span = Span()
        if command.start_id or command.end_id:
            messages, previous = self._range(scope, dialogue, command), None
        else:
            latest = self._latest(scope, dialogue, command.template)
            after = -1 if latest is None else latest.through_seq
            previous = None if latest is None else orjson.loads(latest.body)["content"]
            messages = self._accepted(scope, dialogue, after)
        turns = span.watch(messages)
        return provider.summarize(turns, previous=previous, template=command.template, budget=None), span

    def _accepted(self, scope: Scope, dialogue: Dialogue, after: int) -> Iterator[Message]:
        """Yield what was accepted after a summary, up to the dialogue as it was read."""
        for message in self._store.messages_since(scope, dialogue.id, dialogue.uid, after):
            if message.seq >= dialogue.next_seq:
                return
            yield message

    def _latest(self, scope: Scope, dialogue: Dialogue, template: str | None) -> Summary | None:
        """Return the summary to build on: not stale, and made with the same template."""
        latest = self._store.latest_summary(scope, dialogue.id, dialogue.uid)
        if latest is None or latest.stale:
            return None
        return latest if orjson.loads(latest.body).get("template") == template else None

    def _range(self, scope: Scope, dialogue: Dialogue, command: NewSummary) -> Iterator[Message]:
        """Yield the messages from startId to endId, both included, in the dialogue's order."""
        first = self._bound(scope, dialogue, command.start_id)
        last = self._bound(scope, dialogue, command.end_id)
        return self._between(scope, dialogue, first, last)

    def _between(
        self, scope: Scope, dialogue: Dialogue, first: Message | None, last: Message | None
    ) -> Iterator[Message]:
        after = None if first is None else (first.created, first.seq - 1)
        while True:
            listing = MessageListing(dialogue.uid, PAGE, Order.ASC, after)
            page = self._store.list_messages(scope, dialogue.id, listing)
            for message in page.items:
                if last is not None and (message.created, message.seq) > (last.created, last.seq):
                    return
                yield message
            if not page.more:
                return
            after = (page.items[-1].created, page.items[-1].seq)

    def _bound(self, scope: Scope, dialogue: Dialogue, message_id: str | None) -> Message | None:
        if message_id is None:
            return None
        message = self._store.get_message(scope, dialogue.id, message_id)
        if message is None or message.uid != dialogue.uid:
            raise MessageNotFound(f"There is no message {quote(message_id)} in this dialogue.")
        return message

    def _require(self, scope: Scope, dialogue_id: str) -> Dialogue:
        dialogue = self._store.get_dialogue(scope, dialogue_id)
        if dialogue is None:
            raise DialogueNotFound(f"There is no dialogue {quote(dialogue_id)} in this namespace.")
        return dialogue


def replace_error(digest: Digest, error: str) -> Digest:
    """Return the stand-in's digest with the reason why it had to step in."""
    return Digest(
        digest.content,
        digest.provider,
        digest.model,
        digest.summarized_count,
        digest.skipped_count,
        digest.total_tokens,
        digest.content_tokens,
        error=error,
    )


def find_repeat(tx: Transaction, command: NewSummary) -> Summary | None:
    """Return the stored summary when the request repeats the one that made it."""
    existing = tx.find_summary(command.id) if command.id_given else None
    if existing is not None and existing.hash != command.hash:
        raise DuplicateId(f"A summary {quote(command.id)} exists and was made by a different request.")
    return existing


def save(tx: Transaction, command: NewSummary, draft: Draft, condition: Condition) -> Summary:
    """Store a draft, unless the request repeats one that is stored."""
    repeat = find_repeat(tx, command)
    if repeat is not None:
        return repeat
    dialogue = require_dialogue(tx, command.dialogue_id)
    require_current(condition, dialogue)
    now = clock.now()
    summary = Summary(
        uid=draft.dialogue.uid,
        id=command.id,
        dialogue_id=dialogue.id,
        created=now,
        through_seq=draft.through_seq,
        ranged=draft.ranged,
        completed=draft.digest.status == "completed",
        stale=_has_lost_messages(draft.dialogue, dialogue),
        hash=command.hash,
        body=_body(tx.scope, command, draft, now),
    )
    tx.insert_summary(summary)
    return summary


def _has_lost_messages(before: Dialogue, now: Dialogue) -> bool:
    accepted = now.next_seq - before.next_seq
    return before.uid != now.uid or now.total - before.total < accepted


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
    spanned = {"model": digest.model, "fromCreated": draft.span.first, "toCreated": draft.span.last}
    return compact(present | spanned)


def require_summary(summary: Summary | None, summary_id: str) -> Summary:
    """Return a summary, or say that there is none."""
    if summary is None:
        raise SummaryNotFound(f"There is no summary {quote(summary_id)} in this namespace.")
    return summary
