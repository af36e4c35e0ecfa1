"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from bench.lineup import OTHERS

OURS = ("flask", "werkzeug", "connexion", "gunicorn", "gunicorn_h1c", "orjson", "jsonschema-rs", "pymongo")
THEIRS = ("flask", "fastapi", "pydantic", "uvicorn", "connexion", "eve", "gunicorn", "pymongo")


def describe() -> dict[str, object]:
    """Return date, machine, load and versions."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "load_before": round(os.getloadavg()[0], 2),
        "system": platform.platform(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "colloquy_with": {name: metadata.version(name) for name in OURS},
        "others_with": _their_versions(),
    }


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _their_versions() -> dict[str, str]:
    code = f"from importlib import metadata\nfor name in {THEIRS!r}: print(name, metadata.version(name))"
    done = subprocess.run([OTHERS, "-c", code], check=True, capture_output=True, text=True)
    return dict(line.split() for line in done.stdout.splitlines())
