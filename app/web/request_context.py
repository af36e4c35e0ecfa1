"""The request at hand, for handlers: who asks, where, and how to answer."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from flask import Response, current_app, g, request

from ..services.wire import Answer
from .application import JsonResponse
from .etag import if_match, if_none_match, is_known
from .idempotency import KeyedRequest, find_replay
from .idempotency import commit as commit_once

if TYPE_CHECKING:
    from flask import Flask

    from ..domain.records import JsonText, Scope
    from ..services.commands import Condition
    from ..services.summarizer import Summarizer
    from ..settings import Settings
    from ..stores import Backend, Store, Transaction
    from ..sweeper import Sweeper
    from .authentication import Authenticator, OwnerAuthenticator, Principal
    from .cors import Cors
    from .cursors import Cursors
    from .rate_limits import Limits
    from .readiness import Readiness


@dataclass(frozen=True, slots=True)
class Parts:
    """What ``create_app`` wired together."""

    settings: Settings
    backend: Backend
    authenticator: Authenticator | OwnerAuthenticator
    cursors: Cursors
    readiness: Readiness
    sweeper: Sweeper
    summarizer: Summarizer
    limits: Limits
    cors: Cors | None


@dataclass(frozen=True, slots=True)
class Spec:
    """``openapi.yaml`` as it is served: the file's own bytes, and the same as JSON."""

    yaml: bytes
    json: bytes


def parts_of(app: Flask) -> Parts:
    """Return what an application is made of."""
    return cast("Parts", app.extensions["colloquy"])


def parts() -> Parts:
    """Return the parts of the application that answers the request at hand."""
    return parts_of(current_app)


def spec() -> Spec:
    """Return the description of the API."""
    return cast("Spec", current_app.extensions["colloquy_spec"])


def store() -> Store:
    """Return the store."""
    return parts().backend


def principal() -> Principal:
    """Return who asks; only secured operations have one."""
    return cast("Principal", g.principal)


def scope(namespace: str | None) -> Scope:
    """Return where the named resource is looked up."""
    return principal().scope(namespace)


def condition() -> Condition:
    """Return the request's If-Match."""
    return if_match(request.headers.get("If-Match"))


def commit(where: Scope, work: Callable[[Transaction], Answer]) -> Response:
    """Run a write in one transaction, once for each Idempotency-Key, and answer it."""
    return _respond_to(commit_once(store(), where, work, _keyed(), parts().settings.idempotency_hours))


def replay(where: Scope) -> Response | None:
    """Return what the request's Idempotency-Key was answered already.

    ``commit`` looks for itself; this is for work that is costly before it gets there.
    """
    keyed = _keyed()
    answer = None if keyed is None else find_replay(store(), where, keyed)
    return None if answer is None else _respond_to(answer)


def _respond_to(answer: Answer) -> Response:
    response = respond(answer.body, answer.etag)
    if answer.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def _keyed() -> KeyedRequest | None:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    # A bound key may leave its namespace out, so path and content alone do not say whose the answer is.
    place = (principal().project, principal().namespace or "", request.method, request.path)
    return KeyedRequest.of(key, place, request.query_string + b"\0" + request.get_data())


def respond(body: JsonText | str, etag: str | None = None) -> Response:
    """Return a 200 with JSON that is ready to send."""
    response = JsonResponse(body)
    if etag is not None:
        response.headers["ETag"] = etag
    return response


def known_versions() -> Collection[str]:
    """Return the request's If-None-Match, to be read before the store is: form comes before existence."""
    return if_none_match(request.headers.get("If-None-Match"))


def respond_unless_known(known: Collection[str], body: Callable[[], JsonText], etag: str) -> Response:
    """Return 304 when the client knows the current version, else the body."""
    if is_known(etag, known):
        return Response(status=304, headers={"ETag": etag})
    return respond(body(), etag)
