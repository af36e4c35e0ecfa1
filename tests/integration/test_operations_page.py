"""The commands of docs/operations.md work word for word."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.test_readme import assert_contains
from tests.server import ROOT, serving

PAGE = (ROOT / "docs" / "operations.md").read_text()
STEPS = re.findall(r"```sh\n(.*?)```\n```json\n(.*?)```", PAGE, re.DOTALL)
COLLOQUY = f'colloquy() {{ "{sys.executable}" -m app "$@"; }}\n'
BETWEEN = "\x1e"


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_commands(tmp_path: Path) -> None:
    """Each answers what the page shows; they are run in order in one shell, for what they remember."""
    assert len(STEPS) == PAGE.count("```sh\n") > 0
    script = f"\nprintf '{BETWEEN}'\n".join(command for command, _ in STEPS)
    url = f"sqlite:///{tmp_path}/page.db"
    with serving(url, tmp_path / "server.log") as server:
        environment = {name: text for name, text in os.environ.items() if not name.startswith("COLLOQUY_")}
        environment |= {"API": server.url, "KEY": server.key, "COLLOQUY_STORE_URL": url}
        environment["BACKUPS"] = str(tmp_path)
        done = subprocess.run(
            ["bash", "-ec", COLLOQUY + script],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            check=False,
            timeout=60,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    answers = done.stdout.split(BETWEEN)
    for (command, shown), answer in zip(STEPS, answers, strict=True):
        assert_contains(json.loads(answer), json.loads(shown), f"{command}{answer}")
