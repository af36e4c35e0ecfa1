"""Erasing a namespace in steps: each is small, together they are complete, whatever comes between."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from app.domain import timestamps
from app.domain.errors import DialogueImmutable, ServiceUnavailable
from app.domain.records import Project, Rights, Scope, ScopeFilter, Timestamp
from app.services import erasure
from app.services.audit import COMMAND_LINE
from app.services.verify import Seen, verify
from app.settings import Settings
from app.stores import Backend, Counts, Erased
from app.web.parts import parts_of
from app.wiring import connect
from tests.clock import Clock
from tests.contract.conftest import Api, application, make_key
from tests.records import change_project

HELLO = {"role": "user", "content": "hello penguin"}
ANNA = Scope("acme", "anna")
HERE = {"namespace": "anna"}
NOTHING = Counts(0, 0, 0, 0, 0, 0)
WHOLE = {"dialogues": 7, "messages": 9, "memories": 4, "summaries": 2}
"""What ``fill`` stores."""
ANSWER = {"success": True, "namespace": "anna", **WHOLE}
KEPT = timedelta(hours=24)
"""For how long answers are kept by default."""


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one step remove little."""
    monkeypatch.setattr(erasure, "STEP", 3)


@pytest.fixture
def manager(api: Api, backend: Backend) -> Api:
    """The API with a key that may manage the project ``acme``."""
    api.key = make_key(backend, rights=Rights.MANAGE)
    return api


def fill(api: Api) -> None:
    """Store a parent with threads, deleted dialogues, some of them made again, summaries and memories."""

    def create(name: str, **fields: Any) -> None:
        api.ok("POST", "/dialogue", {"id": name, **HERE, "message": HELLO | {"id": "m"}, **fields})

    create("p")
    for number in range(3):
        create(f"t{number}", threadOf="p")
    for name in ("again", "gone", "purged"):
        create(name)
        api.ok("POST", "/summary", {"id": f"s-{name}", "dialogueId": name, **HERE})
        cascade = {"cascade": "true"} if name == "purged" else {}
        api.ok("DELETE", f"/dialogue/{name}", query=HERE | cascade)
    create("again")
    create("q")
    create("u", threadOf="q")
    for number in range(4):
        api.ok("POST", "/memory", {"id": f"k{number}", **HERE, "value": number})
    for number in range(4):
        api.ok("POST", "/memory", {"id": "k0", **HERE, "value": 0}, headers={"Idempotency-Key": f"{number}"})


def begin(backend: Backend, steps: int = 2) -> Timestamp:
    """Make a few steps of an erasure that nobody goes on with, and return when it was asked for."""
    asked = timestamps.now()
    rule = partial(erasure.erase, actor=COMMAND_LINE, asked=asked)
    for _ in range(steps):
        assert backend.write(ANNA, rule) is None
    return asked


def sweep(api: Api) -> None:
    """Let the sweeper do all that is to be done."""
    parts_of(api.app).sweeper.sweep()


def problems(backend: Backend) -> list[str]:
    """Return what is wrong in the project."""
    return [str(problem) for problem in verify(backend, "acme", Seen())]


def entries(api: Api) -> list[Any]:
    """Return what the audit has of erasures."""
    found = api.ok("GET", "/audit")["items"]
    return [entry for entry in found if entry["action"] == "namespace.erased"]


def assert_nothing_left(api: Api, backend: Backend) -> None:
    """Check that the namespace is empty before the sweep and behind it, tombstones included."""
    scope_filter = ScopeFilter("acme", "anna")
    for _ in range(2):
        assert backend.stats(scope_filter) == NOTHING
        assert api.ok("GET", "/dialogue", query=HERE | {"status": "all"}) == {"items": []}
        assert api.ok("GET", "/memory", query=HERE) == {"items": []}
        for name in ("p", "t0", "again", "gone"):
            api.refused(404, "DIALOGUE_NOT_FOUND", "GET", "/messages", query=HERE | {"dialogueId": name})
        assert list(backend.iterate_answers(scope_filter)) == []
        assert api.ok("POST", "/search", {"query": "penguin", "object": "message"})["results"] == []
        assert problems(backend) == []
        sweep(api)
    assert list(backend.iterate_tombstones(scope_filter)) == []


def test_an_erasure_counts_what_all_its_steps_removed(manager: Api, backend: Backend) -> None:
    """One answer and one entry of the audit have the whole; other namespaces stay."""
    fill(manager)
    manager.ok("POST", "/dialogue", {"id": "p", "namespace": "ben", "message": HELLO})
    assert manager.ok("DELETE", "/namespace/anna") == ANSWER
    assert backend.stats(ScopeFilter("acme", "ben")).messages == 1
    assert [entry["details"] for entry in entries(manager)] == [WHOLE]
    assert entries(manager)[0]["requestId"]
    manager.ok("DELETE", "/dialogue/p", query={"namespace": "ben", "cascade": "true"})
    assert_nothing_left(manager, backend)


