"""Colloquy with each commit slowed by BENCH_COMMIT_DELAY seconds, as on a disk that syncs slowly."""

from __future__ import annotations

import os
from pathlib import Path

from app.settings import Settings
from app.stores.sqlite import open_sqlite
from app.wiring import SQLITE, create_app

settings = Settings.from_environment(os.environ)
backend = open_sqlite(
    Path(settings.store_url.removeprefix(SQLITE)),
    timeout=settings.request_timeout,
    commit_delay=float(os.environ["BENCH_COMMIT_DELAY"]),
)
app = create_app(settings, backend)
