"""Writes what of the client follows from elsewhere, or checks that it is current (``--check``).

* ``colloquy_client/types.py``: the request and answer types of ``openapi.yaml``, as typed dictionaries.
* ``colloquy_client/_async/operations.py``: a method for each operation of ``openapi.yaml``.
* ``colloquy_client/_sync/``: ``_async/`` without its ``async`` and ``await``.

Run it with the project's environment, which has PyYAML and ruff: ``make client``.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import yaml

from generator import operations, types

HERE = Path(__file__).resolve().parent
SPEC = HERE.parents[1] / "openapi.yaml"
PACKAGE = HERE / "colloquy_client"
RUFF = Path(sys.executable).parent / "ruff"

NAMES = {
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "aclose": "close",
    "asyncio": "time",
    "colloquy_client._async": "colloquy_client._sync",
}


def make_synchronous(source: str) -> str:
    """Return the blocking form of asynchronous source."""
    source = re.sub(r"\basync (def|for|with)\b", r"\1", source)
    source = re.sub(r"\bawait\s+", "", source)
    source = re.sub(r"\b(_?)Async([A-Z])", r"\1\2", source)
    for name, blocking in NAMES.items():
        source = source.replace(name, blocking)
    return source


def format_source(source: str) -> str:
    """Return the source as the project formats it, without the imports that it does not need."""
    name = str(PACKAGE / "generated.py")
    mend = ["check", "--fix-only", "--quiet", "--select", "F401,I,UP007,UP045", "--unsafe-fixes"]
    for command in (mend, ["format"]):
        whole = [str(RUFF), *command, "--stdin-filename", name, "-"]
        source = subprocess.run(whole, input=source, capture_output=True, text=True, check=True).stdout
    return source


def generate(spec_path: Path = SPEC) -> dict[Path, str]:
    """Return the content of every generated file, by its path."""
    spec = yaml.load(spec_path.read_bytes(), Loader=yaml.CSafeLoader)
    made = {
        PACKAGE / "types.py": format_source(types.write_module(spec)),
        PACKAGE / "_async" / "operations.py": format_source(operations.write_module(spec)),
    }
    written = {path: path.read_text(encoding="utf-8") for path in sorted((PACKAGE / "_async").glob("*.py"))}
    for path, source in (written | made).items():
        if path.parent.name == "_async":
            made[PACKAGE / "_sync" / path.name] = format_source(make_synchronous(source))
    return made


def find_stale() -> list[Path]:
    """Return the generated files that are not what they should be."""
    made = generate()
    stale = [path for path, text in made.items() if not path.is_file() or path.read_text("utf-8") != text]
    return stale + [path for path in sorted((PACKAGE / "_sync").glob("*.py")) if path not in made]


def main() -> int:
    """Write the files, or with ``--check`` say which are stale."""
    if "--check" in sys.argv[1:]:
        stale = find_stale()
        for path in stale:
            sys.stderr.write(f"{path} is stale: run make client\n")
        return 1 if stale else 0
    for path, text in generate().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
