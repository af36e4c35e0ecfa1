"""Summaries and contexts: what the operations of /summary, /summaries and /context call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from flask import Response

from ..domain.records import Order, Scope, SummaryListQuery
from ..schemas.load import load
from ..schemas.summaries import SummarySchema
from ..services import dialogues, messages, summaries, wire
from ..services.context import Wanted, read_context
from ..services.wire import Answer
from ..summaries.context.planning import DEFAULT_TOKENS, Format
from ..web.request_context import commit, condition, parts, replay, respond, scope, store

if TYPE_CHECKING:
    from ..services.commands import NewSummary
    from ..stores import Transaction

SUMMARY = SummarySchema()


def create_summary(body: dict[str, Any]) -> Response:
    """POST /summary."""
    where = scope(body.pop("namespace", None))
    return _summarize(where, load(SUMMARY, body), may_fall_back=False)


def compact_dialogue(id_: str, body: Any = None, namespace: str | None = None) -> Response:
    """POST /dialogue/{id}/compact."""
    command = load(SUMMARY, {"dialogueId": id_})
    return _summarize(scope(namespace), command, may_fall_back=True)


def _summarize(where: Scope, command: NewSummary, *, may_fall_back: bool) -> Response:
    """Make the summary outside the transaction and store it inside.

    A repeat is answered before anything is made: the work is too costly to be done for nothing.
    """
    wanted = condition()
    summarizer = parts().summarizer
    summarizer.require_template(command)
    earlier = replay(where)
    if earlier is not None:
        return earlier
    made = summarizer.prepare(where, command, wanted, may_fall_back=may_fall_back)

    def work(tx: Transaction) -> Answer:
        return Answer(wire.summary_body(summaries.save(tx, command, made, wanted)))

    return commit(where, work)


def get_summary(sid: str, namespace: str | None = None) -> Response:
    """GET /summary/{sid}."""
    found = store().get_summary(scope(namespace), sid)
    return respond(wire.summary_body(summaries.require_summary(found, sid)))


def list_summaries(
    dialogue_id: str,
    namespace: str | None = None,
    limit: int = 100,
    order: str = "desc",
    next_: str | None = None,
) -> Response:
    """GET /summaries."""
    where = scope(namespace)
    generation = store().find_generation(where, dialogue_id)
    if generation is None or not generation.alive:
        raise messages.dialogue_not_found(dialogue_id)
    binding = ["summaries", where, dialogue_id, generation.uid, order]
    cursors = parts().cursors
    after: Any = None if next_ is None else tuple(cursors.read(binding, next_, 2))
    query = SummaryListQuery(generation.uid, limit, Order(order), after)
    page = store().list_summaries(where, dialogue_id, query)
    cursor = None
    if page.more:
        cursor = cursors.write(binding, [page.items[-1].created, page.items[-1].id])
    return respond(wire.page_body(map(orjson.Fragment, map(wire.summary_body, page.items)), cursor))


def get_context(
    id_: str,
    namespace: str | None = None,
    max_tokens: int = DEFAULT_TOKENS,
    format_: str = "messages",
    model: str | None = None,
) -> Response:
    """GET /dialogue/{id}/context."""
    where = scope(namespace)
    dialogue = dialogues.require_dialogue(store().get_dialogue(where, id_), id_)
    wanted = Wanted(max_tokens, Format(format_), model)
    return respond(read_context(store(), where, dialogue, wanted))