def test_the_store_is_whole_between_two_steps(api: Api, backend: Backend) -> None:
    """Counts of threads and all that is verified hold after every step, though sweeps come between."""
    fill(api)
    before = backend.stats(ScopeFilter("acme", "anna")).active
    rule = partial(erasure.erase, actor=COMMAND_LINE, asked=timestamps.now())
    sizes = [before]
    while (erased := backend.write(ANNA, rule)) is None:
        assert problems(backend) == []
        sizes.append(backend.stats(ScopeFilter("acme", "anna")).active)
        sweep(api)
    assert erased == Erased(**WHOLE)
    assert len(sizes) > 4
    assert all(0 <= first - second <= 3 for first, second in pairwise(sizes))
    assert_nothing_left(api, backend)


def test_what_is_written_meanwhile_goes_too(api: Api, backend: Backend) -> None:
    """When an erasure is answered, nothing is left; what comes then, under the same ids too, stays."""
    fill(api)
    begin(backend)
    api.ok("POST", "/dialogue", {"id": "new", **HERE, "message": HELLO | {"content": "new penguin"}})
    api.ok("POST", "/memory", {"id": "new", **HERE, "value": 1}, headers={"Idempotency-Key": "meanwhile"})
    erased = api.ok("DELETE", "/namespace/anna")
    assert (erased["dialogues"], erased["messages"], erased["memories"]) == (8, 10, 5)
    assert_nothing_left(api, backend)
    api.ok("POST", "/dialogue", {"id": "p", **HERE})
    assert api.ok("DELETE", "/namespace/ben")["dialogues"] == 0
    sweep(api)
    assert api.ok("GET", "/dialogue/p", query=HERE)["threadCount"] == 0


def test_who_asks_again_goes_on_and_is_told_the_whole(manager: Api, backend: Backend) -> None:
    """After a crash, too, the answer counts what was removed before it; the audit has one entry."""
    fill(manager)
    begin(backend)
    assert manager.ok("DELETE", "/namespace/anna") == ANSWER
    assert [entry["details"] for entry in entries(manager)] == [WHOLE]
    assert_nothing_left(manager, backend)
    assert manager.ok("DELETE", "/namespace/anna")["dialogues"] == 0


def test_the_sweeper_finishes_what_was_cut_short(manager: Api, backend: Backend, clock: Clock) -> None:
    """A minute after its last step, and without what is newer than the erasure; the audit says who asked."""
    fill(manager)
    begin(backend)
    old = manager.ok("GET", "/dialogue", query=HERE)["items"][0]["id"]
    manager.ok("POST", "/dialogue", {"id": "new", **HERE, "threadOf": old})
    manager.ok("POST", "/dialogue", {"id": "gone", **HERE, "message": HELLO | {"id": "n"}})
    manager.ok("POST", "/dialogue", {"id": "kept", **HERE, "message": HELLO})
    manager.ok("DELETE", "/dialogue/kept", query=HERE)
    clock.advance(seconds=2)
    keyed = {"Idempotency-Key": "newer"}
    memory = manager.ok("POST", "/memory", {"id": "newer", **HERE, "value": 1}, headers=keyed)
    sweep(manager)
    assert backend.list_erasures(clock.after(seconds=1)) == [ANNA]
    clock.advance(seconds=61)

    sweep(manager)

    assert backend.list_erasures(clock.after(seconds=1)) == []
    assert backend.stats(ScopeFilter("acme", "anna")) == Counts(2, 0, 0, 2, 1, 0)
    again = manager.post("/memory", {"id": "newer", **HERE, "value": 1}, headers=keyed)
    assert (again.get_json(), again.headers["Idempotent-Replayed"]) == (memory, "true")
    assert len(manager.ok("GET", "/messages", query=HERE | {"dialogueId": "kept"})["items"]) == 1
    assert [item["id"] for item in manager.ok("GET", "/dialogue", query=HERE)["items"]] == ["gone", "new"]
    manager.refused(404, "MESSAGE_NOT_FOUND", "GET", "/message/m", query=HERE | {"dialogueId": "gone"})
    assert manager.ok("POST", "/dialogue", {"id": old, **HERE})["threadCount"] == 1
    assert problems(backend) == []
    assert [(entry["actor"], entry["details"]) for entry in entries(manager)] == [("command line", WHOLE)]


def test_the_sweeper_removes_answers_however_long_they_are_kept(backend: Backend, clock: Clock) -> None:
    """Those that were recorded before the erasure, and no newer one."""
    connect(application(), replace(Settings(), idempotency_hours=72), backend)
    api = Api(application(), make_key(backend))
    fill(api)
    begin(backend)
    clock.advance(seconds=2)
    keyed = {"Idempotency-Key": "newer"}
    api.ok("POST", "/memory", {"id": "newer", **HERE, "value": 1}, headers=keyed)
    clock.advance(seconds=61)

    sweep(api)

    assert backend.list_erasures(clock.after(seconds=1)) == []
    assert len(list(backend.iterate_answers(ScopeFilter("acme", "anna")))) == 1
    again = api.post("/memory", {"id": "newer", **HERE, "value": 1}, headers=keyed)
    assert again.headers["Idempotent-Replayed"] == "true"


