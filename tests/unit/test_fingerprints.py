"""Fingerprints of requests: what counts, and what earlier releases stored."""

from __future__ import annotations

import pytest

from app.domain.ids import Fingerprint, fingerprint

STORED = [
    (fingerprint("user", "Where is my book?", None, (), {}, None), "558ab65a203a09f73301b1d8dd3d2010"),
    (fingerprint({"score": 1.0, "a": [2.5]}), "38d7f8c3749c4d21d010b38d345feb93"),
    (fingerprint(None, [("m", fingerprint({"score": 1.0}))]), "64aee009120df9829ce1463d0a9eeda7"),
]
"""Requests, and the digests that the releases before numbers counted by value stored for them."""


@pytest.mark.parametrize(("found", "stored"), STORED)
def test_digests_of_earlier_releases_are_recognised(found: Fingerprint, stored: str) -> None:
    """A repeat of what an earlier release stored is one, as long as it is written the same."""
    assert found.is_of(stored)


def test_numbers_count_by_value() -> None:
    """What is stored from now on does not depend on how a number is written, in items neither."""
    first, second = fingerprint({"a": 1.0, "b": 2}), fingerprint({"b": 2.0, "a": 1})
    assert first.current == second.current
    assert fingerprint([("m", first)]).current == fingerprint([("m", second)]).current


def test_exactness_reaches_beyond_floating_point() -> None:
    """Integers between floating-point numbers are told apart; what exceeds 64 bits is as written."""
    assert fingerprint(2**53 + 1).current != fingerprint(2.0**53).current
    assert fingerprint(2.0**64).current == fingerprint(2.0**64).earlier
