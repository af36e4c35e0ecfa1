"""Traces: with the extra ``otel`` a collector receives a request's trace as a whole."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from app.wiring import wants_traces
from tests.server import serving

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


class Collector(HTTPServer):
    """Receives spans over OTLP."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receiver)
        self.spans: list[Any] = []

    def of_trace(self, trace_id: str) -> list[Any]:
        """Return the spans of one trace that have come."""
        return [span for span in list(self.spans) if span.trace_id.hex() == trace_id]


class _Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Keep the spans of one export."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        received = ExportTraceServiceRequest.FromString(body)
        server = self.server
        assert isinstance(server, Collector)
        server.spans += [
            span
            for resource in received.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Be quiet."""


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """Run a collector and name it in the environment."""
    server = Collector()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.server
def test_a_collector_receives_a_whole_trace(collector: Collector, tmp_path: Path) -> None:
    """The request's span continues the caller's trace, and the store's calls are below it."""
    with serving(f"sqlite:///{tmp_path}/store.db", tmp_path / "server.log", WORKERS="1") as server:
        headers = {
            "Authorization": f"Bearer {server.key}",
            "traceparent": f"00-{TRACE}-{PARENT}-01",
        }
        body = {"id": "d", "message": {"role": "user", "content": "Hello"}}
        httpx.post(server.url + "/dialogue", json=body, headers=headers).raise_for_status()
        deadline = time.monotonic() + 20
        while len(collector.of_trace(TRACE)) < 2 and time.monotonic() < deadline:
            time.sleep(0.1)

    spans = {span.name: span for span in collector.of_trace(TRACE)}
    request = spans["POST /dialogue"]
    assert request.parent_span_id.hex() == PARENT
    assert spans["store.write"].parent_span_id == request.span_id


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
    ],
)
def test_traces_go_where_a_collector_is_named(environment: dict[str, str], *, wanted: bool) -> None:
    """Without an endpoint, or when OpenTelemetry is switched off, nothing is traced."""
    assert wants_traces(environment) is wanted
