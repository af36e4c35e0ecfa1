"""Keys: what each may do, when it stops working, and what is noted of its use."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from app.domain import timestamps
from app.domain.errors import KeyEnded, ServiceUnavailable, Unauthorized
from app.domain.records import Key, Rights, Timestamp
from app.services.audit import COMMAND_LINE, SERVER
from app.services.keys import Grant, KeyPlace, create_key, rotate
from app.settings import Settings
from app.stores import Backend
from app.web import authentication
from app.web.authentication import CACHED_KEYS, LAST_USE_SECONDS, Authenticator
from app.wiring import connect
from tests.contract.conftest import Api, application, make_key
from tests.records import revoke_key

CACHE_SECONDS = 2.0


class Clock:
    """A monotonic clock that tests move."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        """Return the time in seconds."""
        return self.now


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Let the authenticators' time stand still until a test moves it."""
    moved = Clock()
    monkeypatch.setattr(time, "monotonic", moved.monotonic)
    return moved


@pytest.fixture
def api(backend: Backend) -> Api:
    """The API of project ``acme`` with a full key, and workers that look keys up each time."""
    connect(application(), Settings(key_cache=0.0), backend)
    return Api(application(), make_key(backend))


def bearer(key: str) -> str:
    """Return the header that shows a key."""
    return f"Bearer {key}"


def record_of(backend: Backend, key_id: str) -> Key:
    """Return a key as stored."""
    return next(key for key in backend.list_keys() if key.id == key_id)


def opens(worker: Authenticator, key: str) -> bool:
    """Whether a worker lets a key in."""
    try:
        worker.authenticate(bearer(key))
    except Unauthorized:
        return False
    return True


def test_a_revoked_key_stops_in_every_worker(backend: Backend, ticking: Clock) -> None:
    """Workers that have just used a key refuse it COLLOQUY_KEY_CACHE seconds after it was revoked."""
    key = make_key(backend)
    workers = [Authenticator(backend, CACHE_SECONDS) for _ in range(2)]
    assert [opens(worker, key) for worker in workers] == [True, True]

    revoke_key(backend, workers[0].authenticate(bearer(key)).key_id)

    ticking.now += CACHE_SECONDS
    assert [opens(worker, key) for worker in workers] == [False, False]


def test_a_slow_store_does_not_lengthen_trust(sqlite_backend: Backend, ticking: Clock) -> None:
    """The seconds of trust count from before a key was looked up, however long that took."""
    key = make_key(sqlite_backend)

    class Slow:
        """A catalog that takes its time."""

        def find_key(self, digest: str) -> object:
            """Find a key, a second later."""
            found = sqlite_backend.find_key(digest)
            ticking.now += 1
            return found

        def touch_key(self, key_id: str, when: Timestamp) -> None:
            """Note a use."""
            sqlite_backend.touch_key(key_id, when)

    worker = Authenticator(Slow(), CACHE_SECONDS)  # type: ignore[arg-type]  # it has what is called
    key_id = worker.authenticate(bearer(key)).key_id
    revoke_key(sqlite_backend, key_id)

    ticking.now += CACHE_SECONDS - 1
    assert not opens(worker, key)


def test_an_expired_key_stops_at_once(sqlite_backend: Backend) -> None:
    """A key that a worker trusts stops at the moment it expires, without a look-up."""
    until = datetime.now(UTC) + timedelta(seconds=0.4)
    key = make_key(sqlite_backend, expires=timestamps.format_time(until))
    worker = Authenticator(sqlite_backend, 60.0)

    assert opens(worker, key)
    time.sleep(0.45)
    assert not opens(worker, key)


def test_a_rotated_key_works_until_its_overlap_ends(backend: Backend) -> None:
    """A revocation in the future lets both keys work until then; an earlier one still wins."""
    old_text, old = create_key(Grant("acme"))
    make_key(backend)
    backend.create_key(old)
    worker = Authenticator(backend, 0.0)

    place = KeyPlace("acme", old.id)
    rule = partial(rotate, actor=COMMAND_LINE, place=place, overlap=timedelta(hours=1))
    backend.write(SERVER, rule)
    assert opens(worker, old_text)

    revoke_key(backend, old.id)
    assert not opens(worker, old_text)
    with pytest.raises(KeyEnded):
        backend.write(SERVER, rule)
    assert not opens(worker, old_text)


