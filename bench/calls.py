"""Which of our files, and how many of our calls, a request passes through on SQLite, without a server.

The walk is a list of files, in the order in which the request enters them, each with its calls. A call is
what ``sys.setprofile`` reports: of a function, of a comprehension, or back into a generator. One request of
each kind runs before the one that counts, so that the key is known and everything is imported. The access
log is closed.
"""

from __future__ import annotations

import io
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

from app import logs, wiring
from bench.inprocess import Application, call, environ_of, on_sqlite

PACKAGE = Path(wiring.__file__).parent
MESSAGE = b'{"dialogueId": "d7", "role": "user", "content": "The invoice is due on Friday."}'


def main() -> int:
    """Print the walk of each kind of request."""
    with tempfile.TemporaryDirectory() as folder:
        app = on_sqlite(Path(folder)).ours
        logs.access.close()
        for name, request in (("POST /message", post_request), ("GET /dialogue/{id}", get_request)):
            call(app, request())
            print_walk(name, count_calls(app, request()))
    return 0


def post_request() -> dict[str, Any]:
    """Return a request that appends a message."""
    path = {"PATH_INFO": "/message", "RAW_URI": "/message", "CONTENT_LENGTH": str(len(MESSAGE))}
    return environ_of("append", random.Random(0)) | path | {"wsgi.input": io.BytesIO(MESSAGE)}


def get_request() -> dict[str, Any]:
    """Return a request for a dialogue."""
    return environ_of("get", random.Random(0))


def count_calls(app: Application, request: dict[str, Any]) -> Counter[str]:
    """Return the calls of each file of the package while an application answers a request."""
    calls: Counter[str] = Counter()

    def profile(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            path = Path(frame.f_code.co_filename)
            if path.is_relative_to(PACKAGE):
                calls[str(path.relative_to(PACKAGE))] += 1

    sys.setprofile(profile)
    try:
        call(app, request)
    finally:
        sys.setprofile(None)
    return calls


def print_walk(name: str, calls: Counter[str]) -> None:
    """Print the files of a walk in the order in which they were entered."""
    print(f"{name}: {len(calls)} files, {calls.total()} calls")
    for path, count in calls.items():
        print(f"  {count:3}  {path}")


if __name__ == "__main__":
    sys.exit(main())
