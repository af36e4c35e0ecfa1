"""``colloquy keys``: who may use the API."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated

import orjson
import typer

from ..domain import timestamps
from ..domain.errors import quote
from ..domain.records import Key, Rights, Scope, Timestamp
from ..services.audit import COMMAND_LINE, SERVER
from ..services.bootstrap import DEFAULT_PROJECT
from ..services.keys import Grant, KeyPlace, is_working, issue, key_fields
from ..services.keys import revoke as revoke_key
from ..services.keys import rotate as replace_key
from ..services.results import Result
from .terminal import (
    HELP_OPTIONS,
    AsJson,
    CommandError,
    Commands,
    columns,
    example,
    open_store,
    print_json,
    require_project,
)

commands = typer.Typer(
    cls=Commands,
    context_settings=HELP_OPTIONS,
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
    grant = Grant(project, rights, namespace, label, until)
    with open_store() as backend:
        require_project(backend, project)
        made = _shown(backend.write(Scope(project), partial(issue, actor=COMMAND_LINE, grant=grant)))
    typer.echo(made["key"])
    ends = "" if until is None else f", until {until}"
    typer.echo(
        f"Created the key {made['id']} for the project {project}, rights {rights.value}{ends}.", err=True
    )


def _shown(result: Result) -> dict[str, str]:
    """Return a new key as the API shows it, with its text."""
    shown: dict[str, str] = orjson.loads(result.first or result.body)
    return shown


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
    *,
    as_json: AsJson = False,
) -> None:
    """List keys, oldest first.

    What opens is not stored and cannot be shown.
    """
    heading = ["ID", "PROJECT", "RIGHTS", "NAMESPACE", "LABEL", "CREATED", "EXPIRES", "REVOKED", "LAST USED"]
    with open_store() as backend:
        keys = backend.list_keys(project)
    if as_json:
        print_json(key_fields(key) for key in keys)
        return
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
    """Replace a key by a new one with the same rights.

    The new one is printed, alone, on standard output; the old one ends after an overlap.
    """
    span = _SPAN.fullmatch(overlap)
    if span is None:
        raise CommandError(f"--overlap takes a span such as 12h, not {quote(overlap)}")
    overlapping = timedelta(**{_UNITS[span[2]]: int(span[1])})
    with open_store() as backend:
        old = backend.get_key(key_id)
        if old is None or not is_working(old):
            raise CommandError(f"there is no working key with the id {quote(key_id)}")
        rule = partial(
            replace_key, actor=COMMAND_LINE, place=KeyPlace(old.project, key_id), overlap=overlapping
        )
        made = _shown(backend.write(Scope(old.project), rule))
    typer.echo(made["key"])
    until = timestamps.format_time(datetime.now(UTC) + overlapping)
    typer.echo(f"Created the key {made['id']}. The key {old.id} works until {until}.", err=True)


@commands.command(epilog=example("colloquy keys revoke 01KA0000000000000000000000"))
def revoke(
    key_id: Annotated[str, typer.Argument(help="The key's id, as `keys list` shows it.", metavar="ID")],
) -> None:
    """Revoke a key.

    Servers stop honouring it within COLLOQUY_KEY_CACHE seconds.
    """
    with open_store() as backend:
        key = backend.get_key(key_id)
        if key is None:
            raise CommandError(f"there is no key with the id {quote(key_id)}")
        place = KeyPlace(key.project, key_id)
        backend.write(SERVER, partial(revoke_key, actor=COMMAND_LINE, place=place))
    typer.echo(f"Revoked the key {key_id}.")
