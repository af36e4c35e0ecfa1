"""Colloquy with each commit slowed by BENCH_COMMIT_DELAY seconds, as on a disk that syncs slowly."""

from __future__ import annotations

import os

from app.settings import Settings
from app.stores.sqlite import open_sqlite
from app.wiring import create_app

settings = Settings.from_environment(os.environ)
if settings.sqlite_path is None:
    raise SystemExit("only SQLite's commits can be slowed")
backend = open_sqlite(
    settings.sqlite_path,
    timeout=settings.request_timeout,
    commit_delay=float(os.environ["BENCH_COMMIT_DELAY"]),
)
app = create_app(settings, backend)
