"""The WSGI application: Flask, lean, behind the prefix of the API.

Stock Flask looks for async views, for routing by host, for the hooks of blueprints and for a session in every
request, and builds a response's headers twice; this API has none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import Flask, Request, Response
from werkzeug.datastructures import Headers
from werkzeug.routing import MapAdapter

from ..domain.paths import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from flask.typing import ResponseReturnValue

SAFE_HEADERS: Final = (
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "private, no-cache"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
)
"""Headers against the misuse of an answer by browsers and proxies; an answer may have its own."""

JSON: Final = ("Content-Type", "application/json")

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

    def preprocess_request(self) -> ResponseReturnValue | None:
        """Run the application's hooks before a request; no blueprint here has hooks of its own."""
        for hook in self.before_request_funcs[None]:
            answer = hook()
            if answer is not None:
                return answer  # type: ignore[return-value]  # no hook is asynchronous
        return None

    def process_response(self, response: Response) -> Response:
        """Run the application's hooks behind a request; there is no session to save."""
        for hook in reversed(self.after_request_funcs[None]):
            response = hook(response)
        return response

    def do_teardown_request(self, exc: BaseException | None = None) -> None:
        """Run the application's hooks at the end of a request."""
        for hook in reversed(self.teardown_request_funcs[None]):
            hook(exc)


class ReadyHeaders(Headers):
    """Headers whose names and values are of our own making: none is checked, or looked for before it is set.

    Werkzeug keeps headers in ``_list``.
    """

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._list = pairs

    def take(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Add headers that are not there yet."""
        self._list += pairs


class JsonResponse(Response):
    """A 200 with JSON that is ready to send, in texts that follow each other."""

    def __init__(self, texts: Iterable[str], *headers: tuple[str, str]) -> None:
        content = [text.encode() for text in texts]
        length = ("Content-Length", str(sum(map(len, content))))
        super().__init__(content, 200, ReadyHeaders([JSON, length, *SAFE_HEADERS, *headers]))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Send it as it is: there is no location to complete, no length to find out and nothing to close."""
        start_response(self.status, self.headers.to_wsgi_list())
        return () if environ["REQUEST_METHOD"] == "HEAD" else self.response  # type: ignore[return-value]  # set above


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
