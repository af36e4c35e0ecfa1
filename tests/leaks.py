"""Searches what the whole suite logged for keys: a pytest plugin, whose finding fails the run.

Every key, made by the product or by a helper of the tests, has one form, so that it is recognised wherever it
turns up, in whichever process it was made. Searched are, of all tests and all of pytest's workers:

* log records and standard error, as pytest captured them, with the outputs of processes that inherit it;
* the access log of the application under test, which is opened for the session;
* every file of the session's temporary folder whose name says that a process's output goes there.

Standard output is not searched: commands print a new key there, once, because that is what they are for.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from app.logs import access
from app.services.keys import KEY_PREFIX

KEY = re.compile(re.escape(KEY_PREFIX.encode()) + rb"[A-Za-z0-9_-]{32,}")
OUTPUT = re.compile(r"(.*[._-])?(log|out)\d*")
"""Names of files that hold what a process said."""

ANNOUNCEMENT = re.compile(rb"^API key, shown only now; .*:\n\n.*$", re.MULTILINE)
"""The lines of ``colloquy serve`` on standard output that show the first key."""

ACCESS_LOG = "access.log"
SECTIONS = ("Captured stderr", "Captured log")


@dataclass
class Search:
    """What was searched so far, and where a key was found."""

    searched: int = 0
    files: int = 0
    found: list[str] = field(default_factory=list)

    def look(self, place: str, said: bytes) -> None:
        """Search what was said in one place."""
        self.searched += len(said)
        count = len(KEY.findall(ANNOUNCEMENT.sub(b"", said)))
        if count:
            self.found.append(f"{place}: {count}")

    def look_in(self, folder: Path) -> None:
        """Search the outputs below a folder."""
        for path in sorted(folder.rglob("*")):
            if OUTPUT.fullmatch(path.name) and path.is_file():
                self.files += 1
                self.look(str(path), path.read_bytes())


class LogSearch:
    """The hooks. The process that collects the reports of all workers searches; each logs accesses."""

    def __init__(self, config: pytest.Config) -> None:
        self.search = Search()
        self._collects = not hasattr(config, "workerinput")
        self._access = -1

    @pytest.fixture(autouse=True)
    def _access_is_logged(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        """Keep the access log open, whatever the test before did with it."""
        if self._access < 0:
            path = tmp_path_factory.getbasetemp() / ACCESS_LOG
            self._access = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        access.open(self._access, logging.INFO)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Search what a test logged; the report of its end has it all."""
        if self._collects and report.when == "teardown":
            for title, text in report.sections:
                if title.startswith(SECTIONS):
                    self.search.look(f"{report.nodeid} ({title})", text.encode(errors="replace"))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Search the files; a key found anywhere fails the run."""
        if self._collects:
            self.search.look_in(session.config._tmp_path_factory.getbasetemp())  # type: ignore[attr-defined]  # pytest has no public name for it
            if self.search.found:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what was searched and where keys were found."""
        for line in self._summary():
            terminalreporter.write_line(line)

    def _summary(self) -> Iterator[str]:
        search = self.search
        outcome = "found" if search.found else "none"
        yield f"{search.searched / 1e6:.1f} MB of logs and {search.files} files searched for keys: {outcome}"
        yield from (f"KEY IN A LOG: {place}" for place in search.found)


def pytest_configure(config: pytest.Config) -> None:
    """Take part in the session."""
    config.pluginmanager.register(LogSearch(config), "log-search")
