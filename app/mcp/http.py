"""MCP over HTTP: one process of its own, without sessions, the Colloquy key as bearer."""

from __future__ import annotations

from mcp.server.mcpserver import MCPServer
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from .answers import bearer_of

BODY_BYTES = 16 * 1024 * 1024
"""The longest request: what the API itself takes."""


class RequireBearer:
    """Answers 401 where a request has no bearer token; which one is right, the API decides."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what carries a token, and what is no request."""
        if scope["type"] != "http" or bearer_of(Headers(scope=scope).get("authorization", "")):
            await self._app(scope, receive, send)
            return
        refusal = JSONResponse(
            {"error": "Send the Colloquy key: 'Authorization: Bearer KEY'."},
            status_code=401,
            headers={"WWW-Authenticate": "Bearer"},
        )
        await refusal(scope, receive, send)


def create_http_app(server: MCPServer[None], host: str) -> ASGIApp:
    """Return the ASGI application: POST /mcp, each request complete in itself, answers in JSON."""
    app = server.streamable_http_app(
        stateless_http=True, json_response=True, max_request_body_size=BODY_BYTES, host=host
    )
    return RequireBearer(app)