def test_a_namespace_that_cannot_be_erased_now_keeps_no_other_waiting(
    api: Api, backend: Backend, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is left for later, and the sweeper says so."""
    fill(api)
    begin(backend)
    later = Scope("acme", "ben")
    for number in range(4):
        api.ok("POST", "/memory", {"id": f"k{number}", "namespace": "ben", "value": number})
    clock.advance(seconds=1)
    rule = partial(erasure.erase, actor=COMMAND_LINE, asked=timestamps.now())
    assert backend.write(later, rule) is None
    clock.advance(seconds=62)
    assert backend.list_erasures(clock.after(seconds=-60)) == [ANNA, later]
    write = backend.write

    def busy(scope: Scope, *rest: Any) -> Any:
        if scope == ANNA:
            raise ServiceUnavailable
        return write(scope, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(backend, "write", busy)
        erasure.resume_abandoned(backend, KEPT)
    assert backend.list_erasures(clock.after(seconds=1)) == [ANNA]
    erasure.resume_abandoned(backend, KEPT)
    assert backend.list_erasures(clock.after(seconds=1)) == []


def test_an_erasure_that_goes_on_is_left_to_whoever_goes_on(api: Api, backend: Backend, clock: Clock) -> None:
    """Every step makes it another minute; the sweeper finds nothing left of one that has ended meanwhile."""
    fill(api)
    begin(backend)
    clock.advance(seconds=50)
    begin(backend, 1)
    clock.advance(seconds=50)
    assert backend.list_erasures(clock.after(seconds=-60)) == []
    api.ok("DELETE", "/namespace/anna")
    assert backend.write(ANNA, partial(erasure.resume, kept=KEPT)) == Erased(0, 0, 0, 0)
    assert_nothing_left(api, backend)


def test_two_who_erase_share_the_work(api: Api, backend: Backend) -> None:
    """Who makes the last step answers the whole, and the other finds nothing left."""
    fill(api)
    rules = [partial(erasure.erase, actor=COMMAND_LINE, asked=timestamps.now()) for _ in range(2)]
    done: dict[int, Erased] = {}
    while len(done) < 2:
        for number in {0, 1} - done.keys():
            erased = backend.write(ANNA, rules[number])
            if erased is not None:
                done[number] = erased
    assert sorted(erased.dialogues for erased in done.values()) == [0, WHOLE["dialogues"]]
    assert_nothing_left(api, backend)


def test_a_keyed_erasure_is_replayed(api: Api, backend: Backend) -> None:
    """With a key it is recorded by its last step, though it removes the namespace's answers."""
    fill(api)
    keyed = {"Idempotency-Key": "erase"}
    first = api.call("DELETE", "/namespace/anna", headers=keyed)
    assert "Idempotent-Replayed" not in first.headers
    again = api.call("DELETE", "/namespace/anna", headers=keyed)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.get_json() == first.get_json() == ANSWER
    assert len(list(backend.iterate_answers(ScopeFilter("acme", "anna")))) == 1


def test_an_erasure_longer_than_a_request_goes_on_with_the_next(
    api: Api, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the time of one is up, that is 503, and the repeat makes and counts the rest."""
    fill(api)

    def run_out(_: float) -> None:
        raise ServiceUnavailable

    with monkeypatch.context() as patch:
        patch.setattr("app.waiting.rest", run_out)
        answer = api.call("DELETE", "/namespace/anna")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert api.ok("DELETE", "/namespace/anna") == ANSWER
    assert_nothing_left(api, backend)


def test_an_immutable_project_refuses_the_first_step_alone(api: Api, backend: Backend) -> None:
    """What has begun when the project becomes immutable comes to its end; nothing begins."""
    fill(api)
    asked = begin(backend)
    change_project(backend, immutable=True)
    api.refused(409, "DIALOGUE_IMMUTABLE", "DELETE", "/namespace/anna")
    rule = partial(erasure.erase, actor=COMMAND_LINE, asked=asked)
    while (erased := backend.write(ANNA, rule)) is None:
        continue
    assert erased == Erased(**WHOLE)
    with pytest.raises(DialogueImmutable):
        backend.write(ANNA, partial(erasure.erase, actor=COMMAND_LINE, asked=timestamps.now()))


def test_an_erasure_goes_with_its_project(api: Api, backend: Backend, clock: Clock) -> None:
    """One of a project that was removed meanwhile does not come back with the project's name."""
    fill(api)
    begin(backend)
    clock.advance(seconds=61)
    backend.write(Scope(""), lambda tx: tx.close_project("acme"))
    erasure.resume_abandoned(backend, KEPT)
    sweep(api)
    assert backend.list_erasures(clock.after(seconds=1)) == []
    assert backend.create_project(Project("acme", immutable=False, created=timestamps.now()))
    assert backend.stats(ScopeFilter("acme", "anna")) == NOTHING
