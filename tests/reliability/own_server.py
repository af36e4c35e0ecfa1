"""MongoDB-compatible servers of our own, to be killed and made to fail, where there is the tool for it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass

from tests.reliability.report import say
from tests.reliability.server import ROOT

TOOL = ROOT.parent / "shared" / "mongo-server"
FIRST_PORT = int(os.environ.get("MONGO_SERVER_PORT", "27217"))
"""The port of the server that the tests share; those of our own come behind it."""


@dataclass(frozen=True)
class OwnServer:
    """One instance, with data of its own."""

    port: int

    def start(self) -> str | None:
        """Start it and return its URI; None, and the reason on the screen, where that cannot be."""
        if not (TOOL / "up").exists() or os.geteuid() != 0:
            return None
        try:
            return self.run("up")
        except subprocess.SubprocessError as error:
            say(f"no MongoDB server of our own could be started: {error}")
            return None

    def run(self, command: str) -> str:
        """Run one of the tool's commands on this instance; return what it prints."""
        environment = os.environ | {"MONGO_SERVER_PORT": str(self.port)}
        done = subprocess.run(
            [TOOL / command], env=environment, check=True, capture_output=True, text=True, timeout=400
        )
        return done.stdout.strip()


TO_KILL = OwnServer(FIRST_PORT + 1)
TO_FAIL = OwnServer(FIRST_PORT + 2)
