"""What has come of a request, and whether that is enough to handle it."""

from __future__ import annotations

import re

from ..domain.limits import MOST_BODY_BYTES
from .chunks import are_too_small

HEAD_BYTES = 64 * 1024
"""The longest request line and headers together, in bytes; beyond it the response is 431."""

PREFETCH_BYTES = 64 * 1024
"""How much of a body is read ahead; the rest of a larger one is read by the thread that handles it."""

LINE_BYTES = 16 * 1024
"""The longest line with the size of a chunk, or trailers behind the last, whose end is awaited here."""

_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"0*[0-9]{1,18}")
_CHUNK_SIZE = re.compile(rb"[0-9a-fA-F]{1,8}")
_KEY = re.compile(rb"\r\nauthorization:[ \t]*([^\r\n]*)", re.IGNORECASE)
_FRAMING = re.compile(rb"\r\n(content-length|transfer-encoding|expect)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)


class RequestBuffer:
    """What has come of one request. Its framing is only estimated here; gunicorn's parser decides it.

    A wrong estimate costs little: a request that is handled too early is read by its thread, against a
    deadline, and one that is handled too late is dropped at its own deadline.
    """

    __slots__ = (
        "_body_start",
        "_chunk",
        "_chunks",
        "_end",
        "_needed",
        "_searched",
        "awaits_continue",
        "data",
    )

    def __init__(self) -> None:
        self.data = bytearray()
        self._searched = 0
        self._body_start = 0
        self._needed = 0
        self._end = 0
        self._chunk = 0
        self._chunks = 0
        self.awaits_continue = False
        """Whether the client may be waiting for "100 Continue" before it sends the body."""

    def add(self, data: bytes) -> None:
        """Append what has come next."""
        self.awaits_continue = False  # it sends without having been told to
        self.data += data
        if not self._body_start:
            self._scan_head()
        if self._chunk and not self._end:
            self._scan_chunks()
        if self._body_start and not self._end and len(self.data) - self._body_start > MOST_BODY_BYTES:
            self._end = len(self.data)  # no more is kept; its thread finds out where it ends, and refuses it

    def _scan_head(self) -> None:
        end = self.data.find(_END, self._searched)
        if end < 0:
            self._searched = max(0, len(self.data) - len(_END) + 1)
            return
        self._body_start = end + len(_END)
        framing = {name.lower(): value.strip() for name, value in _FRAMING.findall(self.data[: end + 2])}
        prefetch = self._prefetch(framing)
        if b"expect" in framing:
            prefetch = 0  # the client sends none before "100 Continue"
            self.awaits_continue = len(self.data) == self._body_start != self._end
        self._needed = self._body_start + prefetch

    def _prefetch(self, framing: dict[bytes, bytes]) -> int:
        """Find out where the body ends; return how many bytes of it to wait for."""
        if b"transfer-encoding" in framing:
            is_chunked = framing[b"transfer-encoding"].lower() == b"chunked"
            self._chunk = self._body_start if is_chunked else 0
            return PREFETCH_BYTES if is_chunked else 0
        declared = framing.get(b"content-length", b"0")
        if not _LENGTH.fullmatch(declared):
            return 0
        length = int(declared)
        if length > MOST_BODY_BYTES:
            self._end = self._body_start
            return 0  # it is rejected for its length
        self._end = self._body_start + length
        return min(length, PREFETCH_BYTES)

    def _scan_chunks(self) -> None:
        """Find the end of a chunked body in what has come of it."""
        while (line := self.data.find(b"\r\n", self._chunk)) >= 0:
            size = self.data[self._chunk : line].partition(b";")[0]
            if not _CHUNK_SIZE.fullmatch(size) or are_too_small(self._chunks, self._chunk - self._body_start):
                self._needed = self._chunk = 0  # the parser will reject it
                return
            if not int(size, 16):
                end = self.data.find(_END, line)
                self._end = 0 if end < 0 else end + len(_END)
                break
            self._chunk = line + int(size, 16) + 2 * len(b"\r\n")
            self._chunks += 1
        if not self._end and len(self.data) - self._chunk > LINE_BYTES:
            self._needed = self._chunk = 0

    @property
    def is_ready(self) -> bool:
        """Whether the request can be handled."""
        return bool(self._body_start) and (len(self.data) >= self._needed or self.is_complete)

    @property
    def is_complete(self) -> bool:
        """Whether nothing of the request is missing, for certain, or no more of it is kept."""
        return bool(self._end) and len(self.data) >= self._end

    @property
    def head(self) -> bytearray:
        """The request line and headers, as far as they have come."""
        return self.data[: self._body_start or HEAD_BYTES]

    @property
    def named_key(self) -> bytes:
        """What the request sends as its key, which nobody has looked up; empty without one."""
        found = _KEY.search(self.data, 0, self._body_start)
        return found[1] if found else b""

    @property
    def is_large(self) -> bool:
        """Whether more of a body has come than is read ahead."""
        return (self._end or len(self.data)) - self._body_start > PREFETCH_BYTES

    @property
    def expected_bytes(self) -> int:
        """How long the whole request is, or may be at most while nothing says so."""
        return self._end or HEAD_BYTES + MOST_BODY_BYTES

    @property
    def has_long_head(self) -> bool:
        """Whether the head is longer than HEAD_BYTES."""
        return (self._body_start or len(self.data)) > HEAD_BYTES
