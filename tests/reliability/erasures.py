"""Killing the server while it erases a large namespace: what it has begun comes to its end.

Once the client repeats its request, which goes on and has to count the whole. Once nobody does: then the
sweeper of the next server goes on when a minute has passed by its clock, which the proof moves, and has to
leave alone what was written since.
"""

from __future__ import annotations

import threading
import time
from functools import partial

from app.domain import timestamps
from app.domain.records import Scope, ScopeFilter
from app.services.verify import Seen, verify
from app.stores import Backend, Counts, Transaction
from tests.records import dialogue, memory, message
from tests.reliability.client import Client, Request
from tests.reliability.clock_wsgi import NOTE
from tests.reliability.expiry import COMMAND
from tests.reliability.report import say
from tests.reliability.server import Server
from tests.reliability.stores import Home, grant

PROJECT = "erasures"
DIALOGUES = 400
TOGETHER = 100
ATTEMPTS = 10
"""How often an erasure is begun until a kill meets one that is neither at its beginning nor at its end."""
PATIENCE = 90.0


def run_erasures(home: Home) -> list[str]:
    """Kill two erasures on one store, print a line and return the problems."""
    began = time.monotonic()
    note = home.folder / "erasures-clock"
    note.write_text("0")
    server = Server(home.url, home.folder / "erasures.log", timeout=8, command=COMMAND)
    server.environment[NOTE] = str(note)
    key = grant(home, PROJECT)
    backend = home.open()
    try:
        server.start()
        left, problems = _kill(server, key, backend, "repeated")
        problems += _repeat(Client(server.port, key), backend)
        abandoned, more = _kill(server, key, backend, "abandoned")
        problems += more + _write_again(Client(server.port, key))
        note.write_text("1")
        problems += _await_sweeper(backend)
        problems += [f"verify: {problem}" for problem in verify(backend, PROJECT, Seen())]
    finally:
        server.stop()
        backend.close()
    say(
        f"  killed while it erased {DIALOGUES:,} dialogues, with {left:,} and {abandoned:,} left: "
        f"{len(problems)} problems; {time.monotonic() - began:.0f} s"
    )
    return problems


def _kill(server: Server, key: str, backend: Backend, namespace: str) -> tuple[int, list[str]]:
    """Kill the server while it erases, start another, and return how many dialogues are left."""
    for _ in range(ATTEMPTS):
        _fill(backend, namespace)
        server.wait_until_ready()
        client = Client(server.port, key)
        erasing = threading.Thread(target=client.send, args=(_erasure(namespace),))
        erasing.start()
        while erasing.is_alive() and _stats(backend, namespace).active == DIALOGUES:
            time.sleep(0.001)
        server.kill()
        erasing.join()
        server.start()
        server.wait_until_ready()
        left = _stats(backend, namespace)
        if 0 < left.active < DIALOGUES:
            # What is left of a dialogue is all of it.
            whole = left.messages == left.active
            return left.active, [] if whole else [f"{namespace}: a dialogue is there in part: {left}"]
        Client(server.port, key).send_until_answered(_erasure(namespace), PATIENCE)
    return 0, [f"{namespace}: no kill in {ATTEMPTS} met an erasure under way"]


def _fill(backend: Backend, namespace: str) -> None:
    for start in range(0, DIALOGUES, TOGETHER):
        backend.write(Scope(PROJECT, namespace), partial(_insert, start=start))


def _insert(tx: Transaction, start: int) -> None:
    now = timestamps.now()
    for number in range(start, start + TOGETHER):
        one = dialogue(tx.scope, id=f"d{number}", total=1, next_seq=1, last_message_created=now, created=now)
        tx.insert_dialogue(one)
        tx.insert_messages([message(one, 0, created=now)])
    if start == 0:
        tx.insert_memory(memory(tx.scope, id="old"))


def _erasure(namespace: str) -> Request:
    return Request("DELETE", f"/namespace/{namespace}")


def _stats(backend: Backend, namespace: str) -> Counts:
    return backend.stats(ScopeFilter(PROJECT, namespace))


def _repeat(client: Client, backend: Backend) -> list[str]:
    """Send the request again, as a client does that got no answer."""
    answer = client.send_until_answered(_erasure("repeated"), PATIENCE)
    client.close()
    counts = (answer.json.get("dialogues"), answer.json.get("messages"), answer.json.get("memories"))
    problems = [] if counts == (DIALOGUES, DIALOGUES, 1) else [f"the repeat has counted {answer.text}"]
    left = _stats(backend, "repeated")
    return problems if left == Counts(0, 0, 0, 0, 0, 0) else [*problems, f"the repeat has left {left}"]


def _write_again(client: Client) -> list[str]:
    """Write what the sweeper has to leave alone."""
    turn = {"role": "user", "content": "back again"}
    new = {"id": "new", "namespace": "abandoned", "message": turn}
    answers = [
        client.send_until_answered(Request("POST", "/dialogue", new), PATIENCE),
        client.send_until_answered(
            Request("POST", "/memory", {"id": "new", "namespace": "abandoned", "value": 1}), PATIENCE
        ),
    ]
    client.close()
    return [f"a new write was answered {answer.status}" for answer in answers if not answer.accepted]


def _await_sweeper(backend: Backend) -> list[str]:
    """Wait until the sweeper has come to the end of the erasure that was abandoned, and look what is left."""
    deadline = time.monotonic() + PATIENCE
    while backend.list_erasures(timestamps.LATEST):
        if time.monotonic() > deadline:
            return [f"after {PATIENCE} s the sweeper has left {_stats(backend, 'abandoned')}"]
        time.sleep(0.1)
    left = _stats(backend, "abandoned")
    return [] if left == Counts(1, 0, 0, 1, 1, 0) else [f"the sweeper has left {left}"]
