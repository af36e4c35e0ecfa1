"""How fast imports are and how much memory they take: large files of several programs, into SQLite.

    python -m bench.imports            # 100,000 messages of ChatGPT and LibreChat, an array of 200 MB
    python -m bench.imports --gigabytes 2

Each file is made first, imported by the command line into a fresh store, and removed. The CPU time is that of
both processes of a long import, the peak the resident memory of the larger one, as the system counts it.
``make bench-imports`` runs it.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.process import run_command

WORDS = "The quick brown fox jumps over the lazy dog, and the seal looks on. "
MESSAGES = 100_000
PER_DIALOGUE = 100
MIB = 1024 * 1024


def chatgpt(messages: int) -> Iterator[dict[str, Any]]:
    """Yield ChatGPT conversations; every tenth answer was made twice."""
    for dialogue in range(messages // PER_DIALOGUE):
        mapping: dict[str, Any] = {}
        parent = None
        for place in range(PER_DIALOGUE):
            name = f"{dialogue:08}-{place:04}"
            author = {"role": "assistant" if place % 2 else "user", "name": None, "metadata": {}}
            mapping[name] = {
                "id": name,
                "parent": parent,
                "children": [],
                "message": {
                    "id": name,
                    "author": author,
                    "create_time": 1_700_000_000 + dialogue * 1_000 + place + 0.25,
                    "content": {"content_type": "text", "parts": [WORDS * 5 + name]},
                    "status": "finished_successfully",
                    "end_turn": True,
                    "weight": 1.0,
                    "metadata": {"model_slug": "gpt-4o", "request_id": name},
                    "recipient": "all",
                },
            }
            if place % 10 != 1:
                parent = name
        yield {
            "conversation_id": f"chat-{dialogue:08}",
            "title": WORDS[:40],
            "current_node": parent,
            "mapping": mapping,
        }


def librechat(messages: int) -> Iterator[dict[str, Any]]:
    """Yield documents of LibreChat's messages."""
    for number in range(messages):
        dialogue, place = divmod(number, PER_DIALOGUE)
        yield {
            "_id": {"$oid": f"{number:024x}"},
            "messageId": f"{dialogue:08}-{place:04}",
            "parentMessageId": f"{dialogue:08}-{place - 1:04}"
            if place
            else "00000000-0000-0000-0000-000000000000",
            "conversationId": f"libre-{dialogue:08}",
            "isCreatedByUser": place % 2 == 0,
            "sender": "User" if place % 2 == 0 else "GPT-4",
            "text": WORDS * 5,
            "createdAt": {"$date": f"2025-01-01T{place // 60:02}:{place % 60:02}:00.000Z"},
            "endpoint": "openAI",
        }


def openai(size: int, message: int) -> Iterator[dict[str, Any]]:
    """Yield conversations of OpenAI's chat messages of ``message`` bytes until they are ``size`` bytes."""
    words = WORDS * (message // len(WORDS))
    number = written = 0
    while written < size:
        said = [
            {"role": "assistant" if place % 2 else "user", "content": words + f"{number}.{place}"}
            for place in range(20)
        ]
        yield {"id": f"c{number}", "messages": said}
        number += 1
        written += 20 * (len(said[0]["content"]) + 40)


def write_array(path: Path, values: Iterator[dict[str, Any]]) -> None:
    """Write values as one array on one line."""
    with path.open("w", encoding="utf-8") as file:
        separator = "["
        for value in values:
            file.write(separator + json.dumps(value))
            separator = ","
        file.write("]")


def measure(name: str, values: Iterator[dict[str, Any]], folder: Path) -> None:
    """Write a file, import it and print what that took."""
    path, store = folder / f"{name}.json", folder / f"{name}.db"
    write_array(path, values)
    size = path.stat().st_size
    report = folder / f"{name}.txt"
    with report.open("w") as output:
        cost = run_command(store, "import", str(path), output=output)
    print(
        f"{name}: {size / MIB:,.0f} MiB in {cost.seconds:,.1f} s ({cost.cpu:,.1f} s of CPU), "
        f"peak {cost.peak:,.0f} MiB"
    )
    print(f"  status {cost.status}: {report.read_text().strip()}", flush=True)
    path.unlink()
    for left in folder.glob(f"{name}.db*"):
        left.unlink()


def main() -> None:
    """Measure each file in turn."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=MESSAGES, help="of ChatGPT and LibreChat each")
    parser.add_argument("--gigabytes", type=float, default=0.2, help="the size of the array")
    parser.add_argument("--kilobytes", type=int, default=1, help="the size of its messages")
    parser.add_argument("--only", help="one of the files: chatgpt, librechat, array")
    options = parser.parse_args()
    size = int(options.gigabytes * 1e9)
    files: dict[str, Callable[[], Iterator[dict[str, Any]]]] = {
        "chatgpt": lambda: chatgpt(options.messages),
        "librechat": lambda: librechat(options.messages),
        "array": lambda: openai(size, options.kilobytes * 1000),
    }
    with tempfile.TemporaryDirectory() as folder:
        for name in [options.only] if options.only else files:
            make = files[name]
            measure(name, make(), Path(folder))


if __name__ == "__main__":
    main()
