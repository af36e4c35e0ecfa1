"""A repeat that arrives while the first request of its Idempotency-Key still runs."""

from __future__ import annotations

from contextlib import AbstractContextManager

import pytest

from app.web.idempotency import RunningKeys
from tests.contract.conftest import Api


class Busy:
    """Keys that are all held already, so that nobody waits long."""

    @staticmethod
    def hold(request: str) -> AbstractContextManager[None]:
        """Find the key held."""
        running = RunningKeys()
        running._running.add(request)
        return running.hold(request, 0.01)


def test_a_wait_that_runs_out_is_a_conflict(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is 409 IDEMPOTENCY_CONFLICT, leaves nothing, and takes effect once the key is free."""
    headers = {"Idempotency-Key": "k"}
    with monkeypatch.context() as patch:
        patch.setattr("app.web.idempotency.RUNNING_KEYS", Busy())
        refused = api.post("/dialogue", {}, headers=headers)
    assert refused.status_code == 409
    assert refused.get_json()["error"]["code"] == "IDEMPOTENCY_CONFLICT"
    assert api.ok("GET", "/dialogue")["items"] == []
    made = api.post("/dialogue", {}, headers=headers)
    repeated = api.post("/dialogue", {}, headers=headers)
    assert made.status_code == 200
    assert repeated.get_data() == made.get_data()
    assert repeated.headers["Idempotent-Replayed"] == "true"
