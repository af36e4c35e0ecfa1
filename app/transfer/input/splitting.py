"""Cutting a stream into the JSON texts of its items: lines, or the elements of an array of any size.

This finds where an item ends, no more; ``decoding`` reads it. Memory holds one item. ijson 3.6 was tried for
it: as fast, but it needs memory in proportion to the square of the nesting, gives up the rest of a file at
one integer beyond 64 bits, and replaces halves of surrogate pairs by "?" without a word.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

CHUNK_BYTES = 256 * 1024
ITEM_BYTES = 256 * 1024 * 1024
"""The largest item that is read, in bytes of JSON."""

NESTING = 256
"""How deep arrays and objects of an item may nest."""

MOST_CONTAINERS = 5_000_000
"""How many arrays and objects an item may have: what bounds its size in memory."""

_TO_BRACKET = re.compile(rb'[^"\[\]{}]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"\[\]{}]*+)*+([\[\]{}])', re.DOTALL)
_OPENING = b"[{"
_SCALAR = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[^\s,\[\]{}"]++', re.DOTALL)
_CUT_OFF = "The data ends inside this item: it was cut off, or a bracket is missing."
_TOO_LARGE = "This is larger than 256 MiB."
_BETWEEN = re.compile(rb"[ \t\r\n,]+")
_ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a document. ``problem`` is set, and ``text`` empty, where it could not be read."""

    place: str
    text: bytes
    problem: str | None = None


def split(stream: BinaryIO) -> Iterator[Item]:
    """Yield the items of a document: JSON lines, the elements of an array, or objects one after the other."""
    return _Splitter(stream).items()


