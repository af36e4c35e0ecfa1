"""Logs: one JSON object a line on standard error; never a key, never content."""

from __future__ import annotations

import logging
import sys

import orjson

from app import clock


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object; access lines are JSON already."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        if record.name == "colloquy.access":
            return record.getMessage()
        fields = {
            "time": clock.now(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(fields).decode()


def configure(level: str) -> None:
    """Send everything from ``level`` up to standard error; Connexion only speaks of trouble."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("connexion").setLevel(logging.ERROR)
    logging.getLogger("pymongo").setLevel(logging.WARNING)
