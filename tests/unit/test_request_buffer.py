"""How much of a request has to be there before a thread is given to it."""

from __future__ import annotations

import pytest

from app.domain.limits import MOST_BODY_BYTES
from app.server.request_buffer import HEAD_BYTES, LINE_BYTES, PREFETCH_BYTES, RequestBuffer

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n"


def buffered(*pieces: bytes) -> RequestBuffer:
    """Return a buffer that has these pieces."""
    buffer = RequestBuffer()
    for piece in pieces:
        buffer.add(piece)
    return buffer


@pytest.mark.parametrize(
    ("raw", "ready"),
    [
        (b"", False),
        (b"GET / HTTP/1.1\r\nHost: a\r\n", False),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", True),
        (HEAD + b"Content-Length: 3\r\n\r\n12", False),
        (HEAD + b"content-length:3 \r\n\r\n123", True),
        (HEAD + b"Content-Length: 3\r\n\r\n123GET / HTTP/1.1\r\n", True),
        (HEAD + b"Content-Length: three\r\n\r\n", True),
        (HEAD + b"Content-Length: " + b"9" * 400 + b"\r\n\r\n", True),
        (HEAD + b"Content-Length: 99999999\r\n\r\n", True),
        (HEAD + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n", True),
        (HEAD + b"Content-Length: 1000000\r\n\r\n" + b"1" * (PREFETCH_BYTES - 1), False),
        (HEAD + b"Content-Length: 1000000\r\n\r\n" + b"1" * PREFETCH_BYTES, True),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", False),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", False),
        (HEAD + b"Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n", True),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-Y: z\r\n\r\n", True),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1" * PREFETCH_BYTES, True),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1" * LINE_BYTES, False),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1" * (LINE_BYTES + 1), True),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: " + b"a" * LINE_BYTES, True),
        (HEAD + b"Transfer-Encoding: zip\r\n\r\n", True),
    ],
)
def test_thread_takes_a_request_when_its_beginning_is_there(raw: bytes, *, ready: bool) -> None:
    """The head and up to 64 KiB of the body are awaited, however they come in pieces."""
    assert buffered(raw).is_ready is ready
    assert buffered(*(raw[place : place + 1] for place in range(len(raw)))).is_ready is ready
    assert bytes(buffered(raw[:9], raw[9:]).data) == raw


@pytest.mark.parametrize(
    ("raw", "long"),
    [
        (b"A" * HEAD_BYTES, False),
        (b"A" * (HEAD_BYTES + 1), True),
        (b"GET / HTTP/1.1\r\nA: " + b"A" * HEAD_BYTES + b"\r\n\r\n", True),
        (HEAD + b"Content-Length: 99999\r\n\r\n" + b"A" * HEAD_BYTES, False),
    ],
)
def test_head_has_a_limit(raw: bytes, *, long: bool) -> None:
    """More than 64 KiB of head are too much, whether it ends or not; the body does not count."""
    assert buffered(raw).has_long_head is long


@pytest.mark.parametrize(
    ("raw", "whole"),
    [
        (HEAD, False),
        (HEAD + b"\r\n", True),
        (HEAD + b"Content-Length: 100000\r\n\r\n" + b"A" * 99_999, False),
        (HEAD + b"Content-Length: 100000\r\n\r\n" + b"A" * 100_000, True),
        (HEAD + b"Content-Length: 99999999\r\n\r\n", True),
        (HEAD + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n{}", True),
        (HEAD + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n{", False),
        (HEAD + b"Content-Length: " + b"0" * 30 + b"2\r\n\r\n{", False),
        (HEAD + b"Content-Length: +2\r\n\r\n{}", False),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", True),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\nX-Y: z\r\n\r\n", True),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n9\r\n\r\n0\r\n\r\n", False),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", False),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n", False),
        (HEAD + b"Transfer-Encoding: identity, chunked\r\n\r\n", False),
        (HEAD + b"Transfer-Encoding: zip\r\n\r\n", False),
    ],
)
def test_whole_is_what_no_thread_waits_for(raw: bytes, *, whole: bool) -> None:
    """A request is whole when its length or its chunks say so, and in doubt it is not."""
    assert buffered(raw).is_complete is whole
    assert buffered(*(raw[place : place + 1] for place in range(len(raw)))).is_complete is whole


@pytest.mark.parametrize("framing", [b"chunked", b"identity, chunked"])
def test_a_body_without_an_end_is_kept_up_to_a_bound(framing: bytes) -> None:
    """Beyond the longest body there can be, its thread decides; until then it may be as long as that."""
    head, chunk = HEAD + b"Transfer-Encoding: " + framing + b"\r\n\r\n", b"4000000\r\n"
    longest = len(head) + MOST_BODY_BYTES
    buffer = buffered(head + chunk, bytes(MOST_BODY_BYTES - len(chunk)))
    assert (buffer.is_complete, buffer.expected_bytes > longest) == (False, True)
    buffer.add(b"a")
    assert (buffer.is_complete, buffer.is_large, buffer.expected_bytes) == (True, True, longest + 1)


EXPECT = HEAD + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"


@pytest.mark.parametrize(
    ("pieces", "awaits"),
    [
        ([EXPECT], True),
        ([EXPECT + b"{"], False),
        ([EXPECT, b"{"], False),
        ([HEAD + b"Content-Length: 2\r\n\r\n"], False),
        ([HEAD + b"Expect: 100-continue\r\n\r\n"], False),
        ([HEAD + b"Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n"], False),
    ],
)
def test_client_that_sent_no_body_may_wait_to_be_told(pieces: list[bytes], *, awaits: bool) -> None:
    """Only a client that announced a body which can be taken, and sent none of it, awaits "100 Continue"."""
    assert buffered(*pieces).awaits_continue is awaits
