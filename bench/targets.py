"""The targets, held against the figures of one run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Verdict:
    """One target: what was wanted, what was measured, whether it is met (None: not measured)."""

    figure: str
    wanted: str
    measured: str
    met: bool | None


def judge(report: dict[str, Any]) -> list[Verdict]:
    """Return a verdict for each target of the table."""
    sqlite, mongodb = report["stores"].get("sqlite", {}), report["stores"].get("mongodb", {})
    singles = report["singles"]
    return [
        _ratio("GET, SQLite: CPU to bare Flask", sqlite, "get", "flask", 1.25),
        _ratio("GET, SQLite: CPU to stock Connexion 3", sqlite, "get", "connexion3", 0.4),
        _ratio("GET, SQLite: CPU to FastAPI", sqlite, "get", "fastapi", 1.0),
        _ratio("append, SQLite: CPU to bare Flask", sqlite, "append", "flask", 1.5),
        _ratio("append, SQLite: CPU to stock Connexion 3", sqlite, "append", "connexion3", 0.6),
        _ratio("GET, MongoDB: CPU to bare Flask", mongodb, "get", "flask", 1.0),
        _ratio("append, MongoDB: CPU to bare Flask", mongodb, "append", "flask", 1.2),
        _ratio("list of 100, MongoDB: CPU to bare Flask", mongodb, "list", "flask", 0.9),
        _ratio("GET, MongoDB: CPU to Eve", mongodb, "get", "eve", 1.0),
        _least("appends a second, each commit slowed by 4 ms: 32 clients to 1", singles, "slow_gain", 4, "x"),
        _least("import, SQLite: messages a second", singles, "import_rate", 10_000, "/s"),
        _most("import: peak memory for twice as much", singles, "import_growth", 1.1, "x"),
        _most("memory of a worker after the load", singles, "memory", 90, "MB"),
        _most("the same, to what it was before the same load again", singles, "memory_growth", 1.1, "x"),
        _most("start to first answer", singles, "start", 1.5, "s"),
    ]


def _ratio(figure: str, works: dict[str, Any], work: str, other: str, limit: float) -> Verdict:
    wanted = f"at most {limit:g}"
    rows = works.get(work, {})
    if "colloquy" not in rows or other not in rows:
        return Verdict(figure, wanted, "not measured", None)
    ratio = rows["colloquy"]["cpu_to"][other]
    return Verdict(figure, wanted, f"{ratio:.2f}", ratio <= limit)


def _most(figure: str, singles: dict[str, float], name: str, limit: float, unit: str) -> Verdict:
    wanted = f"at most {limit:g} {unit}"
    if name not in singles:
        return Verdict(figure, wanted, "not measured", None)
    return Verdict(figure, wanted, f"{singles[name]:.2f} {unit}", singles[name] <= limit)


def _least(figure: str, singles: dict[str, float], name: str, limit: float, unit: str) -> Verdict:
    wanted = f"at least {limit:g} {unit}"
    if name not in singles:
        return Verdict(figure, wanted, "not measured", None)
    return Verdict(figure, wanted, f"{singles[name]:,.1f} {unit}", singles[name] >= limit)
