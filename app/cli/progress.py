"""Showing how far an import or export is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

BAR_SECONDS = 0.1
LINE_SECONDS = 5.0


class Meter:
    """Follows work whose ``done`` of ``total`` (bytes; None: unknown) and ``messages`` it may ask for."""

    def __init__(self, total: int | None, done: Callable[[], int], messages: Callable[[], int]) -> None:
        self._total = total
        self._done = done
        self._messages = messages
        self._start = self._shown = time.monotonic()
        self._bar = _bar() if Console(stderr=True).is_terminal else None
        self._task = None if self._bar is None else self._bar.add_task("", total=total, said="")

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._show()
            self._bar.stop()

    @property
    def seconds(self) -> float:
        """How long it has been going on."""
        return time.monotonic() - self._start

    def tick(self) -> None:
        """Show the progress if that was not done just now."""
        now = time.monotonic()
        if now - self._shown >= (LINE_SECONDS if self._bar is None else BAR_SECONDS):
            self._shown = now
            self._show()

    def say(self, text: str) -> None:
        """Print a line on standard error, above the bar if there is one."""
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            typer.echo(text, err=True)

    def _show(self) -> None:
        messages = self._messages()
        said = f"{messages:,} messages, {messages / max(self.seconds, 0.001):,.0f}/s"
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=self._done(), said=said)
            return
        typer.echo(f"{self._share()}{said}", err=True)

    def _share(self) -> str:
        """Return how much is done and how long the rest will take, where that can be known."""
        done = self._done()
        if not self._total or not done:
            return ""
        left = self.seconds * max(0, self._total - done) / done
        return f"{100 * done / self._total:.0f} %, {left:,.0f} s left, "


def _bar() -> Progress:
    return Progress(
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[said]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
