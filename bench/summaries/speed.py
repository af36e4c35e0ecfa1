"""What a summary costs by the length of the dialogue: CPU seconds, and calls, which no other load changes.

    python bench/summaries/speed.py [--runs 3]

Two dialogues are cut to each length: what agents and their tools said in the real conversations, one
after another, and messages of four that were written for the bench. ``digest`` is the summariser alone;
``compact`` is POST /dialogue/{id}/compact as the API answers it on SQLite, in this process. Both are the
least of some runs, since a busy machine only ever adds. The calls are those of ``digest``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count, cycle, islice
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(HERE)]

from gold import AGENTS, read_rows, stored_content  # noqa: E402  # the folder is put on the path first

from app import logs  # noqa: E402  # the folder is put on the path first
from app.services.bootstrap import prepare  # noqa: E402  # the folder is put on the path first
from app.settings import Settings  # noqa: E402  # the folder is put on the path first
from app.stores.sqlite import open_sqlite  # noqa: E402  # the folder is put on the path first
from app.summaries import Digest, Turn  # noqa: E402  # the folder is put on the path first
from app.summaries.digest.extractive import Extractive  # noqa: E402  # the folder is put on the path first
from app.wiring import create_app  # noqa: E402  # the folder is put on the path first

LENGTHS = (500, 1_000, 2_000, 4_000, 8_000)
KEY = "bench_0123456789abcdef"
BATCH = 25
WRITTEN_TOGETHER = 4
Message = dict[str, Any]


def agent_messages(data: Path) -> Iterator[Message]:
    """Yield what was said in the agents' conversations, behind the first system prompt, again and again."""
    messages = [message for row in read_rows(data / AGENTS) for message in row["messages"]]
    yield messages[0]
    yield from cycle([message for message in messages if message["role"] != "system"])


def written_messages() -> Iterator[Message]:
    """Yield messages of four written ones each, users and assistants in turn."""
    rows = [json.loads(path.read_text()) for path in sorted((HERE / "transcripts").glob("*.jsonl"))]
    said = [message["content"] for row in rows for message in row["messages"]]
    dice = random.Random(0)
    for number in count():
        role = "assistant" if number % 2 else "user"
        yield {"role": role, "content": " ".join(dice.sample(said, WRITTEN_TOGETHER))}


def as_request(number: int, message: Message) -> Message:
    """Return the body that stores a message."""
    named = {"name": message["name"]} if message.get("name") else {}
    return {"id": f"m{number}", "role": message["role"], "content": stored_content(message), **named}


def digest(messages: list[Message]) -> Digest:
    """Digest messages, as the provider is given them: one at a time."""
    return Extractive().summarize(
        Turn(message["id"], number, message["role"], message["content"], "", message.get("name"))
        for number, message in enumerate(messages)
    )


def count_calls(work: Callable[[], object]) -> int:
    """Return how many functions a piece of work calls, Python's own included."""
    calls = 0

    def note(_frame: object, event: str, _detail: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(note)
    work()
    sys.setprofile(None)
    return calls


class Site:
    """The API over an SQLite file of its own, without a server."""

    def __init__(self, folder: Path) -> None:
        logs.configure("error")
        self.store = open_sqlite(folder / "speed.db")
        self.store.migrate()
        prepare(self.store, KEY)
        self._client = create_app(Settings(), self.store).test_client()

    def post(self, path: str, body: Any = None) -> Any:
        """Send a request that must succeed."""
        answer = self._client.post(path, json=body, headers={"Authorization": f"Bearer {KEY}"})
        if answer.status_code != 200:  # noqa: PLR2004  what success is
            raise SystemExit(f"{path} answered {answer.status_code}: {answer.get_data(as_text=True)[:300]}")
        return answer.get_json()

    def fill(self, name: str, messages: list[Message]) -> None:
        """Store a dialogue."""
        self.post("/dialogue", {"id": name})
        for start in range(0, len(messages), BATCH):
            self.post(f"/messages?dialogueId={name}", messages[start : start + BATCH])

    def compact_copy(self, name: str, last: str, run: int) -> float:
        """Return the CPU seconds that compacting a fresh copy of a dialogue took."""
        copy = f"{name}-{run}"
        self.post("/dialogue", {"id": copy, "threadOf": name, "forkAt": last})
        begun = time.process_time()
        self.post(f"/dialogue/{copy}/compact")
        return time.process_time() - begun


def seconds(work: Callable[[], object]) -> float:
    """Return the CPU seconds that a piece of work took."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def print_table(title: str, source: Iterator[Message], site: Site, runs: int) -> None:
    """Print what summaries of the first messages of a source cost, by their number."""
    print(f"\n{title}\n")
    print("| messages | tokens | digest | compact | a message | calls a message |")
    print("| --- | --- | --- | --- | --- | --- |")
    everything = [as_request(number, message) for number, message in enumerate(islice(source, LENGTHS[-1]))]
    for length in LENGTHS:
        messages = everything[:length]
        name = f"{title.split(maxsplit=1)[0].lower()}-{length}"
        site.fill(name, messages)
        work = partial(digest, messages)
        alone = min(seconds(work) for _ in range(runs))
        compact = min(site.compact_copy(name, messages[-1]["id"], run) for run in range(runs))
        calls = count_calls(work) / length
        print(
            f"| {length:,} | {work().total_tokens:,} | {alone:.2f} s | {compact:.2f} s "
            f"| {compact / length * 1e6:.0f} us | {calls:.0f} |",
            flush=True,
        )


def main() -> None:
    """Print the table of each source that is there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=3, help="of which the least is printed")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"CPU time on {platform.machine()}, Python {platform.python_version()}; load {load:.1f}.")
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder))
        if (options.data / AGENTS).is_file():
            print_table("Agents with tools", agent_messages(options.data), site, options.runs)
        print_table("Written messages", written_messages(), site, options.runs)
        site.store.close()


if __name__ == "__main__":
    main()
