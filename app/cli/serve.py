"""``colloquy serve`` and ``colloquy migrate``: preparing the store, and serving it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

import typer

from ..services.first_start import Prepared, prepare
from ..settings import Settings
from .terminal import open_store

PACKAGE = Path(__file__).parents[1]


def migrate() -> None:
    """Create or upgrade the store's tables and indexes; what is up to date stays as it is."""
    with open_store() as backend:
        version = backend.migrate()
    typer.echo(f"The store is at version {version}.")


def serve() -> None:
    """Serve the API in the foreground until SIGTERM or Ctrl-C, which let running requests finish.

    The store is migrated first. An empty one gets a project and a key, printed here and never again.
    """
    settings = Settings.from_environment(os.environ)
    with open_store() as backend, backend.start_up_lock():
        prepared = prepare(backend, settings.api_key)
    _announce(settings, prepared)
    _run_server()


def _announce(settings: Settings, prepared: Prepared) -> None:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"http://{host}:{settings.port}"
    if prepared.warning is not None:
        typer.echo(f"colloquy: {prepared.warning}", err=True)
    if prepared.new_key is not None:
        typer.echo(f"API key (shown only now; keep it): {prepared.new_key}")
    typer.echo(f"Colloquy serves on {address}")
    typer.echo(f"Documentation: {address}/docs")
    sys.stdout.flush()


def _run_server() -> NoReturn:
    """Become gunicorn: signals reach it directly, and its exit status is ours."""
    arguments = [sys.executable, "-m", "gunicorn", *server_options(PACKAGE)]
    os.execv(sys.executable, arguments)  # noqa: S606  # no shell is wanted


def server_options(package: Path) -> list[str]:
    """Return gunicorn's options: from the checkout around the package, or from inside it when installed."""
    checkout = package.parent
    if (checkout / "gunicorn.conf.py").exists() and (checkout / "wsgi.py").exists():
        config, target = checkout / "gunicorn.conf.py", "wsgi:app"
    else:
        config, target = package / "gunicorn.conf.py", "app.wsgi:app"
    return ["--config", str(config), "--pythonpath", str(checkout), target]
