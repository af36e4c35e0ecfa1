"""``make expiry``: days pass while clients write and servers are killed; then count what is left.

The server's clock is moved by a file, a day at a time. Clients create dialogues, some with an end of their
own, append to them, make threads of them, end them and keep memories; archives are restored beside them; and
the server, or one of its workers, is killed. The project keeps what nobody changes for two or three days.
At the end everything that had to go is gone, with all that belonged to it; everything else is there, with
every message that was acknowledged; and ``verify`` finds nothing.
"""

from __future__ import annotations

import argparse
import random
import secrets
import sys
import time
from collections import Counter
from dataclasses import replace
from functools import partial

from app.domain import timestamps
from app.domain.expiry import Expiry, Lifetime
from app.domain.ids import Fingerprint, new_id
from app.domain.list_queries import ExpiryQuery
from app.domain.records import JsonText, Scope, ScopeFilter
from app.domain.retention import Kept, Retention
from app.services.inputs import NewDialogue
from app.services.restore import restore
from app.services.restore_inputs import Record
from app.services.verify import Seen, verify
from app.stores import Backend
from app.stores.contents import count_threads
from tests.records import change_project
from tests.reliability.client import Client
from tests.reliability.clock_wsgi import NOTE
from tests.reliability.expiry_clients import KEPT, NAMESPACES, Days, Thing, Writer, just_before
from tests.reliability.report import conclude, say
from tests.reliability.server import Server
from tests.reliability.stores import KINDS, Home, grant, open_home

COMMAND = ("-m", "gunicorn", "--config", "gunicorn.conf.py", "tests.reliability.clock_wsgi:create()")
PROJECT = "expiry"
POLICY = Retention(dialogue_days=KEPT["active"], ended_days=KEPT["ended"], memory_days=KEPT["memory"])
WRITERS = 4
DAY_SECONDS = 1.0
SWEEP_SECONDS = 180
"""A sweep that met a busy store goes on a minute later."""
RESTORED_EACH_DAY = 5
MOST = 100_000
"""How many of what has expired are looked for."""


