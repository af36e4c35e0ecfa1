"""Rounds: one attack each, and what it did to the victim beside what the victim had in peace."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tests.security.server import Server, new_project
from tests.security.siege import attacks, victims
from tests.security.siege.victims import Watch

Victim = Callable[[Server, Watch, float], None]

ROUNDS: Final[dict[str, Victim]] = {
    "idle_connections": victims.ask,
    "silent_connections": victims.ask,
    "stalled_uploads": victims.ask_to_continue,
    "unread_answers": victims.read_large,
    "many_values": victims.ask,
    "many_searches": victims.ask,
    "many_compactions": victims.ask,
    "many_contexts": victims.ask,
    "large_lists": victims.ask,
}
"""Each attack, and who suffers most from it."""


@dataclass(frozen=True, slots=True)
class Round:
    """What a victim met in peace and during an attack, and the largest worker (MiB) at three times."""

    attack: str
    quiet: Watch
    loud: Watch
    memory: tuple[float, float, float]

    def lines(self) -> list[str]:
        """Return the figures: the 99th percentiles in ms, errors, memory before, at the end, and after."""
        before, during, after = self.memory
        requests = sum(map(len, self.loud.waits.values()))
        tail = f"{len(self.loud.errors):6} of {requests:4} {before:6.0f} {during:6.0f} {after:6.0f}"
        waits = {kind: (self.quiet.p99(kind) * 1000, self.loud.p99(kind) * 1000) for kind in self.loud.waits}
        return [
            f"{self.attack:20} {kind:10} {quiet:7.0f} {loud:7.0f} {tail}"
            for kind, (quiet, loud) in waits.items()
        ]


def prepare(server: Server, store_url: str) -> str:
    """Fill the server with what attacks and victims ask for; return the key of the attackers' project."""
    key = new_project(store_url, "attackers")
    large = ["x" * 900_000] * 5
    attacks.seed(server, key, "large", large)
    attacks.seed(server, server.key, victims.LARGE, [*large, *large[:4]])
    attacks.seed(server, server.key, victims.DIALOGUE, ["Where is my book?"] * 10)
    text = "The order {0} of 12 May costs {0}.50 euro; w{1} and w{2} should pay it before w{3}, please."
    attacks.seed(server, key, "long", [text.format(n, n % 64, n % 63, n % 61) for n in range(3000)])
    return key


def run(attack: str, server: Server, key: str, seconds: float) -> Round:
    """Watch a victim for so many seconds in peace, then during an attack."""
    victim = ROUNDS[attack]
    quiet, loud = Watch(), Watch()
    victim(server, quiet, seconds / 2)
    before = _largest(server)
    with attacks.under(attack, server, key):
        victim(server, loud, seconds)
        during = _largest(server)
    time.sleep(1)
    return Round(attack, quiet, loud, (before, during, _largest(server)))


def _largest(server: Server) -> float:
    return max(memory.resident for memory in server.memory().values()) / 1024
