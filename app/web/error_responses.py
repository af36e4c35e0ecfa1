"""Error responses: any exception, from whatever layer, as the one envelope."""

from __future__ import annotations

import logging

from flask import Response, request
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.exceptions import MethodNotAllowed as WerkzeugMethodNotAllowed

from ..domain.error_envelope import render_error, render_openai_error
from ..domain.errors import (
    ColloquyError,
    Conflict,
    DialogueNotFound,
    IdempotencyConflict,
    InternalError,
    InvalidParameter,
    MemoryNotFound,
    MessageNotFound,
    MethodNotAllowed,
    ParentDialogueNotFound,
    PayloadTooLarge,
    RouteNotFound,
    SummaryNotFound,
)
from ..domain.paths import is_for_openai
from ..domain.records import DEFAULT_NAMESPACE
from ..telemetry.measures import ERRORS
from .connexion_parts import ProblemException
from .request_context import CURRENT, RequestContext

log = logging.getLogger(__name__)


def answer_error(error: Exception) -> Response:
    """Return the response for an exception; one that is not the client's fault is logged."""
    known = _known(error)
    ERRORS.add(known.code)
    context = CURRENT.get(None)
    request_id = "" if context is None else context.id
    if known.status >= InternalError.status:
        log.error("request %s failed", request_id, exc_info=error)
    if isinstance(known, NOT_IN_NAMESPACE) and context is not None:
        known.message += _searched(context)
    if is_for_openai(request.path):
        return _openai_response(known)
    response = Response(render_error(known, request_id), known.status, mimetype="application/json")
    response.headers.update(known.headers)
    return response


NOT_IN_NAMESPACE = (
    DialogueNotFound,
    MemoryNotFound,
    MessageNotFound,
    ParentDialogueNotFound,
    SummaryNotFound,
)
"""The errors of what another namespace may have."""


def _searched(context: RequestContext) -> str:
    """Say that the default namespace was searched, to whom may name another."""
    if context.scope is None or context.scope.namespace != DEFAULT_NAMESPACE:
        return ""
    if context.principal is None or context.principal.namespace is not None:
        return ""
    return " The default namespace was searched; ?namespace=NAME names another."


def _openai_response(error: ColloquyError) -> Response:
    """Return the response in OpenAI's envelope; its libraries repeat a 409 unless told not to."""
    response = Response(render_openai_error(error), error.status, mimetype="application/json")
    response.headers.update(error.headers)
    if error.status == Conflict.status and not isinstance(error, IdempotencyConflict):
        response.headers["X-Should-Retry"] = "false"
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
