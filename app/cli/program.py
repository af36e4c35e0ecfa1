"""The command line: ``colloquy`` and ``python -m app``."""

from __future__ import annotations

import gc
import logging
import os
from typing import Annotated

import typer

from ..domain.version import VERSION
from . import audit, backups, exports, imports, keys, mcp, projects, serve, upkeep
from .terminal import HELP_OPTIONS, SHOW_TRACEBACK, Commands, example


def _print_version(wanted: bool) -> None:  # noqa: FBT001  # what Typer calls it with
    if wanted:
        typer.echo(f"colloquy {VERSION}")
        raise typer.Exit


cli = typer.Typer(
    name="colloquy",
    cls=Commands,
    context_settings=HELP_OPTIONS,
    help="A self-hosted conversation store. Its settings come from the environment.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
cli.command(epilog=example("COLLOQUY_PORT=9000 colloquy serve", "colloquy serve --local-tls"))(serve.serve)
cli.command(epilog=example("colloquy migrate"))(serve.migrate)
cli.add_typer(projects.commands, name="projects")
cli.add_typer(keys.commands, name="keys")
cli.command(
    "import",
    epilog=example(
        "colloquy import conversations.jsonl.gz --namespace trial",
        "colloquy import chatgpt-export.zip --url http://127.0.0.1:8080 --key colloquy_...",
        "colloquy import --from https://api.dialoguedb.com --from-key-file key.txt",
        "colloquy import --from https://api.openai.com/v1 --format openai-conversations --ids ids.txt",
    ),
)(imports.import_files)
cli.command(
    "export",
    epilog=example(
        "colloquy export --output backup.jsonl.gz",
        "colloquy export --format markdown --namespace anna --output pages",
    ),
)(exports.export_dialogues)
cli.command("backup", epilog=example("colloquy backup nightly.backup"))(backups.back_up)
cli.command("restore", epilog=example("colloquy restore nightly.backup"))(backups.restore)
cli.command("verify", epilog=example("colloquy verify"))(upkeep.check)
cli.command(
    "mcp", epilog=example("COLLOQUY_URL=http://127.0.0.1:8080 COLLOQUY_KEY=colloquy_... colloquy mcp")
)(mcp.serve_mcp)
cli.command("audit", epilog=example("colloquy audit --action login.failed --since 2026-01-01"))(
    audit.show_audit
)
cli.command("erase", epilog=example("colloquy erase anna@example.org --yes"))(upkeep.erase_namespace)


@cli.callback()
def describe(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print which release this is.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    """A self-hosted conversation store. Its settings come from the environment."""


def main() -> None:
    """Run the command line."""
    # By default garbage collection takes a fourteenth of the time of an import.
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    # A command says in one line what went wrong; what the store logs of it is for debugging.
    if os.environ.get("COLLOQUY_LOG_LEVEL") != SHOW_TRACEBACK:
        logging.getLogger(__name__.partition(".")[0]).addHandler(logging.NullHandler())
    cli(prog_name="colloquy")
