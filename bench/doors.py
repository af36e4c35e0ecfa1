"""What stands around the API: export, verify, the Python client, and the console's first page."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from posixpath import dirname, join, normpath

from bench.process import ROOT, Cost, Server, run_command

CALLS = 1000
LOADS = 20
LEADS_TO = re.compile(
    rb"""(?:src|href)="([\w./-]+)"|^(?:import|export) (?:[^"]* from )?"([\w./-]+)";""", re.MULTILINE
)
"""What a page or a module makes a browser ask for."""


def run(path: Path, *arguments: str) -> Cost:
    """Run a command on a store; raises RuntimeError when it fails."""
    cost = run_command(path, *arguments)
    if cost.status:
        raise RuntimeError(f"{arguments[0]} ended with {cost.status}")
    return cost


def way_out(path: Path, messages: int) -> dict[str, float]:
    """Return messages a second of an export to a file, and of `verify`."""
    exported = run(path, "export", "--output", str(path.with_suffix(".exported")))
    verified = run(path, "verify")
    return {"export_rate": messages / exported.seconds, "verify_rate": messages / verified.seconds}


def client_calls(server: Server, dialogues: int) -> dict[str, float]:
    """Return the CPU microseconds in a client's process of a GET, with the Python client and with httpx."""
    url = f"http://127.0.0.1:{server.port}"
    said = subprocess.run(
        [sys.executable, "-m", "bench.client_calls", url, str(dialogues), str(CALLS)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "clients" / "python")},
        stdout=subprocess.PIPE,
        check=True,
    )
    figures: dict[str, float] = json.loads(said.stdout)
    return figures


def console_page(server: Server) -> dict[str, float]:
    """Return the files that show the console in a browser without a cache: number, KB, ms."""
    times: list[float] = []
    for _ in range(LOADS):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        begun = time.perf_counter()
        sizes = _load(connection)
        times.append(time.perf_counter() - begun)
        connection.close()
    return {
        "console_files": len(sizes),
        "console_kb": sum(sizes.values()) / 1024,
        "console_ms": sorted(times)[LOADS // 2] * 1000,
    }


def _load(connection: http.client.HTTPConnection) -> dict[str, int]:
    """Ask for the page, what it leads to, and what that leads to; return the bytes of each as sent."""
    sizes: dict[str, int] = {}
    waiting = ["/console/"]
    while waiting:
        path = waiting.pop()
        if path in sizes:
            continue
        connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != http.client.OK:
            raise RuntimeError(f"GET {path} was answered {answer.status}")
        sizes[path] = len(body)
        plain = gzip.decompress(body) if answer.headers["Content-Encoding"] == "gzip" else body
        folder = path if path.endswith("/") else dirname(path)
        waiting += [normpath(join(folder, (one or other).decode())) for one, other in LEADS_TO.findall(plain)]
    return sizes
