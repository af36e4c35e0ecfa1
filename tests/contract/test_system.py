"""Health, documentation and counts."""

from __future__ import annotations

import re
from importlib.metadata import version
from urllib.parse import urljoin

import pytest

from app.schemas.specification import find_spec
from app.stores import Backend
from tests.contract.conftest import Api
from tests.contract.spec import specification

HELLO = {"role": "user", "content": "Hello"}


def test_health_and_readiness_need_no_key(api: Api) -> None:
    """Both answer small JSON to anyone; the first says what is running."""
    running = {"version": version("colloquy"), "build": "unknown"}
    for path, body in (("/health", {"status": "ok", **running}), ("/ready", {"status": "ready"})):
        response = api.client.get(path)
        assert (response.status_code, response.get_json()) == (200, body)


def test_readiness_costs_a_stranger_one_check(
    api: Api, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often it is asked meanwhile, the store is written to once."""
    checks: list[int] = []
    check_ready = backend.check_ready

    def count() -> None:
        checks.append(1)
        check_ready()

    monkeypatch.setattr(backend, "check_ready", count)
    monkeypatch.setattr("app.web.readiness.GOOD_SECONDS", 60.0)
    assert [api.client.get("/ready").status_code for _ in range(5)] == [200] * 5
    assert len(checks) == 1


def test_the_description_is_served(api: Api) -> None:
    """``/openapi.yaml`` is the file's own bytes, ``/openapi.json`` the same as JSON."""
    assert api.client.get("/openapi.yaml").data == find_spec().read_bytes()
    assert api.client.get("/openapi.json").get_json() == specification()


def test_the_documentation_needs_nothing_from_elsewhere(api: Api) -> None:
    """Everything that the page loads or leads to is a path of this server that answers."""
    html = api.client.get("/docs").get_data(as_text=True)
    named = {urljoin("/docs", path) for path in re.findall('(?:src|href)="([^"]+)"', html)}
    assert {"/docs/start.js", "/docs/style.css", "/docs/swagger-ui.css"} < named
    for path in named:
        response = api.client.get(path, headers={"Accept": "text/html"})
        assert response.status_code == 200
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert len(response.data) > 100
    assert api.client.get("/docs/other.js").status_code == 404


def test_the_documentation_is_found_with_a_slash(api: Api) -> None:
    """``/docs/`` leads to the page, wherever a proxy has put it."""
    response = api.client.get("/docs/")
    assert (response.status_code, response.headers["Location"]) == (308, "../docs")


def test_the_documentation_is_sent_once(api: Api) -> None:
    """Its files are compressed, and unchanged they are not sent again."""
    plain = api.client.get("/docs/swagger-ui-bundle.js")
    packed = api.client.get("/docs/swagger-ui-bundle.js", headers={"Accept-Encoding": "gzip"})
    assert len(packed.data) < len(plain.data) / 2
    known = {"Accept-Encoding": "gzip", "If-None-Match": packed.headers["ETag"]}
    assert api.client.get("/docs/swagger-ui-bundle.js", headers=known).status_code == 304


def test_the_documentation_has_secure_headers(api: Api) -> None:
    """The page may neither be framed nor run or load what is not its own."""
    headers = api.client.get("/docs").headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics", "/docs", "/openapi.yaml", "/openapi.json"])
def test_the_service_itself_is_at_the_root_only(api: Api, path: str) -> None:
    """Under /api/v1 there are no such routes."""
    assert api.client.get("/api/v1" + path).status_code == 404


def test_counts(api: Api, backend: Backend) -> None:
    """``/stats`` counts by kind and status, for the project or one namespace."""
    for name in ("a", "b", "c"):
        api.ok("POST", "/dialogue", {"id": name, "message": HELLO})
    api.ok("POST", "/dialogue/b/end")
    api.ok("POST", "/dialogue/c/archive")
    api.ok("POST", "/dialogue", {"id": "d", "namespace": "n"})
    api.ok("POST", "/memory", {"value": 1})
    assert api.ok("GET", "/stats") == {
        "dialogues": {"total": 4, "active": 2, "ended": 1, "archived": 1},
        "messages": 3,
        "memories": 1,
        "summaries": 0,
    }
    assert api.ok("GET", "/stats", query={"namespace": "n"})["dialogues"]["total"] == 1
    api.ok("DELETE", "/dialogue/a", query={"cascade": "true"})
    for _ in range(2):
        assert api.ok("GET", "/stats")["messages"] == 2
        while backend.sweep():
            pass
