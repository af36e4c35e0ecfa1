"""The API's specification, ``openapi.yaml``: where it is, and reading it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


def find_spec() -> Path:
    """Return where ``openapi.yaml`` is: inside the package when installed, beside it in a checkout."""
    inside = Path(__file__).parents[1] / "openapi.yaml"
    return inside if inside.exists() else inside.parents[1] / inside.name


def read_spec(text: bytes) -> dict[str, Any]:
    """Read ``openapi.yaml`` with the C parser where PyYAML has it: the Python one takes seconds."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loaded: dict[str, Any] = yaml.load(text, Loader=loader)  # noqa: S506  both are safe loaders
    return loaded
