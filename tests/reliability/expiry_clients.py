"""The clients of the expiry proof: what each writes, and what it then knows that it must find."""

from __future__ import annotations

import random
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from app.domain import timestamps
from app.domain.ids import new_id
from app.domain.records import Timestamp
from tests.reliability.client import Answer, Client, Request
from tests.reliability.clock_wsgi import read_clock

NAMESPACES = ("", "anna", "bert")
KEPT = {"active": 3, "ended": 2, "memory": 4}
"""For how many days the project keeps what nobody changes."""


AWAY_SECONDS = 0.2
"""For how long a client that gets no answer waits."""


class Days:
    """Which day it is, in a file that the server's clock follows.

    While that changes the server's day is from ``today`` to ``perhaps``.
    """

    def __init__(self, note: Path) -> None:
        self.note = note
        self.today = self.perhaps = 0
        self.set(0)

    def set(self, day: int) -> None:
        """Make it another day."""
        self.perhaps = day
        beside = self.note.with_suffix(".new")
        beside.write_text(str(day), encoding="ascii")
        beside.replace(self.note)
        self.today = day

    def now(self) -> Timestamp:
        """Return the server's time."""
        return read_clock(self.note)


def just_before(day: int) -> Timestamp:
    """Return a time half a day before a day, at the time of day that it is."""
    return timestamps.format_time(datetime.now(UTC) + timedelta(days=day - 0.5))


@dataclass
class Thing:
    """A dialogue or memory as its writer knows it.

    It was last changed on a day from ``earliest`` to ``latest``, which differ where a change may have taken
    effect or not. It ends on the day ``end`` whatever happens. ``messages`` were acknowledged. What is
    ``unsure`` may never have been created.
    """

    path: str
    namespace: str
    kept: int
    earliest: int
    latest: int
    end: int | None = None
    unsure: bool = False
    messages: set[str] = field(default_factory=set)

    def must_be_gone(self, day: int) -> bool:
        """Whether it has expired by a day for certain."""
        return day >= self.latest + self.kept or (self.end is not None and day >= self.end)

    def must_be_there(self, day: int) -> bool:
        """Whether it cannot have expired by a day."""
        return not self.unsure and day < self.earliest + self.kept and (self.end is None or day < self.end)


class Writer(threading.Thread):
    """One client, which writes until it is told to stop."""

    def __init__(self, days: Days, client: Client, seed: str) -> None:
        super().__init__(daemon=True)
        self._days = days
        self._client = client
        self._random = random.Random(seed)
        self.things: list[Thing] = []
        self.counts: Counter[str] = Counter()
        self.problems: list[str] = []
        self.ended = threading.Event()

    def run(self) -> None:
        """Write."""
        acts = (self._create, self._append, self._append, self._fork, self._end, self._remember)
        while not self.ended.is_set():
            self._random.choice(acts)()

    def judge(self, day: int) -> None:
        """Hold the server to what this client knows; nobody writes any more."""
        for thing in self.things:
            here = {"namespace": thing.namespace}
            found = self._client.read(thing.path, **here)
            if found is None and thing.must_be_there(day):
                self.problems.append(f"{thing} is missing on day {day}")
            if found is not None and thing.must_be_gone(day):
                self.problems.append(f"{thing} is still there on day {day}")
            self.counts["there" if found else "gone"] += 1
            if found is not None and thing.messages:
                listed = self._client.read_all("/messages", dialogueId=found["id"], **here) or []
                missing = thing.messages - {message["id"] for message in listed}
                if missing:
                    self.problems.append(f"{thing} has lost the messages {missing}")

    def _create(self, **fields: Any) -> None:
        lasts = self._random.choice((None, None, 2))
        name, first = new_id(), new_id()
        body = {"id": name, "message": {"id": first, "role": "user", "content": "hello"}} | fields
        self._make("/dialogue", body, KEPT["active"], lasts, {first})

    def _remember(self) -> None:
        lasts = self._random.choice((None, 2, 3))
        self._make("/memory", {"id": new_id(), "value": "tea"}, KEPT["memory"], lasts, set())

    def _make(
        self, path: str, body: dict[str, Any], kept: int, lasts: int | None, messages: set[str]
    ) -> None:
        namespace = body.pop("namespace", self._random.choice(NAMESPACES))
        day = self._days.today
        end = None if lasts is None else day + lasts
        made = Thing(f"{path}/{body['id']}", namespace, kept, day, day, end)
        named = body | ({"namespace": namespace} if namespace else {})
        named |= {} if end is None else {"expiresAt": just_before(end)}
        answer = self._send(Request("POST", path, named))
        made.latest = self._days.perhaps
        made.unsure = not _is_accepted(answer)
        if answer is not None and answer.refused:
            is_gone = answer.status == 404 and "threadOf" in body
            if not is_gone:
                self.problems.append(f"{path} on day {day}: {answer.text[:300]}")
            return
        made.messages = set() if made.unsure else messages
        self.counts["acknowledged"] += not made.unsure
        self.things.append(made)

    def _append(self) -> None:
        thing = self._any_dialogue()
        if thing is None or thing.kept != KEPT["active"]:
            return
        message = {"id": new_id(), "role": "user", "content": "and another thing"}
        where = {"dialogueId": thing.path.removeprefix("/dialogue/")}
        where |= {"namespace": thing.namespace} if thing.namespace else {}
        if self._change(Request("POST", "/message", message | where), thing):
            thing.messages.add(str(message["id"]))

    def _end(self) -> None:
        thing = self._any_dialogue()
        if thing is not None:
            request = Request("POST", thing.path + "/end", query={"namespace": thing.namespace})
            # To end it again changes nothing. If there is no answer, nobody knows how long it is kept.
            thing.unsure = not self._change(request, thing, changes=thing.kept == KEPT["active"])
            thing.kept = thing.kept if thing.unsure else KEPT["ended"]

    def _fork(self) -> None:
        thing = self._any_dialogue()
        if thing is not None:
            parent = thing.path.removeprefix("/dialogue/")
            self._create(threadOf=parent, namespace=thing.namespace)

    def _any_dialogue(self) -> Thing | None:
        recent = (thing for thing in self.things[-20:] if not thing.unsure)
        dialogues = [thing for thing in recent if thing.path.startswith("/dialogue")]
        return self._random.choice(dialogues) if dialogues else None

    def _send(self, request: Request) -> Answer | None:
        answer = self._client.send(request)
        if answer is None:
            self.ended.wait(AWAY_SECONDS)
        return answer

    def _change(self, request: Request, thing: Thing, *, changes: bool = True) -> bool:
        """Send a change of something that is there, or may be; whether it was acknowledged."""
        day = self._days.today
        answer = self._send(request)
        after = self._days.perhaps
        if answer is not None and answer.refused:
            if answer.status != 404 or thing.must_be_there(after):
                self.problems.append(f"{request.target} of {thing} on day {day}: {answer.text[:300]}")
            return False
        if _is_accepted(answer) and thing.must_be_gone(day):
            self.problems.append(f"{request.target} on day {day} changed {thing}, which had expired")
        if changes:
            thing.latest = after
            thing.earliest = day if _is_accepted(answer) else thing.earliest
        if _is_accepted(answer):
            self.counts["acknowledged"] += 1
        return _is_accepted(answer)


def _is_accepted(answer: Answer | None) -> bool:
    return answer is not None and answer.accepted
