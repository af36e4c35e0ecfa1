"""``colloquy mcp``: the Model Context Protocol over standard input and output, or over HTTP."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

import typer

from ..domain.errors import quote
from ..services.bootstrap import DEFAULT_PROJECT
from ..settings import Settings
from .terminal import CommandError, open_store, require_free, require_project

if TYPE_CHECKING:
    from ..mcp.api import Transport


def serve_mcp(  # noqa: PLR0917  # typer passes them by name
    url: Annotated[
        str | None,
        typer.Option(envvar="COLLOQUY_URL", help="The server to talk to; without it the store itself."),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(envvar="COLLOQUY_KEY", help="The key for the server; best in the environment."),
    ] = None,
    namespace: Annotated[str | None, typer.Option(help="The namespace of calls that name none.")] = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Offer no tool that changes anything.")
    ] = False,
    http: Annotated[
        bool, typer.Option("--http", help="Serve streamable HTTP, each caller with a key of its own.")
    ] = False,
    host: Annotated[str, typer.Option(help="With --http: the address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="With --http: the port.")] = 8081,
) -> None:
    """Serve assistants that speak MCP.

    They get tools to save, find and resume conversations, and to keep memories.
    """
    if find_spec("mcp") is None:
        raise CommandError("this needs the extra: pip install -e '.[mcp]' in Colloquy's folder")
    if url is not None and key is None and not http:
        raise CommandError("COLLOQUY_KEY must hold the key for the server that COLLOQUY_URL names")
    if url is not None and not url.startswith(("http://", "https://")):
        raise CommandError(f"the address of the server must start with http:// or https://, not {quote(url)}")
    if http:
        require_free(host, port, "--host and --port choose where")
    with ExitStack() as stack:
        transport = _over_http(url) if url else _in_process(stack, owner=not http)
        _run(
            transport,
            None if http else key,
            namespace,
            read_only=read_only,
            address=(host, port) if http else None,
        )


def _over_http(url: str) -> Transport:
    from ..mcp.api import HttpTransport

    return HttpTransport(url)


def _in_process(stack: ExitStack, *, owner: bool) -> Transport:
    """Return a transport to the store that the settings name; its owner needs no key."""
    from ..mcp.api import LocalTransport
    from ..wiring import create_app

    backend = stack.enter_context(open_store())
    require_project(backend, DEFAULT_PROJECT)
    settings = Settings.from_environment(os.environ)
    return LocalTransport(create_app(settings, backend, DEFAULT_PROJECT if owner else None).test_client)


def _run(
    transport: Transport,
    key: str | None,
    namespace: str | None,
    *,
    read_only: bool,
    address: tuple[str, int] | None,
) -> None:
    from ..mcp.server import create_server

    server = create_server(
        transport, key=key, namespace=namespace, read_only=read_only, version=version("colloquy")
    )
    if address is None:
        server.run("stdio")
        return
    import uvicorn

    from ..mcp.http import configure_http

    host, port = address
    typer.echo(f"MCP on http://{host}:{port}/mcp", err=True)
    http_server = uvicorn.Server(configure_http(server, transport, host, port))
    with suppress(KeyboardInterrupt):
        http_server.run()
    if not http_server.started:
        raise typer.Exit(1)