def test_last_use_is_written_at_most_once_a_minute(backend: Backend, ticking: Clock) -> None:
    """However often a key is used, and by how many workers, its last use is written once a minute."""
    key = make_key(backend)
    written: list[str] = []
    touch = backend.touch_key

    def counted(key_id: str, when: Timestamp) -> None:
        written.append(key_id)
        touch(key_id, when)

    backend.touch_key = counted  # type: ignore[method-assign]  # a stand-in, so that calls are seen
    workers = [Authenticator(backend, 0.0) for _ in range(2)]
    for _ in range(5):
        for worker in workers:
            worker.authenticate(bearer(key))
    assert len(written) == 1
    assert record_of(backend, written[0]).last_used is not None

    ticking.now += LAST_USE_SECONDS
    for worker in workers:
        worker.authenticate(bearer(key))
    assert len(written) == 1


def test_a_later_use_is_written(sqlite_backend: Backend) -> None:
    """A use more than a minute after the last one is written."""
    past = Timestamp("2026-01-01T00:00:00.000Z")
    key = make_key(sqlite_backend, last_used=past)
    worker = Authenticator(sqlite_backend, 0.0)

    key_id = worker.authenticate(bearer(key)).key_id

    assert (record_of(sqlite_backend, key_id).last_used or past) > past


def test_use_is_not_refused_for_want_of_a_note(
    sqlite_backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    """A store that takes no writes still lets keys in; the log says that the use was not noted."""

    def fail(key_id: str, when: Timestamp) -> None:  # noqa: ARG001  # as the catalog's own
        raise ServiceUnavailable

    key = make_key(sqlite_backend)
    sqlite_backend.touch_key = fail  # type: ignore[method-assign]  # a stand-in, so that calls are seen

    with caplog.at_level(logging.WARNING):
        assert opens(Authenticator(sqlite_backend, 0.0), key)
    assert "last use" in caplog.text
    assert key not in caplog.text


def test_remembered_keys_are_bounded(sqlite_backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker remembers so many keys and no more."""
    monkeypatch.setattr(authentication, "CACHED_KEYS", 3)
    worker = Authenticator(sqlite_backend, 60.0)

    for _ in range(10):
        assert opens(worker, make_key(sqlite_backend))

    assert len(worker._cache) <= 3
    assert CACHED_KEYS > 3


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Basic abc", "Bearer sch\u00f6n", "Bearer " + "x" * 5000, "colloquy_x"],
)
def test_what_is_no_key_is_refused(sqlite_backend: Backend, header: str | None) -> None:
    """Headers that hold no key are refused without a look-up."""
    sqlite_backend.find_key = None  # type: ignore[assignment,method-assign]  # whoever calls it fails

    with pytest.raises(Unauthorized):
        Authenticator(sqlite_backend, 0.0).authenticate(header)


def test_keys_are_stored_as_hashes(sqlite_backend: Backend) -> None:
    """What is stored of a key does not contain it, and a key has at least 128 random bits."""
    text, key = create_key(Grant("acme"))
    make_key(sqlite_backend)
    sqlite_backend.create_key(key)

    assert text not in repr(record_of(sqlite_backend, key.id))
    assert text.startswith("colloquy_")
    assert len(text) - len("colloquy_") >= 128 / 6


def test_bound_keys_do_not_share_idempotency_keys(api: Api, backend: Backend) -> None:
    """Two end users who choose the same Idempotency-Key and leave their namespace out stay apart."""
    secrets = {}
    for user in ("anna", "bert"):
        secrets[user] = make_key(backend, namespace=user)
        message = {"role": "user", "content": f"the secret of {user}"}
        api.ok("POST", "/dialogue", {"id": "one", "message": message}, key=secrets[user])

    headers = {"Idempotency-Key": "1"}
    answers = {
        user: api.call("POST", "/dialogue/one/end", key=key, headers=headers) for user, key in secrets.items()
    }

    for user, answer in answers.items():
        assert answer.get_json()["namespace"] == user
        assert f"the secret of {user}" in answer.get_data(as_text=True)
        assert "Idempotent-Replayed" not in answer.headers
    again = api.call("POST", "/dialogue/one/end", key=secrets["bert"], headers=headers)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.get_data() == answers["bert"].get_data()


def test_a_read_only_key_reads_and_searches(api: Api, backend: Backend) -> None:
    """A read-only key may read, list and search, and may change nothing."""
    reader = make_key(backend, rights=Rights.READ)
    api.ok("POST", "/dialogue", {"id": "one"})

    assert api.ok("GET", "/dialogue/one", key=reader)["id"] == "one"
    assert api.ok("POST", "/search", {"object": "message", "query": "x"}, key=reader)["items"] == []
    api.refused(403, "FORBIDDEN", "DELETE", "/dialogue/one", key=reader)
    assert api.ok("GET", "/dialogue/one")["id"] == "one"
