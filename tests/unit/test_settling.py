"""Ending what requests had to leave open on MongoDB, without a server."""

from __future__ import annotations

import threading
from typing import Any, cast

from pymongo.errors import AutoReconnect, InvalidOperation

from app.stores.mongo.settling import Settler


class ClosedSession:
    """A session of a client that is closed, whose commit is unknown."""

    in_transaction = False

    def commit_transaction(self) -> None:
        """Fail as the driver does."""
        raise InvalidOperation("Cannot use MongoClient after close")

    end_session = commit_transaction


def test_a_client_that_is_closed_leaves_nothing_to_settle() -> None:
    """The thread ends quietly, and another one can take over."""
    settler = Settler(cast("Any", None), cast("Any", None))
    for _ in range(2):
        assert not settler.abort(cast("Any", ClosedSession()), AutoReconnect("away"))
        [thread] = [one for one in threading.enumerate() if one.name == "settler"]
        thread.join(5)
        assert not thread.is_alive()
