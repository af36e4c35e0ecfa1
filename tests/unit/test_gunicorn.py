"""What ``app/server/worker.py`` builds on inside gunicorn, and what happens with another gunicorn."""

from __future__ import annotations

import inspect
import logging
import runpy
from types import SimpleNamespace
from typing import Any

import gunicorn
import pytest
from gunicorn.http import wsgi
from gunicorn.workers.gthread import TConn, ThreadWorker

from app.server.connection import Connection
from app.server.worker import Worker

NEW = {"has_arrived", "is_fresh", "keeps_pace", "progress", "receive", "resume", "wait"}
"""The public methods of the worker and its connections that are their own."""

USED = ("alive", "max_requests", "method_queue", "nr", "poller", "worker_connections", "wsgi")
"""Attributes of gunicorn's worker that ours reads or keeps up to date."""


def configured() -> dict[str, Any]:
    """Return what gunicorn is configured with, read anew."""
    return runpy.run_module("app.cli.gunicorn_config")


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
    """What ours takes from gunicorn's worker, and the state they share, have the names that they had."""
    source = inspect.getsource(ThreadWorker)

    for name in USED:
        assert f"self.{name}" in source, f"gunicorn has no {name} any more"
    assert "self.handle_request(req, conn)" in inspect.getsource(ThreadWorker.handle)
    assert "req._expected_100_continue" in inspect.getsource(wsgi.create)
    assert "self.run()" in inspect.getsource(ThreadWorker.__mro__[1].init_process)
    assert list(inspect.signature(TConn.__init__).parameters) == ["self", "cfg", "sock", "client", "server"]


def test_the_installed_gunicorn_gets_our_worker() -> None:
    """The release that the lock file names is the one that the worker was made for."""
    assert configured()["worker_class"] == "app.server.worker.Worker"


def test_another_gunicorn_gets_its_own_worker(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With another release the server runs with gunicorn's own worker and warns of what is lost."""
    monkeypatch.setattr(gunicorn, "version_info", (28, 0, 0))
    settings = configured()

    settings["on_starting"](SimpleNamespace(log=logging.getLogger("gunicorn.error")))

    assert settings["worker_class"] == "gthread"
    assert "slow clients can hold all threads" in caplog.text
