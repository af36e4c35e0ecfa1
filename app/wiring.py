"""Colloquy: a conversation store for AI applications. This module alone wires its parts together."""

from __future__ import annotations

import logging
import os
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import orjson
from werkzeug.middleware.proxy_fix import ProxyFix

from . import logs
from .model_endpoint.client import EndpointClient
from .opening import open_backend, open_embedder
from .schemas.specification import find_spec, read_spec
from .server_folder import VECTORS
from .services.audit import drop_old
from .services.embedding import PERIOD, Embedding
from .services.erasure import resume_abandoned
from .services.retention import ExpirySweep
from .services.summarizer import Summarizer
from .settings import Settings
from .summaries.digest.extractive import Extractive
from .summaries.model.chat import Chat
from .summaries.model.chat_model import ChatModel
from .summaries.tokens import open_counter
from .sweeper import Background, Sweeper
from .telemetry.prometheus.exporter import open_exporter
from .telemetry.timing import measure
from .web.application import LeanFlask, PrefixMiddleware
from .web.authentication import Authenticator, OwnerAuthenticator
from .web.cors import Cors
from .web.cursors import Cursors
from .web.docs import assets
from .web.failed_logins import FailedLogins
from .web.heavy_requests import HeavyRequests
from .web.hooks import Hooks
from .web.operations import LeanFlaskApi
from .web.pages import pages
from .web.parts import Parts, Spec, parts_of
from .web.path_parameters import RestOfPath
from .web.rate_limits import open_limits
from .web.readiness import Readiness

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask import Flask

    from .meaning.embedder import Embedder
    from .meaning.matrices import Matrices
    from .stores import Backend
    from .summaries import Provider

log = logging.getLogger(__name__)


def open_provider(settings: Settings) -> Provider:
    """Return what makes summaries: the offline digest, or the model that the settings name."""
    if settings.summary_provider == "extractive":
        return Extractive()
    client = EndpointClient(
        settings.chat_url or "", settings.chat_key, settings.chat_timeout, settings.chat_retries
    )
    return Chat(
        ChatModel(client, settings.chat_model or ""),
        window=settings.chat_window,
        directory=settings.summary_templates,
        counter=open_counter(settings.chat_model),
    )


def create_app(settings: Settings, backend: Backend | None = None, owner_of: str | None = None) -> Flask:
    """Return the WSGI application; the store must have been migrated, and may be away.

    With ``owner_of`` every request is that of a project's owner: for a program that calls the application
    in its own process.
    """
    spec_yaml = find_spec().read_bytes()
    specification = read_spec(spec_yaml)
    app = LeanFlask(__name__, static_folder=None)
    app.url_map.merge_slashes = False
    app.url_map.converters["path"] = RestOfPath
    api = LeanFlaskApi(specification, f"{__package__}.handlers")
    app.register_blueprint(api.blueprint)
    app.register_blueprint(assets)
    app.register_blueprint(pages)
    Hooks(app, api.routes).install()
    app.wsgi_app = PrefixMiddleware(app.wsgi_app)  # type: ignore[method-assign]  # as Flask documents
    if settings.trusted_proxies:
        # Only the client's address: nothing here depends on the scheme, host or path that a proxy saw.
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # as Flask documents
            app.wsgi_app, x_for=settings.trusted_proxies, x_proto=0, x_host=0
        )
    app.extensions["colloquy_spec"] = Spec(spec_yaml, orjson.dumps(specification))
    connect(app, settings, backend or open_backend(settings), owner_of, open_embedder(settings))
    return app


def start_app() -> Flask:
    """Return the application that the environment describes, for a WSGI server, with its sweeper running.

    Raises SettingsError for a setting that cannot be.
    """
    settings = Settings.from_environment(os.environ)
    logs.configure(settings.log_level)
    app = _traced_app(settings) if wants_traces(os.environ) else create_app(settings)
    parts = parts_of(app)
    parts.sweeper.start()
    parts.metrics.start()
    if parts.embedding is not None:
        parts.embedding.start()
    return app


def wants_traces(environment: Mapping[str, str]) -> bool:
    """Whether OpenTelemetry's standard variables name a collector, and do not switch traces off."""
    is_off = (
        environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
        or environment.get("OTEL_TRACES_EXPORTER") == "none"
    )
    endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return not is_off and any(environment.get(name) for name in endpoints)


def _traced_app(settings: Settings) -> Flask:
    try:
        from .telemetry import otel
    except ImportError:
        log.warning("traces are asked for, but not installed: pip install -e '.[otel]' in Colloquy's folder")
        return create_app(settings)
    otel.start_tracing(os.environ)
    app = create_app(settings, otel.trace_calls(open_backend(settings)))
    otel.trace_requests(app)
    return app


def _open_matrices(settings: Settings) -> Matrices:
    """Return the vectors of this process, with the files that it shares with others of its server."""
    from .meaning.files import VectorFiles
    from .meaning.matrices import MOST_BYTES, Matrices

    folder = VECTORS.path
    return Matrices(MOST_BYTES, None if folder is None else VectorFiles(folder, settings.vector_bytes))


def connect(
    app: Flask,
    settings: Settings,
    backend: Backend,
    owner_of: str | None = None,
    embedder: Embedder | None = None,
) -> None:
    """Give an application its settings, its store and its embedder, for which it queues what it writes."""
    backend = measure(backend)
    failed_logins = FailedLogins()
    chores: list[Callable[[], None]] = [
        partial(failed_logins.note, backend),
        partial(drop_old, backend, settings.audit_days),
        partial(resume_abandoned, backend, timedelta(hours=settings.idempotency_hours)),
    ]
    if embedder is not None:
        matrices = _open_matrices(settings)
        backend.queue_for(embedder.model, matrices)
        chores.append(matrices.drop_old_files)
    app.config["MAX_CONTENT_LENGTH"] = settings.body_bytes
    app.extensions["colloquy"] = Parts(
        settings=settings,
        backend=backend,
        authenticator=OwnerAuthenticator(owner_of)
        if owner_of
        else Authenticator(backend, settings.key_cache),
        cursors=Cursors(backend.cursor_secret),
        failed_logins=failed_logins,
        heavy_requests=HeavyRequests(settings.threads),
        readiness=Readiness(backend),
        sweeper=Sweeper(backend, chores, ExpirySweep(backend).step),
        embedder=embedder,
        embedding=None
        if embedder is None
        else Background("embedding", PERIOD, Embedding(backend, embedder).work),
        metrics=open_exporter(settings.build),
        summarizer=Summarizer(backend, open_provider(settings), Extractive(), settings.summary_templates),
        limits=open_limits(settings),
        cors=Cors(settings.cors_origins) if settings.cors_origins else None,
    )
