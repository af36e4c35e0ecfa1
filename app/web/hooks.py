"""The hooks around every request: its id, key and body, the headers of its answer, its line in the log."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from flask import Flask, Request, Response
from flask.globals import request_ctx
from werkzeug.exceptions import HTTPException, NotFound

from ..domain.addresses import network_of
from ..domain.errors import MissingParameter, Unauthorized
from ..domain.ids import id_of_request
from ..domain.records import Rights
from ..logs import follow_trace
from ..telemetry.measures import IN_FLIGHT
from ..telemetry.timing import begin_timing
from ..waiting import begin_request, end_request
from .access import record, trace_of
from .application import SAFE_HEADERS, ReadyHeaders
from .authentication import require_right
from .body import read_json
from .error_responses import answer_error
from .request_context import CURRENT, RequestContext

if TYPE_CHECKING:
    from .operations import Route
    from .parts import Parts


class Hooks:
    """The hooks of one application, in the contract's order of checks."""

    def __init__(self, app: Flask, routes: dict[str, Route]) -> None:
        self._app = app
        self._routes = routes

    def install(self) -> None:
        """Attach the hooks and the error handler."""
        app = self._app
        app.before_request(self.admit)
        app.after_request(self.finish)
        app.teardown_request(self.end)
        app.register_error_handler(Exception, answer_error)

    def admit(self) -> None:
        """Check a request before its handler runs; raises the error that answers it instead."""
        request: Request = request_ctx.request
        environ = request.environ
        parts: Parts = self._app.extensions["colloquy"]
        trace = trace_of(environ.get("HTTP_TRACEPARENT"))
        request_id = id_of_request(environ.get("HTTP_X_REQUEST_ID"))
        context = RequestContext(request_id, request, time.perf_counter(), parts, trace)
        context.token = CURRENT.set(context)
        IN_FLIGHT.enter()
        if trace is not None:
            follow_trace(trace)
        begin_timing()
        begin_request(parts.settings.request_timeout)
        if environ["PATH_INFO"].startswith("//"):
            raise NotFound  # Werkzeug takes leading slashes for one
        if request.routing_exception is not None:
            self._explain_empty_id(request, context, request.routing_exception)
            return
        route = self._routes.get(request.endpoint or "")
        if route is None or request.method == "OPTIONS":
            return
        if route.secured:
            self._admit_caller(request, context, route.right)
        if route.takes_body:
            context.body = read_json(request, parts.settings.body_bytes, required=route.requires_body)
        if route.heavy is not None:
            _await_turn(route.heavy, context)

    def _admit_caller(self, request: Request, context: RequestContext, right: Rights) -> None:
        """Authenticate and authorise the caller; count the request by its address, then by its key."""
        limits = context.parts.limits
        environ = request.environ
        if limits.address is not None:
            limits.address.count(network_of(environ.get("REMOTE_ADDR")), context.limits)
        try:
            principal = context.parts.authenticator.authenticate(environ.get("HTTP_AUTHORIZATION"))
        except Unauthorized:
            context.parts.failed_logins.count(network_of(environ.get("REMOTE_ADDR")))
            raise
        context.principal = principal
        # WSGI's name for whom a request is from: the server shares its buffers out by it.
        environ["REMOTE_USER"] = principal.key_id
        context.parts.heavy_requests.rests.note_key(principal.key_id)
        require_right(principal, right)
        if limits.key is not None:
            limits.key.count(principal.key_id, context.limits)

    def _explain_empty_id(self, request: Request, context: RequestContext, routing: HTTPException) -> None:
        """Say that an id is missing where an empty path segment stands for it."""
        segments = request.path.split("/")[1:]
        if not isinstance(routing, NotFound) or "" not in segments[1:]:
            return
        filled = "/" + "/".join(segment or "-" for segment in segments)
        request_ctx.url_adapter.match(filled)  # type: ignore[union-attr]  # there is one in a request
        self._admit_caller(request, context, Rights.READ)
        raise MissingParameter("The path has an empty id; name the resource after the slash.")

    def finish(self, response: Response) -> Response:
        """Add the headers of every answer and write the request's line of the access log."""
        context = CURRENT.get()
        request, parts = context.request, context.parts
        added = [("X-Request-Id", context.id)]
        if context.limits:
            added.append(("RateLimit", ", ".join(map(str, context.limits))))
            added.append(("RateLimit-Policy", parts.limits.policy))
        headers = response.headers
        if isinstance(headers, ReadyHeaders):
            headers.take(added)
        else:
            headers.extend(added)
            headers.extend([pair for pair in SAFE_HEADERS if pair[0] not in headers])
        if parts.cors is not None:
            parts.cors.finish(request, response)
        record(context, self._routes.get(request.endpoint or ""), response)
        return response

    def end(self, _error: BaseException | None) -> None:
        """Give back what the request held, and forget what this thread knows of it."""
        IN_FLIGHT.leave()
        end_request()
        # Its traceback leads back to the request, and only garbage collection would free them.
        request_ctx.request.routing_exception = None
        context = CURRENT.get(None)
        if context is None or context.token is None:
            return
        CURRENT.reset(context.token)
        if context.trace is not None:
            follow_trace(None)
        if context.release is not None:
            context.release()
        if context.place is not None:
            context.place.leave()


def _await_turn(kind: str, context: RequestContext) -> None:
    """Have a request of an operation that can be heavy wait for its turn, if it is heavy."""
    if kind == "large":
        if context.parts.heavy_requests.is_answered_much(context.key_id):
            context.take_turn(reads=True)
    elif kind == "always" or context.parts.settings.summary_provider == "extractive":
        context.take_turn()
