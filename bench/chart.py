"""The chart: CPU time per request, a bar for each contender, drawn as plain SVG."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

from bench import works
from bench.lineup import LINEUP

WIDTH, LEFT, RIGHT = 760, 190, 110
ROW, BAR, GAP, TOP = 22, 15, 34, 46
COLOURS = {"colloquy": "#0b6e4f", "fixed": "#c4c9cf"}
OTHER = "#7c93ab"
TITLES = {item.name: item.title for item in LINEUP}
WORKS = {item.name: item.title for item in works.WORKS}
STORES = {"sqlite": "SQLite", "mongodb": "MongoDB"}
SHOWN = ("get", "append", "create", "list")


def draw(report: dict[str, Any]) -> str:
    """Return the chart of a report."""
    parts: list[str] = []
    height = TOP
    for store, measured in report["stores"].items():
        for work in SHOWN:
            if work in measured:
                height = _group(parts, f"{WORKS[work]}, {STORES[store]}", measured[work], height)
    machine = report["machine"]
    note = f"{machine['date'][:10]}, {machine['cores']} cores, {machine['cpu']}"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height + 24}" '
        f'font-family="system-ui, sans-serif" font-size="12">'
        f'<rect width="100%" height="100%" fill="#ffffff"/>'
        f'<text x="16" y="24" font-size="15" font-weight="600" fill="#1b1f24">'
        f"CPU time per request, microseconds (less is better)</text>"
    )
    parts.append(f'<text x="16" y="{height + 10}" fill="#57606a" font-size="11">{escape(note)}</text>')
    return head + "\n" + "\n".join(parts) + "\n</svg>\n"


def _group(parts: list[str], title: str, rows: dict[str, Any], top: int) -> int:
    parts.append(f'<text x="16" y="{top + 12}" font-weight="600" fill="#1b1f24">{escape(title)}</text>')
    widest = max(row["cpu"] for row in rows.values())
    for number, (name, row) in enumerate(rows.items()):
        _bar(parts, name, row["cpu"], widest, top + 20 + number * ROW)
    return top + 20 + len(rows) * ROW + GAP - 20


def _bar(parts: list[str], name: str, cpu: float, widest: float, top: int) -> None:
    length = (WIDTH - LEFT - RIGHT) * cpu / widest
    text = f'y="{top + BAR - 3}" fill="#1b1f24"'
    parts.append(f'<text x="{LEFT - 8}" {text} text-anchor="end">{escape(TITLES[name])}</text>')
    colour = COLOURS.get(name, OTHER)
    parts.append(f'<rect x="{LEFT}" y="{top}" width="{length:.1f}" height="{BAR}" rx="2" fill="{colour}"/>')
    parts.append(f'<text x="{LEFT + length + 6:.1f}" {text}>{cpu:,.0f}</text>')
