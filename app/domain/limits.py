"""Limits that several rooms keep: the server counts what arrives, the application what it reads."""

from __future__ import annotations

BODY_BYTES = 8 * 1024 * 1024
"""The largest request body, in bytes."""
