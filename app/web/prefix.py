"""``/api/v1``: newer clients send the prefix, older ones do not, and both mean the same routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PREFIX = "/api/v1"

ROOT_ONLY = ("/health", "/ready", "/docs", "/openapi.", "/console")


class PrefixMiddleware:
    """Moves the prefix from PATH_INFO to SCRIPT_NAME, except before what is at the root only."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass the request on without its prefix."""
        path = environ["PATH_INFO"]
        if path.startswith(PREFIX + "/") and not path.startswith(ROOT_ONLY, len(PREFIX)):
            environ["SCRIPT_NAME"] += PREFIX
            environ["PATH_INFO"] = path[len(PREFIX) :]
        return self._app(environ, start_response)
