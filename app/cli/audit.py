"""``colloquy audit``: who did what to what."""

from __future__ import annotations

from typing import Annotated

import typer

from ..domain import timestamps
from ..domain.list_queries import AuditListQuery
from ..domain.records import Action, AuditEntry, TimeRange
from ..services.audit import entry_fields
from .terminal import AsJson, CommandError, columns, open_store, print_json

HEADING = ["TIME", "ACTION", "PROJECT", "ACTOR", "TARGET", "NAMESPACE", "ADDRESS", "DETAILS"]


def show_audit(
    project: Annotated[str | None, typer.Option(help="Only this project.", metavar="NAME")] = None,
    action: Annotated[Action | None, typer.Option(help="Only this action.")] = None,
    actor: Annotated[str | None, typer.Option(help="Only what this key did.", metavar="ID")] = None,
    target: Annotated[
        str | None, typer.Option(help="Only what was done to this key or dialogue.", metavar="ID")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Only from this time on, an ISO time or date.", metavar="WHEN")
    ] = None,
    *,
    limit: Annotated[int, typer.Option(help="The most entries.", min=1, max=10_000)] = 100,
    as_json: AsJson = False,
) -> None:
    """Show who did what to what, the newest first."""
    try:
        times = TimeRange(None if since is None else timestamps.parse_time(since))
    except ValueError as error:
        raise CommandError(f"--since: {error}") from None
    query = AuditListQuery(
        project, limit, times=times, action=action and action.value, actor=actor, target=target
    )
    with open_store() as backend:
        entries = backend.page_audit(query).items
    if as_json:
        print_json(map(entry_fields, entries))
        return
    for line in columns(HEADING, [_row(entry) for entry in entries]):
        typer.echo(line)


def _row(entry: AuditEntry) -> list[str]:
    optional = [entry.project, entry.actor, entry.target, entry.namespace, entry.address]
    return [entry.time, entry.action.value, *(text or "-" for text in optional), entry.details]
