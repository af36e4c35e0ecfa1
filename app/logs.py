"""Logs: one JSON object a line on standard error; never a key, never content.

A traceback says where, and what kind of error: the file, line and function of each frame, the class of
the exception and its code. It leaves out the exception's own text, which may quote a message or a memory.
"""

from __future__ import annotations

import contextlib
import enum
import logging
import os
import re
import sys
import threading
import traceback
from typing import Any

import orjson

from .domain import timestamps
from .settings import SettingsError

_ECHO = re.compile(r"(Invalid request from ip=\S*): .*|(Error handling request) .*", re.DOTALL)
"""Messages of gunicorn about requests that it could not read; what they quote may hold a key."""

CODES = ("sqlite_errorname", "code", "errno", "name")
"""Attributes in which SQLite, MongoDB, the system and imports name an error by a number or a word."""


class Level(enum.IntEnum):
    """How much a line matters, in the logging module's numbers."""

    INFO = logging.INFO
    WARNING = logging.WARNING
    ERROR = logging.ERROR


class _Thread(threading.local):
    """Which trace the request of the thread at hand belongs to."""

    trace: str | None = None


_thread = _Thread()


def follow_trace(trace_id: str | None) -> None:
    """Put the id of a trace into every line of this thread from now on; None: into none."""
    _thread.trace = trace_id


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        fields: dict[str, Any] = {
            "time": timestamps.now(),
            "level": record.levelname.lower(),
            "logger": part_of(record.name),
            "message": _ECHO.sub(r"\1\2", record.getMessage()),
        }
        if _thread.trace is not None:
            fields["traceId"] = _thread.trace
        if record.exc_info and record.exc_info[1] is not None:
            fields["traceback"] = trace(record.exc_info[1])
        return orjson.dumps(fields).decode()


class AccessLog:
    """One line for each request, past the logging module, whose records cost more than reading the store.

    Closed until ``open`` names a file descriptor.
    """

    def __init__(self) -> None:
        self._descriptor = -1
        self._least: int = logging.CRITICAL

    def open(self, descriptor: int, least: int) -> None:
        """Write lines from a level up to a file descriptor from now on."""
        self._descriptor = descriptor
        self._least = least

    def close(self) -> None:
        """Write no more."""
        self._least = logging.CRITICAL

    def takes(self, level: Level) -> bool:
        """Whether lines of this level are written."""
        return level >= self._least

    def write(self, fields: dict[str, Any]) -> None:
        """Write a line in one call, so that lines of several threads and processes stay whole."""
        line = orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)
        # No request fails because nobody takes its line.
        with contextlib.suppress(OSError):
            os.write(self._descriptor, line)


access = AccessLog()


def part_of(name: str) -> str:
    """Return which part of the program a logger speaks for: its module, whatever the package is called."""
    package = __name__.partition(".")[0]
    return name.removeprefix(f"{package}.")


def trace(error: BaseException) -> list[str]:
    """Return where an exception and those behind it were raised, the last first, without their texts."""
    lines: list[str] = []
    seen: set[int] = set()
    shown: BaseException | None = error
    while shown is not None and id(shown) not in seen:
        seen.add(id(shown))
        lines.append(_kind(shown))
        lines += [
            f"  {frame.filename}:{frame.lineno} in {frame.name}"
            for frame in traceback.extract_tb(shown.__traceback__)
        ]
        shown = shown.__cause__ or (None if shown.__suppress_context__ else shown.__context__)
    return lines


def _kind(error: BaseException) -> str:
    """Return the class of an exception, with what it says that cannot be anybody's content."""
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    if isinstance(error, SettingsError):
        return f"{name} ({error})"
    for code in (getattr(error, source, None) for source in CODES):
        if isinstance(code, int) or (isinstance(code, str) and code.isidentifier()):
            return f"{name} ({code})"
    return name


def configure(level: str) -> None:
    """Send everything from ``level`` up to standard error; Connexion only speaks of trouble."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    access.open(handler.stream.fileno(), logging.getLogger().getEffectiveLevel())
    logging.getLogger("connexion").setLevel(logging.ERROR)
    logging.getLogger("pymongo").setLevel(logging.WARNING)
