"""``colloquy serve`` and ``colloquy migrate``: preparing the store, and serving it."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from ..server.tls_socket import server_context
from ..services.bootstrap import Prepared, prepare
from ..settings import Settings
from ..waiting import rest
from .local_tls import LocalCertificate, require_local_tls
from .terminal import CommandError, open_store, require_free

PACKAGE = Path(__file__).parents[1]

LocalTls = Annotated[
    bool,
    typer.Option("--local-tls", help="Speak TLS with a certificate for this machine, made once and renewed."),
]


SHOWN = 1000
"""How many items are indexed between two lines that say so."""


def migrate() -> None:
    """Create or upgrade the store's tables and indexes.

    What is up to date stays as it is. What an earlier release stored is indexed again for searches, in
    steps, the newest first. Servers may run meanwhile and do the same; until it is done, searches find only
    what is indexed already.
    """
    with open_store(create=True) as backend:
        version = backend.migrate()
        indexed = 0
        while done := backend.index_step():
            if indexed % SHOWN < done:
                typer.echo(f"Indexed {indexed + done:,} items.", err=True)
            indexed += done
            rest()
    if indexed:
        typer.echo(f"Indexed {indexed:,} items in all.", err=True)
    typer.echo(f"The store is at version {version}.")


def serve(*, local_tls: LocalTls = False) -> None:
    """Serve the API in the foreground.

    SIGTERM and Ctrl-C let running requests finish and end it. The store is migrated first. An empty one
    gets a project and a key, printed here and never again.
    """
    settings = Settings.from_environment(os.environ)
    if local_tls:
        require_local_tls(settings)
    require_free(settings.host, settings.port, "COLLOQUY_HOST and COLLOQUY_PORT choose where")
    if settings.tls_cert is not None:
        _require_usable(settings.tls_cert, settings.tls_key)
    certificate = None
    with open_store(create=True) as backend, backend.start_up_lock():
        if local_tls:
            certificate = LocalCertificate.prepare(_tls_folder(settings), settings.host)
            settings = replace(settings, tls_cert=certificate.server)
        prepared = prepare(backend, settings.api_key)
    _announce(settings, prepared, certificate)
    _run_server(settings)


def _require_usable(certificate: Path, key: Path | None) -> None:
    """Refuse a certificate that no worker could serve with, before anything is made or announced."""
    try:
        server_context(str(certificate), None if key is None else str(key))
    except OSError as error:
        reason = getattr(error, "reason", None) or error.strerror
        raise CommandError(
            "COLLOQUY_TLS_CERT and COLLOQUY_TLS_KEY must be a certificate and its private key, "
            f"both PEM and without a password ({reason})"
        ) from error


def _tls_folder(settings: Settings) -> Path:
    """Return where the local certificate is kept: beside the store, or where that would be by default."""
    store = settings.sqlite_path or Settings().sqlite_path
    assert store is not None  # noqa: S101  # the default is a file
    return store.absolute().parent / "tls"


def _announce(settings: Settings, prepared: Prepared, certificate: LocalCertificate | None) -> None:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"{'http' if settings.tls_cert is None else 'https'}://{host}:{settings.port}"
    if prepared.warning is not None:
        typer.echo(f"colloquy: {prepared.warning}", err=True)
    typer.echo(f"Colloquy serves on {address}")
    typer.echo(f"Console: {address}/console")
    typer.echo(f"Documentation: {address}/docs")
    if certificate is not None:
        typer.echo(_trust(certificate.authority, address))
    if prepared.new_key is not None:
        typer.echo(f"\nAPI key, shown only now; '{command_name()} keys create' makes another:\n")
        typer.echo(f"{prepared.new_key}\n")
    sys.stdout.flush()


def command_name() -> str:
    """Return what calls this program in another terminal: its path where a shell would not find it."""
    beside = Path(sys.executable).with_name("colloquy")
    return str(beside) if beside.exists() and shutil.which("colloquy") != str(beside) else "colloquy"


def _trust(authority: Path, address: str) -> str:
    """Return how programs on this machine are made to trust the local certificate."""
    return f"""
The certificate is known to this machine alone. Programs trust it with:
  export NODE_EXTRA_CA_CERTS={authority}
  export REQUESTS_CA_BUNDLE={authority}
  export SSL_CERT_FILE={authority}
  curl --cacert {authority} {address}/health
These are for Node.js, for Python's requests, and for its httpx and urllib."""


def _run_server(settings: Settings) -> NoReturn:
    """Become gunicorn: signals reach it directly, and its exit status is ours."""
    environment = server_environment()
    if settings.tls_cert is not None:
        environment["COLLOQUY_TLS_CERT"] = str(settings.tls_cert)
    os.execve(sys.executable, server_command(), environment)  # noqa: S606  # no shell is wanted


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
