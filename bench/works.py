"""The work: files of requests, from which wrk draws at random."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.data import WORDS, sentence

Walk = Callable[[str], list[str]]
"""Follows a list from a path and returns the paths of all its pages."""

MOST_REQUESTS = 500


@dataclass(frozen=True, slots=True)
class Work:
    """One kind of request: its name in reports, its title, and what it sends."""

    name: str
    title: str
    lines: Callable[[int, Walk], Iterator[str]]


def _line(method: str, path: str, body: Any = None) -> str:
    return f"{method}\t{path}" if body is None else f"{method}\t{path}\t{json.dumps(body)}"


def _dice() -> random.Random:
    return random.Random(3)  # the same requests each time are the point


def _some(count: int) -> list[int]:
    return _dice().sample(range(count), min(count, MOST_REQUESTS))


def _get(count: int, _: Walk) -> Iterator[str]:
    for number in _some(count):
        yield _line("GET", f"/dialogue/d{number}")


def _append(count: int, _: Walk) -> Iterator[str]:
    dice = _dice()
    for number in _some(count):
        yield _line("POST", f"/dialogue/d{number}/message", {"role": "user", "content": sentence(dice)})


def _create(_count: int, _: Walk) -> Iterator[str]:
    dice = _dice()
    for _number in range(50):
        messages = [{"role": ("user", "assistant")[turn % 2], "content": sentence(dice)} for turn in range(5)]
        yield _line("POST", "/dialogue", {"label": "From the bench", "messages": messages})


def _list(_count: int, _: Walk) -> Iterator[str]:
    yield _line("GET", "/dialogue?limit=100")


def _page(_count: int, walk: Walk) -> Iterator[str]:
    for path in walk("/messages?dialogueId=long&limit=100"):
        yield _line("GET", path)


def _state(count: int, _: Walk) -> Iterator[str]:
    dice = _dice()
    for number in _some(count):
        body = {"step": dice.randrange(1000), dice.choice(WORDS): dice.choice(WORDS)}
        yield _line("PUT", f"/dialogue/d{number}/state", body)


def _search(_count: int, _: Walk) -> Iterator[str]:
    dice = _dice()
    for _number in range(100):
        rare = "".join(dice.sample(WORDS, 2)), "".join(dice.sample(WORDS, 2))
        body = {"query": " ".join(rare), "object": "message", "limit": 10}
        yield _line("POST", "/search", body)


GET = Work("get", "GET a dialogue with 10 messages", _get)
APPEND = Work("append", "append one message", _append)
LIST = Work("list", "list 100 dialogues", _list)
WORKS = (
    GET,
    APPEND,
    Work("create", "create a dialogue with 5 messages", _create),
    LIST,
    Work("page", "a page of 100 messages", _page),
    Work("state", "merge into the state", _state),
    Work("search", "search messages by two rare words", _search),
)


def write(work: Work, count: int, walk: Walk, folder: Path) -> Path:
    """Write a work's requests to a file."""
    path = folder / f"{work.name}.requests"
    path.write_text("\n".join(work.lines(count, walk)) + "\n")
    return path
