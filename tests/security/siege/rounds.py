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
    "long_forks": victims.ask,
}
"""Each attack, and who suffers most from it."""

HEAVY: Final = (
    "many_values",
    "many_searches",
    "many_compactions",
    "many_contexts",
    "large_lists",
    "long_forks",
)
"""Attacks by requests that take much processor time, beside which light ones keep their pace."""

MOST_TIMES: Final = 3.0
"""How much longer than in peace the slowest hundredth of the victim's GETs may take beside heavy requests."""

LEAST_QUIET_SECONDS: Final = 0.03
"""What counts as peace at least: attack, victim and server share the machine, and in peace have it."""

MOST_GROWTH_MIB: Final = 64.0
"""How much larger a worker may be some seconds after an attack than before."""

SETTLE_SECONDS: Final = 20.0
"""How long a worker may take for what was sent before the attack ended: bodies that came are worked on."""


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

    def problems(self) -> list[str]:
        """Return what must not be: errors, memory that stays, and GETs that heavy requests slow down."""
        found = [f"{self.attack}: {error}" for error in self.loud.errors[:3]]
        before, _, after = self.memory
        if after - before > MOST_GROWTH_MIB:
            found.append(
                f"{self.attack}: a worker kept {after - before:.0f} MiB, at most {MOST_GROWTH_MIB:.0f}"
            )
        if self.attack in HEAVY:
            most = MOST_TIMES * max(self.quiet.p99("GET"), LEAST_QUIET_SECONDS)
            if self.loud.p99("GET") > most:
                loud = self.loud.p99("GET") * 1000
                found.append(f"{self.attack}: p99 of GET {loud:.0f} ms, at most {most * 1000:.0f}")
        return found


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
    return Round(attack, quiet, loud, (before, during, _settled(server, before)))


def _settled(server: Server, before: float) -> float:
    """Return the largest worker once it is about as large as before, or after SETTLE_SECONDS."""
    until = time.monotonic() + SETTLE_SECONDS
    while (after := _largest(server)) > before + MOST_GROWTH_MIB and time.monotonic() < until:
        time.sleep(0.2)
    return after


def _largest(server: Server) -> float:
    return max(memory.resident for memory in server.memory().values()) / 1024
