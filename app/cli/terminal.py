"""What all commands share: how they say what went wrong, and how they open the store."""

from __future__ import annotations

import errno
import os
import socket
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from ..domain.errors import ColloquyError, ServiceUnavailable
from ..domain.json_text import compact_json
from ..services.bootstrap import DEFAULT_PROJECT, create_default_project
from ..settings import Settings, SettingsError

if TYPE_CHECKING:
    from ..stores import Backend

SHOW_TRACEBACK = "debug"
"""The value of COLLOQUY_LOG_LEVEL with which an unexpected error shows where it came from."""


class CommandError(Exception):
    """A command cannot do what it was asked; the text says why and what to do."""


class Commands(TyperGroup):
    """A group of commands whose errors are one line on standard error and a status of 1."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; see the class."""
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort):
            raise
        except TyperException as error:
            error.message = error.message.replace("Value error, ", "")  # what its validator says of any value
            raise
        except ServiceUnavailable as error:
            place = Settings.from_environment(os.environ).store_place
            _fail(f"the store at {place} cannot be used: {error}")
        except (CommandError, ColloquyError, SettingsError) as error:
            _fail(str(error))
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise
            _fail(_describe(error))
        except Exception as error:  # noqa: BLE001  # the last resort: whatever it is, one line
            if os.environ.get("COLLOQUY_LOG_LEVEL") == SHOW_TRACEBACK:
                traceback.print_exc()
            _fail(f"unexpected {type(error).__name__}: {error} (COLLOQUY_LOG_LEVEL=debug shows where)")


def require_free(host: str, port: int, advice: str) -> None:
    """Refuse an address that cannot be listened on, before anything is made or announced."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise CommandError(f"cannot listen on {host}:{port} ({error.strerror}); {advice}") from error


def _describe(error: OSError) -> str:
    if error.filename is None:
        return str(error)
    # Where there are two, the second is what was to be written.
    return f"{error.filename2 or error.filename}: {error.strerror}"


def _fail(reason: str) -> NoReturn:
    line = " ".join(reason.split())
    typer.echo(f"colloquy: {line}", err=True)
    raise typer.Exit(1)


def example(*lines: str) -> str:
    """Return the text below a command's help that shows how it is used, as it is typed."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)


@contextmanager
def open_store(*, create: bool = False) -> Iterator[Backend]:
    """Give the store that the environment names, migrated; it is made only with ``create``.

    Raises CommandError where there is none: a new one in a wrong folder would only look like lost data.
    """
    from ..opening import open_backend

    settings = Settings.from_environment(os.environ)
    path = settings.sqlite_path
    if not create and path is not None and not path.exists():
        raise CommandError(
            f"there is no store at {path.absolute()}: go to the folder that holds it, let COLLOQUY_STORE_URL "
            "name it, or make a new one with 'colloquy migrate'"
        )
    try:
        backend = open_backend(settings)
    except ValueError as error:
        raise CommandError(str(error)) from error
    try:
        backend.migrate()
        yield backend
    finally:
        backend.close()


def require_project(backend: Backend, name: str) -> None:
    """Refuse a project that does not exist; the default one is made where there is none and no key."""
    if name == DEFAULT_PROJECT and backend.is_empty():
        with backend.start_up_lock():
            create_default_project(backend)
    if backend.get_project(name) is None:
        raise CommandError(f"there is no project {name}; 'colloquy projects create {name}' makes it")


def confirm(question: str, *, sure: bool) -> None:
    """Ask before what cannot be undone; without a terminal only ``--yes`` will do."""
    if sure:
        return
    if not typer.get_text_stream("stdin").isatty():
        raise CommandError("this cannot be undone: repeat it with --yes")
    typer.confirm(question, abort=True, err=True)


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return a number with what is counted; ``many`` is its plural where an s does not make it."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


def print_json(records: Iterable[dict[str, Any]]) -> None:
    """Print each record as a line of JSON, as the API answers it."""
    for record in records:
        typer.echo(compact_json(record))


HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}
"""The settings of a group of commands that make ``-h`` mean ``--help``."""


def columns(heading: list[str], rows: list[list[str]]) -> Iterator[str]:
    """Yield the lines of a table, aligned."""
    widths = [max(map(len, column)) for column in zip(heading, *rows, strict=True)]
    for row in (heading, *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()
