"""What a request leaves behind: a line in the access log, and what the metrics count of it."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from ..domain import timestamps
from ..logs import Level, access
from ..telemetry.measures import OTHER, REQUEST_SECONDS, REQUESTS
from ..telemetry.timing import store_seconds

if TYPE_CHECKING:
    from flask import Response

    from .operations import Route
    from .request_context import RequestContext

SERVER_ERROR = 500
CLASSES = {digit: f"{digit}xx" for digit in range(1, 6)}
NAMES = {level: level.name.lower() for level in Level}

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")
_NO_TRACE = "0" * 32


def trace_of(header: str | None) -> str | None:
    """Return the trace id of a ``traceparent``, as the W3C's Trace Context writes it; None: there is none."""
    found = None if header is None else _TRACEPARENT.fullmatch(header)
    return None if found is None or found[1] == _NO_TRACE else found[1]


def record(context: RequestContext, route: Route | None, response: Response) -> None:
    """Count an answered request and log it, if it is of the level that is logged."""
    seconds = time.perf_counter() - context.started
    status = response.status_code
    operation, method = (OTHER, OTHER) if route is None else (route.operation, context.request.method)
    REQUESTS.add(operation, method, CLASSES[status // 100])
    REQUEST_SECONDS.observe(seconds, operation)
    level = _level(status, seconds, context.parts.settings.slow_request)
    if access.takes(level):
        access.write(_line(level, seconds, context, route, response))


def _level(status: int, seconds: float, slow: float) -> Level:
    if status >= SERVER_ERROR:
        return Level.ERROR
    return Level.WARNING if seconds >= slow else Level.INFO


def _line(
    level: Level,
    seconds: float,
    context: RequestContext,
    route: Route | None,
    response: Response,
) -> dict[str, Any]:
    request, principal = context.request, context.principal
    line = {
        "time": timestamps.now(),
        "level": NAMES[level],
        "logger": "access",
        "requestId": context.id,
        "project": principal.project if principal else None,
        "key": principal.key_id if principal else None,
        "client": request.environ.get("REMOTE_ADDR"),
        "method": request.method if route else None,
        "route": route.template if route else None,
        "status": response.status_code,
        "bytesIn": request.content_length or 0,
        "bytesOut": response.calculate_content_length(),
        "ms": round(seconds * 1000, 2),
        "storeMs": round(store_seconds() * 1000, 2),
    }
    if context.trace is not None:
        line["traceId"] = context.trace
    return line
