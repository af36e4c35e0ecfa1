"""``colloquy import``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from ..domain.errors import ServiceUnavailable
from ..services.bootstrap import DEFAULT_PROJECT
from ..transfer.input.containers import Documents
from ..transfer.tally import Tally
from .origins import Origin
from .terminal import CommandError, columns, counted, open_store, require_project

if TYPE_CHECKING:
    from ..transfer.drafts import Drafter
    from ..transfer.intake import Loader
    from ..transfer.readers.format import Format


def _list_formats(value: bool) -> None:  # noqa: FBT001  # typer hands an option's value over by position
    if value:
        from ..transfer.readers import FORMATS

        for line in columns(["FORMAT", "WHAT IT IS"], [[one.name, one.program] for one in FORMATS]):
            typer.echo(line)
        raise typer.Exit


class Branches(StrEnum):
    """What becomes of branches that a conversation left."""

    ALL = "all"
    CURRENT = "current"


def import_files(
    context: typer.Context,
    files: Annotated[
        list[str] | None,
        typer.Argument(
            help="JSON, JSON lines, an archive of them or a folder; - is standard input.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    *,
    origin: Annotated[
        str | None,
        typer.Option("--from", help="Read a running DialogueDB or Colloquy instead.", metavar="URL"),
    ] = None,
    origin_key: Annotated[
        str | None,
        typer.Option(
            "--from-key",
            help="The API key for --from; without --url, --key is it too.",
            envvar="COLLOQUY_FROM_KEY",
            metavar="KEY",
            show_envvar=True,
        ),
    ] = None,
    origin_key_file: Annotated[
        str | None,
        typer.Option(
            "--from-key-file",
            help="A file that holds that key.",
            envvar="COLLOQUY_FROM_KEY_FILE",
            metavar="FILE",
            show_envvar=True,
        ),
    ] = None,
    ids: Annotated[
        str | None,
        typer.Option(
            help="Which of OpenAI's conversations to read: a file of ids, one a line; - is standard input.",
            metavar="FILE",
        ),
    ] = None,
    project: Annotated[str, typer.Option(help="The project.", metavar="NAME")] = DEFAULT_PROJECT,
    namespace: Annotated[
        str | None, typer.Option(help="Put everything into this namespace.", metavar="NAME")
    ] = None,
    format_name: Annotated[
        str | None,
        typer.Option("--format", help="The format, where the content does not tell.", metavar="NAME"),
    ] = None,
    list_formats: Annotated[  # noqa: ARG001  # its callback does it all
        bool,
        typer.Option("--list-formats", help="List the formats.", callback=_list_formats, is_eager=True),
    ] = False,
    branches: Annotated[
        Branches, typer.Option(help="Abandoned branches: as threads (all), or left out (current).")
    ] = Branches.ALL,
    update: Annotated[
        bool, typer.Option("--update", help="Take over titles, tags and status that changed at the source.")
    ] = False,
    with_keys: Annotated[
        bool, typer.Option("--with-keys", help="Take the API keys of a `colloquy export` over, too.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read and check everything; store nothing.")
    ] = False,
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
    """Import conversations of other programs, and exports.

    The format of each file is found from its content; --list-formats lists those that are known. What is
    there already stays, and what is new is added, so that an import can be repeated, and a later export of
    the same account brings what came since. What cannot be imported is reported and skipped; the exit
    status is then 1. With --from all dialogues, messages, states and memories that the key of a running
    service may see are brought over it; from OpenAI's Conversations API, which lists none (--format
    openai-conversations), the conversations that --ids names.
    """
    from ..schemas.specification import find_spec, read_spec
    from ..transfer.drafts import Drafter
    from ..transfer.intake import Choices, Intake
    from .progress import Meter

    if (origin is None) == (not files):
        raise CommandError("name either files or, with --from, a service to read")
    documents = Documents(files or [])
    drafter = Drafter(read_spec(find_spec().read_bytes()))
    tally = Tally()
    meter = Meter(None if origin else documents.size, lambda: documents.done, lambda: tally.messages)
    tally.report = meter.say
    service = None
    if origin is not None:
        is_typed = _is_typed(context, "origin_key")
        own = Origin(origin, format_name, origin_key, is_typed, origin_key_file, ids)
        service = own.open(tally, key if url is None else None)
    elif ids is not None:
        raise CommandError("--ids goes with --from")
    chosen = None if service else _format(format_name)
    choices = Choices(namespace, chosen, branches is Branches.ALL)
    with ExitStack() as stack:
        input_bytes = documents.size if service is None else None
        target = Target(project, url, key, dry_run, update, with_keys, input_bytes)
        loader = _loader(stack, target, drafter, tally)
        stack.enter_context(meter)
        stack.enter_context(_say_when_ended(tally))
        intake = Intake(loader, drafter, tally, choices)
        if service is None:
            intake.run(documents, meter.tick)
        else:
            service.run(intake, meter.tick)
    for line in sum_up(tally, meter.seconds, dry_run=dry_run):
        typer.echo(line)
    if tally.bad:
        raise typer.Exit(1)


@contextmanager
def _say_when_ended(tally: Tally) -> Iterator[None]:
    """Say that the command can be repeated when it comes to no end of its own."""
    try:
        yield
    except ServiceUnavailable:
        done = f"{counted(tally.dialogues, 'dialogue')} and {counted(tally.messages, 'message')}"
        typer.echo(f"colloquy: {done} were imported; the same command goes on from there", err=True)
        raise
    except KeyboardInterrupt:
        typer.echo("colloquy: interrupted; the same command goes on from there", err=True)
        raise


def _is_typed(context: typer.Context, name: str) -> bool:
    """Whether an option stands on the command line, and does not come from the environment."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _format(name: str | None) -> Format | None:
    if name is None:
        return None
    from ..transfer.readers import find_format

    found = find_format(name)
    if found is None:
        raise CommandError(f"there is no format {name}; 'colloquy import --list-formats' lists them")
    return found


