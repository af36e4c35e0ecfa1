"""The application of the stops, as gunicorn loads it: Colloquy over a store that stops on demand."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, cast

from app.settings import Settings
from app.wiring import create_app, open_backend
from tests.reliability.stop_points import StoppingBackend

if TYPE_CHECKING:
    from app.stores import Backend

settings = Settings.from_environment(os.environ)
app = create_app(settings, cast("Backend", StoppingBackend(open_backend(settings))))
