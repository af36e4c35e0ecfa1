"""``colloquy export``."""

from __future__ import annotations

import gzip
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated

import typer

from ..domain.records import ScopeFilter
from ..services.bootstrap import DEFAULT_PROJECT
from ..transfer.input.containers import STANDARD_INPUT
from .terminal import open_store, require_project


def export_dialogues(
    output: Annotated[
        str,
        typer.Option("--output", "-o", help="A file, gzipped if its name ends in .gz; - is standard output."),
    ] = STANDARD_INPUT,
    project: Annotated[str, typer.Option(help="The project to export.", metavar="NAME")] = DEFAULT_PROJECT,
    namespace: Annotated[str | None, typer.Option(help="Only this namespace.", metavar="NAME")] = None,
) -> None:
    """Export dialogues with all their messages as JSON lines that `colloquy import` reads back.

    Memories, summaries and the messages of deleted dialogues are not part of it.
    """
    from ..transfer.exporter import export
    from .progress import Meter

    counts = {"dialogues": 0, "messages": 0}

    def count(messages: int) -> None:
        counts["dialogues"] += 1
        counts["messages"] += messages
        meter.tick()

    with open_store(existing=True) as backend, _writing(output) as file:
        require_project(backend, project)
        meter = Meter(None, lambda: 0, lambda: counts["messages"])
        with meter:
            file.writelines(export(backend, ScopeFilter(project, namespace), count))
    typer.echo(
        f"Exported {counts['dialogues']:,} dialogues and {counts['messages']:,} messages "
        f"in {meter.seconds:.1f} s.",
        err=True,
    )


@contextmanager
def _writing(output: str) -> Iterator[IO[str]]:
    """Give the output; a file gets its name only when all of it is written, and is the user's alone."""
    if output == STANDARD_INPUT:
        yield sys.stdout
        sys.stdout.flush()
        return
    path = Path(output)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with opened(partial, "wt", encoding="utf-8") as file:
            yield file
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
