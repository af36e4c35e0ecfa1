"""``colloquy verify`` and ``colloquy erase``."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from ..domain import timestamps
from ..domain.records import Scope, ScopeFilter
from ..services.audit import COMMAND_LINE
from ..services.bootstrap import DEFAULT_PROJECT
from ..services.erasure import erase
from ..services.repair import repair
from ..services.verify import Problem, Seen, verify
from ..stores import Backend
from ..waiting import in_steps, rest
from .terminal import CommandError, confirm, counted, open_store, require_project


def check(
    project: Annotated[
        str | None, typer.Option(help="Only this project; without it, all of them.", metavar="NAME")
    ] = None,
    *,
    mend: Annotated[
        bool,
        typer.Option(
            "--repair",
            help="Mend counters, embedded messages, search index and vectors; remove what deletions left.",
        ),
    ] = False,
    thorough: Annotated[
        bool,
        typer.Option(
            "--thorough",
            help="Read every message's text again to check its search index.",
        ),
    ] = False,
) -> None:
    """Check that the store keeps its promises.

    Counts and embedded messages are right, and nothing is there twice or empty. Servers may run
    meanwhile. Each problem is a line on standard output; the exit status is 1 if there is one, with
    --repair only if one is left: what is left are the last lines. To mend the search index of a SQLite
    store keeps its writers waiting while it is made anew.
    """
    with open_store() as backend:
        if project is not None:
            require_project(backend, project)
        names = [project] if project is not None else [one.name for one in backend.list_projects()]
        problems = verify_projects(backend, names, thorough=thorough)
        if mend and problems:
            for text in repair(backend, problems):
                typer.echo(f"mended: {text}")
            problems = verify_projects(backend, names, shown=False, thorough=thorough)
    if mend:
        for left in list(map(str, problems)) or ["nothing"]:
            typer.echo(f"left: {left}")
    if problems:
        raise typer.Exit(1)


def verify_projects(
    backend: Backend, projects: list[str], *, shown: bool = True, thorough: bool = False
) -> list[Problem]:
    """Verify projects and, where it is to be shown, print each problem as it is found."""
    from .progress import Meter

    problems: list[Problem] = []
    checked = [Seen()]

    def messages() -> int:
        return sum(seen.messages for seen in checked)

    def done() -> int:
        return sum(seen.messages + seen.indexed for seen in checked)

    with Meter(_count(backend, projects), done, messages) as meter:
        for name in projects:
            checked.append(Seen())
            for problem in verify(backend, name, checked[-1], meter.tick, thorough=thorough):
                problems.append(problem)
                if shown:
                    typer.echo(str(problem))
    dialogues = sum(seen.dialogues for seen in checked)
    unembedded = sum(seen.unembedded for seen in checked)
    if unembedded:
        typer.echo(f"To be embedded: {counted(unembedded, 'item')}.", err=True)
    typer.echo(
        f"Checked {counted(dialogues, 'dialogue')} and {counted(messages(), 'message')}: "
        f"{counted(len(problems), 'problem')}.",
        err=True,
    )
    return problems


def _count(backend: Backend, projects: list[str]) -> int:
    """Return how much there is to check: messages, and what is compared with the search index."""
    counts = [backend.stats(ScopeFilter(project)) for project in projects]
    return sum(2 * one.messages + one.memories + one.active + one.ended + one.archived for one in counts)


def erase_namespace(
    namespace: Annotated[str, typer.Argument(help="The namespace, such as a user id.", metavar="NAMESPACE")],
    *,
    project: Annotated[str, typer.Option(help="The project it is in.", metavar="NAME")] = DEFAULT_PROJECT,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase everything of one end user.

    Dialogues, messages, memories and summaries go; the command says how many.
    """
    if not namespace:
        raise CommandError("the namespace is empty; the default one cannot be erased")
    with open_store() as backend:
        require_project(backend, project)
        confirm(f"Erase everything in the namespace {namespace}, for good?", sure=yes)
        rule = partial(erase, actor=COMMAND_LINE, asked=timestamps.now())
        erased = in_steps(partial(backend.write, Scope(project, namespace), rule))
        while backend.sweep():
            rest()
    typer.echo(
        f"Erased {counted(erased.dialogues, 'dialogue')}, {counted(erased.messages, 'message')}, "
        f"{counted(erased.memories, 'memory', 'memories')} and "
        f"{counted(erased.summaries, 'summary', 'summaries')}."
    )
