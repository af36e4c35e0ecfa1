"""The pages for people: the console's files, and what / says to browsers and to programs."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from app.web.pages import FOLDER, read_files

from .conftest import Api

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_a_browser_finds_its_way_from_the_root(api: Api) -> None:
    """``/`` says to a browser what this server is, and links to the console and the documentation."""
    response = api.client.get("/", headers=BROWSER)

    assert response.status_code == 200
    assert response.mimetype == "text/html"
    assert {'href="console/"', 'href="docs"'} <= set(re.findall(r'href="[a-z/]+"', response.text))
    assert "Accept" in response.headers["Vary"]


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "application/json, text/html;q=0.9"])
def test_to_a_program_the_root_is_no_route(api: Api, accept: str | None) -> None:
    """Without a wish for HTML, ``/`` is answered as any path that is no route."""
    response = api.client.get("/", headers={} if accept is None else {"Accept": accept})

    assert response.status_code == 404
    assert response.get_json()["error"]["code"] == "ROUTE_NOT_FOUND"


def test_the_console_is_a_folder(api: Api) -> None:
    """Its page names files relative to itself, so the address without a slash leads to the one with it."""
    response = api.client.get("/console")

    assert response.status_code == 308
    assert response.headers["Location"] == "console/"
    assert api.client.get("/console/").text == (FOLDER / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", ["/", "/console/", "/console/main.js", "/console/style.css"])
def test_pages_may_run_and_load_only_what_is_theirs(api: Api, path: str) -> None:
    """The policy names no other origin, no inline script or style, and no way from text to HTML."""
    headers = api.client.get(path, headers=BROWSER).headers
    policy = headers["Content-Security-Policy"]

    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert "//" not in policy
    assert "require-trusted-types-for 'script'; trusted-types 'none'" in policy
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_every_file_of_the_console_is_served(api: Api) -> None:
    """Each has its type, and comes compressed to whom takes that."""
    for name, file in read_files().items():
        plain = api.client.get(f"/console/{name}")
        packed = api.client.get(f"/console/{name}", headers={"Accept-Encoding": "gzip"})

        assert plain.mimetype == file.mimetype
        assert plain.data == (FOLDER / name).read_bytes()
        assert packed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.data) == plain.data


def test_a_file_that_has_not_changed_is_not_sent_again(api: Api) -> None:
    """A browser asks each time, so that a new release shows at once, and mostly gets a 304."""
    first = api.client.get("/console/main.js")
    again = api.client.get("/console/main.js", headers={"If-None-Match": first.headers["ETag"]})

    assert first.headers["Cache-Control"] == "no-cache"
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize(
    "name", ["nothing.js", "types.d.ts", "../wiring.py", "..%2fwiring.py", "vendor/marked.LICENSE", "pages"]
)
def test_nothing_else_is_served(api: Api, name: str) -> None:
    """Only the files that the page needs are there."""
    response = api.client.get(f"/console/{name}")

    assert response.status_code == 404
    assert response.get_json()["error"]["code"] == "ROUTE_NOT_FOUND"


def test_the_console_is_at_the_root_only(api: Api) -> None:
    """Under /api/v1 there is no such page."""
    assert api.client.get("/api/v1/console/").status_code == 404


def test_the_console_is_light() -> None:
    """All of it together is at most 150 KB, compressed."""
    assert sum(len(file.compressed) for file in read_files().values()) <= 150_000


IMPORT = re.compile(r'^\s*import (?:[^"]*from )?"(\.[^"]+)";|(?:src|href)="([^"/#:]+\.\w+)"', re.MULTILINE)


def test_every_file_that_is_loaded_is_there() -> None:
    """What a script imports or the page links exists, and nothing lies there that nothing loads."""
    reached = {Path("index.html"), Path("welcome.html")}
    waiting = list(reached)
    while waiting:
        path = waiting.pop()
        at = FOLDER.parent if path.name == "welcome.html" else FOLDER / path.parent
        for pair in IMPORT.findall((FOLDER / path).read_text(encoding="utf-8")):
            loaded = (at / "".join(pair)).resolve()
            if loaded == FOLDER.parent / "openapi.yaml":
                continue
            found = loaded.relative_to(FOLDER)
            if found not in reached:
                reached.add(found)
                waiting.append(found)

    assert {path.as_posix() for path in reached} == set(read_files())


def test_a_key_is_told_what_it_may_do(api: Api) -> None:
    """``/key`` answers the project, the rights and the namespace of the key that asks, and never the key."""
    answer = api.ok("GET", "/key")

    assert answer["rights"] == "full"
    assert set(answer) == {"id", "project", "rights"}
