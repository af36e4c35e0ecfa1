"""From the result of a rule to the response: one way for writes, one for reads, one for pages of a list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from flask import Response

from ..services.bodies import page_texts, with_next
from ..services.dialogue_reads import complete, recent_in, recent_messages
from ..services.results import Result
from ..telemetry.measures import REPLAYED
from ..waiting import in_steps
from .application import JsonResponse
from .heavy_requests import COUNTED_BYTES
from .idempotency import KeyedRequest, find_replay, write_once
from .request_context import context, principal

if TYPE_CHECKING:
    from ..domain.list_queries import (
        AuditListQuery,
        DialogueListQuery,
        KeyListQuery,
        MemoryListQuery,
        MessageListQuery,
        NamespaceListQuery,
        ProjectListQuery,
        SummaryListQuery,
    )
    from ..domain.records import Scope
    from ..stores import Backend, Transaction
    from .cursors import PageRequest

    ListQuery = TypeVar(
        "ListQuery",
        AuditListQuery,
        DialogueListQuery,
        KeyListQuery,
        MemoryListQuery,
        MessageListQuery,
        NamespaceListQuery,
        ProjectListQuery,
        SummaryListQuery,
    )

P = ParamSpec("P")


def commit(
    scope: Scope,
    rule: Callable[Concatenate[Transaction, P], Result],
    *args: P.args,
    **options: P.kwargs,
) -> Response:
    """Run a rule in one transaction, once for each Idempotency-Key, and answer its result."""
    current = context()
    key = current.request.environ.get("HTTP_IDEMPOTENCY_KEY")
    if key is None:
        backend = current.parts.backend
        result = backend.write(scope, lambda tx: rule(tx, *args, **options))
        return respond(complete(result, partial(recent_messages, backend, scope)))
    return commit_once(keyed_request(key), scope, rule, *args, **options)


def commit_in_steps(
    scope: Scope,
    rule: Callable[Concatenate[Transaction, P], Result | None],
    *args: P.args,
    **options: P.kwargs,
) -> Response:
    """Run a rule in one transaction after another until it has a result, which ``commit`` would answer."""
    parts, key = context().parts, context().request.environ.get("HTTP_IDEMPOTENCY_KEY")

    def work(tx: Transaction) -> Result | None:
        return rule(tx, *args, **options)

    if key is None:
        return respond(in_steps(partial(parts.backend.write, scope, work)))
    hours = parts.settings.idempotency_hours
    return respond(in_steps(partial(write_once, parts.backend, scope, work, keyed_request(key), hours)))


def commit_once(
    keyed: KeyedRequest,
    scope: Scope,
    rule: Callable[Concatenate[Transaction, P], Result],
    *args: P.args,
    **options: P.kwargs,
) -> Response:
    """Run a rule in one transaction unless its key has a result already, and answer the result."""

    def work(tx: Transaction) -> Result:
        # What is recorded is the whole answer.
        return complete(rule(tx, *args, **options), partial(recent_in, tx))

    parts = context().parts
    return respond(write_once(parts.backend, scope, work, keyed, parts.settings.idempotency_hours))


def replay(scope: Scope) -> Response | None:
    """Return what the request's Idempotency-Key was answered already.

    ``commit`` looks for itself; this is for work that is costly before it gets there.
    """
    key = context().request.environ.get("HTTP_IDEMPOTENCY_KEY")
    result = None if key is None else find_replay(context().parts.backend, scope, keyed_request(key))
    return None if result is None else respond(result)


def keyed_request(key: str) -> KeyedRequest:
    """Return the request at hand under an idempotency key; raises InvalidParameter for the key's form."""
    request, caller = context().request, principal()
    # A bound key may leave its namespace out, so path and content alone do not say whose the answer is.
    place = (caller.project, caller.namespace or "", request.method, request.path)
    return KeyedRequest.of(key, place, request.query_string + b"\0" + request.get_data())


def fetch(
    rule: Callable[Concatenate[Backend, P], Result],
    *args: P.args,
    **options: P.kwargs,
) -> Response:
    """Run a rule that only reads, and answer its result."""
    return respond(rule(context().parts.backend, *args, **options))


def fetch_page(
    rule: Callable[Concatenate[Backend, ListQuery, P], Result],
    query: ListQuery,
    page: PageRequest,
    *args: P.args,
    **options: P.kwargs,
) -> Response:
    """Run a rule that reads a page of a list, and answer it with the cursor of the next one.

    Raises InvalidParameter when ``next`` is not a cursor of this list.
    """
    parts = context().parts
    after: Any = parts.cursors.find_start(page)
    result = rule(parts.backend, replace(query, after=after), *args, **options)
    following = (
        None
        if result.position is None
        else parts.cursors.write(page.binding, result.position, context().query)
    )
    return _respond_texts(page_texts(result.body, following, result.system))


def fetch_continued(
    binding: Sequence[object],
    rule: Callable[Concatenate[Backend, P], Result],
    *args: P.args,
    **options: P.kwargs,
) -> Response:
    """Run a rule that reads one page of its own form, and answer it with the cursor of the next one."""
    parts = context().parts
    result = rule(parts.backend, *args, **options)
    if result.position is None:
        return respond(result)
    return json_response(with_next(result.body, parts.cursors.write(binding, result.position)))


def respond(result: Result) -> Response:
    """Return the response for a result: 200, or 304 for a version that the client has."""
    if result.is_known:
        return Response(status=304, headers={"ETag": result.etag or ""})
    headers = [] if result.etag is None else [("ETag", result.etag)]
    if result.replayed:
        REPLAYED.add()
        headers.append(("Idempotent-Replayed", "true"))
    return json_response(result.body if result.first is None else result.first, *headers)


def json_response(body: str, *headers: tuple[str, str]) -> Response:
    """Return a 200 with JSON that is ready to send, and count it among what its key is answered."""
    return _respond_texts((body,), *headers)


def _respond_texts(texts: Sequence[str], *headers: tuple[str, str]) -> Response:
    size = sum(map(len, texts))
    if size >= COUNTED_BYTES:
        current = context()
        current.parts.heavy_requests.count_answer(current.key_id, size)
    return JsonResponse(texts, *headers)
