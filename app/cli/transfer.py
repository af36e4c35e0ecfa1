"""``colloquy import`` and ``colloquy export``."""

from __future__ import annotations

import gzip
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from ..domain.records import ScopeFilter
from ..services.first_start import DEFAULT_PROJECT
from ..transfer.reader import STANDARD_INPUT, Files
from ..transfer.tally import Tally
from .terminal import CommandError, open_store, require_project

if TYPE_CHECKING:
    from ..transfer.drafts import Drafter
    from ..transfer.intake import Loader


def import_files(
    files: Annotated[
        list[str], typer.Argument(help="JSON lines, plain or gzipped; - is standard input.", metavar="FILE")
    ],
    *,
    project: Annotated[str, typer.Option(help="The project.", metavar="NAME")] = DEFAULT_PROJECT,
    namespace: Annotated[
        str | None, typer.Option(help="Put everything into this namespace.", metavar="NAME")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check every line; store nothing.")] = False,
    url: Annotated[
        str | None, typer.Option(help="Import into the server at this address instead of the store.")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            help="The API key for --url.", envvar="COLLOQUY_API_KEY", metavar="KEY", show_envvar=True
        ),
    ] = None,
) -> None:
    """Import conversations, one JSON object a line.

    Read are OpenAI-style conversations ({"id", "messages": [...]}), lists of turns ({"dialogue_id",
    "turns": [...]}) and what `colloquy export` wrote. What is there already stays as it is, so that an
    import can be repeated. A line that cannot be imported is reported and skipped; the exit status is
    then 1.
    """
    from ..schemas.specification import find_spec, read_spec
    from ..transfer.drafts import Drafter
    from ..transfer.intake import Intake
    from .progress import Meter

    lines = Files(files)
    drafter = Drafter(read_spec(find_spec().read_bytes()))
    tally = Tally()
    meter = Meter(lines.size, lambda: lines.done, lambda: tally.messages)
    tally.report = meter.say
    with ExitStack() as stack:
        target = Target(project, url, key, dry_run)
        loader = _loader(stack, target, drafter, tally)
        stack.enter_context(meter)
        Intake(loader, tally, namespace).run(lines, meter.tick)
    typer.echo(_sum_up(tally, meter.seconds, dry_run=dry_run))
    if tally.bad:
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class Target:
    """Where an import goes."""

    project: str
    url: str | None
    key: str | None
    dry_run: bool


def _loader(stack: ExitStack, target: Target, drafter: Drafter, tally: Tally) -> Loader:
    from ..transfer.http import Client, HttpLoader
    from ..transfer.loader import NoLoader, StoreLoader

    if target.dry_run:
        return NoLoader(drafter, tally)
    if target.url is None:
        backend = stack.enter_context(open_store())
        require_project(backend, target.project)
        return StoreLoader(backend, target.project, drafter, tally)
    if target.key is None:
        raise CommandError("--url needs --key, or COLLOQUY_API_KEY in the environment")
    if target.project != DEFAULT_PROJECT:
        raise CommandError("with --url the key decides on the project: leave --project out")
    return HttpLoader(Client(target.url, target.key), drafter, tally)


def _sum_up(tally: Tally, seconds: float, *, dry_run: bool) -> str:
    did = "Would import" if dry_run else "Imported"
    rate = tally.messages / max(seconds, 0.001)
    return (
        f"{did} {tally.dialogues:,} dialogues and {tally.messages:,} messages in {seconds:.1f} s "
        f"({rate:,.0f} messages/s); {tally.unchanged:,} were there already, {tally.bad:,} bad lines."
    )


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
