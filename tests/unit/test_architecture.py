"""The house stays as drawn: which part may import which, what modules are called, how long they get."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "app").rglob("*.py"))
LONGEST = 300

FOUNDATION = {"domain", "entries", "errors", "clock", "identity", "patience", "turns"}
STORES = {"stores.mongo", "stores.sqlite"}
"""What ``app/__init__`` alone may import."""

PARTS: dict[str, set[str]] = {
    # Each part, and the parts that it may import beside itself.
    "domain": set(),
    "entries": {"domain"},
    "errors": set(),
    "clock": {"domain", "errors"},
    "identity": {"domain", "clock"},
    "turns": set(),
    "collector": set(),
    "patience": {"errors", "turns"},
    "search": FOUNDATION,
    "summaries": FOUNDATION,
    "stores": FOUNDATION | {"search"},
    "stores.mongo": FOUNDATION | {"search", "stores"},
    "stores.sqlite": FOUNDATION | {"search", "stores"},
    "services": FOUNDATION | {"search", "summaries", "stores"},
    "edge": FOUNDATION | {"collector", "search", "summaries", "stores", "services"},
    "schemas": FOUNDATION | {"search", "services", "edge"},
    "handlers": FOUNDATION | {"search", "summaries", "stores", "services", "schemas", "edge"},
    "transfer": FOUNDATION | {"stores", "services", "schemas", "edge"},
    "commands": FOUNDATION | {"stores", "services", "edge", "transfer", "wiring"},
    "cli": {"collector", "commands"},
    "__main__": {"cli"},
    "wiring": FOUNDATION | {"search", "summaries", "stores", "services", "edge"} | STORES,
}
"""``edge`` is every module directly under app/ that is not named here; ``wiring`` is app/__init__."""

WEB = {"connexion", "flask", "marshmallow", "werkzeug"}
DRIVERS = {"gridfs", "mongomock", "pymongo", "sqlite3"}
FOREIGN = {
    # Libraries that a part must do without: HTTP stays at the edge, databases in the stores.
    "domain": WEB | DRIVERS,
    "entries": WEB | DRIVERS,
    "errors": WEB | DRIVERS,
    "clock": WEB | DRIVERS,
    "identity": WEB | DRIVERS,
    "turns": WEB | DRIVERS,
    "collector": WEB | DRIVERS,
    "patience": WEB | DRIVERS,
    "search": WEB | DRIVERS,
    "summaries": WEB | DRIVERS,
    "stores": WEB | DRIVERS,
    "stores.mongo": WEB | {"sqlite3"},
    "stores.sqlite": WEB | {"pymongo"},
    "services": WEB | DRIVERS,
    "schemas": DRIVERS,
    "handlers": DRIVERS,
    "edge": DRIVERS,
    "transfer": WEB | DRIVERS,
    "commands": WEB | DRIVERS,
    "cli": WEB | DRIVERS,
    "__main__": WEB | DRIVERS,
    "wiring": DRIVERS,
}


def name_of(path: Path) -> str:
    """Return a file's dotted module name."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


NAMES = {name_of(path) for path in MODULES}


def part_of(module: str) -> str:
    """Return the part of the house that a module of ours belongs to."""
    below = module.split(".")[1:]
    if not below:
        return "wiring"
    store = ".".join(below[:2])
    if store in STORES:
        return store
    is_package = (ROOT / "app" / below[0]).is_dir()
    return below[0] if is_package or below[0] in PARTS else "edge"


def imports_of(path: Path) -> Iterator[str]:
    """Yield the dotted names that a file imports, wherever in it; modules taken from a package in full."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = node.module or ""
            for alias in node.names:
                whole = f"{source}.{alias.name}"
                yield whole if whole in NAMES else source


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_follow_the_arrows(path: Path) -> None:
    """A module imports only from the parts that its own part may know."""
    part = part_of(name_of(path))
    allowed = PARTS[part] | {part}
    ours = {name for name in imports_of(path) if name == "app" or name.startswith("app.")}

    assert {name for name in ours if part_of(name) not in allowed} == set()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_libraries_stay_where_they_belong(path: Path) -> None:
    """No module uses a web library below the edge, or a database driver outside its store."""
    foreign = FOREIGN[part_of(name_of(path))]

    assert {name for name in imports_of(path) if name.split(".")[0] in foreign} == set()


def test_imports_are_absolute() -> None:
    """No module uses a relative import, which the other tests here would not see."""
    relative = [
        name_of(path)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
    ]

    assert relative == []


def test_no_module_is_a_drawer() -> None:
    """No module has a name under which anything might be put."""
    drawers = {"base", "common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}

    assert [name for name in sorted(NAMES) if drawers & set(name.split("."))] == []


def test_modules_are_short() -> None:
    """No module is longer than 300 lines."""
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}

    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}
