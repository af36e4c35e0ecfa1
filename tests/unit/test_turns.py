"""Threads that take turns."""

from __future__ import annotations

import threading

from app import turns


def test_a_turn_is_given_up_once() -> None:
    """Who steps aside gives the turn to another thread, and not a second time."""
    given: list[str] = []
    turns.begin(lambda: given.append("away"))
    assert turns.is_mine()
    turns.step_aside()
    turns.step_aside()
    assert given == ["away"]
    assert not turns.is_mine()


def test_a_turn_is_a_threads_own() -> None:
    """A thread that never had the turn can step aside without taking it from the one that has."""
    given: list[str] = []
    turns.begin(lambda: given.append("away"))
    other = threading.Thread(target=turns.step_aside)
    other.start()
    other.join()
    assert turns.is_mine()
    turns.step_aside()
    assert given == ["away"]
