"""Counting tokens without and with tiktoken."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from app.summaries.tokens import ESTIMATE, estimate_tokens, open_counter


def test_the_estimate_is_near_the_true_count() -> None:
    """Counts by cl100k_base and o200k_base, taken once, are met within a fifth."""
    assert estimate_tokens("") == 0
    assert estimate_tokens(" ") == 1
    assert 8 <= estimate_tokens("The quick brown fox jumps over the lazy dog.") <= 12
    assert estimate_tokens("a" * 400) > 40
    assert estimate_tokens("\u4f60\u597d\u4e16\u754c") in {3, 4, 5}
    assert estimate_tokens("\u043f\u0440\u0438\u0432\u0435\u0442") in {2, 3, 4}
    assert estimate_tokens("HAT028 $1,859") > 4


def test_without_a_model_or_tiktoken_the_count_is_an_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so."""
    assert open_counter() is ESTIMATE
    monkeypatch.setitem(sys.modules, "tiktoken.load", None)
    assert open_counter("gpt-4o") is ESTIMATE
    assert ESTIMATE.estimated


class Encoding:
    """As tiktoken's, but a token is a character."""

    def encode(self, text: str, disallowed_special: tuple[str, ...]) -> list[str]:
        """Return the tokens."""
        assert disallowed_special == ()
        return list(text)


def install(monkeypatch: pytest.MonkeyPatch, *, cached: bool) -> None:
    """Put a stand-in for tiktoken where imports find it."""
    load: Any = ModuleType("tiktoken.load")
    tiktoken: Any = ModuleType("tiktoken")

    def encoding_for_model(model: str) -> Encoding:
        if model != "gpt-4o":
            raise KeyError(model)
        if not cached:
            load.read_file("an address")
        return Encoding()

    def read_file(url: str) -> bytes:
        pytest.fail(f"{url} was downloaded")

    load.read_file = read_file
    tiktoken.encoding_for_model = encoding_for_model
    tiktoken.load = load
    monkeypatch.setitem(sys.modules, "tiktoken", tiktoken)
    monkeypatch.setitem(sys.modules, "tiktoken.load", load)


def test_with_tiktoken_and_its_cache_the_count_is_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that tiktoken knows is counted by it; another is estimated."""
    install(monkeypatch, cached=True)
    counter = open_counter("gpt-4o")
    assert (counter.count("abc"), counter.estimated) == (3, False)
    assert open_counter("somebody-elses") is ESTIMATE


def test_tiktoken_never_downloads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the file in the cache the count is an estimate; others in the process may still download."""
    install(monkeypatch, cached=False)
    download = sys.modules["tiktoken.load"].read_file
    assert open_counter("gpt-4o") is ESTIMATE
    assert sys.modules["tiktoken.load"].read_file is download
