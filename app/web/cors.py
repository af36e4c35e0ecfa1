"""CORS: which web pages may call the API from a browser. None, unless the operator lists origins.

Answers never carry ``Access-Control-Allow-Credentials``: keys travel in a header that the page itself
sets, there are no cookies, and so another site can never act with a visitor's own rights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Request, Response

ANY = "*"

ALLOWED_HEADERS = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-Id"
EXPOSED_HEADERS = "Allow, ETag, Idempotent-Replayed, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"
PREFLIGHT_SECONDS = 600
"""For how long a browser may remember what a preflight allowed."""


class Cors:
    """Tells browsers which pages may read an answer."""

    def __init__(self, origins: tuple[str, ...]) -> None:
        self._origins = frozenset(origins)
        self._any = ANY in self._origins

    def finish(self, request: Request, response: Response) -> None:
        """Add the headers that the request's origin is entitled to."""
        if not self._any:
            response.vary.add("Origin")
        origin = request.headers.get("Origin")
        if origin is None or not (self._any or origin.lower() in self._origins):
            return
        headers = response.headers
        headers["Access-Control-Allow-Origin"] = ANY if self._any else origin
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            headers["Access-Control-Allow-Methods"] = headers.get("Allow", "")
            headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
            headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
        else:
            headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
