"""Summaries and contexts: what the operations of /summary, /summaries and /context call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response

from ..domain.list_queries import SummaryListQuery
from ..domain.records import Order, Scope
from ..schemas.load import load
from ..schemas.summaries import SummarySchema
from ..services import summaries
from ..services.context import ContextRequest, read_context
from ..summaries.context.planning import DEFAULT_TOKENS, Format
from ..web.answers import commit, fetch, fetch_page, replay
from ..web.cursors import PageRequest
from ..web.request_context import condition, context, scope

if TYPE_CHECKING:
    from ..services.inputs import NewSummary

SUMMARY = SummarySchema()


def create_summary(body: dict[str, Any], namespace: str | None = None) -> Response:
    """POST /summary."""
    return _summarize(scope(namespace), load(SUMMARY, body), may_fall_back=False)


def compact_dialogue(id_: str, body: Any = None, namespace: str | None = None) -> Response:
    """POST /dialogue/{id}/compact."""
    command = load(SUMMARY, {"dialogueId": id_})
    return _summarize(scope(namespace), command, may_fall_back=True)


def _summarize(where: Scope, summary: NewSummary, *, may_fall_back: bool) -> Response:
    """Make the summary outside the transaction and store it inside.

    A repeat is answered before anything is made: the work is too costly to be done for nothing.
    """
    if_match = condition()
    summarizer = context().parts.summarizer
    summarizer.require_template(summary)
    earlier = replay(where)
    if earlier is not None:
        return earlier
    made = summarizer.prepare(where, summary, if_match, may_fall_back=may_fall_back)
    return commit(where, summaries.save, summary, made, if_match)


def get_summary(sid: str, namespace: str | None = None) -> Response:
    """GET /summary/{sid}."""
    return fetch(summaries.get_summary, scope(namespace), sid)


def list_summaries(
    dialogue_id: str,
    namespace: str | None = None,
    limit: int = 100,
    order: str = "desc",
    next_: str | None = None,
) -> Response:
    """GET /summaries."""
    where = scope(namespace)
    uid = summaries.find_living(context().parts.backend, where, dialogue_id).uid
    query = SummaryListQuery(uid, limit, Order(order))
    page = PageRequest(("summaries", where, dialogue_id, uid, order), next_, 2)
    return fetch_page(summaries.list_summaries, query, page, where, dialogue_id)


def get_context(
    id_: str,
    namespace: str | None = None,
    max_tokens: int = DEFAULT_TOKENS,
    format_: str = "messages",
    model: str | None = None,
    query: str | None = None,
) -> Response:
    """GET /dialogue/{id}/context."""
    request = ContextRequest(max_tokens, Format(format_), model, query)
    return fetch(read_context, scope(namespace), id_, request, context().parts.embedder)
