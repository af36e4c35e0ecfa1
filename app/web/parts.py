"""The record of parts: what ``create_app`` put together for one application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from flask import Flask

    from ..meaning.embedder import Embedder
    from ..services.summarizer import Summarizer
    from ..settings import Settings
    from ..stores import Backend
    from ..sweeper import Background, Sweeper
    from ..telemetry.prometheus.exporter import Exporter
    from .authentication import Authenticator, OwnerAuthenticator
    from .cors import Cors
    from .cursors import Cursors
    from .failed_logins import FailedLogins
    from .heavy_requests import HeavyRequests
    from .rate_limits import Limits
    from .readiness import Readiness


@dataclass(frozen=True, slots=True)
class Spec:
    """``openapi.yaml`` as it is served: the file's own bytes, and the same as JSON."""

    yaml: bytes
    json: bytes


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one application."""

    settings: Settings
    backend: Backend
    authenticator: Authenticator | OwnerAuthenticator
    cursors: Cursors
    failed_logins: FailedLogins
    heavy_requests: HeavyRequests
    readiness: Readiness
    sweeper: Sweeper
    embedder: Embedder | None
    embedding: Background | None
    metrics: Exporter
    summarizer: Summarizer
    limits: Limits
    cors: Cors | None


def parts_of(app: Flask) -> Parts:
    """Return the parts of an application."""
    return cast("Parts", app.extensions["colloquy"])


def spec_of(app: Flask) -> Spec:
    """Return the description that an application serves."""
    return cast("Spec", app.extensions["colloquy_spec"])
