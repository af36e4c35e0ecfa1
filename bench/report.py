"""The report: Markdown and JSON in bench/results/, the same table on the terminal."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import chart, works
from bench.lineup import LINEUP
from bench.targets import Verdict

RESULTS = Path(__file__).parent / "results"
TITLES = {item.name: item.title for item in LINEUP}
WORKS = {item.name: item.title for item in works.WORKS}
STORES = {"sqlite": "SQLite", "mongodb": "MongoDB"}


def write(report: dict[str, Any], verdicts: list[Verdict]) -> str:
    """Write latest.json, latest.md and latest.svg; return the Markdown."""
    RESULTS.mkdir(exist_ok=True)
    whole = report | {"targets": [asdict(verdict) for verdict in verdicts]}
    (RESULTS / "latest.json").write_text(json.dumps(whole, indent=1) + "\n")
    (RESULTS / "latest.svg").write_text(chart.draw(report))
    text = render(report, verdicts)
    (RESULTS / "latest.md").write_text(text)
    return text


def render(report: dict[str, Any], verdicts: list[Verdict]) -> str:
    """Return the report as Markdown."""
    parts = [_introduction(report)]
    for store, measured in report["stores"].items():
        parts.append(_store_table(store, measured))
    parts += [_singles(report["singles"]), _target_table(verdicts)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _introduction(report: dict[str, Any]) -> str:
    machine, plan = report["machine"], report["plan"]
    return (
        f"{machine['date']}, {machine['cores']} cores of {machine['cpu']}, {machine['memory_gb']} GB, "
        f"Python {machine['python']}, SQLite {machine['sqlite']}; load of the machine before the run: "
        f"{machine['load_before']}. Medians of {plan['rounds']} rounds of {plan['seconds']:g} s, "
        f"{plan['connections']} connections, each contender with {plan['workers']} worker processes; "
        "CPU is that of the server's whole process tree, and its ratios are taken within each round."
    )


def _store_table(store: str, measured: dict[str, Any]) -> str:
    lines = [
        f"| {STORES[store]} | | requests/s | p50 ms | p99 ms | CPU us | CPU to bare Flask |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for work, rows in measured.items():
        for name, row in rows.items():
            ratio = row["cpu_to"].get("flask") if name != "flask" else 1.0
            shown = "" if ratio is None else f"{ratio:.2f}"
            lines.append(
                f"| {WORKS[work]} | {TITLES[name]} | {row['rate']:,.0f} | {row['p50']:.1f} "
                f"| {row['p99']:.1f} | {row['cpu']:,.0f} | {shown} |"
            )
    return "\n".join(lines)


def _singles(singles: dict[str, float]) -> str:
    lines = ["| beside the rounds | |", "| --- | ---: |"]
    lines += [f"| {SINGLES[name]} | {value:,.2f} |" for name, value in singles.items() if name in SINGLES]
    return "\n".join(lines)


SINGLES = {
    "loop_get": "the store's own read in a loop, no server, SQLite: CPU us",
    "loop_append": "the store's own durable append in a loop, no server, SQLite: CPU us",
    "slow_1": "appends a second, each commit slowed by 4 ms, 1 client",
    "slow_32": "the same, 32 clients",
    "plain_1": "appends a second, commits as the disk takes them, 1 client",
    "plain_32": "the same, 32 clients",
    "import_rate": "import, messages a second",
    "import_peak": "import, peak memory in MB",
    "export_rate": "export to a file, messages a second, the command's start included",
    "verify_rate": "verify, messages a second, the command's start included",
    "client_get": "a GET in the client's process, with the Python client: CPU us",
    "client_httpx": "the same with httpx alone: CPU us",
    "console_files": "files of the console's first page, without a cache",
    "console_kb": "the same, KB as sent",
    "console_ms": "the same, ms one after another on one connection",
    "memory": "largest worker of Colloquy after the load, MB",
    "memory_flask": "largest worker of bare Flask after the load, MB",
    "start": "`serve` on a new store to the first answer, s",
}


def _target_table(verdicts: list[Verdict]) -> str:
    lines = ["| target | wanted | measured | |", "| --- | --- | ---: | --- |"]
    words = {True: "met", False: "MISSED", None: ""}
    lines += [f"| {one.figure} | {one.wanted} | {one.measured} | {words[one.met]} |" for one in verdicts]
    return "\n".join(lines)
