"""The interactive documentation: Swagger UI from an installed package, nothing from elsewhere."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

from flask import Blueprint, Response

from .pages import File, answer_file, read_file

FOLDER = Path(__file__).parents[1] / "api_docs"
"""The page, and what is ours of what it loads."""

# Swagger UI sets style attributes and embeds its icons as data URLs; scripts come from here alone.
PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    # A new release shows at once; what has not changed is a 304.
    "Cache-Control": "no-cache",
    "Vary": "Accept-Encoding",
}
ASSET_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
    "Vary": "Accept-Encoding",
}

assets = Blueprint("docs_assets", __name__, url_prefix="/docs")


@cache
def _read_files() -> dict[str, File]:
    """Return what is served, by its name."""
    package = Path(str(files("flask_swagger_ui"))) / "dist"
    paths = [FOLDER / name for name in ("index.html", "start.js", "style.css")]
    paths += [package / name for name in ("swagger-ui.css", "swagger-ui-bundle.js")]
    return {path.name: read_file(path) for path in paths}


def answer_page() -> Response:
    """Return the page itself."""
    return answer_file(_read_files()["index.html"], PAGE_HEADERS)


@assets.get("/")
def get_folder() -> Response:
    """GET /docs/: to the page, whose files are relative to where it is."""
    return Response(status=308, headers={"Location": "../docs"})


@assets.get("/<any('start.js', 'style.css', 'swagger-ui.css', 'swagger-ui-bundle.js'):name>")
def get_asset(name: str) -> Response:
    """GET /docs/{name}: a file that the page loads."""
    return answer_file(_read_files()[name], ASSET_HEADERS)
