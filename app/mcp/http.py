"""MCP over HTTP: one process of its own, without sessions, the Colloquy key as bearer."""

from __future__ import annotations

from http import HTTPStatus

from mcp.server.mcpserver import MCPServer
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from .answers import bearer_of

BODY_BYTES = 16 * 1024 * 1024
"""The longest request: what the API itself takes."""


class Gate:
    """Answers 401 where a request has no bearer token; which one is right, the API decides.

    And 405 to what is not a POST: without sessions a GET would be a stream on which nothing ever comes, and
    which a client, with any token, could hold for ever.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what carries a token, and what is no request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif not bearer_of(Headers(scope=scope).get("authorization", "")):
            text = "Send the Colloquy key: 'Authorization: Bearer KEY'."
            refusal = _refusal(HTTPStatus.UNAUTHORIZED, text, {"WWW-Authenticate": "Bearer"})
            await refusal(scope, receive, send)
        elif scope["method"] != "POST":
            text = "Send a POST: there are no sessions."
            refusal = _refusal(HTTPStatus.METHOD_NOT_ALLOWED, text, {"Allow": "POST"})
            await refusal(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _refusal(status: HTTPStatus, text: str, headers: dict[str, str]) -> JSONResponse:
    return JSONResponse({"error": text}, status_code=status, headers=headers)


def create_http_app(server: MCPServer[None], host: str) -> ASGIApp:
    """Return the ASGI application: POST /mcp, each request complete in itself, answers in JSON."""
    app = server.streamable_http_app(
        stateless_http=True, json_response=True, max_request_body_size=BODY_BYTES, host=host
    )
    return Gate(app)
