"""Folders that the processes of one server share: made and removed by its master."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest

from app.server_folder import ServerFolder
from tests.server import ROOT

VARIABLE = "TEST_SERVER_FOLDER"


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> ServerFolder:
    """Give what is to be a folder; the environment is put back afterwards."""
    monkeypatch.setenv(VARIABLE, "")
    return ServerFolder(VARIABLE, "test-")


def test_the_folder_is_named_to_all_processes_while_it_is_there(folder: ServerFolder, tmp_path: Path) -> None:
    """Only its user may look into it."""
    assert folder.path is None
    made = folder.open(tmp_path)

    assert made is not None
    assert ServerFolder(VARIABLE, "test-").path == made
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    (made / "file").touch()
    folder.close()
    assert not made.exists()


MASTER = """
import os, sys
from pathlib import Path
from app.server_folder import ServerFolder
print(ServerFolder("TEST_SERVER_FOLDER", "test-").open(Path(sys.argv[1])), flush=True)
os.fork() or sys.stdin.read()
os._exit(0)
"""
"""Makes a folder and a worker, and dies without removing it; the worker lives until its input ends."""


def test_only_what_a_dead_server_left_is_removed(folder: ServerFolder, tmp_path: Path) -> None:
    """A folder stays as long as the master or one of its workers lives; then the next master removes it."""
    other = tmp_path / "other"
    other.mkdir()
    file = tmp_path / "test-file"
    file.touch()
    command = [sys.executable, "-c", MASTER, str(tmp_path)]
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True, cwd=ROOT) as master:
        assert master.stdin is not None
        assert master.stdout is not None
        left = Path(master.stdout.readline().strip())
        assert master.wait() == 0
        first = folder.open(tmp_path)
        assert first is not None
        assert sorted(tmp_path.iterdir()) == sorted([other, file, left, first])
        master.stdin.close()
        assert master.stdout.read() == ""  # the worker has ended

    second = ServerFolder(VARIABLE, "test-").open(tmp_path)
    assert second is not None
    assert sorted(tmp_path.iterdir()) == sorted([other, file, first, second])


def test_without_a_place_there_is_no_folder(folder: ServerFolder, tmp_path: Path) -> None:
    """And nothing fails at the end."""
    assert folder.open(tmp_path / "missing") is None
    assert folder.path is None
    folder.close()


def test_a_folder_that_others_have_named_stays(
    folder: ServerFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that makes none finds the variable set by another program."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    (tmp_path / "file").touch()
    folder.close()
    assert (tmp_path / "file").exists()


@pytest.mark.parametrize("call", ["fcntl.flock", "pathlib.Path.rename"])
def test_a_folder_that_could_not_be_finished_is_removed(
    folder: ServerFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """And there is none."""

    def fail(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(call, fail)
    assert folder.open(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
    folder.close()
