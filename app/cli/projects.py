"""``colloquy projects``: the tenants of a store."""

from __future__ import annotations

import re
from functools import partial
from typing import Annotated

import typer

from ..domain.errors import quote
from ..services import projects
from ..services.audit import COMMAND_LINE, SERVER
from .terminal import (
    HELP_OPTIONS,
    AsJson,
    CommandError,
    Commands,
    columns,
    confirm,
    example,
    open_store,
    print_json,
)

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
        while not backend.clear_removed(name):
            continue
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
    rows = [[project.name, "yes" if project.immutable else "no", project.created] for project in found]
    for line in columns(["NAME", "IMMUTABLE", "CREATED"], rows):
        typer.echo(line)


@commands.command("set", epilog=example("colloquy projects set default --immutable"))
def change(
    name: Name,
    *,
    immutable: Annotated[
        bool,
        typer.Option("--immutable/--no-immutable", help="Whether deleting is forbidden.", show_default=False),
    ],
) -> None:
    """Change a project."""
    with open_store() as backend:
        if backend.get_project(name) is None:
            raise CommandError(f"there is no project {name}")
        command = projects.ProjectUpdate(immutable)
        backend.write(SERVER, partial(projects.update, actor=COMMAND_LINE, name=name, command=command))
    typer.echo(f"The project {name} is {'immutable' if immutable else 'not immutable'} now.")


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
        while not backend.clear_removed(name):
            continue
    typer.echo(f"Deleted the project {name}.")
