"""Threads take turns: one of a worker serves, and steps aside before it may have to wait.

Python runs one thread at a time anyway, and threads that all want to run hand the interpreter to each
other at every system call, which costs more than reading a dialogue does. So the thread that serves goes
from request to request by itself, and lets another one serve only when it is about to wait, or to work
for longer than a moment. (The pattern is known as Leader/Followers.) Outside the worker, on the command
line and under other servers, stepping aside does nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable


class _Mine(threading.local):
    leave: Callable[[], None] | None = None


_mine = _Mine()


def begin(leave: Callable[[], None]) -> None:
    """Note that this thread has the turn; ``leave`` gives it to another one."""
    _mine.leave = leave


def is_mine() -> bool:
    """Whether this thread has the turn."""
    return _mine.leave is not None


def step_aside() -> None:
    """Let another thread serve, since what comes now may take a while; once is enough for a request."""
    leave = _mine.leave
    if leave is not None:
        _mine.leave = None
        leave()