class Run:
    """The days on one store."""

    def __init__(self, home: Home, seed: str) -> None:
        self._home = home
        self._random = random.Random(f"{seed} {home.name}")
        self._days = Days(home.folder / "clock")
        self._server = Server(home.url, home.folder / "expiry.log", timeout=8, command=COMMAND)
        self._server.environment[NOTE] = str(self._days.note)
        key = grant(home, PROJECT)
        self._backend = home.open()
        change_project(self._backend, PROJECT, retention=POLICY)
        clients = [Client(self._server.port, key) for _ in range(WRITERS)]
        self._writers = [
            Writer(self._days, client, f"{seed} {home.name} {number}")
            for number, client in enumerate(clients)
        ]
        self._restored: list[Thing] = []
        self.kills: Counter[str] = Counter()

    def run(self, days: int) -> list[str]:
        """Let the days pass, and return what is wrong at their end."""
        real, timestamps.now = timestamps.now, self._days.now
        try:
            self._server.start()
            for writer in self._writers:
                writer.start()
            for _ in range(days):
                self._live_one_day()
            for writer in self._writers:
                writer.ended.set()
                writer.join(60)
            self._server.wait_until_ready()
            problems = self._await_sweep()
            for writer in self._writers:
                writer.judge(self._days.today)
                problems += writer.problems
            return problems + self._judge_restored() + _find_tombstones(self._backend) + self._verify()
        finally:
            self._server.stop()
            self._backend.close()
            timestamps.now = real

    def _live_one_day(self) -> None:
        self._days.set(self._days.today + 1)
        for _ in range(RESTORED_EACH_DAY):
            self._restore()
        time.sleep(self._random.uniform(0.2, DAY_SECONDS))
        target = self._random.choice(("server", "worker", "nothing"))
        self.kills[target] += 1
        if target == "server":
            self._server.kill()
            self._server.start()
        elif target == "worker":
            self._server.kill_worker(self._random.randrange(8))

    def _restore(self) -> None:
        """Restore a conversation as an import does, which was last changed yesterday, beside the server."""
        name, namespace, day = new_id(), self._random.choice(NAMESPACES), self._days.today
        yesterday = just_before(day)
        command = NewDialogue(
            id=name,
            id_given=True,
            thread_of=None,
            fork_at=None,
            label="restored",
            tags=(),
            metadata=JsonText("{}"),
            state=JsonText("{}"),
            created=yesterday,
            messages=(),
            hash=Fingerprint("", ""),
        )
        record = Record(command, (), last_modified=yesterday)
        self._backend.write(Scope(PROJECT, namespace), partial(restore, record=record))
        # Half a day old: gone half a day before what was written now.
        self._restored.append(Thing(f"/dialogue/{name}", namespace, KEPT["active"], day, day))

    def _await_sweep(self) -> list[str]:
        """Wait until the sweeper has removed what has expired by now."""
        deadline = time.monotonic() + SWEEP_SECONDS
        while left := _count_left(self._backend, self._days):
            if time.monotonic() > deadline:
                return [f"after {SWEEP_SECONDS} s the sweeper has left {left}"]
            time.sleep(0.2)
        return []

    def _judge_restored(self) -> list[str]:
        problems = []
        for thing in self._restored:
            identifier = thing.path.removeprefix("/dialogue/")
            found = self._backend.get_dialogue(Scope(PROJECT, thing.namespace), identifier)
            if (found is None) is not thing.must_be_gone(self._days.today):
                problems.append(f"{thing}, restored, is {'gone' if found is None else 'there'}")
        return problems

    def _verify(self) -> list[str]:
        seen = Seen()
        problems = [f"verify: {problem}" for problem in verify(self._backend, PROJECT, seen, thorough=True)]
        counts = sum((writer.counts for writer in self._writers), Counter[str]())
        say(
            f"  {self._days.today} days, {WRITERS} clients, kills: {dict(self.kills)}; "
            f"{counts['acknowledged']:,} writes acknowledged, {len(self._restored)} restored\n"
            f"  {counts['gone']:,} had expired and were gone, {counts['there']:,} were there; "
            f"verify saw {seen.dialogues:,} dialogues with {seen.messages:,} messages"
        )
        if not counts["gone"] or not counts["there"]:
            problems.append(f"this run shows nothing: {counts}")
        return problems


def _count_left(backend: Backend, days: Days) -> dict[str, int]:
    """Return how much of what has expired is not removed yet, by kind."""
    query = ExpiryQuery(PROJECT, Kept.DIALOGUE, days.now(), MOST)
    expiry = Expiry(POLICY)
    idle = backend.list_expiring(replace(query, by_age=True)).items
    lives = [Lifetime(item.status, item.time, None) for item in idle]
    left = {
        "dialogues": len(backend.list_expiring(query).items),
        "idle dialogues": sum(expiry.hides_dialogue(life) for life in lives),
        "memories": len(backend.list_expiring(replace(query, kind=Kept.MEMORY)).items),
        "rows": backend.sweep(1),
    }
    return {name: count for name, count in left.items() if count}


def _find_tombstones(backend: Backend) -> list[str]:
    """Return which tombstones stay though no thread needs them."""
    found = backend.iterate_tombstones(ScopeFilter(PROJECT))
    idle = [
        (scope, tombstone)
        for scope, tombstone in found
        if not count_threads(backend, scope, tombstone.dialogue_id)
    ]
    return [f"{tombstone} stays in {scope}" for scope, tombstone in idle]


def main() -> int:
    """Run what the command line asks for; 0 when nothing was wrong."""
    parser = argparse.ArgumentParser(prog="expiry", description=__doc__)
    parser.add_argument("--days", type=int, default=20)
    parser.add_argument("--store", action="append", choices=KINDS)
    parser.add_argument("--seed", default=secrets.token_hex(4))
    options = parser.parse_args()
    say(f"expiry: seed {options.seed}")
    problems: list[str] = []
    for name in options.store or KINDS:
        with open_home(name) as home:
            if home is not None:
                say(f"{name}:")
                problems += Run(home, options.seed).run(options.days)
    return conclude("expiry", problems, f", seed {options.seed}")


if __name__ == "__main__":
    sys.exit(main())
