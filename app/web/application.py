"""Flask, lean: without async views and routing by host, which this API does not have.

Stock Flask looks for both in every request, and builds a response's headers twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Flask, Request, Response
from werkzeug.routing import MapAdapter

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug.datastructures import Headers


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
