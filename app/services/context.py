"""The context of a dialogue for a model: reading its messages, and the answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from ..domain.json_text import compact_json
from ..domain.list_queries import MessageListQuery
from ..domain.records import Dialogue, Order, Scope
from ..summaries.context.planning import LEADING_READ, Context, Format, plan_context, take_leading
from ..summaries.tokens import TokenCounter, open_counter
from .bodies import summary_body
from .dialogue_reads import find_dialogue
from .related import find_exchanges
from .results import Result
from .summaries import turn_of

if TYPE_CHECKING:
    from ..domain.records import JsonText, Summary
    from ..meaning.embedder import Embedder
    from ..stores import Store
    from ..summaries import Turn

PAGE = 50
"""How many messages one read brings; reading stops where the budget does."""


@dataclass(frozen=True, slots=True)
class ContextRequest:
    """A budget in tokens, whose format the context has, and which model counts the tokens."""

    max_tokens: int
    format: Format
    model: str | None
    query: str | None = None
    """What the context is for: older messages that matter to it are brought back."""


class _Reader:
    """Reads a dialogue's messages as turns, each with its stored form for the answer."""

    def __init__(self, store: Store, scope: Scope, dialogue: Dialogue) -> None:
        self._store = store
        self._scope = scope
        self._dialogue = dialogue

    def first(self) -> list[Turn]:
        query = MessageListQuery(self._dialogue.uid, LEADING_READ, Order.ASC)
        page = self._store.list_messages(self._scope, self._dialogue.id, query)
        return [turn_of(message) for message in page.items]

    def newest(self) -> Iterator[Turn]:
        after = None
        while True:
            query = MessageListQuery(self._dialogue.uid, PAGE, Order.DESC, after)
            page = self._store.list_messages(self._scope, self._dialogue.id, query)
            yield from map(turn_of, page.items)
            if not page.more:
                return
            after = (page.items[-1].created, page.items[-1].seq)


def read_context(
    store: Store,
    scope: Scope,
    dialogue_id: str,
    request: ContextRequest,
    embedder: Embedder | None = None,
) -> Result:
    """Return what to send to a model.

    Raises DialogueNotFound, and InvalidParameter when the budget is too small.
    """
    dialogue = find_dialogue(store, scope, dialogue_id)
    reader = _Reader(store, scope, dialogue)
    latest = store.latest_summary(scope, dialogue.id, dialogue.uid)
    usable = None if latest is None or latest.stale else latest
    counter = open_counter(request.model)
    context = plan_context(
        take_leading(reader.first()),
        reader.newest(),
        None if usable is None else orjson.loads(usable.body)["content"],
        request.max_tokens,
        request.format,
        total=dialogue.total,
        counter=counter,
        render=lambda turn: orjson.Fragment(turn.stored),
        related=()
        if request.query is None
        else find_exchanges(store, scope, dialogue, request.query, embedder),
    )
    return Result(_body(context, _used(context, usable, counter), has_query=request.query is not None))


def _used(context: Context, summary: Summary | None, counter: TokenCounter) -> Any:
    """Return the summary as it is counted: with the text that was cut to fit, if it was."""
    if context.summary is None or summary is None:
        return None
    if not context.summary_cut:
        return orjson.Fragment(summary_body(summary))
    cut = {"content": context.summary, "contentTokenCount": counter.count(context.summary)}
    return orjson.loads(summary.body) | cut


def _body(context: Context, summary: Any, *, has_query: bool) -> JsonText:
    fields: dict[str, Any] = {"messages": context.messages}
    if context.system is not None:
        fields["system"] = context.system
    if summary is not None:
        fields["summary"] = summary
    fields["tokenCount"] = context.token_count
    fields["estimated"] = context.estimated
    fields["omittedMessages"] = context.omitted_messages
    if has_query:
        fields["relatedMessages"] = context.related_messages
    return compact_json(fields)