class _Splitter:
    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decoder: codecs.IncrementalDecoder | None = None
        self._buffer = bytearray()
        self._ended = False
        self._want = CHUNK_BYTES

    def items(self) -> Iterator[Item]:
        self._begin()
        shape = self._shape()
        if shape == "none":
            if self._buffer.strip():
                yield Item("the beginning", b"", "This is not JSON: it begins neither with { nor with [.")
        elif shape == "lines":
            yield from self._lines()
        else:
            yield from self._values()

    def _begin(self) -> None:
        self._fill()
        for mark, encoding in _ENCODINGS:
            if self._buffer.startswith(mark):
                del self._buffer[: len(mark) if encoding == "utf-8" else 0]
                if encoding != "utf-8":
                    self._transcode(encoding)
                return
        zeros = [place for place, byte in enumerate(self._buffer[:4]) if not byte]
        if zeros in ([1, 3], [0, 2]):
            self._transcode("utf-16-le" if zeros == [1, 3] else "utf-16-be")

    def _transcode(self, encoding: str) -> None:
        self._decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        self._buffer = bytearray(self._decoder.decode(bytes(self._buffer)).lstrip("\ufeff").encode())

    def _fill(self) -> bool:
        """Read more; False at the end."""
        data = self._stream.read(self._want)
        if not data:
            self._ended = True
            return False
        self._buffer += data if self._decoder is None else self._decoder.decode(data).encode()
        return True

    def _shape(self) -> str:
        """Tell one array from lines: an array that is alone on its line, with nothing after it, is one."""
        while not self._ended and b"\n" not in self._buffer.strip() and len(self._buffer) < 8 * CHUNK_BYTES:
            self._fill()
        start = bytes(self._buffer).lstrip()
        if start[:1] == b"{":
            return "lines"
        if start[:1] != b"[":
            return "none"
        first, _, rest = start.partition(b"\n")
        return "lines" if _end_of(first.strip()) == len(first.strip()) and rest.strip() else "values"

    def _lines(self) -> Iterator[Item]:
        number = 0
        while True:
            number += 1
            line, problem = self._line()
            if line is None:
                return
            place = f"line {number:,}"
            line = line.strip()
            if problem is not None:
                yield Item(place, b"", problem)
            elif line:
                text, problem = self._value_of(line)
                number += text.count(b"\n")
                yield Item(place, text, problem)

    def _value_of(self, line: bytes) -> tuple[bytes, str | None]:
        """Return what a line says; a value may go on over the next ones, and another may follow on this."""
        scan = _Scan()
        is_whole = scan.run(line)
        if scan.problem is not None or len(line) > ITEM_BYTES:
            return b"", scan.problem or _TOO_LARGE
        if is_whole and line[scan.position :].lstrip()[:1] in (b"{", b"["):
            self._buffer[:0] = line[scan.position :] + b"\n"
            return line[: scan.position], None
        if not is_whole and line[:1] in (b"{", b"[") and self._goes_on():
            self._buffer[:0] = line + b"\n"
            return self._container()
        return line, None

    def _goes_on(self) -> bool:
        """Whether what comes next may belong to the line before: it begins otherwise than a line does."""
        if not self._buffer.strip():
            self._fill()
        return bytes(self._buffer[:CHUNK_BYTES]).lstrip()[:1] not in (b"{", b"[", b"")

    def _line(self) -> tuple[bytes | None, str | None]:
        start = 0
        while (end := self._buffer.find(b"\n", start)) < 0:
            start = len(self._buffer)
            if start > ITEM_BYTES:
                self._skip_line()
                return b"", _TOO_LARGE
            if not self._fill():
                line = bytes(self._buffer)
                self._buffer.clear()
                return line or None, None
        line = bytes(memoryview(self._buffer)[:end])
        del self._buffer[: end + 1]
        return line, None

    def _skip_line(self) -> None:
        while (end := self._buffer.find(b"\n")) < 0:
            self._buffer.clear()
            if not self._fill():
                return
        del self._buffer[: end + 1]

    def _values(self) -> Iterator[Item]:
        number, inside = 0, False
        while self._seek():
            byte = bytes(self._buffer[:1])
            if byte == (b"]" if inside else b"["):
                inside = not inside
                del self._buffer[:1]
                continue
            number += 1
            text, problem = self._container() if byte in (b"{", b"[") else self._scalar()
            yield Item(f"item {number:,}", text, problem)
        if inside:
            yield Item(f"after item {number:,}", b"", "The data ends inside an array: it was cut off.")

    def _seek(self) -> bool:
        """Go to the next thing that is neither space nor comma; False at the end."""
        while True:
            found = _BETWEEN.match(self._buffer)
            del self._buffer[: found.end() if found else 0]
            if self._buffer or self._ended or not self._fill():
                return bool(self._buffer)

    def _container(self) -> tuple[bytes, str | None]:
        scan = _Scan()
        while not scan.run(self._buffer):
            if len(self._buffer) > ITEM_BYTES or scan.problem:
                scan.problem = scan.problem or _TOO_LARGE
                if not scan.position:
                    return self._give_up(scan.problem)
                del self._buffer[: scan.position]
                scan.position = 0
            # A long string is looked through again from its start, but twice as much of it each time.
            self._want = max(CHUNK_BYTES, len(self._buffer) - scan.position)
            if not self._fill():
                return self._give_up(scan.problem or _CUT_OFF)
        if scan.position > ITEM_BYTES:
            scan.problem = _TOO_LARGE
        self._want = CHUNK_BYTES
        text = b"" if scan.problem else bytes(memoryview(self._buffer)[: scan.position])
        del self._buffer[: scan.position]
        return text, scan.problem

    def _scalar(self) -> tuple[bytes, str | None]:
        while (found := _SCALAR.match(self._buffer)) is None or found.end() == len(self._buffer):
            if len(self._buffer) > ITEM_BYTES or not self._fill():
                return self._give_up("This is not JSON, and nothing after it was read.")
        del self._buffer[: found.end()]
        return b"", "This is neither an object nor an array."

    def _give_up(self, problem: str) -> tuple[bytes, str]:
        self._buffer.clear()
        self._ended = True
        return b"", problem


class _Scan:
    """The search for the end of an object or array, however much of it is there."""

    def __init__(self) -> None:
        self.position = 0
        self.problem: str | None = None
        self._depth = 0
        self._count = 0

    def run(self, data: bytes | bytearray) -> bool:
        """Go on until the value ends (True) or the data (False)."""
        match, depth, count = _TO_BRACKET.match, self._depth, self._count
        position = self.position
        while found := match(data, position):
            position = found.end()
            if data[position - 1] in _OPENING:
                depth += 1
                count += 1
                if depth > NESTING:
                    self.problem = f"Arrays and objects nest deeper than {NESTING} levels."
            else:
                depth -= 1
                if depth <= 0:
                    break
        if count > MOST_CONTAINERS:
            self.problem = f"This has more than {MOST_CONTAINERS:,} objects and arrays."
        self.position, self._depth, self._count = position, depth, count
        return found is not None


def _end_of(text: bytes | bytearray) -> int:
    """Return where the value ends that a text begins with; -1 when it does not end."""
    scan = _Scan()
    return scan.position if scan.run(text) else -1
