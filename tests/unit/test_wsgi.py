"""Requests as WSGI environments, and heads of responses."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn.http.body import Body, LengthReader

from app.server.piece_reader import PieceReader
from app.server.wsgi import Response, base_environ, build_environ


def parsed(*headers: tuple[str, str], path: str = "/dialogue/a") -> Any:
    """Return a request as gunicorn parses it."""
    return SimpleNamespace(
        method="GET",
        path=path,
        query="limit=1",
        version=(1, 1),
        scheme="http",
        body=Body(LengthReader(PieceReader(None), 0)),
        headers=headers,
    )


def test_environment_has_what_wsgi_asks_for() -> None:
    """Addresses, the decoded path, the query and the headers are where PEP 3333 puts them."""
    connection = base_environ(("10.0.0.7", 50000), ("10.0.0.1", 8080))
    request = parsed(("HOST", "chat.example"), ("CONTENT-TYPE", "text/plain"), path="/dialogue/%C3%A9%0A")
    environ = build_environ(request, connection)
    assert environ["REMOTE_ADDR"] == "10.0.0.7"
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("10.0.0.1", "8080")
    assert environ["PATH_INFO"].encode("latin-1").decode() == "/dialogue/é\n"
    assert (environ["QUERY_STRING"], environ["SERVER_PROTOCOL"]) == ("limit=1", "HTTP/1.1")
    assert (environ["HTTP_HOST"], environ["CONTENT_TYPE"]) == ("chat.example", "text/plain")
    assert "HTTP_CONTENT_TYPE" not in environ
    assert "HTTP_HOST" not in connection, "one request's headers must not reach the next"


def test_repeated_headers_are_joined() -> None:
    """A list may come in several headers (RFC 9110, section 5.3); none of them is lost."""
    request = parsed(("IF-NONE-MATCH", '"a-1"'), ("IF-NONE-MATCH", '"b-2"'))
    environ = build_environ(request, base_environ(("10.0.0.7", 1), ("10.0.0.1", 2)))
    assert environ["HTTP_IF_NONE_MATCH"] == '"a-1","b-2"'


def test_unix_socket_has_no_addresses() -> None:
    """What asks for a name of the server gets one, and nobody's address is made up."""
    environ = base_environ("", "/run/colloquy.sock")
    assert (environ["REMOTE_ADDR"], environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("", "localhost", "0")


@pytest.mark.parametrize("keeps_alive", [True, False])
def test_head_says_whether_the_connection_is_kept(*, keeps_alive: bool) -> None:
    """There is one Connection header, and it is the server's."""
    response = Response()
    response.start("200 OK", [("Content-Length", "2"), ("Connection", "close")])
    head = response.head(keeps_alive=keeps_alive).decode()
    assert head.startswith("HTTP/1.1 200 OK\r\n")
    assert head.endswith("\r\nContent-Length: 2\r\n\r\n")
    assert head.count("Connection:") == 1
    assert f"\r\nConnection: {'keep-alive' if keeps_alive else 'close'}\r\n" in head
    assert "\r\nDate: " in head
    assert response.closes


def test_body_is_closed_even_if_it_breaks() -> None:
    """What an application opened for its answer does not stay open."""
    closed = []

    def chunks() -> Iterator[bytes]:
        try:
            yield b"a"
            raise OSError("the rest is not there")
        finally:
            closed.append("closed")

    response = Response()
    with pytest.raises(OSError, match="the rest"):
        response.read(chunks())
    assert closed == ["closed"]


def test_plain_list_and_written_pieces_are_a_body() -> None:
    """WSGI allows an application both."""
    response = Response()
    response.start("200 OK", [])(b"a")
    response.read([b"b", b"c"])
    assert response.body == [b"a", b"b", b"c"]
    assert not response.closes
