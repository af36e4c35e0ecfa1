"""A request on its way in: how much of it has to be there before a thread is given to it."""

from __future__ import annotations

import re

from app.guard import BODY_BYTES

HEAD_BYTES = 64 * 1024
"""The longest request line and headers together, in bytes; beyond it the answer is 431."""

EARLY_BODY_BYTES = 64 * 1024
"""How much of a body is awaited; the rest of a larger one is read by the thread that handles it."""

LENGTH_DIGITS = 18

_END = b"\r\n\r\n"
_FRAMING = re.compile(rb"\r\n(content-length|transfer-encoding|expect)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)


class Arrival:
    """What has come of one request. Framing is only estimated here; the server's parser decides it.

    A wrong estimate costs little: a request that is handed over too early is read by its thread,
    against a deadline, and one that is held for too long is dropped at its own.
    """

    __slots__ = ("_body_start", "_chunked", "_end", "_searched", "_wanted", "data", "deadline")

    def __init__(self, deadline: float) -> None:
        self.data = bytearray()
        self.deadline = deadline
        self._searched = 0
        self._body_start = 0
        self._wanted = 0
        self._end = 0
        self._chunked = False

    def add(self, data: bytes) -> None:
        """Take what has come next."""
        self.data += data
        if self._body_start:
            return
        end = self.data.find(_END, self._searched)
        if end < 0:
            self._searched = max(0, len(self.data) - len(_END) + 1)
            return
        self._body_start = end + len(_END)
        self._wanted = self._body_start + self._early_body(bytes(self.data[: end + 2]))

    def _early_body(self, head: bytes) -> int:
        """Return how many bytes of the body to wait for."""
        framing = {name.lower(): value for name, value in _FRAMING.findall(head)}
        if b"expect" in framing:
            return 0  # the client waits for a sign before it sends any
        if b"transfer-encoding" in framing:
            self._chunked = b"chunked" in framing[b"transfer-encoding"].lower()
            return EARLY_BODY_BYTES if self._chunked else 0
        length = framing.get(b"content-length", b"").strip()
        if not length.isdigit() or len(length) > LENGTH_DIGITS or int(length) > BODY_BYTES:
            self._end = self._body_start
            return 0  # there is none, or it is refused for its length alone
        self._end = self._body_start + int(length)
        return min(int(length), EARLY_BODY_BYTES)

    @property
    def is_ready(self) -> bool:
        """Whether a thread can take the request."""
        if not self._body_start:
            return False
        return len(self.data) >= self._wanted or (self._chunked and self._has_last_chunk())

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the request is still to come; of chunks the parser alone knows."""
        return bool(self._end) and len(self.data) >= self._end

    def _has_last_chunk(self) -> bool:
        return self.data.endswith(_END, self._body_start) or self.data.endswith(
            b"0\r\n\r\n", self._body_start
        )

    @property
    def is_too_long(self) -> bool:
        """Whether the head is longer than a head may be."""
        return (self._body_start or len(self.data)) > HEAD_BYTES
