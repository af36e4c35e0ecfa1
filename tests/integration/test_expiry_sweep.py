"""The removal of what has expired goes in steps, and goes on where it was."""

from __future__ import annotations

from app.domain.records import Scope, ScopeFilter, Status
from app.domain.retention import Retention
from app.services import retention
from app.services.retention import ExpirySweep
from app.stores import Backend
from app.telemetry.measures import SWEEP_BACKLOG
from tests.clock import Clock
from tests.records import ANNA, SCOPE, change_project, dialogue, memory, message, project, stored


def fill(backend: Backend, clock: Clock, count: int, scope: Scope = SCOPE, **fields: object) -> None:
    """Store dialogues with a message each."""
    for _ in range(count):
        parent = dialogue(scope, modified=clock.now(), **fields)
        stored(backend, parent, [message(parent, 0)])


def test_each_step_removes_a_few(backend: Backend, clock: Clock) -> None:
    """Of one namespace at a time; the last one says that there is nothing left."""
    backend.create_project(project())
    fill(backend, clock, 25, expires_at=clock.after(days=1))
    fill(backend, clock, 3, ANNA, expires_at=clock.after(days=1))
    fill(backend, clock, 2)
    sweep = ExpirySweep(backend)
    assert sweep.step() == 0
    clock.advance(days=1)
    steps = [sweep.step() for _ in range(4)]
    assert sorted(steps) == [0, 3, 5, retention.STEP]
    assert steps[-1] == 0
    assert backend.stats(ScopeFilter("acme")).messages == 2
    assert sweep.step() == 0
    assert SWEEP_BACKLOG.value == backend.count_pending() == 28
    while backend.sweep():
        continue
    assert sweep.step() == SWEEP_BACKLOG.value == 0


def test_a_walk_by_age_goes_on_where_it_was(backend: Backend, clock: Clock) -> None:
    """What it passed over is looked at again when it was changed, under another policy, and every hour."""
    backend.create_project(project())
    change_project(backend, retention=Retention(ended_days=1, memory_days=1))
    fill(backend, clock, 3)
    backend.write(SCOPE, lambda tx: tx.insert_memory(memory(modified=clock.now())))
    clock.advance(days=2)
    sweep = ExpirySweep(backend)
    assert [sweep.step(), sweep.step()] == [1, 0]
    assert backend.stats(ScopeFilter("acme")).active == 3
    change_project(backend, retention=Retention(active_days=1))
    assert [sweep.step(), sweep.step()] == [3, 0]


def test_what_an_import_brings_with_old_times_goes_within_the_hour(backend: Backend, clock: Clock) -> None:
    """It stands behind the place where the walk has been, and is hidden meanwhile."""
    backend.create_project(project())
    change_project(backend, retention=Retention(ended_days=1))
    fill(backend, clock, 1)
    clock.advance(days=3)
    sweep = ExpirySweep(backend)
    assert sweep.step() == 0
    stored(backend, dialogue(id="old", status=Status.ENDED, modified=clock.after(days=-30)))
    assert backend.get_dialogue(SCOPE, "old") is None
    assert sweep.step() == 0
    sweep._passed_since -= retention.WALK_AGAIN_SECONDS + 1
    assert [sweep.step(), sweep.step()] == [1, 0]
