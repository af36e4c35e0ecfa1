"""Readers of other programs' files, one module a format."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

from ..conversation import BadLine
from ..input.containers import Document
from ..input.decoding import decode
from ..input.splitting import Item, split
from ..tally import Tally
from . import (
    aisdk,
    anthropic,
    chatgpt,
    claude,
    claudecode,
    codex,
    colloquy,
    dialoguedb,
    gemini,
    langchain,
    librechat,
    oasst,
    openai,
    openwebui,
    preference,
    responses,
    sharegpt,
    turns,
)
from .format import Format, Found, Source
from .gathering import gather

FORMATS: tuple[Format, ...] = (
    colloquy.FORMAT,
    dialoguedb.FORMAT,
    chatgpt.FORMAT,
    claude.FORMAT,
    librechat.FORMAT,
    openwebui.FORMAT,
    claudecode.FORMAT,
    codex.FORMAT,
    preference.FORMAT,
    sharegpt.FORMAT,
    langchain.FORMAT,
    oasst.FORMAT,
    gemini.FORMAT,
    aisdk.FORMAT,
    responses.FORMAT,
    turns.FORMAT,
    anthropic.FORMAT,
    openai.FORMAT,
)
"""Every format; where several recognise a value, the first of them reads it."""

UNKNOWN = (
    "This is no conversation in a format that is known. 'colloquy import --list-formats' lists them; "
    "--format names one where the content does not tell."
)


def find_format(name: str) -> Format | None:
    """Return the format of a name."""
    return next((one for one in FORMATS if one.name == name), None)


def read_document(document: Document, chosen: Format | None, tally: Tally) -> Iterator[tuple[str, Found]]:
    """Yield what a document holds, each with its place; what cannot be read is counted and reported."""
    source = Source(document.name, document.assets, tally.notes)
    with document.open() as stream:
        yield from _Reading(document, source, chosen, tally).run(split(stream))


class _Reading:
    def __init__(self, document: Document, source: Source, chosen: Format | None, tally: Tally) -> None:
        self._document = document
        self._source = source
        self._chosen = chosen
        self._tally = tally
        self._bytes = 0

    def run(self, items: Iterator[Item]) -> Iterator[tuple[str, Found]]:
        values = self._values(items)
        first = next(values, None)
        if first is None:
            return
        place, value = first
        gathering = self._format_of_records(value)
        if gathering is not None:
            yield from self._gather(place, gathering, value, values)
            return
        if self._document.is_found and self._format_of(value) is None:
            self._tally.skipped += 1
            return
        for place, value in chain([first], values):
            yield from self._read_value(place, value)

    def _gather(
        self, place: str, format_: Format, first: Any, values: Iterator[tuple[str, Any]]
    ) -> Iterator[tuple[str, Found]]:
        """Read the records of a document, those of a conversation together."""
        following = chain([first], (value for _, value in values))
        try:
            for records in gather(following, lambda: self._bytes, format_.key):
                yield from self._read(place, format_, records)
        except BadLine as error:
            self._reject(place, str(error))

    def _values(self, items: Iterator[Item]) -> Iterator[tuple[str, Any]]:
        for item in items:
            if item.problem is not None:
                self._reject(item.place, item.problem)
                continue
            try:
                value = decode(item.text, self._source.notes)
            except BadLine as error:
                self._reject(item.place, str(error))
                continue
            self._bytes += len(item.text)
            yield item.place, value

    def _read_value(self, place: str, value: Any) -> Iterator[tuple[str, Found]]:
        format_ = self._format_of(value)
        if format_ is None:
            self._reject(place, UNKNOWN)
        else:
            yield from self._read(place, format_, value)

    def _read(self, place: str, format_: Format, value: Any) -> Iterator[tuple[str, Found]]:
        try:
            for found in format_.read(value, self._source):
                yield place, found
        except BadLine as error:
            self._reject(place, f"As {format_.name}: {error}")

    def _format_of(self, value: Any) -> Format | None:
        """Return the format of a whole conversation: an object, or an array of records."""
        if isinstance(value, list):
            return self._format_of_records(value[0]) if value else None
        if self._chosen is not None:
            return self._chosen
        return next((one for one in FORMATS if one.recognises(value)), None)

    def _format_of_records(self, value: Any) -> Format | None:
        """Return the format of which a value is one record of several."""
        if self._chosen is not None:
            return (
                self._chosen if self._chosen.is_record(value) and not self._chosen.recognises(value) else None
            )
        if any(one.recognises(value) for one in FORMATS):
            return None
        return next((one for one in FORMATS if one.is_record(value)), None)

    def _reject(self, place: str, reason: str) -> None:
        self._tally.reject(f"{self._document.name}, {place}", reason)
