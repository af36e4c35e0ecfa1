"""The sweeper sweeps when that is due or asked for, and merges the search index in between."""

from __future__ import annotations

from typing import cast

import pytest

from app import sweeper
from app.domain.errors import ServiceUnavailable
from app.stores import Maintenance
from app.sweeper import Sweeper


class FakeStore:
    """Has a few merges to do, and notes what it was asked for."""

    def __init__(self, merges: int) -> None:
        self.merges = merges
        self.asked: list[str] = []
        self.is_away = False

    def sweep(self) -> int:
        """Remove nothing."""
        self.asked.append("sweep")
        return 0

    def index_step(self) -> int:
        """Index nothing."""
        return 0

    def merge_step(self) -> int:
        """Do one of the merges."""
        self.asked.append("merge")
        if self.is_away:
            raise ServiceUnavailable("away")
        self.merges -= 1
        return int(self.merges >= 0)


@pytest.fixture(autouse=True)
def _no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeper, "rest", lambda _seconds: None)


def test_merges_are_made_between_two_sweeps() -> None:
    """The first turn is a sweep, the next ones only merge, until somebody asks for a sweep."""
    store = FakeStore(merges=2)
    one = Sweeper(cast("Maintenance", store))
    one._work_in_turn()
    assert store.asked == ["sweep", "merge", "merge", "merge"]
    store.asked.clear()
    one._work_in_turn()
    assert store.asked == ["merge"]
    one.wake()
    one._work_in_turn()
    assert store.asked == ["merge", "sweep", "merge"]


def test_only_a_sweep_reports_a_store_that_is_away(caplog: pytest.LogCaptureFixture) -> None:
    """Merging looks every two seconds, which would fill the log."""
    store = FakeStore(merges=0)
    store.is_away = True
    one = Sweeper(cast("Maintenance", store))
    one._work_in_turn()
    one._work_in_turn()
    assert store.asked == ["sweep", "merge", "merge"]
    assert [record.message for record in caplog.records] == [
        "the store does not answer; sweeping goes on later"
    ]
