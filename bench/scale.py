"""``make bench-scale``: the same requests on SQLite with 10,000 and with a million dialogues.

The dialogues are generated straight into the store, one message each. What is compared is what a
request costs in this process: time, and the steps of SQLite's virtual machine, which grow with the
rows that it visits.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from app import logs
from app.domain.records import Dialogue, Message, Scope, Timestamp
from app.schemas.dialogues import DialogueSchema
from app.services import dialogues
from app.services.bootstrap import prepare
from app.settings import Settings
from app.stores import Backend, Transaction
from app.stores.sqlite import open_sqlite
from app.wiring import create_app
from bench import data
from bench.inprocess import call, environ_of

FEW = 10_000
STEP = 2000
PAGE = 10
PAGES = 1000
TIMES = 200
MOST = 1.5
"""A request on the large store may take this many times what it takes on the small one."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Microseconds of CPU (median) and steps of SQLite's virtual machine (least) of one request."""

    time: float
    steps: int


Pattern = tuple[Dialogue, Message]


def make_pattern(store: Backend) -> Pattern:
    """Return a dialogue and its message as the service makes them, to be copied."""
    scope = Scope(data.PROJECT)
    text = data.sentence(random.Random(1))  # the same data each time
    command = DialogueSchema().load({"id": "pattern", "message": {"role": "user", "content": text}}).command
    store.write(scope, lambda tx: dialogues.create(tx, command))
    made = store.get_dialogue(scope, "pattern")
    if made is None:
        raise RuntimeError("the pattern was not stored")
    return made, next(iter(store.messages_since(scope, made.id, made.uid, -1)))


def fill(store: Backend, pattern: Pattern, numbers: range) -> None:
    """Add dialogues of one message each, as if created one a second."""
    for first in range(numbers.start, numbers.stop, STEP):
        step = range(first, min(numbers.stop, first + STEP))
        store.write(Scope(data.PROJECT), lambda tx, step=step: _insert(tx, pattern, step))


def _insert(tx: Transaction, pattern: Pattern, numbers: range) -> None:
    dialogue, message = pattern
    rows = []
    for number in numbers:
        uid, name, when = f"{number:026}", f"d{number}", moment(number)
        tx.insert_dialogue(replace(dialogue, id=name, uid=uid, created=when, modified=when))
        rows.append(replace(message, uid=uid, dialogue_id=name, created=when, modified=when, terms=""))
    tx.insert_messages(rows)


def moment(number: int) -> Timestamp:
    """Return a time, one second after that of the number before."""
    return Timestamp(time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(1_700_000_000 + number)))


def measure(app: Any, store: Any, environ: dict[str, Any]) -> Cost:
    """Return what a GET costs, sent a number of times."""
    steps: list[int] = []
    taken: list[float] = []
    connection = store._db.connection()  # noqa: SLF001  # its steps are counted
    for _ in range(3):
        counted: list[None] = []
        connection.set_progress_handler(lambda seen=counted: seen.append(None), 1)
        call(app, dict(environ))
        connection.set_progress_handler(None, 0)
        steps.append(len(counted))
    for _ in range(TIMES):
        begun = time.process_time()
        call(app, dict(environ))
        taken.append(time.process_time() - begun)
    return Cost(statistics.median(taken) * 1e6, min(steps))


def measure_all(app: Any, store: Backend) -> dict[str, Cost]:
    """Return the cost of each request that is compared."""
    first = environ_of("get", random.Random(1)) | {"PATH_INFO": "/dialogue", "QUERY_STRING": f"limit={PAGE}"}
    deep = first
    for _ in range(PAGES - 1):
        cursor = orjson.loads(call(app, dict(deep)))["next"]
        deep = first | {"QUERY_STRING": f"limit={PAGE}&next={cursor}"}
    one = first | {"PATH_INFO": "/dialogue/d17", "QUERY_STRING": ""}
    its_messages = first | {"PATH_INFO": "/messages", "QUERY_STRING": "dialogueId=d17"}
    environs = {"GET one": one, "its messages": its_messages, "first page": first, f"page {PAGES}": deep}
    return {name: measure(app, store, environ) for name, environ in environs.items()}


def main() -> int:
    """Fill, measure, fill on, measure again; the exit status is 1 when something grew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dialogues", type=int, default=1_000_000)
    count = parser.parse_args().dialogues
    logs.configure("error")
    with tempfile.TemporaryDirectory(prefix="colloquy-scale-") as folder:
        store = open_sqlite(Path(folder) / "scale.db")
        store.migrate()
        prepare(store, data.KEY)
        app = create_app(Settings(log_level="error"), store)
        pattern = make_pattern(store)
        fill(store, pattern, range(FEW))
        few = measure_all(app, store)
        begun = time.perf_counter()
        fill(store, pattern, range(FEW, count))
        rate = (count - FEW) / (time.perf_counter() - begun)
        many = measure_all(app, store)
    print(f"{FEW:,} and {count:,} dialogues on SQLite; {rate:,.0f} generated a second")
    return 1 if [name for name in few if not compare(name, few[name], many[name])] else 0


def compare(name: str, few: Cost, many: Cost) -> bool:
    """Print a line; whether the request costs as much with many dialogues as with few."""
    is_flat = many.steps == few.steps and many.time <= MOST * few.time
    print(
        f"{name:14} {few.time:8.0f} us {many.time:8.0f} us  ratio {many.time / few.time:.2f}  "
        f"steps {few.steps} and {many.steps}  {'flat' if is_flat else 'GROWN'}"
    )
    return is_flat


if __name__ == "__main__":
    sys.exit(main())
