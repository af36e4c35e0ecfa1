"""Exposure: no page may call from a browser unless it is listed, and answers carry safe headers."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import Headers

from app.settings import Settings, SettingsError
from app.stores import Backend
from app.wiring import connect
from tests.contract.conftest import application, make_key

PAGE = "https://app.example.org"
PREFLIGHT = {"Origin": PAGE, "Access-Control-Request-Method": "PUT"}


def client(backend: Backend, *origins: str) -> FlaskClient:
    """Return a client of a server that lists these origins."""
    connect(application(), Settings(cors_origins=origins or None), backend)
    return application().test_client()


def cors_headers(headers: Headers) -> set[str]:
    """Return the names of the headers that speak of CORS."""
    return {name for name in headers.keys() if name.startswith("Access-Control-")}  # noqa: SIM118  # by itself it yields pairs


def test_no_page_may_call_by_default(sqlite_backend: Backend) -> None:
    """Without a list of origins no answer carries a CORS header, a preflight's neither."""
    server = client(sqlite_backend)

    for method, path in (("GET", "/health"), ("OPTIONS", "/dialogue")):
        response = server.open(path, method=method, headers=PREFLIGHT)
        assert response.status_code == 200
        assert cors_headers(response.headers) == set()
        assert "Vary" not in response.headers


def test_a_listed_page_may_call(sqlite_backend: Backend) -> None:
    """A listed origin is named back and may read the headers that clients need."""
    server = client(sqlite_backend, "https://other.example.org", PAGE)
    headers = {"Origin": PAGE, "Authorization": f"Bearer {make_key(sqlite_backend)}"}

    response = server.post("/dialogue", headers=headers)

    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == PAGE
    exposed = set(response.headers["Access-Control-Expose-Headers"].split(", "))
    assert exposed >= {
        "ETag",
        "X-Request-Id",
        "RateLimit",
        "RateLimit-Policy",
        "Idempotent-Replayed",
        "Retry-After",
    }
    assert response.headers["Vary"] == "Origin"


def test_preflights_need_no_key(sqlite_backend: Backend) -> None:
    """A preflight is answered without a key: the path's methods, the headers that clients send."""
    response = client(sqlite_backend, PAGE).options("/dialogue/one", headers=PREFLIGHT)

    assert response.status_code == 200
    assert response.get_data() == b""
    assert {"GET", "PUT", "DELETE"} <= set(response.headers["Access-Control-Allow-Methods"].split(", "))
    allowed = set(response.headers["Access-Control-Allow-Headers"].split(", "))
    assert {"Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match"} <= allowed
    assert int(response.headers["Access-Control-Max-Age"]) > 0


def test_a_page_may_read_its_refusals(sqlite_backend: Backend) -> None:
    """Errors reach a listed page too: without a key, without a route."""
    server = client(sqlite_backend, PAGE)

    for path, status in (("/dialogue", 401), ("/nowhere", 404)):
        response = server.get(path, headers={"Origin": PAGE})
        assert response.status_code == status
        assert response.headers["Access-Control-Allow-Origin"] == PAGE


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example.org", "https://app.example.org.evil.org", "http://app.example.org", "null", ""],
)
def test_other_pages_may_not(sqlite_backend: Backend, origin: str) -> None:
    """An origin that is not listed to the letter gets nothing, and caches keep the answers apart."""
    response = client(sqlite_backend, PAGE).options("/dialogue", headers=PREFLIGHT | {"Origin": origin})

    assert cors_headers(response.headers) == set()
    assert response.headers["Vary"] == "Origin"


def test_any_page_without_credentials(sqlite_backend: Backend) -> None:
    """The star admits every page, never with credentials: keys travel in a header that the page sets."""
    server = client(sqlite_backend, "*")

    response = server.get("/health", headers={"Origin": "https://anything.example.org"})

    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in response.headers
    assert "Vary" not in response.headers
    assert cors_headers(server.get("/health").headers) == set()


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("*", ("*",)),
        ("https://App.example.org", ("https://app.example.org",)),
        (
            "http://localhost:3000, https://[2001:db8::1]:8443",
            ("http://localhost:3000", "https://[2001:db8::1]:8443"),
        ),
        ("capacitor://localhost", ("capacitor://localhost",)),
    ],
)
def test_origins_are_read(text: str, origins: tuple[str, ...]) -> None:
    """Origins are separated by commas and compared in lower case, as browsers send them."""
    assert Settings.from_environment({"COLLOQUY_CORS_ORIGINS": text}).cors_origins == origins


@pytest.mark.parametrize(
    "text", ["app.example.org", "https://app.example.org/", "https://a.org,*", "null", "https://*.org", ","]
)
def test_what_is_no_origin_is_refused(text: str) -> None:
    """Paths, patterns and the star among others are refused at start-up."""
    with pytest.raises(SettingsError, match="COLLOQUY_CORS_ORIGINS must be origins"):
        Settings.from_environment({"COLLOQUY_CORS_ORIGINS": text})


@pytest.mark.parametrize(
    "path", ["/health", "/stats", "/nowhere", "/openapi.json", "/docs", "/docs/start.js"]
)
def test_answers_are_safe_in_a_browser(sqlite_backend: Backend, path: str) -> None:
    """No answer is sniffed for another type, run as a page of its own, or kept by a shared cache."""
    headers = client(sqlite_backend).get(path).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "Cache-Control" in headers
    assert headers.getlist("Cache-Control") == [headers["Cache-Control"]]
