"""The interactive documentation: Swagger UI from an installed package, nothing from elsewhere."""

from __future__ import annotations

from importlib.resources import files

from flask import Blueprint, Response

ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
"""What the page loads from the package."""

START = """\
window.addEventListener("load", () => {
  SwaggerUIBundle({ url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true });
});
"""

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Colloquy API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""

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
}

assets = Blueprint("docs_assets", __name__, url_prefix="/docs")


@assets.get("/<any('start.js', 'swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png'):name>")
def get_asset(name: str) -> Response:
    """GET /docs/{name}: a file that the page loads."""
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "max-age=3600"}
    if name == "start.js":
        return Response(START, mimetype="text/javascript", headers=headers)
    content = (files("flask_swagger_ui") / "dist" / name).read_bytes()
    return Response(content, mimetype=ASSETS[name], headers=headers)
