"""A client process: it writes until its time is up or an answer does not come, then checks."""

from __future__ import annotations

import copy
import random
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from typing import Any

from tests.reliability.client import TOO_MANY, Client
from tests.reliability.expected_state import ExpectedState, differences, is_between, observe
from tests.reliability.operations import Operations
from tests.reliability.steps import Step

REPLAYS = 3
"""How many acknowledged writes with a key are sent once more after each crash."""

COMEBACK_SECONDS = 90.0
"""For how long a repeat may find the store away, or held by what the crash left."""


@dataclass(frozen=True)
class Orders:
    """What a writer is to do in one round."""

    port: int
    key: str
    seconds: float
    seed: str
    round: int
    number: int
    shared_id: str


@dataclass
class Report:
    """What came of a round."""

    acknowledged: int = 0
    refused: int = 0
    unanswered: Counter[str] = field(default_factory=Counter)
    kept: int = 0
    undone: int = 0
    repeated: int = 0
    replayed: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


class Writer:
    """One writer in one round."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._client = Client(orders.port, orders.key)
        prefix = f"r{orders.round}w{orders.number}-"
        self.world = ExpectedState(f"{prefix}home", f"{prefix}doomed", orders.shared_id, prefix)
        self.report = Report()
        self._open: Step | None = None
        self._keyed: list[tuple[Step, str]] = []
        self._random = random.Random(orders.seed)  # a string: the same in every process

    def write(self) -> None:
        """Write until the time is up or a write is left without an answer."""
        operations = Operations(self._random, self.world)
        deadline = time.monotonic() + self._orders.seconds
        while time.monotonic() < deadline and self._open is None:
            self.take(operations.next())

    def take(self, step: Step) -> None:
        """Send a write and note what came of it."""
        answer = self._client.send(step.request)
        if answer is None or answer.status >= 500:
            self._open = step
            self.report.unanswered[step.kind] += 1
            if answer is not None and answer.status != 503:
                self._complain(f"{step.kind} was answered {answer.status} {answer.text[:200]}")
        elif answer.accepted and step.refusal is None:
            step.apply(self.world, answer.json)
            self.report.acknowledged += 1
            self.report.kinds[step.kind] += 1
            if step.keyed:
                self._keyed.append((step, answer.text))
        elif answer.status in {step.refusal, TOO_MANY}:  # so is a heavy request while a store is away
            self.report.refused += 1
        else:
            self._complain(f"{step.kind} was answered {answer.status} {answer.text[:300]}")

    def forget_header(self, name: str) -> None:
        """Leave a header out of the open write when it is repeated."""
        if self._open is not None:
            self._open = replace(self._open, request=self._open.request.without_header(name))
        self._keyed = [(replace(s, request=s.request.without_header(name)), text) for s, text in self._keyed]

    def check(self) -> None:
        """Compare what is stored with what was answered, and repeat what was not."""
        step = self._open
        if step is None:
            self._expect(self.world)
        else:
            self._settle(step)
        self._replay()
        self._client.close()

    def _settle(self, step: Step) -> None:
        """Find the open write wholly there or wholly not, then repeat it."""
        changed = copy.deepcopy(self.world)
        if step.refusal is None:
            step.apply(changed, None)
        places = set(self.world.deleted) | set(changed.deleted)
        found = observe(self._client, self.world, places)
        before, after = differences(self.world.view(), found), differences(changed.view(), found)
        in_part = bool(step.erases) and is_between(self.world.view(), found, changed.view())
        if before and after and not in_part:
            fewest = min(before, after, key=len)
            self._complain(f"{step.kind} without an answer is there in part: {'; '.join(fewest[:4])}")
            return
        kept = not after and bool(before)
        self.report.kept += kept
        self.report.undone += not kept
        if step.repeatable:
            self._repeat(step, kept=kept)
            self.world = changed
            self._expect(self.world)
        elif kept:
            self.world = changed

    def _repeat(self, step: Step, *, kept: bool) -> None:
        answer = self._client.send_until_answered(step.request, COMEBACK_SECONDS)
        self.report.repeated += 1
        if answer.status == step.refusal or (kept and answer.status in step.unrepeated):
            return
        if not answer.accepted:
            self._complain(f"the repeat of {step.kind} was answered {answer.status} {answer.text[:300]}")
        elif step.erases and not kept and answer.json["dialogues"] != step.erases:
            self._complain(f"{step.kind} has counted {answer.json['dialogues']} of {step.erases} dialogues")
        elif kept and step.keyed and answer.headers.get("idempotent-replayed") != "true":
            self._complain(f"the repeat of {step.kind} was not answered from its key")

    def _replay(self) -> None:
        """Send acknowledged writes again: the same answer, and nothing new."""
        count = min(REPLAYS, len(self._keyed))
        for step, text in self._random.sample(self._keyed, count):
            if self.world.doomed in f"{step.request.target} {step.request.body}":
                continue  # erasing a namespace forgets its recorded answers
            answer = self._client.send_until_answered(step.request, COMEBACK_SECONDS)
            self.report.replayed += 1
            if answer.text != text or answer.headers.get("idempotent-replayed") != "true":
                self._complain(f"the replay of {step.kind} was answered {answer.status} {answer.text[:200]}")
        if count:
            self._expect(self.world)

    def _expect(self, world: ExpectedState) -> None:
        found = observe(self._client, world, set(world.deleted))
        for line in differences(world.view(), found):
            self._complain(line)

    def _complain(self, text: str) -> None:
        orders = self._orders
        self.report.problems.append(f"round {orders.round}, writer {orders.number}: {text}")

    def look_again(self, port: int) -> list[str]:
        """Check a round that is over; return what has changed since."""
        self._client = Client(port, self._orders.key)
        found = observe(self._client, self.world, set(self.world.deleted))
        self._client.close()
        changed = differences(self.world.view(), found)
        return [f"round {self._orders.round}, later: {line}" for line in changed]


def serve(pipe: Connection) -> None:
    """Do what the conductor sends: orders to write, then 'check', and 'again' at the very end."""
    writers: list[Writer] = []
    while True:
        order: Any = pipe.recv()
        if order is None:
            return
        try:
            pipe.send(_obey(order, writers))
        except Exception as error:  # noqa: BLE001 - the conductor reports it and goes on
            pipe.send(Report(problems=[f"{type(error).__name__}: {error}"]))


def _obey(order: Any, writers: list[Writer]) -> Any:
    if isinstance(order, Orders):
        writers.append(Writer(order))
        writers[-1].write()
        return None
    if order == "check":
        writers[-1].check()
        return writers[-1].report
    again, port = order
    problems = [line for writer in writers[-again:] for line in writer.look_again(port)]
    return Report(problems=problems)
