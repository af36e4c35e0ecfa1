"""Traces over OTLP, with the extra ``otel``: of requests, of the store's calls, and of MongoDB's commands.

The standard variables (OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER and others) say
where they go and how many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.pymongo import PymongoInstrumentor
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from ..domain.version import VERSION
from .timing import OPERATIONS

B = TypeVar("B")

PROBES = "/health,/ready,/metrics"
"""What is asked for so often that a trace of it says nothing."""


def start_tracing(environment: Mapping[str, str]) -> None:
    """Send spans to the collector that the environment names; for a process, once."""
    named = {} if "OTEL_SERVICE_NAME" in environment else {SERVICE_NAME: "colloquy"}
    provider = TracerProvider(resource=Resource.create({SERVICE_VERSION: VERSION, **named}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    PymongoInstrumentor().instrument()


def trace_requests(app: Any) -> None:
    """Give each request of a Flask application a span, which continues the caller's trace."""
    FlaskInstrumentor().instrument_app(app, excluded_urls=PROBES)


class _Traced:
    """Stands before a store; what is not traced is the store's own."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        tracer = trace.get_tracer("colloquy.store", VERSION)
        for name in OPERATIONS:
            setattr(self, name, _traced(tracer, backend, name))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)


def trace_calls(backend: B) -> B:
    """Return the store with a span for each of its calls."""
    return cast("B", _Traced(backend))


def _traced(tracer: trace.Tracer, backend: Any, name: str) -> Callable[..., Any]:
    def traced(*args: Any, **options: Any) -> Any:
        # What an error says may quote content: its class is in the log.
        with tracer.start_as_current_span(f"store.{name}", record_exception=False):
            return getattr(backend, name)(*args, **options)

    return traced