@dataclass(frozen=True, slots=True)
class Target:
    """Where an import goes, and how large its files are (None: unknown)."""

    project: str
    url: str | None
    key: str | None
    dry_run: bool
    update: bool
    with_keys: bool
    input_bytes: int | None


def _loader(stack: ExitStack, target: Target, drafter: Drafter, tally: Tally) -> Loader:
    from ..transfer.drafting import Drafting
    from ..transfer.loader import NoLoader, StoreLoader
    from ..transfer.parts import StoreParts

    if target.dry_run:
        return NoLoader(drafter, tally)
    if target.url is None:
        drafting = stack.enter_context(closing(Drafting(drafter, target.input_bytes)))
        backend = stack.enter_context(open_store(create=True))
        require_project(backend, target.project)
        loader = StoreLoader(backend, target.project, drafting, tally, update=target.update)
        loader.parts = StoreParts(backend, target.project, drafter, tally, with_keys=target.with_keys)
        return loader
    if target.key is None:
        raise CommandError("--url needs --key, or COLLOQUY_API_KEY in the environment")
    if target.project != DEFAULT_PROJECT:
        raise CommandError("with --url the key decides on the project: leave --project out")
    from ..transfer.http import Client
    from ..transfer.http_loader import HttpLoader

    return HttpLoader(Client(target.url, target.key), drafter, tally, update=target.update)


def sum_up(tally: Tally, seconds: float, *, dry_run: bool) -> Iterator[str]:
    """Yield what an import did, a line a kind; what did not happen is not mentioned."""
    did = "Would import" if dry_run else "Imported"
    rate = tally.messages / max(seconds, 0.001)
    yield (
        f"{did} {counted(tally.dialogues, 'dialogue')} and {counted(tally.messages, 'message')} "
        f"in {seconds:.1f} s ({rate:,.0f} messages/s); "
        f"{counted(tally.unchanged, 'was there already', 'were there already')}, "
        f"{counted(tally.bad, 'bad line')}."
    )
    others = [
        (tally.memories, "memory was stored", "memories were stored"),
        (tally.summaries, "summary was stored", "summaries were stored"),
        (tally.keys, "key was stored", "keys were stored"),
        (
            tally.tombstones,
            "dialogue that was deleted there is deleted here, its messages with it",
            "dialogues that were deleted there are deleted here, their messages with them",
        ),
        (tally.updated, "dialogue was brought up to date", "dialogues were brought up to date"),
        (
            tally.different,
            "thing differs from what is stored, which stays; --update takes over titles, tags and status",
            "things differ from what is stored, which stays; --update takes over titles, tags and status",
        ),
        (
            tally.deleted,
            "message was deleted here since an earlier import, and stays away",
            "messages were deleted here since an earlier import, and stay away",
        ),
        (tally.skipped, "file beside them holds no conversations", "files beside them hold no conversations"),
        *((count, kind, kind) for kind, count in sorted(tally.notes.items())),
    ]
    yield from (f"  {counted(count, one, many)}." for count, one, many in others if count)
