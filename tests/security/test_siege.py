"""While one tenant, or a stranger, pushes, another client gets every answer, whole and in time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.security.server import Server, serving
from tests.security.siege.rounds import ROUNDS, prepare, run

pytestmark = pytest.mark.server

SECONDS = 2.0
MOST_SECONDS = 8.0
"""What the slowest requests may take: an attack, its victim and other tests share two cores."""


@pytest.fixture(scope="module")
def besieged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """Run a server on SQLite, with what the attacks need."""
    folder = tmp_path_factory.mktemp("siege")
    url = f"sqlite:///{folder}/store.db"
    with serving(url, folder, workers="2") as server:
        yield server, prepare(server, url)


@pytest.mark.parametrize("attack", ROUNDS)
def test_attack_costs_others_no_answer(besieged: tuple[Server, str], attack: str) -> None:
    """No request of the victim fails, breaks off or waits for long, whatever the attackers do meanwhile."""
    server, key = besieged
    done = run(attack, server, key, SECONDS)
    assert done.loud.errors == []
    assert all(done.loud.p99(kind) < MOST_SECONDS for kind in done.loud.waits), done.lines()
