"""The server needs to write to its data alone, and needs no capability: what the container takes from it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from app.services.keys import KEY_BYTES, KEY_PREFIX
from tests.ports import free_port
from tests.server import ROOT, START_SECONDS

DATA = "/mnt"
"""Where the only folder that can be written is mounted."""

SCRIPT = f"""
set -e
mount --make-rprivate /
mount --bind "$FOLDER" {DATA}
mount --options remount,ro,bind /
if touch "$ROOT/written" 2>/dev/null; then exit 3; fi
cd {DATA}
exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs "$@"
"""


def can_unshare() -> bool:
    """Whether this user may make a mount namespace of its own."""
    if shutil.which("unshare") is None or shutil.which("setpriv") is None:
        return False
    return subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.server
@pytest.mark.skipif(not can_unshare(), reason="mount namespaces are not permitted here")
def test_the_server_runs_on_a_read_only_root(tmp_path: Path) -> None:
    """With everything but its data read-only, and no capability left, the server starts, writes and reads."""
    port, key = free_port(), KEY_PREFIX + os.urandom(KEY_BYTES).hex()
    settings = {"STORE_URL": f"sqlite:///{DATA}/store.db", "PORT": str(port), "API_KEY": key}
    environment = {"FOLDER": str(tmp_path), "ROOT": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"} | {
        "COLLOQUY_" + name: value for name, value in settings.items()
    }
    program = [sys.executable, "-m", "app", "serve"]
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen(
            ["unshare", "--mount", "bash", "-c", SCRIPT, "bash", *program],
            env=os.environ | environment | {"PYTHONPATH": str(ROOT)},
            stdout=log,
            stderr=log,
        )
    try:
        _await_start(port, process, tmp_path / "server.log")
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {key}"}
        ) as client:
            client.post("/dialogue", json={"id": "d"}).raise_for_status()
            assert client.get("/dialogue/d").json()["id"] == "d"
    finally:
        process.terminate()
        assert process.wait(timeout=60) == 0
    assert (tmp_path / "store.db").exists()


def _await_start(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(f"http://127.0.0.1:{port}/ready").raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the server did not start:\n" + log.read_text(encoding="utf-8"))
