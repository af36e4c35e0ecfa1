"""The pages for people: the console at /console, and at / one that says what this server is.

Both are static files of ``console/``. They run nothing but their own scripts, load nothing from elsewhere,
and the policy below holds browsers to that: no inline script or style, and no text that becomes HTML.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound

FOLDER = Path(__file__).parents[1] / "console"
TYPES = {".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".svg": "image/svg+xml"}
"""What is served of the folder."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # A new release shows at once; what has not changed is a 304.
    "Cache-Control": "no-cache",
    "Vary": "Accept-Encoding",
}

pages = Blueprint("pages", __name__)


@dataclass(frozen=True, slots=True)
class File:
    """A file as it is sent: plain, compressed, with its ETag."""

    mimetype: str
    plain: bytes
    compressed: bytes
    etag: str


@cache
def read_files() -> dict[str, File]:
    """Return what is served, by its path below /console."""
    return {
        path.relative_to(FOLDER).as_posix(): read_file(path)
        for path in sorted(FOLDER.rglob("*.*"))
        if path.suffix in TYPES
    }


def read_file(path: Path) -> File:
    """Read a file, and compress it once for all."""
    plain = path.read_bytes()
    return File(TYPES[path.suffix], plain, gzip.compress(plain, mtime=0), sha256(plain).hexdigest()[:24])


@pages.get("/")
def get_welcome() -> Response:
    """GET /: where browsers find their way; to programs it is no route."""
    if request.accept_mimetypes.best_match(["application/json", "text/html"]) != "text/html":
        raise NotFound
    response = _send("welcome.html")
    response.vary.add("Accept")
    return response


@pages.get("/console")
def get_console() -> Response:
    """GET /console: to the folder that the page's files are relative to."""
    return Response(status=308, headers={"Location": "console/"})


@pages.get("/console/")
@pages.get("/console/<path:name>")
def get_file(name: str = "index.html") -> Response:
    """GET /console/{name}: a file of the console."""
    return _send(name)


def _send(name: str) -> Response:
    file = read_files().get(name)
    if file is None:
        raise NotFound
    return answer_file(file, HEADERS)


def answer_file(file: File, headers: dict[str, str]) -> Response:
    """Answer a file, compressed for whoever takes that, or 304 for whoever has it."""
    compressed = request.accept_encodings.quality("gzip") > 0
    response = Response(
        file.compressed if compressed else file.plain, mimetype=file.mimetype, headers=headers
    )
    if compressed:
        response.headers["Content-Encoding"] = "gzip"
    response.set_etag(f"{file.etag}-gzip" if compressed else file.etag)
    response.make_conditional(request.environ)
    return response
