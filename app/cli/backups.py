"""``colloquy backup`` and ``colloquy restore``."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..domain.errors import ServiceUnavailable
from ..domain.records import Message, Scope
from ..services.audit import note_export
from ..services.repair import repair
from ..settings import Settings
from ..stores import BadBackup
from .output_files import remove, replacing
from .terminal import CommandError, counted, open_store
from .upkeep import verify_projects

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..stores import Backend
    from ..transfer.backup import Entry

MEGABYTE = 1_000_000


@dataclass(slots=True)
class Progress:
    """How much was read or stored."""

    messages: int = 0

    def count(self, entry: Entry) -> None:
        """Count a record."""
        self.messages += isinstance(entry.record, Message)


def back_up(
    file: Annotated[Path, typer.Argument(help="The file to make, or to replace.", metavar="FILE")],
) -> None:
    """Back the whole store up into a file, while servers use it.

    Of SQLite it is a copy of the file as it is at one moment, of MongoDB an archive in which each dialogue
    is. It holds the hashes of API keys, and is its user's alone.
    """
    from ..transfer.backup import dump
    from ..transfer.backup_file import write_archive
    from .progress import Meter

    progress = Progress()
    with open_store() as backend, Meter(None, lambda: 0, lambda: progress.messages) as meter:
        for project in backend.list_projects():
            backend.write(Scope(project.name), partial(note_export, project=project.name, namespace=None))
        with replacing(file) as partial_file:
            if not backend.copy_to(partial_file, lambda _, __: None):
                write_archive(partial_file, _counted(dump(backend), progress, meter.tick))
    size = file.stat().st_size / MEGABYTE
    typer.echo(f"Backed up into {file}: {size:,.1f} MB in {meter.seconds:.1f} s.", err=True)


def _counted(entries: Iterable[Entry], progress: Progress, tick: Callable[[], None]) -> Iterator[Entry]:
    for entry in entries:
        yield entry
        progress.count(entry)
        tick()


def restore(
    file: Annotated[Path, typer.Argument(help="What `colloquy backup` wrote.", metavar="FILE")],
) -> None:
    """Make a store of a backup.

    It takes the place of none, or of one that holds nothing yet, and may be of the other kind. At the end it
    is checked as by `colloquy verify`. A restore that was interrupted is repeated.
    """
    settings = Settings.from_environment(os.environ)
    try:
        _restore(file, settings)
    except BadBackup as error:
        raise CommandError(str(error)) from error


def _restore(file: Path, settings: Settings) -> None:
    from ..opening import open_backend

    place = settings.sqlite_path
    if place is None:
        with tempfile.TemporaryDirectory() as folder:
            backend = open_backend(settings)
            try:
                problems = _fill(backend, file, Path(folder) / "copy.db")
            finally:
                backend.close()
    else:
        problems = _restore_file(file, place, settings)
    if problems:
        raise typer.Exit(1)


def _restore_file(file: Path, place: Path, settings: Settings) -> int:
    """Make the store in a file beside its place, which it gets when it is whole; how many problems it has."""
    _require_nothing(place, settings)
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = place.with_name(f".{place.name}.restoring")
    remove(beside)
    try:
        problems = _make_file(file, beside, settings)
        remove(place)
        beside.replace(place)
    finally:
        remove(beside)
    _sync(place.parent)
    return problems


def _make_file(file: Path, beside: Path, settings: Settings) -> int:
    """Make a store in a file; how many problems it has."""
    from ..opening import open_backend, open_copy

    backend = open_copy(file, beside)
    try:
        if backend is None:
            backend = open_backend(replace(settings, store_url=f"sqlite:///{beside}"))
            problems = _fill(backend, file, None)
        else:
            with backend.restoring():
                problems = _check(backend)
    finally:
        if backend is not None:
            backend.close()
    return problems


def _fill(backend: Backend, file: Path, copy: Path | None) -> int:
    """Store the records of a backup and check them; how many problems there are."""
    from ..opening import open_copy
    from ..transfer.backup import dump, load
    from ..transfer.backup_file import check_archive, read_archive
    from .progress import Meter

    with ExitStack() as stack:
        source = None if copy is None else open_copy(file, copy)
        if source is None:
            check_archive(file)
            entries = read_archive(file)
        else:
            stack.callback(source.close)
            source.migrate()
            entries = dump(source)
        stack.enter_context(backend.restoring())
        progress = Progress()
        with Meter(None, lambda: 0, lambda: progress.messages) as meter:

            def count(entry: Entry) -> None:
                progress.count(entry)
                meter.tick()

            try:
                load(backend, entries, count, meter.say)
            except ServiceUnavailable:
                done = counted(progress.messages, "message")
                meter.say(f"colloquy: {done} were restored; the restore begins again when it is repeated")
                raise
        return _check(backend)


def _check(backend: Backend) -> int:
    """Verify everything and mend what can be derived; how many problems are left.

    A thread that was made or deleted during a backup may be in it and not be counted by its parent, or the
    other way round.
    """
    names = [project.name for project in backend.list_projects()]
    problems = verify_projects(backend, names, shown=False)
    if problems:
        for text in repair(backend, problems):
            typer.echo(f"mended: {text}", err=True)
        problems = verify_projects(backend, names)
    restored, left = counted(len(names), "project"), counted(len(problems), "problem")
    typer.echo(f"Restored {restored}; {left}.", err=True)
    return len(problems)


def _require_nothing(place: Path, settings: Settings) -> None:
    """Refuse a place that has a store, unless that holds neither a project nor a key."""
    from ..opening import open_backend

    if not place.exists():
        return
    backend = open_backend(settings)
    try:
        backend.migrate()
        is_empty = backend.is_empty()
    finally:
        backend.close()
    if not is_empty:
        raise CommandError(
            f"there is a store at {place.absolute()}: restore makes a new one, in another place"
        )


def _sync(folder: Path) -> None:
    """Make sure that the names in a folder are on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
