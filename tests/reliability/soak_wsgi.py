"""The application of the soak, as gunicorn loads it.

Each answer says what it cost, and the driver of MongoDB is heard.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pymongo import monitoring

from app.wiring import start_app
from tests.reliability.driver_sessions import Counter

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

FOLDER = "SOAK_FOLDER"
"""The environment's variable that names the folder of the driver's counters."""

COST = "x-cost"
"""The header with the nanoseconds of processor time that the thread of a request took for its answer."""


class Priced:
    """Adds that header; reading the request and sending the answer come before and after."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        begun = time.thread_time_ns()

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            return start_response(status, [*headers, (COST, str(time.thread_time_ns() - begun))], *error)

        return self._application(environ, start)


def create() -> object:
    """Return the application."""
    monitoring.register(Counter(Path(os.environ[FOLDER])))
    app = start_app()
    app.wsgi_app = Priced(app.wsgi_app)  # type: ignore[method-assign]  # as Flask documents
    return app
