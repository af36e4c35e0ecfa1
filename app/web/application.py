"""The WSGI application: Flask, lean, behind the prefix of the API.

Stock Flask looks for async views and for routing by host in every request, and builds a response's headers
twice; this API has neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Flask, Request, Response
from werkzeug.routing import MapAdapter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from werkzeug.datastructures import Headers


PREFIX = "/api/v1"
"""What newer clients put before every path and older ones do not; both mean the same routes."""

ROOT_ONLY = ("/health", "/ready", "/metrics", "/docs", "/openapi.", "/console")
"""What is at the root only."""


class LeanFlask(Flask):
    """See the module."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function as it is: all of ours are plain ones."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Return what matches a request's path; the host that its client names decides nothing."""
        if request is None:
            return None
        return MapAdapter(
            self.url_map,
            server_name=request.environ["SERVER_NAME"],
            script_name=request.root_path,
            subdomain="",
            url_scheme=request.scheme,
            path_info=request.path,
            default_method=request.method,
        )


class JsonResponse(Response):
    """A 200 with JSON that is ready to send, and with all of its headers."""

    default_mimetype = "application/json"

    def get_wsgi_headers(self, _environ: WSGIEnvironment) -> Headers:
        """Return the headers as they are: there is no location to complete and no length to find out."""
        return self.headers


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
