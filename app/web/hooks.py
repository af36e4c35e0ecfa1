"""What happens around every request: its id, its key, its body, its errors, its line in the log."""

from __future__ import annotations

import logging
import random
import re
import time
from typing import TYPE_CHECKING, Any

from connexion.exceptions import ProblemException
from flask import Flask, Request, Response, g, request
from flask.globals import app_ctx, request_ctx
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.exceptions import MethodNotAllowed as WerkzeugMethodNotAllowed

from ..domain import timestamps
from ..domain.error_envelope import render_error
from ..domain.errors import (
    ColloquyError,
    InternalError,
    InvalidParameter,
    MethodNotAllowed,
    MissingParameter,
    PayloadTooLarge,
    RouteNotFound,
)
from ..logs import access
from ..waiting import begin_request, end_request
from .authentication import require_right
from .body import read_json
from .rate_limits import Limit, Standing, network_of
from .request_context import parts_of

if TYPE_CHECKING:
    from flask.ctx import _AppCtxGlobals

    from .operations import Route

log = logging.getLogger("colloquy")

SAFE_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "private, no-cache"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
)
"""What keeps browsers and proxies from misusing an answer, unless it has its own."""

_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._:@/+=-]{1,128}")


class Edge:
    """The hooks of one application, in the contract's order of checks."""

    def __init__(self, app: Flask, routes: dict[str, Route]) -> None:
        self._app = app
        self._routes = routes

    def install(self) -> None:
        """Attach the hooks and the error handlers."""
        app = self._app
        app.before_request(self.admit)
        app.after_request(self.finish)
        app.teardown_request(lambda _: end_request())
        app.register_error_handler(Exception, answer_error)

    def admit(self) -> None:
        """Let a request through to its handler, or raise what is wrong with it."""
        asked, notes = _current()
        wired = parts_of(self._app)
        notes.started = time.perf_counter()
        notes.request_id = _request_id(asked)
        notes.principal = None
        notes.standings = []
        begin_request(wired.settings.request_timeout)
        if asked.routing_exception is not None:
            self._explain_empty_id(asked, asked.routing_exception)
            return
        route = self._routes.get(asked.endpoint or "")
        if route is None or asked.method == "OPTIONS":
            return
        if route.secured:
            self._admit_caller(asked, notes, writes=route.writes)
        if route.takes_body:
            notes.body = read_json(asked, required=route.requires_body)

    def _admit_caller(self, asked: Request, notes: _AppCtxGlobals, *, writes: bool) -> None:
        """Find out who asks and whether they may, and count the request before and after."""
        wired = parts_of(self._app)
        _count(wired.limits.address, network_of(asked.remote_addr), notes.standings)
        principal = wired.authenticator.authenticate(asked.headers.get("Authorization"))
        notes.principal = principal
        require_right(principal, writes=writes)
        _count(wired.limits.key, principal.key_id, notes.standings)

    def _explain_empty_id(self, asked: Request, routing: HTTPException) -> None:
        """Say that an id is missing where an empty path segment stands for it."""
        segments = asked.path.split("/")[1:]
        if not isinstance(routing, NotFound) or "" not in segments[1:]:
            return
        filled = "/" + "/".join(segment or "-" for segment in segments)
        request_ctx.url_adapter.match(filled)  # type: ignore[union-attr]  # there is one in a request
        self._admit_caller(asked, app_ctx.g, writes=False)
        raise MissingParameter("The path has an empty id; name the resource after the slash.")

    def finish(self, response: Response) -> Response:
        """Name the request in the answer and write its line of the access log."""
        asked, notes = _current()
        wired = parts_of(self._app)
        headers = response.headers
        # Names are added, not set: to set one is to search for it each time.
        present = {name for name, _ in headers}
        for name, value in SAFE_HEADERS:
            if name not in present:
                headers.add(name, value)
        headers.add("X-Request-Id", notes.request_id)
        if notes.standings:
            headers.add("RateLimit", ", ".join(map(str, notes.standings)))
            headers.add("RateLimit-Policy", wired.limits.policy)
        if wired.cors is not None:
            wired.cors.finish(asked, response)
        if access.is_open:
            access.write(self._line(asked, notes, response))
        return response

    def _line(self, asked: Request, notes: _AppCtxGlobals, response: Response) -> dict[str, Any]:
        route = self._routes.get(asked.endpoint or "")
        return {
            "time": timestamps.now(),
            "requestId": notes.request_id,
            "project": notes.principal.project if notes.principal else None,
            "method": asked.method if route else None,
            "route": route.template if route else None,
            "status": response.status_code,
            "ms": round((time.perf_counter() - notes.started) * 1000, 2),
        }


def _current() -> tuple[Request, _AppCtxGlobals]:
    """Return the request and what is noted of it, past the proxies that look them up at each use."""
    return request_ctx.request, app_ctx.g


def _request_id(asked: Request) -> str:
    """Return the id that the client gave the request, or a new one: a name, which need not be secret."""
    sent = asked.headers.get("X-Request-Id")
    if sent is not None and _SANE_REQUEST_ID.fullmatch(sent):
        return sent
    return f"{random.getrandbits(96):024x}"


def _count(limit: Limit | None, identity: str, standings: list[Standing]) -> None:
    """Count the request against a limit, if there is one; raises RateLimitExceeded."""
    standing = None if limit is None else limit.take(identity)
    if standing is not None:
        standings.append(standing)
        standing.require()


def answer_error(error: Exception) -> Response:
    """Answer any exception, from whatever layer, with the one envelope."""
    known = _known(error)
    if known.status >= InternalError.status:
        log.error("request %s failed", g.get("request_id"), exc_info=error)
    response = Response(
        render_error(known, g.get("request_id") or ""), known.status, mimetype="application/json"
    )
    response.headers.update(known.headers)
    return response


def _known(error: Exception) -> ColloquyError:
    if isinstance(error, ColloquyError):
        return error
    if isinstance(error, HTTPException):
        return _from_werkzeug(error)
    if isinstance(error, ProblemException):
        return InvalidParameter("The request does not fit the API description.")
    return InternalError()


def _from_werkzeug(error: HTTPException) -> ColloquyError:
    if isinstance(error, NotFound):
        return RouteNotFound("There is no such route; GET /docs shows those that exist.")
    if isinstance(error, WerkzeugMethodNotAllowed):
        allowed = ", ".join(sorted(error.valid_methods or ()))
        return MethodNotAllowed(
            f"This route does not take {request.method[:20]}; it takes {allowed}.",
            headers={"Allow": allowed},
        )
    if error.code == PayloadTooLarge.status:
        return PayloadTooLarge("The request is too large.")
    if error.code is not None and error.code < InternalError.status:
        return InvalidParameter("The request could not be understood.")
    return InternalError()
