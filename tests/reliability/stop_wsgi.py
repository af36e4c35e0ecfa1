"""The application of the stops, as gunicorn loads it: Colloquy over a store that stops on demand."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, cast

from app.opening import open_backend
from app.services import erasure
from app.settings import Settings
from app.wiring import create_app
from tests.reliability.stop_points import StoppingBackend

if TYPE_CHECKING:
    from app.stores import Backend

# So that what is staged takes several steps to erase, between which it can be stopped.
erasure.STEP = 2  # type: ignore[misc]  # a Final, made small for this process alone

settings = Settings.from_environment(os.environ)
app = create_app(settings, cast("Backend", StoppingBackend(open_backend(settings))))
