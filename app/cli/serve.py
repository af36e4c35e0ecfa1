"""``colloquy serve`` and ``colloquy migrate``: preparing the store, and serving it."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import NoReturn

import typer

from ..services.bootstrap import Prepared, prepare
from ..settings import Settings
from .terminal import CommandError, open_store

PACKAGE = Path(__file__).parents[1]


def migrate() -> None:
    """Create or upgrade the store's tables and indexes; what is up to date stays as it is.

    What an earlier release stored is indexed again for searches, in steps, the newest first. Servers may
    run meanwhile and do the same; until it is done, searches find only what is indexed already.
    """
    with open_store(create=True) as backend:
        version = backend.migrate()
        indexed = 0
        while done := backend.index_step():
            indexed += done
            typer.echo(f"Indexed {indexed:,} items.", err=True)
    typer.echo(f"The store is at version {version}.")


def serve() -> None:
    """Serve the API in the foreground until SIGTERM or Ctrl-C, which let running requests finish.

    The store is migrated first. An empty one gets a project and a key, printed here and never again.
    """
    settings = Settings.from_environment(os.environ)
    _require_free(settings.host, settings.port)
    with open_store(create=True) as backend, backend.start_up_lock():
        prepared = prepare(backend, settings.api_key)
    _announce(settings, prepared)
    _run_server()


def _require_free(host: str, port: int) -> None:
    """Refuse an address that cannot be listened on, before anything is made or announced."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise CommandError(
            f"cannot listen on {host}:{port} ({error.strerror}); COLLOQUY_HOST and COLLOQUY_PORT choose where"
        ) from error


def _announce(settings: Settings, prepared: Prepared) -> None:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"{'http' if settings.tls_cert is None else 'https'}://{host}:{settings.port}"
    if prepared.warning is not None:
        typer.echo(f"colloquy: {prepared.warning}", err=True)
    typer.echo(f"Colloquy serves on {address}")
    typer.echo(f"Console: {address}/console")
    typer.echo(f"Documentation: {address}/docs")
    if prepared.new_key is not None:
        typer.echo("\nAPI key, shown only now; 'colloquy keys create' makes another:\n")
        typer.echo(f"{prepared.new_key}\n")
    sys.stdout.flush()


def _run_server() -> NoReturn:
    """Become gunicorn: signals reach it directly, and its exit status is ours."""
    os.execve(sys.executable, server_command(), server_environment())  # noqa: S606  # no shell is wanted


def server_command() -> list[str]:
    """Return the command that runs gunicorn; ``-P`` keeps the working folder off Python's path."""
    package = __name__.partition(".")[0]
    configuration = f"python:{package}.cli.gunicorn_config"
    application = f"{package}.wiring:start_app()"
    return [sys.executable, "-P", "-m", f"{package}.server", "--config", configuration, application]


def server_environment(package: Path = PACKAGE) -> dict[str, str]:
    """Return gunicorn's environment: ours, where a checkout is on Python's path like an installed package."""
    if (package / "openapi.yaml").exists():
        return dict(os.environ)
    paths = [str(package.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
