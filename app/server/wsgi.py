"""Requests as WSGI environments (PEP 3333), and responses as HTTP/1.1 (RFC 9112).

What all requests of a connection have in common is built once. A response is written when it is complete, so
that an application that fails halfway has sent nothing.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from gunicorn.http import wsgi
from gunicorn.util import http_date

from .chunks import bound_chunks

CONTENT: Final = {"CONTENT-TYPE": "CONTENT_TYPE", "CONTENT-LENGTH": "CONTENT_LENGTH"}
"""Headers whose names WSGI does not prefix."""


def base_environ(client: Any, server: Any) -> dict[str, Any]:
    """Return the part of the environment that all requests of a connection share.

    ``client`` and ``server`` are addresses as sockets have them; a Unix socket's has no host and no port.
    """
    is_network = isinstance(server, tuple)
    return {
        "REMOTE_ADDR": client[0] if is_network else "",
        "SERVER_NAME": server[0] if is_network else "localhost",
        "SERVER_PORT": str(server[1]) if is_network else "0",
        "SCRIPT_NAME": "",
        "wsgi.version": (1, 0),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }


def build_environ(request: Any, connection: dict[str, Any]) -> dict[str, Any]:
    """Return the environment of a request that gunicorn has parsed."""
    environ = connection | {
        "REQUEST_METHOD": request.method,
        "PATH_INFO": unquote_to_bytes(request.path).decode("latin-1"),
        "QUERY_STRING": request.query,
        "SERVER_PROTOCOL": f"HTTP/1.{request.version[1]}",
        "wsgi.url_scheme": request.scheme,
        "wsgi.input": bound_chunks(request.body),
    }
    for name, value in request.headers:
        key = CONTENT.get(name) or f"HTTP_{name.replace('-', '_')}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ


class Response:
    """The application's response to one request.

    Werkzeug, which makes all responses, sets their lengths, leaves out the body where the status or the
    method has none, and refuses a header with a line break.
    """

    def __init__(self) -> None:
        self.status = ""
        self.headers: list[tuple[str, str]] = []
        self.body: list[bytes] = []

    def start(
        self, status: str, headers: list[tuple[str, str]], _failure: object = None
    ) -> Callable[[bytes], object]:
        """Keep the status and the headers: WSGI's ``start_response``."""
        self.status = status
        self.headers = headers
        return self.body.append

    def read(self, chunks: Iterable[bytes]) -> None:
        """Read the body to its end, and close it where it can be closed."""
        try:
            self.body += chunks
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()

    @property
    def closes(self) -> bool:
        """Whether the application asks for the connection to be closed."""
        return any(name == "Connection" and value == "close" for name, value in self.headers)

    def head(self, *, keeps_alive: bool) -> bytes:
        """Return the response's head; ``keeps_alive`` says whether the connection stays open."""
        lines = [
            f"HTTP/1.1 {self.status}",
            f"Server: {wsgi.SERVER}",
            f"Date: {_date(int(time.time()))}",
            f"Connection: {'keep-alive' if keeps_alive else 'close'}",
        ]
        lines += [f"{name}: {value}" for name, value in self.headers if name != "Connection"]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    """Return a time as headers have it; most requests share their second with the one before."""
    text: str = http_date(second)
    return text
