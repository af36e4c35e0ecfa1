"""What ``app/worker.py`` builds on inside gunicorn, and what happens with another gunicorn."""

from __future__ import annotations

import inspect
import logging
import runpy
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import gunicorn
import pytest
from gunicorn.workers.gthread import TConn, ThreadWorker

from app.worker import Connection, Worker
from tests.server import ROOT

NEW = {"arriving", "sending", "lingering", "receive", "linger"}
"""The methods of the worker that are its own."""

USED = (
    "keepalived_conns",
    "max_keepalived",
    "method_queue",
    "nr_conns",
    "poller",
    "tpool",
    "worker_connections",
)
"""Attributes of gunicorn's worker that ours reads or keeps up to date."""


def configured() -> dict[str, Any]:
    """Return what gunicorn.conf.py sets."""
    return runpy.run_path(str(ROOT / "gunicorn.conf.py"))


def shape(method: Any) -> list[tuple[Any, Any]]:
    """Return how a method is called, whatever it calls its parameters."""
    return [(each.kind, each.default) for each in inspect.signature(method).parameters.values()]


@pytest.mark.parametrize(("ours", "theirs"), [(Worker, ThreadWorker), (Connection, TConn)])
def test_what_is_overridden_is_still_there(ours: type, theirs: type) -> None:
    """Each method that replaces one of gunicorn's has one to replace, which is called in the same way."""
    named = {name for name, value in vars(ours).items() if inspect.isfunction(value)}
    replaced = {name for name in named if hasattr(theirs, name) and name != "__init__"}
    own = {name for name in named if not hasattr(theirs, name)}

    for name in replaced:
        assert shape(getattr(ours, name)) == shape(getattr(theirs, name)), f"gunicorn changed {name}"
    assert {name for name in own if not name.startswith("_")} <= NEW, "gunicorn has lost what this replaced"


def test_what_is_used_is_still_there() -> None:
    """The loop that ours runs in, and the state it shares with it, have the names that they had."""
    source = inspect.getsource(ThreadWorker)

    for name in USED:
        assert f"self.{name}" in source, f"gunicorn has no {name} any more"
    loop = inspect.getsource(ThreadWorker.run)
    assert "self.murder_pending()" in loop
    assert "self.nr_conns < self.worker_connections" in loop
    assert list(inspect.signature(TConn.__init__).parameters) == ["self", "cfg", "sock", "client", "server"]


@pytest.mark.parametrize("late", [Worker.receive, lambda worker, conn: worker._send_on(conn, None, None)])
def test_what_was_polled_before_it_was_handed_over_is_left_alone(late: Callable[[Any, Any], None]) -> None:
    """An event of a connection that a thread has by now, or that was dropped, touches nothing of it."""
    worker = Worker.__new__(Worker)
    worker.arriving = {}
    worker.sending = {}

    late(worker, object())


def test_the_installed_gunicorn_gets_our_worker() -> None:
    """The release that the lock file names is the one that the worker was made for."""
    assert configured()["worker_class"] == "app.worker.Worker"


def test_another_gunicorn_gets_its_own_worker(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With another release the server runs with gunicorn's own worker and warns of what is lost."""
    monkeypatch.setattr(gunicorn, "version_info", (28, 0, 0))
    settings = configured()

    settings["on_starting"](SimpleNamespace(log=logging.getLogger("gunicorn.error")))

    assert settings["worker_class"] == "gthread"
    assert "slow clients can hold all threads" in caplog.text
