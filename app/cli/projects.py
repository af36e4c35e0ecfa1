"""``colloquy projects``: the tenants of a store."""

from __future__ import annotations

import re
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from ..domain.errors import quote
from ..domain.retention import FOR_GOOD, MOST_DAYS, Retention, retention_fields
from ..services import projects
from ..services.audit import COMMAND_LINE, SERVER
from ..services.inputs import UNSET
from ..waiting import in_steps
from .terminal import (
    HELP_OPTIONS,
    AsJson,
    CommandError,
    Commands,
    columns,
    confirm,
    counted,
    example,
    open_store,
    print_json,
)

if TYPE_CHECKING:
    from ..stores import Backend

commands = typer.Typer(
    cls=Commands,
    context_settings=HELP_OPTIONS,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Create, list, set and delete projects.",
)

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

Name = Annotated[str, typer.Argument(help="The project's name.", metavar="NAME")]


@commands.command(epilog=example("colloquy projects create shop"))
def create(
    name: Name,
    *,
    immutable: Annotated[
        bool, typer.Option("--immutable", help="Forbid deleting dialogues and messages.")
    ] = False,
) -> None:
    """Create a project."""
    if not NAME.fullmatch(name):
        raise CommandError(
            f"a project's name has 1 to 64 letters, digits, dots, hyphens and underscores, not {quote(name)}"
        )
    with open_store() as backend:
        if backend.get_project(name) is not None:
            raise CommandError(f"there is a project {name} already")
        _clear_removed(backend, name)
        rule = partial(projects.create, actor=COMMAND_LINE, command=projects.NewProject(name, immutable))
        backend.write(SERVER, rule)
    typer.echo(f"Created the project {name}; 'colloquy keys create --project {name}' makes a key for it.")


@commands.command("list", epilog=example("colloquy projects list"))
def show(*, as_json: AsJson = False) -> None:
    """List the projects."""
    with open_store() as backend:
        found = backend.list_projects()
    if as_json:
        print_json(projects.project_fields(project) for project in found)
        return
    rows = [
        [
            project.name,
            "yes" if project.immutable else "no",
            project.created,
            _in_words(retention_fields(project.retention)) or "everything",
        ]
        for project in found
    ]
    for line in columns(["NAME", "IMMUTABLE", "CREATED", "KEEPS"], rows):
        typer.echo(line)


Days = Annotated[int | None, typer.Option(min=1, max=MOST_DAYS, metavar="N", show_default=False)]


@commands.command(
    "set",
    epilog=example(
        "colloquy projects set default --immutable",
        "colloquy projects set shop --dialogue-days 365 --ended-days 30 --memory-days 730",
    ),
)
def change(  # one option for each number of a policy
    name: Name,
    *,
    immutable: Annotated[
        bool | None,
        typer.Option("--immutable/--no-immutable", help="Whether deleting is forbidden.", show_default=False),
    ] = None,
    dialogue_days: Days = None,
    active_days: Days = None,
    ended_days: Days = None,
    archived_days: Days = None,
    memory_days: Days = None,
    keep_everything: Annotated[
        bool,
        typer.Option("--keep-everything", help="Forget the days set before; those set here are all then."),
    ] = False,
) -> None:
    """Change a project.

    That is whether it is immutable, and how many days it keeps what nobody changes: dialogues, dialogues of
    one status instead, memories. What is not named stays as it was.
    """
    numbers = Retention(dialogue_days, active_days, ended_days, archived_days, memory_days)
    days = {name: number for name, number in asdict(numbers).items() if number is not None}
    if immutable is None and not days and not keep_everything:
        raise CommandError("say what to change: see 'colloquy projects set --help'")
    command = projects.ProjectUpdate(
        UNSET if immutable is None else immutable, FOR_GOOD if keep_everything else UNSET, days
    )
    with open_store() as backend:
        if backend.get_project(name) is None:
            raise CommandError(f"there is no project {name}")
        rule = partial(projects.update, actor=COMMAND_LINE, name=name, command=command)
        changed: dict[str, Any] = orjson.loads(backend.write(SERVER, rule).body)
    if immutable is not None:
        typer.echo(f"The project {name} is {'immutable' if immutable else 'not immutable'} now.")
    if days or keep_everything:
        typer.echo(f"The project {name} keeps {_in_words(changed.get('retention', {})) or 'everything'} now.")


def _in_words(policy: dict[str, int]) -> str:
    """Return what the fields of a policy limit, empty where it limits nothing."""
    return ", ".join(f"{KINDS[name]} for {counted(days, 'day')}" for name, days in policy.items())


KINDS = {
    "dialogueDays": "dialogues",
    "activeDays": "active dialogues",
    "endedDays": "ended dialogues",
    "archivedDays": "archived dialogues",
    "memoryDays": "memories",
}


@commands.command(epilog=example("colloquy projects delete shop --yes"))
def delete(
    name: Name,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a project with all it holds. Its keys stay and are answered PROJECT_NOT_FOUND."""
    with open_store() as backend:
        if backend.get_project(name) is None:
            raise CommandError(f"there is no project {name}")
        confirm(f"Delete the project {name} with everything in it, for good?", sure=yes)
        backend.write(SERVER, partial(projects.close, actor=COMMAND_LINE, name=name))
        _clear_removed(backend, name)
    typer.echo(f"Deleted the project {name}.")


def _clear_removed(backend: Backend, name: str) -> None:
    """Remove all that is left of a removed project of that name."""
    in_steps(lambda: backend.clear_removed(name) or None)
