"""Who takes part, and how each is started: with as many workers and threads as the others."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.contenders.workers import THREADS, WORKERS
from bench.data import KEY
from bench.process import ROOT

OTHERS = str(ROOT / "bench" / ".venv" / "bin" / "python")
"""The interpreter of the environment that the other frameworks live in."""

EVERYTHING = frozenset({"get", "append", "create", "list", "page", "state"})
SQLITE_AND_MONGODB = frozenset({"sqlite", "mongodb"})


@dataclass(frozen=True, slots=True)
class Contender:
    """How one is started: ``{port}`` in its command stands for its port."""

    name: str
    title: str
    command: tuple[str, ...]
    works: frozenset[str] = EVERYTHING
    stores: frozenset[str] = SQLITE_AND_MONGODB
    probe: str = "/dialogue/d0"
    settings: Mapping[str, str] = field(default_factory=dict)

    def environment(self, store_url: str, port: int) -> dict[str, str]:
        """Return the variables that tell it what to serve, and where."""
        fields = {"url": store_url, "port": str(port), "key": KEY}
        return {name: value.format(**fields) for name, value in self.settings.items()}


def _gunicorn(module: str) -> tuple[str, ...]:
    options = "--config bench/contenders/gunicorn.conf.py --bind 127.0.0.1:{port}"
    return (OTHERS, "-m", "gunicorn", *options.split(), module)


def _uvicorn(module: str) -> tuple[str, ...]:
    options = f"--workers {WORKERS} --no-access-log --log-level warning --port {{port}}"
    return (OTHERS, "-m", "uvicorn", *options.split(), module)


STORE = {"BENCH_STORE": "{url}"}
COLLOQUY = Contender(
    "colloquy",
    "Colloquy",
    (sys.executable, "-m", "app", "serve"),
    works=EVERYTHING | {"search"},
    probe="/health",
    settings={
        "COLLOQUY_STORE_URL": "{url}",
        "COLLOQUY_PORT": "{port}",
        "COLLOQUY_API_KEY": "{key}",
        "COLLOQUY_WORKERS": str(WORKERS),
        "COLLOQUY_THREADS": str(THREADS),
    },
)
FLASK = Contender(
    "flask",
    "bare Flask",
    _gunicorn("bench.contenders.flask_app:app"),
    works=EVERYTHING | {"search"},
    settings=STORE,
)
FASTAPI = Contender("fastapi", "FastAPI", _uvicorn("bench.contenders.fastapi_app:app"), settings=STORE)
CONNEXION = Contender(
    "connexion3", "Connexion 3", _uvicorn("bench.contenders.connexion3_app:app"), settings=STORE
)
EVE = Contender(
    "eve",
    "Eve",
    _gunicorn("bench.contenders.eve_app:app"),
    works=frozenset({"get"}),
    stores=frozenset({"mongodb"}),
    settings=STORE,
)
FIXED = Contender(
    "fixed",
    "gunicorn, fixed bytes",
    _gunicorn("bench.contenders.fixed:app"),
    works=frozenset({"get"}),
    stores=frozenset({"sqlite"}),
)
LINEUP = (COLLOQUY, FLASK, FASTAPI, CONNEXION, EVE, FIXED)
QUICK = (COLLOQUY, FLASK, FASTAPI, CONNEXION)
