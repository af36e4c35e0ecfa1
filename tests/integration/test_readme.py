"""The README's tour works word for word."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.server import ROOT, serving

README = (ROOT / "README.md").read_text()
TOUR = README[README.index("## A five-minute tour") : README.index("## The Python client")]
STEPS = re.findall(r"```sh\n(.*?)```\s+(?:[^`]*?)```json\n(.*?)```", TOUR, re.DOTALL)


PROGRAMS = re.findall(r"```python\n(.*?)```", TOUR, re.DOTALL)


def assert_contains(actual: Any, shown: Any, story: str) -> None:
    """Hold that everything shown is part of the answer; ``...`` stands for any text."""
    if isinstance(shown, dict):
        for name, value in shown.items():
            assert name in actual, story
            assert_contains(actual[name], value, story)
    elif isinstance(shown, list):
        assert len(actual) == len(shown), story
        for one, other in zip(actual, shown, strict=True):
            assert_contains(one, other, story)
    elif shown == "...":
        assert actual, story
    else:
        assert actual == shown, story


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_tour(tmp_path: Path) -> None:
    """Each command of the tour answers what the README shows, in order, and its program runs."""
    assert len(STEPS) == TOUR.count("```sh\n") == TOUR.count("```json\n")
    with serving(f"sqlite:///{tmp_path}/tour.db", tmp_path / "server.log") as server:
        environment = os.environ | {"API": server.url, "KEY": server.key}
        for command, shown in STEPS:
            done = subprocess.run(
                ["bash", "-ec", command], env=environment, capture_output=True, check=True, timeout=30
            )
            answer = json.loads(done.stdout)
            assert_contains(answer, json.loads(shown), f"{command}{answer}")
        [program] = PROGRAMS
        libraries = f"{ROOT}/tests/model_clients{os.pathsep}{ROOT}"
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=environment | {"PYTHONPATH": libraries},
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, done.stdout) == (0, b"Order 4711 left Berlin on 3 January.\n"), done.stderr
