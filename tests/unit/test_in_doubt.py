"""Ending in-doubt transactions of MongoDB, without a server."""

from __future__ import annotations

import threading
from typing import Any, cast

from pymongo.errors import AutoReconnect, InvalidOperation

from app.stores.mongo.in_doubt import InDoubtTransactions


class ClosedSession:
    """A session of a client that is closed, whose commit is unknown."""

    in_transaction = False

    def commit_transaction(self) -> None:
        """Fail as the driver does."""
        raise InvalidOperation("Cannot use MongoClient after close")

    end_session = commit_transaction


def test_a_client_that_is_closed_leaves_nothing_to_end() -> None:
    """The thread ends quietly, and another one can take over."""
    in_doubt = InDoubtTransactions(cast("Any", None), cast("Any", None))
    for _ in range(2):
        assert not in_doubt.abort(cast("Any", ClosedSession()), AutoReconnect("away"))
        [thread] = [one for one in threading.enumerate() if one.name == "in-doubt"]
        thread.join(5)
        assert not thread.is_alive()
