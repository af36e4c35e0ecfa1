"""The search of the whole suite's logs finds a key wherever one can be logged."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.services.keys import Grant, create_key
from app.stores import Backend
from tests.contract.conftest import make_key
from tests.leaks import KEY

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]

LEAKING = """
    import logging, subprocess, sys
    from app.logs import access

    WRITE = "import sys; sys.stderr.write(sys.argv[1])"

    def test_record():
        logging.getLogger("x").warning("for %s", "{key}")

    def test_stderr():
        sys.stderr.write("{key}")

    def test_process():
        subprocess.run([sys.executable, "-c", WRITE, "{key}"], check=True)

    def test_server(tmp_path):
        (tmp_path / "server.log").write_text("GET /{key}")

    def test_output(tmp_path):
        (tmp_path / "out2").write_text("API key: {key}")

    def test_access():
        access.write(dict(path="{key}"))
"""
PLACES = ("test_record", "test_stderr", "test_process", "test_server", "test_output", "access.log")

HARMLESS = """
    def test_command():
        print("{key}")

    def test_announcement(tmp_path):
        (tmp_path / "log").write_text("API key, shown only now; so:\\n\\n{key}\\n")

    def test_file(tmp_path):
        (tmp_path / "secret").write_text("{key}")
"""


@pytest.fixture
def searched(pytester: pytest.Pytester) -> Iterator[Callable[[str], pytest.RunResult]]:
    """Return a way to run tests with the search, in two workers as the suite is, and to leave nothing."""

    def run(tests: str) -> pytest.RunResult:
        pytester.makepyfile(tests.format(key=create_key(Grant("acme"))[0]))
        pytester.syspathinsert(ROOT)
        options = ("-p", "tests.leaks", "-n", "2", "-p", "no:cacheprovider", "-p", "no:schemathesis")
        return pytester.runpytest_subprocess(*options)

    yield run
    shutil.rmtree(pytester.path)


def test_planted_keys_are_found(searched: Callable[[str], pytest.RunResult]) -> None:
    """Tests that pass and leave a key in a log fail the run, which says where and does not repeat the key."""
    result = searched(LEAKING)

    result.assert_outcomes(passed=6)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    found = [line for line in result.outlines if line.startswith("KEY IN A LOG: ")]
    assert [sum(place in line for line in found) for place in PLACES] == [1] * len(PLACES)
    assert KEY.search(result.stdout.str().encode()) is None


def test_what_is_no_log_is_left_alone(searched: Callable[[str], pytest.RunResult]) -> None:
    """Keys that are where they belong do not fail a run."""
    result = searched(HARMLESS)

    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["*searched for keys: none"])
    assert result.ret == pytest.ExitCode.OK


def test_every_key_has_the_form_that_is_searched_for(sqlite_backend: Backend) -> None:
    """The product's keys and those of the tests' helpers are recognised, noise is not."""
    made = [create_key(Grant("acme"))[0] for _ in range(100)] + [make_key(sqlite_backend) for _ in range(10)]

    assert all(KEY.fullmatch(key.encode()) for key in made)
    assert KEY.search(secrets.token_bytes(10_000)) is None
