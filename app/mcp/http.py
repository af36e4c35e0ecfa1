"""MCP over HTTP: one process of its own, without sessions, the Colloquy key as bearer."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

import uvicorn
from mcp.server.mcpserver import MCPServer
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from .answers import bearer_of
from .api import Transport
from .connections import BoundedProtocol
from .keys import Keys

BODY_BYTES: Final = 16 * 1024 * 1024
"""The longest request: what the API itself takes."""

REFUSALS: Final = {
    HTTPStatus.UNAUTHORIZED: (
        "Send a Colloquy key: 'Authorization: Bearer KEY'.",
        "WWW-Authenticate",
        "Bearer",
    ),
    HTTPStatus.METHOD_NOT_ALLOWED: ("Send a POST: there are no sessions.", "Allow", "POST"),
    HTTPStatus.SERVICE_UNAVAILABLE: (
        "The Colloquy server cannot be asked about the key.",
        "Retry-After",
        "1",
    ),
    HTTPStatus.TOO_MANY_REQUESTS: ("Too many requests of this key are at work.", "Retry-After", "1"),
}
"""What a refusal says, and the header that goes with it."""


class Gate:
    """Lets through what carries a key that the API knows, in that key's turn. Until then no body is read.

    And nothing but POST: without sessions a GET would be a stream on which nothing ever comes, and which a
    client could hold for ever.
    """

    def __init__(self, app: ASGIApp, keys: Keys) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may pass, and what is no request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        key = bearer_of(Headers(scope=scope).get("authorization", ""))
        status = await self._check(scope["method"], key)
        if key is None or status is not HTTPStatus.OK:
            await _refusal(status)(scope, receive, send)
            return
        async with self._keys.turn(key) as is_admitted:
            app = self._app if is_admitted else _refusal(HTTPStatus.TOO_MANY_REQUESTS)
            await app(scope, receive, send)

    async def _check(self, method: str, key: str | None) -> HTTPStatus:
        if key is None:
            return HTTPStatus.UNAUTHORIZED
        return await self._keys.check(key) if method == "POST" else HTTPStatus.METHOD_NOT_ALLOWED


def _refusal(status: HTTPStatus) -> JSONResponse:
    text, *header = REFUSALS[status]
    return JSONResponse({"error": text}, status_code=status, headers=dict([header]))


def configure_http(server: MCPServer[None], transport: Transport, host: str, port: int) -> uvicorn.Config:
    """Return how uvicorn serves POST /mcp: each request complete in itself, answers in JSON."""
    app = server.streamable_http_app(
        stateless_http=True, json_response=True, max_request_body_size=BODY_BYTES, host=host
    )
    return uvicorn.Config(
        Gate(app, Keys(transport)),
        host=host,
        port=port,
        http=BoundedProtocol,
        ws="none",
        proxy_headers=False,
        log_level="warning",
        access_log=False,
    )
