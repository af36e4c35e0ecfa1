"""How MCP's transport to a server takes answers that say that it is busy."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.mcp import api
from app.mcp.api import HttpTransport


@pytest.mark.parametrize(("is_patient", "asked"), [(True, 3), (False, 1)])
def test_who_is_impatient_takes_the_first_answer(
    monkeypatch: pytest.MonkeyPatch, *, is_patient: bool, asked: int
) -> None:
    """Also where it says when to come back, for which the others wait."""
    monkeypatch.setattr(api, "REPEATS", api.REPEATS.new(total=2, backoff_factor=0.0, backoff_jitter=0.0))
    requests: list[str] = []

    class Busy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requests.append(self.path)
            self.send_response(429)
            self.send_header("Retry-After", "0")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Busy) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            transport = HttpTransport(f"http://127.0.0.1:{server.server_address[1]}")
            status, _ = transport.send("GET", "/key", None, {}, is_patient=is_patient)
        finally:
            server.shutdown()
            thread.join()
    assert status == 429
    assert requests == ["/key"] * asked
