"""The CPU time of GETs in a client's process: ``python -m bench.client_calls URL DIALOGUES CALLS``."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import httpx
from colloquy_client import Colloquy

from bench.data import KEY

BLOCKS = 10


def main() -> int:
    """Take turns, and print the microseconds of each as JSON."""
    url, dialogues, calls = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    plain = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {KEY}"})
    ours = Colloquy(url, KEY)
    ways: dict[str, Callable[[str], Any]] = {
        "client_get": ours.get_dialogue,
        "client_httpx": lambda dialogue_id: plain.get(f"/dialogue/{dialogue_id}").raise_for_status().json(),
    }
    taken = dict.fromkeys(ways, 0.0)
    for block in range(-1, BLOCKS):  # the first one opens connections and does not count
        for name, call in ways.items():
            begun = time.process_time()
            for number in range(calls // BLOCKS):
                call(f"d{number % dialogues}")
            taken[name] += time.process_time() - begun if block >= 0 else 0
    print(json.dumps({name: seconds / calls * 1e6 for name, seconds in taken.items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
