"""Every setting and every command is documented in the README."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from pathlib import Path

import pytest
import typer.main

from app.cli.program import cli
from app.settings import OF_CLIENTS, PREFIX, Settings

README = (Path(__file__).resolve().parents[2] / "README.md").read_text()


def describe_settings() -> str:
    """Return the table of settings as the README shows it."""
    lines = ["| setting | default | what it is |", "| --- | --- | --- |"]
    for entry in fields(Settings):
        assert entry.default is not MISSING
        default = "" if entry.default is None else f"`{entry.default}`"
        if isinstance(entry.default, float):
            default = f"`{entry.default:g}`"
        text = entry.metadata["doc"].replace("|", "\\|")
        lines.append(f"| `{PREFIX}{entry.name.upper()}` | {default} | {text} |")
    return "\n".join(lines)


def test_every_setting_is_in_the_readme() -> None:
    """The README's table is the one that the settings themselves give."""
    assert describe_settings() in README


def _command_names() -> list[str]:
    group = typer.main.get_command(cli)
    commands = group.commands  # type: ignore[attr-defined]  # it is a group
    return sorted(commands)


@pytest.mark.parametrize("name", _command_names())
def test_every_command_is_in_the_readme(name: str) -> None:
    """Each command is named in the README's table of commands."""
    assert f"`colloquy {name}" in README


def test_every_documented_setting_exists() -> None:
    """The README names no setting that is not there."""
    known = {PREFIX + entry.name.upper() for entry in fields(Settings)} | OF_CLIENTS
    named = set(re.findall(r"COLLOQUY_[A-Z_]+", README)) - {PREFIX}
    assert {name.removesuffix("_FILE") for name in named} <= known


if __name__ == "__main__":
    print(describe_settings())  # noqa: T201  # the way to write the table anew
