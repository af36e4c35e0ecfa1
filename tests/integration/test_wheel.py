"""The wheel, installed into an empty environment: one package, which runs beside other people's files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from zipfile import ZipFile

import httpx
import pytest

from tests.ports import free_port
from tests.server import ROOT

pytestmark = pytest.mark.server

SECONDS = 60
"""How long a server may take to start or to end, on a busy machine too."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=SECONDS)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def commands(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into an environment that sees the dependencies, and return its folder of commands."""
    environment = tmp_path_factory.mktemp("installed")
    python = environment / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index"]
    for command in (
        [sys.executable, "-m", "venv", "--without-pip", str(environment)],
        [*install, "--quiet", "--disable-pip-version-check", str(wheel)],
    ):
        subprocess.run(command, check=True, capture_output=True, timeout=SECONDS)
    # The folder is only put on the path: what stands in its own .pth files, such as this checkout, is not.
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return python.parent


@pytest.fixture
def crowded(tmp_path: Path) -> Path:
    """Return a folder with files named like Colloquy and its libraries, which end who imports them."""
    folder = tmp_path / "crowded"
    names = ("app", "colloquy", "flask", "gunicorn", "wsgi", "yaml")
    for name in (*(f"{name}.py" for name in names), "app/__init__.py", "colloquy/__init__.py"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('raise SystemExit("this is somebody else\'s file: " + __file__)\n')
    return folder


def settings(tmp_path: Path, port: int) -> dict[str, str]:
    """Return an environment for a server of its own, without this one's path."""
    own = {"STORE_URL": f"sqlite:///{tmp_path}/store.db", "PORT": str(port), "WORKERS": "1", "THREADS": "2"}
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("COLLOQUY_") and name != "PYTHONPATH"
    }
    return kept | {"COLLOQUY_" + name: value for name, value in own.items()}


@contextmanager
def running(command: list[str], folder: Path, environment: dict[str, str], log: Path) -> Iterator[int]:
    """Start a server in a process group of its own and give its id; nothing of the group is left behind."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def wait_until(check: Callable[[], bool], log: Path) -> None:
    """Wait for something; fails with what the server has logged."""
    deadline = time.monotonic() + SECONDS
    while not check():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


def is_ready(url: str) -> bool:
    """Whether a server answers, from its store."""
    try:
        return httpx.get(url + "/ready").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def children(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def test_wheel_has_one_package(wheel: Path) -> None:
    """At the top level there is ``colloquy`` alone, beside what describes the distribution."""
    names = ZipFile(wheel).namelist()

    assert {name.partition("/")[0] for name in names} == {
        "colloquy",
        wheel.name.rpartition("-py3")[0] + ".dist-info",
    }
    assert "colloquy/openapi.yaml" in names


def test_installed_server_runs_beside_other_files(commands: Path, crowded: Path, tmp_path: Path) -> None:
    """In a folder with an ``app``, a ``colloquy`` and a ``flask``, ours are used, after SIGUSR2 as well."""
    port, log = free_port(), tmp_path / "log"
    url = f"http://127.0.0.1:{port}"
    command = [str(commands / "colloquy"), "serve"]
    with running(command, crowded, settings(tmp_path, port), log) as master:
        wait_until(lambda: is_ready(url), log)
        described = httpx.get(url + "/openapi.yaml").content
        os.kill(master, signal.SIGUSR2)
        wait_until(lambda: any(map(children, children(master))), log)
        (successor,) = [child for child in children(master) if children(child)]
        (worker,) = children(successor)
        for older in {*children(master)} - {successor}:
            os.kill(older, signal.SIGSTOP)  # so that only the successor's worker can answer
        wait_until(lambda: is_ready(url), log)
        for older in {*children(master)} - {successor}:
            os.kill(older, signal.SIGCONT)
        os.kill(successor, signal.SIGTERM)
        wait_until(lambda: not children(successor), log)

    assert described == (ROOT / "openapi.yaml").read_bytes()
    assert worker
    assert "somebody else" not in log.read_text()


def test_installed_command_runs_beside_other_files(commands: Path, crowded: Path, tmp_path: Path) -> None:
    """A command finds its own package too, and says what it did in the store that was named."""
    done = subprocess.run(
        [str(commands / "colloquy"), "migrate"],
        cwd=crowded,
        env=settings(tmp_path, free_port()),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "store.db").exists()
