"""Which release this is, as its distribution says, or the project file of a checkout."""

from __future__ import annotations

import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[2] / "pyproject.toml"


def _find() -> str:
    try:
        return version("colloquy")
    except PackageNotFoundError:  # a checkout that was not installed
        project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
        return str(project["version"])


VERSION: Final = _find()
