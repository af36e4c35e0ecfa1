"""The templates of what a model is to write: four instructions of our own, and the operator's.

A template is a UTF-8 text file ``NAME.txt`` with an instruction in plain words. Files in the
operator's directory come first, so that one of them may replace one of ours.
"""

from __future__ import annotations

import re
from pathlib import Path

from ...domain.errors import Detail, InvalidInput, quote

DEFAULT_TEMPLATE = "default"
BUILT_IN = Path(__file__).parent / "templates"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
TEMPLATE_BYTES = 64 * 1024


def list_templates(directory: Path | None = None) -> list[str]:
    """Return the names of all templates, sorted."""
    folders = [BUILT_IN, *([directory] if directory else [])]
    return sorted({path.stem for folder in folders for path in folder.glob("*.txt")})


def load_template(name: str | None, directory: Path | None = None) -> str:
    """Return the instruction of a template (None: ``default``).

    Raises InvalidInput when there is none of that name. A name is never a path.
    """
    requested = name or DEFAULT_TEMPLATE
    if NAME.fullmatch(requested):
        for folder in filter(None, (directory, BUILT_IN)):
            path = folder / f"{requested}.txt"
            if path.is_file():
                with path.open(encoding="utf-8", errors="replace") as file:
                    return file.read(TEMPLATE_BYTES).strip()
    known = ", ".join(list_templates(directory))
    raise InvalidInput(
        f"There is no template {quote(requested)}. Known templates: {known}.",
        Detail("template", "is not the name of a template"),
    )
