"""``colloquy projects``: the tenants of a store."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from ..domain import timestamps
from ..domain.errors import quote
from ..domain.records import Project
from .terminal import CommandError, Commands, columns, confirm, example, open_store

commands = typer.Typer(
    cls=Commands, no_args_is_help=True, rich_markup_mode=None, help="Create, list, set and delete projects."
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
        if not backend.create_project(Project(name, immutable, timestamps.now())):
            raise CommandError(f"there is a project {name} already")
    typer.echo(f"Created the project {name}; 'colloquy keys create --project {name}' makes a key for it.")


@commands.command("list", epilog=example("colloquy projects list"))
def show() -> None:
    """List the projects."""
    with open_store(existing=True) as backend:
        rows = [
            [project.name, "yes" if project.immutable else "no", project.created]
            for project in backend.list_projects()
        ]
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
    with open_store(existing=True) as backend:
        if not backend.set_immutable(name, immutable=immutable):
            raise CommandError(f"there is no project {name}")
    typer.echo(f"The project {name} is {'immutable' if immutable else 'not immutable'} now.")


@commands.command(epilog=example("colloquy projects delete shop --yes"))
def delete(
    name: Name,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a project with all it holds. Its keys stay and are answered PROJECT_NOT_FOUND."""
    with open_store(existing=True) as backend:
        if backend.get_project(name) is None:
            raise CommandError(f"there is no project {name}")
        confirm(f"Delete the project {name} with everything in it, for good?", sure=yes)
        backend.delete_project(name)
    typer.echo(f"Deleted the project {name}.")
