"""Saying what a proof has found: its output is what it is for."""

from __future__ import annotations

PROBLEMS_SHOWN = 40


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)  # noqa: T201 - the one place


def conclude(proof: str, problems: list[str], suffix: str = "") -> int:
    """Print the problems and the verdict; the exit status."""
    for problem in problems[:PROBLEMS_SHOWN]:
        say(problem)
    say(f"{proof}: {'FAILED' if problems else 'ok'}, {len(problems)} problems{suffix}")
    return 1 if problems else 0
