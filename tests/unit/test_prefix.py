"""``/api/v1`` before a path means the same path, except before what is at the root only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from app.web.application import PrefixMiddleware


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/dialogue", ("", "/dialogue")),
        ("/api/v1/dialogue", ("/api/v1", "/dialogue")),
        ("/api/v1/", ("/api/v1", "/")),
        ("/api/v1", ("", "/api/v1")),
        ("/api/v1dialogue", ("", "/api/v1dialogue")),
        ("/api/v1/api/v1/dialogue", ("/api/v1", "/api/v1/dialogue")),
        ("/api/v1/health", ("", "/api/v1/health")),
        ("/api/v1/docs/start.js", ("", "/api/v1/docs/start.js")),
        ("/api/v1/openapi.yaml", ("", "/api/v1/openapi.yaml")),
    ],
)
def test_prefix_moves_to_the_script_name(path: str, seen: tuple[str, str]) -> None:
    """The application sees the path without its first prefix, and is told of it."""

    def app(environ: dict[str, Any], _start: Any) -> Iterable[bytes]:
        return [environ["SCRIPT_NAME"].encode(), environ["PATH_INFO"].encode()]

    answer = PrefixMiddleware(app)({"SCRIPT_NAME": "", "PATH_INFO": path}, lambda *_: lambda _: None)
    assert tuple(part.decode() for part in answer) == seen
