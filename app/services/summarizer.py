"""Making a summary: the messages it reads, the summary it builds on, the provider that makes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from ..domain.errors import Detail, DialogueNotFound, InvalidInput, MessageNotFound, quote
from ..domain.list_items import MessageItem
from ..domain.list_queries import MessageListQuery
from ..domain.records import Dialogue, Message, Order, Scope, Summary
from ..summaries import TRANSCRIPT, TRANSCRIPT_TOKENS, Digest, Earlier, Provider
from ..summaries.model.templates import load_template
from ..telemetry.measures import SUMMARIES
from .conditions import require_current
from .summaries import Draft, Span, find_repeat

if TYPE_CHECKING:
    from ..domain.records import Timestamp
    from ..stores import Store
    from .inputs import Condition, NewSummary

PAGE = 200
"""How many messages one read brings when a range of them is summarised."""


@dataclass(frozen=True, slots=True)
class _Range:
    """What startId and endId name, both included; None: no bound on that side."""

    first: Message | None
    last: Message | None


@dataclass(frozen=True, slots=True)
class _Source:
    """What a summary is made from: a range, or what was accepted since the latest summary."""

    dialogue: Dialogue
    bounds: _Range | None
    latest: Summary | None

    @property
    def previous(self) -> Earlier | None:
        """The latest summary, if this one builds on it: one of few words is made anew, from the messages."""
        if self.latest is None:
            return None
        body = orjson.loads(self.latest.body)
        if body["provider"] == TRANSCRIPT or body["totalTokens"] <= TRANSCRIPT_TOKENS:
            return None
        return Earlier(body["content"], body["totalTokens"])

    @property
    def after(self) -> int:
        """The seq of the last message that is not read again."""
        return -1 if self.latest is None or self.previous is None else self.latest.through_seq


class Summarizer:
    """Makes summaries outside any transaction, since a model may take its time.

    ``templates`` is the folder of the operator's own templates.
    """

    def __init__(
        self, store: Store, provider: Provider, fallback: Provider, templates: Path | None = None
    ) -> None:
        self._store = store
        self._provider = provider
        self._fallback = fallback
        self._templates = templates

    def require_template(self, command: NewSummary) -> None:
        """Raise InvalidInput for a template that does not exist, whichever provider is to use it."""
        load_template(command.template, self._templates)

    def prepare(
        self, scope: Scope, command: NewSummary, condition: Condition, *, may_fall_back: bool
    ) -> Draft | Summary:
        """Make a summary, or return the stored one that answers the request already.

        That is the one made by the same request under its id, or else the latest when no message came
        since. The messages are read in one pass. A provider that fails gives a failed Digest;
        ``may_fall_back`` lets the extractive one step in and say so.
        """
        stored = find_repeat(
            command, self._store.get_summary(scope, command.id) if command.id_given else None
        )
        if stored is not None:
            return stored
        source = self._find_source(scope, command)
        require_current(condition, source.dialogue)
        if source.latest is not None and _is_enough(source.latest, source.dialogue, command):
            return source.latest
        return self._draft(scope, command, source, may_fall_back=may_fall_back)

    def _find_source(self, scope: Scope, command: NewSummary) -> _Source:
        dialogue = self._store.get_dialogue(scope, command.dialogue_id)
        if dialogue is None:
            raise DialogueNotFound(f"There is no dialogue {quote(command.dialogue_id)} in this namespace.")
        if command.start_id or command.end_id:
            first = self._bound(scope, dialogue, command.start_id)
            last = self._bound(scope, dialogue, command.end_id)
            if first is not None and last is not None and _place(first) > _place(last):
                raise InvalidInput(
                    "startId must not name a later message than endId.", Detail("startId", "is after endId")
                )
            return _Source(dialogue, _Range(first, last), None)
        return _Source(dialogue, None, self._latest(scope, dialogue, command.template))

    def _draft(self, scope: Scope, command: NewSummary, source: _Source, *, may_fall_back: bool) -> Draft:
        digest, span = self._digest(scope, command, source, self._provider)
        if digest.error is not None and may_fall_back:
            error = digest.error
            digest, span = self._digest(scope, command, source, self._fallback)
            digest = replace(digest, error=error)
        if source.bounds is not None:
            return Draft(source.dialogue, digest, span, span.through_seq, ranged=True)
        return Draft(source.dialogue, digest, span, source.dialogue.next_seq - 1, ranged=False)

    def _digest(
        self, scope: Scope, command: NewSummary, source: _Source, provider: Provider
    ) -> tuple[Digest, Span]:
        span = Span()
        turns = span.watch(self._read(scope, source))
        digest = provider.summarize(turns, previous=source.previous, template=command.template, budget=None)
        SUMMARIES.add(digest.provider, "completed" if digest.error is None else "failed")
        return digest, span

    def _read(self, scope: Scope, source: _Source) -> Iterator[Message | MessageItem]:
        """Yield what to summarise, nothing that was accepted after the dialogue was read."""
        dialogue = source.dialogue
        messages: Iterator[Message | MessageItem]
        if source.bounds is not None:
            messages = self._between(scope, dialogue, source.bounds)
        else:
            messages = self._store.messages_since(scope, dialogue.id, dialogue.uid, source.after)
        return (message for message in messages if message.seq < dialogue.next_seq)

    def _latest(self, scope: Scope, dialogue: Dialogue, template: str | None) -> Summary | None:
        """Return the summary to build on: not stale, and made with the same template."""
        latest = self._store.latest_summary(scope, dialogue.id, dialogue.uid)
        if latest is None or latest.stale:
            return None
        return latest if orjson.loads(latest.body).get("template") == template else None

    def _between(self, scope: Scope, dialogue: Dialogue, bounds: _Range) -> Iterator[MessageItem]:
        """Yield the messages of a range in the dialogue's order."""
        first, last = bounds.first, bounds.last
        after = None if first is None else (first.created, first.seq - 1)
        while True:
            query = MessageListQuery(dialogue.uid, PAGE, Order.ASC, after)
            page = self._store.list_messages(scope, dialogue.id, query)
            for message in page.items:
                if last is not None and _place(message) > _place(last):
                    return
                yield message
            if not page.more:
                return
            after = _place(page.items[-1])

    def _bound(self, scope: Scope, dialogue: Dialogue, message_id: str | None) -> Message | None:
        if message_id is None:
            return None
        message = self._store.get_message(scope, dialogue.id, message_id)
        if message is None or message.uid != dialogue.uid:
            raise MessageNotFound(f"There is no message {quote(message_id)} in this dialogue.")
        return message


def _place(message: Message | MessageItem) -> tuple[Timestamp, int]:
    """Where a message stands in its dialogue."""
    return message.created, message.seq


def _is_enough(latest: Summary, dialogue: Dialogue, command: NewSummary) -> bool:
    """Whether the latest summary answers the request: nothing is new, and it need not be a new object."""
    asks_for_one = command.id_given or command.tags or command.metadata is not None
    return not asks_for_one and latest.through_seq >= dialogue.next_seq - 1
