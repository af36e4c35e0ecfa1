"""``colloquy export``."""

from __future__ import annotations

import gzip
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from ..domain import timestamps
from ..domain.errors import quote
from ..domain.records import Scope, ScopeFilter, Status
from ..services.audit import note_export
from ..services.bootstrap import DEFAULT_PROJECT
from ..transfer.input.containers import STANDARD_INPUT
from .output_files import replacing
from .terminal import CommandError, columns, counted, open_store, require_project

if TYPE_CHECKING:
    from ..domain.records import TimeRange
    from ..stores import Backend
    from ..transfer.exporter import Counts, Selection
    from ..transfer.writers.writer import Writer


def _list_formats(value: bool) -> None:  # noqa: FBT001  # typer hands an option's value over by position
    if value:
        from ..transfer.writers import WRITERS

        for line in columns(["FORMAT", "WHAT IT IS"], [[one.name, one.about] for one in WRITERS.values()]):
            typer.echo(line)
        raise typer.Exit


def export_dialogues(
    *,
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            help="A file, gzipped if it ends in .gz; for markdown and html a folder; - is standard output.",
        ),
    ] = STANDARD_INPUT,
    format_name: Annotated[
        str, typer.Option("--format", help="The format; --list-formats lists them.", metavar="NAME")
    ] = "colloquy",
    list_formats: Annotated[  # noqa: ARG001  # its callback does it all
        bool,
        typer.Option("--list-formats", help="List the formats.", callback=_list_formats, is_eager=True),
    ] = False,
    project: Annotated[str, typer.Option(help="The project to export.", metavar="NAME")] = DEFAULT_PROJECT,
    namespace: Annotated[str | None, typer.Option(help="Only this namespace.", metavar="NAME")] = None,
    dialogue: Annotated[str | None, typer.Option(help="Only this dialogue.", metavar="ID")] = None,
    tag: Annotated[
        list[str] | None, typer.Option(help="Only with this tag; repeated, with all of them.", metavar="TAG")
    ] = None,
    status: Annotated[list[Status] | None, typer.Option(help="Only with this status; repeatable.")] = None,
    start: Annotated[
        str | None, typer.Option("--since", help="Only those created at this time or later.", metavar="TIME")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--until", help="Only those created by this time.", metavar="TIME")
    ] = None,
    with_keys: Annotated[
        bool, typer.Option("--with-keys", help="With the project's API keys, as hashes.")
    ] = False,
) -> None:
    """Export dialogues with all their messages.

    They are for an import into another store, or for other programs.

    The format colloquy has everything of a project or of a namespace: memories, summaries, the messages of
    deleted dialogues, and the project's settings too. Options that choose among dialogues leave those out.
    """
    from ..transfer.exporter import Counts, Selection, export, export_each, export_whole
    from ..transfer.writers import WRITERS
    from .progress import Meter

    writer = _writer(format_name)
    scope_filter = ScopeFilter(project, namespace)
    selection = Selection(scope_filter, tuple(tag or ()), tuple(status or ()), _times(start, end), dialogue)
    counts = Counts()

    def note(backend: Backend) -> None:
        """Note the export when it can begin: what it wrote before it failed has left the store, too."""
        backend.write(Scope(project), partial(note_export, project=project, namespace=namespace))

    with open_store() as backend:
        require_project(backend, project)
        _require_found(backend, selection)
        meter = Meter(None, lambda: 0, lambda: counts.messages)
        counts.tick = meter.tick
        if writer.one_each and (output != STANDARD_INPUT or dialogue is None):
            folder = _folder(output, writer)
            note(backend)
            with meter:
                export_each(backend, selection, counts, writer, folder)
        else:
            is_whole = writer is WRITERS["colloquy"]
            with _writing(output) as file, meter:
                note(backend)
                file.writelines(
                    export_whole(backend, selection, counts, with_keys=with_keys)
                    if is_whole
                    else export(backend, selection, counts, writer)
                )
    typer.echo(_sum_up(counts, meter.seconds), err=True)


def _require_found(backend: Backend, selection: Selection) -> None:
    """Refuse a dialogue that is not there before anything is written: what was written cannot be recalled."""
    found = backend.iterate_dialogues(selection.scope_filter)
    if selection.dialogue_id is not None and not any(one in selection for one in found):
        raise CommandError(f"no dialogue {quote(selection.dialogue_id)} is among what the options choose")


def _sum_up(counts: Counts, seconds: float) -> str:
    dialogues, messages = counted(counts.dialogues, "dialogue"), counted(counts.messages, "message")
    others = [
        (counts.memories, "memory", "memories"),
        (counts.summaries, "summary", "summaries"),
        (counts.keys, "key", "keys"),
        (counts.deleted, "deleted dialogue", "deleted dialogues"),
    ]
    also = "".join(f", {counted(count, one, many)}" for count, one, many in others if count)
    return f"Exported {dialogues} and {messages}{also} in {seconds:.1f} s."


def _writer(name: str) -> Writer:
    from ..transfer.writers import WRITERS

    if name not in WRITERS:
        raise CommandError(f"there is no format {name}; 'colloquy export --list-formats' lists them")
    return WRITERS[name]


def _times(start: str | None, end: str | None) -> TimeRange:
    try:
        return timestamps.list_range(None, start, end)
    except ValueError as error:
        raise CommandError(str(error)) from None


def _folder(output: str, writer: Writer) -> Path:
    """Return the folder for a file a dialogue, made if it is not there."""
    if output == STANDARD_INPUT:
        raise CommandError(
            f"{writer.name} makes a file for each dialogue: name a folder with --output, or one --dialogue"
        )
    folder = Path(output)
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@contextmanager
def _writing(output: str) -> Iterator[IO[str]]:
    """Give the output; a file gets its name only when all of it is written, and is the user's alone."""
    if output == STANDARD_INPUT:
        yield sys.stdout
        sys.stdout.flush()
        return
    path = Path(output)
    opened = gzip.open if path.suffix == ".gz" else open
    with replacing(path) as partial:
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with opened(partial, "wt", encoding="utf-8") as file:
            yield file
