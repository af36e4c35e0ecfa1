"""``colloquy keys``: who may use the API."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from ..domain import timestamps
from ..domain.errors import quote
from ..domain.records import Key, Rights, Timestamp
from ..services.bootstrap import DEFAULT_PROJECT
from ..services.keys import Grant, create_key
from .terminal import (
    CommandError,
    Commands,
    columns,
    example,
    open_store,
    require_project,
)

commands = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Create, list, rotate and revoke API keys.",
)

LONGEST_NAME = 128

_SPAN = re.compile(r"([0-9]{1,5})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

Project = Annotated[str, typer.Option(help="The project that the key opens.", metavar="NAME")]


@commands.command(
    epilog=example(
        "KEY=$(colloquy keys create --label laptop)",
        "colloquy keys create --rights read --namespace anna@example.org --expires 30d",
    )
)
def create(
    project: Project = DEFAULT_PROJECT,
    label: Annotated[str | None, typer.Option(help="What the key is for.", metavar="TEXT")] = None,
    rights: Annotated[Rights, typer.Option(help="What the key may do.")] = Rights.FULL,
    namespace: Annotated[
        str | None, typer.Option(help="Hold the key to one namespace.", metavar="NAME")
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(help="When it ends: an ISO time, or from now as 90m, 12h, 30d or 4w.", metavar="WHEN"),
    ] = None,
) -> None:
    """Create a key and print it, alone, on standard output. It is shown this once."""
    _require_text("--label", label)
    _require_text("--namespace", namespace)
    until = None if expires is None else read_expiry(expires)
    text, key = create_key(Grant(project, rights, namespace, label, until))
    with open_store() as backend:
        require_project(backend, project)
        backend.create_key(key)
    typer.echo(text)
    ends = "" if until is None else f", until {until}"
    typer.echo(f"Created the key {key.id} for the project {project}, rights {rights.value}{ends}.", err=True)


def _require_text(option: str, value: str | None) -> None:
    if value is not None and not (0 < len(value) <= LONGEST_NAME and value.isprintable()):
        raise CommandError(f"{option} takes 1 to {LONGEST_NAME} printable characters")


def read_expiry(text: str) -> Timestamp:
    """Return when a key ends; raises CommandError for what is no time, or none to come."""
    span = _SPAN.fullmatch(text)
    try:
        until = timestamps.parse_time(text) if span is None else _from_now(span)
    except (ValueError, OverflowError):
        raise CommandError(f"--expires takes an ISO time or a span such as 30d, not {quote(text)}") from None
    if until <= timestamps.now():
        raise CommandError(f"--expires is not in the future: {until}")
    return until


def _from_now(span: re.Match[str]) -> Timestamp:
    return timestamps.format_time(datetime.now(UTC) + timedelta(**{_UNITS[span[2]]: int(span[1])}))


@commands.command("list", epilog=example("colloquy keys list --project default"))
def show(
    project: Annotated[
        str | None, typer.Option(help="Only the keys of this project.", metavar="NAME")
    ] = None,
) -> None:
    """List keys, oldest first; what opens is not stored and cannot be shown."""
    heading = ["ID", "PROJECT", "RIGHTS", "NAMESPACE", "LABEL", "CREATED", "EXPIRES", "REVOKED", "LAST USED"]
    with open_store(existing=True) as backend:
        keys = backend.list_keys(project)
    for line in columns(heading, [_row(key) for key in keys]):
        typer.echo(line)


def _row(key: Key) -> list[str]:
    optional = [key.expires, key.revoked, key.last_used]
    return [
        key.id,
        key.project,
        key.rights.value,
        key.namespace or "-",
        key.label or "-",
        key.created,
        *(time or "-" for time in optional),
    ]


@commands.command(epilog=example("KEY=$(colloquy keys rotate 01KA0000000000000000000000 --overlap 1d)"))
def rotate(
    key_id: Annotated[str, typer.Argument(help="The key's id, as `keys list` shows it.", metavar="ID")],
    overlap: Annotated[
        str, typer.Option(help="How long the old key goes on working: 0m, 90m, 12h, 30d.", metavar="SPAN")
    ] = "1h",
) -> None:
    """Replace a key: print a new one with the same rights, and end the old one after an overlap."""
    span = _SPAN.fullmatch(overlap)
    if span is None:
        raise CommandError(f"--overlap takes a span such as 12h, not {quote(overlap)}")
    until = _from_now(span)
    with open_store(existing=True) as backend:
        old = next((key for key in backend.list_keys() if key.id == key_id), None)
        if old is None or not _works(old):
            raise CommandError(f"there is no working key with the id {quote(key_id)}")
        text, new = create_key(Grant(old.project, old.rights, old.namespace, old.label, old.expires))
        backend.create_key(new)
        backend.revoke_key(old.id, until)
    typer.echo(text)
    typer.echo(f"Created the key {new.id}. The key {old.id} works until {until}.", err=True)


def _works(key: Key) -> bool:
    return all(end is None or end > timestamps.now() for end in (key.expires, key.revoked))


@commands.command(epilog=example("colloquy keys revoke 01KA0000000000000000000000"))
def revoke(
    key_id: Annotated[str, typer.Argument(help="The key's id, as `keys list` shows it.", metavar="ID")],
) -> None:
    """Revoke a key; servers stop honouring it within COLLOQUY_KEY_CACHE seconds."""
    with open_store(existing=True) as backend:
        if not backend.revoke_key(key_id, timestamps.now()):
            raise CommandError(f"there is no key with the id {quote(key_id)}")
    typer.echo(f"Revoked the key {key_id}.")
