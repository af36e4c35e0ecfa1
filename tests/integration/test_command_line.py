"""The door: what a newcomer meets at the command line, in whatever folder and with whatever mistake."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli.program import cli
from app.services.keys import KEY_PREFIX
from tests.ports import free_port
from tests.server import ROOT


def run(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run ``colloquy`` in a folder with these COLLOQUY_ settings and no others."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("COLLOQUY_")}
    environment = (
        kept | {"PYTHONPATH": str(ROOT)} | {f"COLLOQUY_{name}": text for name, text in settings.items()}
    )
    command = [sys.executable, "-P", "-m", "app", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["keys", "create"],
        ["keys", "list"],
        ["projects", "create", "shop"],
        ["export", "--output", "-"],
        ["verify"],
        ["erase", "anna", "--yes"],
        ["mcp"],
    ],
    ids=" ".join,
)
def test_a_wrong_folder_gets_no_new_store(tmp_path: Path, arguments: list[str]) -> None:
    """A command that needs a store says where it looked, and makes none."""
    done = run(tmp_path, *arguments)

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"there is no store at {tmp_path}/data/colloquy.db" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_busy_port_is_one_line_before_anything_is_made(tmp_path: Path) -> None:
    """``serve`` on a port that is taken makes no store and no key, and announces nothing."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run(tmp_path, "serve", PORT=str(port))

    assert (done.returncode, done.stdout) == (1, "")
    place = f"127.0.0.1:{port} (Address already in use)"
    assert (
        done.stderr == f"colloquy: cannot listen on {place}; COLLOQUY_HOST and COLLOQUY_PORT choose where\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_lists_are_json_when_asked(tmp_path: Path) -> None:
    """``--json`` prints one object a line, without what a row lacks."""
    assert run(tmp_path, "migrate").returncode == 0
    assert run(tmp_path, "keys", "create", "--label", "laptop").stdout.startswith(KEY_PREFIX)

    (key,) = map(json.loads, run(tmp_path, "keys", "list", "--json").stdout.splitlines())
    (project,) = map(json.loads, run(tmp_path, "projects", "list", "--json").stdout.splitlines())

    assert (key["name"], key["rights"], key["project"]) == ("laptop", "full", "default")
    assert "revoked" not in key
    assert project["id"] == "default"


def test_help_has_a_short_spelling() -> None:
    """``-h`` is ``--help``, for every command."""
    for command in ([], ["keys"], ["keys", "create"], ["projects", "list"], ["import"]):
        short, long = (CliRunner().invoke(cli, [*command, option]) for option in ("-h", "--help"))
        assert (short.exit_code, short.stdout) == (0, long.stdout)
        assert "Usage:" in short.stdout


def test_a_wrong_choice_is_named_in_plain_words(tmp_path: Path) -> None:
    """A value that an option does not take is said with those that it takes, and nothing of a library."""
    said = run(tmp_path, "keys", "create", "--rights", "write").stderr

    assert "'write' is not one of" in said
    assert "Value error" not in said


def test_a_store_that_is_away_is_one_line_without_its_password(tmp_path: Path) -> None:
    """MongoDB away is one line that says where it was looked for; no dump of the driver comes before it."""
    url = f"mongodb://anna:secret@127.0.0.1:{free_port()}/chat"

    done = run(tmp_path, "keys", "list", STORE_URL=url, REQUEST_TIMEOUT="1")

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("colloquy: the store at mongodb://127.0.0.1:")
    assert "secret" not in done.stderr


def test_a_repair_ends_with_what_is_left(tmp_path: Path) -> None:
    """What was found and mended is said first; the last lines are what a person has to see to."""
    conversation = tmp_path / "one.jsonl"
    conversation.write_text('{"id": "d", "messages": [{"id": "m", "role": "user", "content": "whales"}]}\n')
    assert run(tmp_path, "import", str(conversation)).returncode == 0
    with closing(sqlite3.connect(tmp_path / "data/colloquy.db")) as store, store:
        store.execute("UPDATE dialogue SET total = 7")
        store.execute("UPDATE message SET body = replace(body, 'whales', '')")

    done = run(tmp_path, "verify", "--repair")

    place = "project default, dialogue d: "
    unmendable = f"{place}message without content: message m"
    assert done.returncode == 1
    found, *between, left = done.stdout.splitlines()
    assert (found, left) == (unmendable, f"left: {unmendable}")
    assert any(line.startswith(f"mended: {place}totalMessages 7 became 1") for line in between)
    assert not any(line.startswith("left: ") for line in between)


def test_a_repair_of_what_is_whole_says_so(tmp_path: Path) -> None:
    """With nothing to mend, nothing is left."""
    assert run(tmp_path, "migrate").returncode == 0
    done = run(tmp_path, "verify", "--repair")
    assert (done.returncode, done.stdout) == (0, "left: nothing\n")


def test_an_export_that_cannot_begin_is_not_noted(tmp_path: Path) -> None:
    """The audit has what left the store, even in part, and nothing else."""
    assert run(tmp_path, "migrate").returncode == 0
    assert run(tmp_path, "projects", "create", "default").returncode == 0

    assert run(tmp_path, "export", "--output", "missing/all.jsonl").returncode == 1
    assert "project.exported" not in run(tmp_path, "audit").stdout
    assert run(tmp_path, "export", "--output", "all.jsonl").returncode == 0
    assert run(tmp_path, "audit").stdout.count("project.exported") == 1


@pytest.mark.parametrize("command", [["export", "--output"], ["backup"]], ids=" ".join)
def test_an_output_in_no_folder_names_the_folder(tmp_path: Path, command: list[str]) -> None:
    """``export`` and ``backup`` say which folder is missing, and name no temporary file."""
    assert run(tmp_path, "migrate").returncode == 0
    done = run(tmp_path, *command, f"{tmp_path}/nope/backup.gz")
    assert done.returncode == 1
    assert done.stderr.startswith(f"colloquy: there is no folder {tmp_path}/nope: ")
    assert "partial" not in done.stderr
