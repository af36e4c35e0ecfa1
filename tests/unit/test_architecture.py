"""The house stays as drawn: which part may import which, what modules are called, how long they get."""

from __future__ import annotations

import ast
import re
import sys
import tokenize
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "app").rglob("*.py"))
LONGEST = 300

FOUNDATION = {"domain", "telemetry", "waiting"}
SUMMARIES = {"summaries", "summaries.digest", "summaries.model", "summaries.context"}
STORES = {"stores.mongo", "stores.sqlite"}
"""What ``opening`` alone may import."""

ROOMS: dict[str, set[str]] = {
    # Each room, and the rooms that it may import beside itself.
    "": set(),
    "domain": set(),
    "waiting": {"domain"},
    "server_folder": set(),
    "telemetry": {"domain"},
    "telemetry.otel": {"domain", "telemetry"},
    "telemetry.prometheus": {"domain", "server_folder", "telemetry"},
    "settings": {"domain"},
    "logs": {"domain", "settings"},
    "sweeper": FOUNDATION | {"stores"},
    "server": FOUNDATION,
    "search": FOUNDATION | {"meaning", "model_endpoint"},
    "meaning": FOUNDATION | {"model_endpoint"},
    "model_endpoint": FOUNDATION,
    "summaries": {"domain"},
    "summaries.digest": {"domain", "summaries"},
    "summaries.model": FOUNDATION | {"model_endpoint", "summaries", "summaries.digest"},
    "summaries.context": {"domain", "summaries"},
    "stores": FOUNDATION | {"meaning", "search"},
    "stores.mongo": FOUNDATION | {"meaning", "search", "stores"},
    "stores.sqlite": FOUNDATION | {"meaning", "search", "stores"},
    "services": FOUNDATION | SUMMARIES | {"meaning", "search", "stores"},
    "schemas": {"domain", "search", "services"},
    "web": FOUNDATION
    | {"telemetry.prometheus", "logs", "meaning", "schemas", "services", "settings", "stores", "sweeper"},
    "handlers": FOUNDATION
    | SUMMARIES
    | {"schemas", "search", "services", "stores", "transfer.writers", "web"},
    "transfer": FOUNDATION | {"schemas", "search", "services", "stores", "transfer.writers"},
    "transfer.writers": FOUNDATION | SUMMARIES | {"services", "stores"},
    "opening": FOUNDATION | STORES | {"meaning", "model_endpoint", "settings", "stores"},
    "wiring": FOUNDATION
    | SUMMARIES
    | {
        "logs",
        "meaning",
        "model_endpoint",
        "opening",
        "schemas",
        "search",
        "server_folder",
        "services",
        "settings",
        "stores",
        "sweeper",
        "telemetry.otel",
        "telemetry.prometheus",
        "web",
    },
    "mcp": {"domain"},
    "cli": FOUNDATION
    | {
        "telemetry.prometheus",
        "logs",
        "mcp",
        "opening",
        "schemas",
        "server",
        "server_folder",
        "services",
        "settings",
        "stores",
        "transfer",
        "transfer.writers",
        "wiring",
    },
    "__main__": {"cli"},
}
"""A room is a package or a module directly under app/; the empty name is app/__init__ itself."""

COMPOSING = {"opening", "wiring", "cli", "__main__"}
"""The rooms that join others, and so reach every library."""

OWNERS: dict[str, set[str]] = {
    # Each library, and the rooms that alone may import it. Of Python's own there is the driver of SQLite.
    "Stemmer": {"search"},
    "bson": {"stores.mongo"},  # comes with pymongo
    "connexion": {"web"},
    "cryptography": {"cli"},
    "flask": {"handlers", "web", "wiring"},
    "gunicorn": {"cli", "server"},
    "inflection": {"handlers", "web"},
    "jsonschema_rs": {"schemas"},
    "limits": {"settings", "web"},
    "marshmallow": {"schemas"},
    "mcp": {"mcp"},
    "mcp_types": {"mcp"},
    "numpy": {"meaning"},
    "onnxruntime": {"meaning"},
    "opentelemetry": {"telemetry.otel"},
    "orjson": set(ROOMS),
    "prometheus_client": {"telemetry.prometheus"},
    "pydantic": {"mcp"},
    "pymongo": {"stores.mongo"},
    "requests": {"transfer"},
    "rich": {"cli"},
    "safetensors": {"meaning"},
    "sqlite3": {"stores.sqlite"},
    "starlette": {"mcp"},
    "tokenizers": {"meaning"},
    "trustme": {"cli"},
    "typer": {"cli"},
    "ulid": {"domain"},
    "urllib3": {"mcp", "model_endpoint"},
    "uvicorn": {"cli", "mcp"},
    "werkzeug": {"web", "wiring"},
    "yaml": {"schemas"},
}
INDEPENDENT = set(OWNERS) - {"Stemmer", "inflection", "jsonschema_rs", "limits", "orjson", "ulid", "yaml"}
"""The libraries that a room must not even reach through another one, unless the next table allows it."""

REACHED = {
    "handlers": {"marshmallow", "werkzeug"},
    "meaning": {"urllib3"},
    "summaries.model": {"urllib3"},
    "transfer": {"marshmallow"},
}
ROOT_MODULES = 9


def name_of(path: Path) -> str:
    """Return a file's dotted module name."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


NAMES = {name_of(path) for path in MODULES}


def room_of(module: str) -> str:
    """Return the room that a module of ours belongs to; KeyError if it has none."""
    below = module.split(".")[1:]
    for length in (2, 1, 0):
        room = ".".join(below[:length])
        if room in ROOMS and length <= len(below):
            return room
    raise KeyError(module)


def imports_of(path: Path) -> Iterator[str]:
    """Yield the dotted names that a file imports, wherever in it; modules taken from a package in full."""
    return read_imports(path, ast.parse(path.read_text(encoding="utf-8")))


@cache
def runtime_imports_of(path: Path) -> set[str]:
    """Return what a file imports when it runs, without what only annotations need."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = []
    return set(read_imports(path, tree))


def read_imports(path: Path, tree: ast.Module) -> Iterator[str]:
    """Yield the dotted names that the code of a file imports."""
    package = path.relative_to(ROOT).parts[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            here = package[: len(package) - node.level + 1] if node.level else ()
            source = ".".join((*here, *filter(None, [node.module])))
            for alias in node.names:
                whole = f"{source}.{alias.name}"
                yield whole if whole in NAMES else source


def libraries(names: Iterable[str]) -> set[str]:
    """Return the libraries among imported names: what is neither ours nor Python's, and SQLite's driver."""
    roots = {name.split(".")[0] for name in names}
    return (roots - {"app", "_typeshed"} - sys.stdlib_module_names) | (roots & {"sqlite3"})


def reached_from(room: str) -> set[str]:
    """Return the libraries that are loaded, sooner or later, by the modules of a room and all they import."""
    imports = {name_of(path): runtime_imports_of(path) for path in MODULES}
    waiting = [name for name in NAMES if room_of(name) == room]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in NAMES - seen:
            seen.add(name)
            waiting += [*imports[name], name.rpartition(".")[0]]
    return libraries(chain.from_iterable(imports[name] for name in seen))


def test_every_module_has_a_room() -> None:
    """No module lies in the package without a row in the table of rooms."""
    rooms = {name.split(".")[1] for name in NAMES if name != "app"}

    assert rooms - {room.split(".")[0] for room in ROOMS} == set()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_follow_the_arrows(path: Path) -> None:
    """A module imports only from the rooms that its own room may know."""
    room = room_of(name_of(path))
    allowed = ROOMS[room] | {room}
    ours = {name for name in imports_of(path) if name == "app" or name.startswith("app.")}

    assert {name for name in ours if room_of(name) not in allowed} == set()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_libraries_stay_where_they_belong(path: Path) -> None:
    """A library is imported by the rooms in its row alone, and one without a row by none."""
    room = room_of(name_of(path))

    assert {name for name in libraries(imports_of(path)) if room not in OWNERS.get(name, ())} == set()


@pytest.mark.parametrize("room", sorted(set(ROOMS) - COMPOSING))
def test_rooms_are_independent_of_libraries(room: str) -> None:
    """No room loads a web framework, a driver or a command line through a chain of imports."""
    own = {name for name, rooms in OWNERS.items() if room in rooms}

    assert reached_from(room) & INDEPENDENT - own - REACHED.get(room, set()) == set()


def test_reached_libraries_are_found() -> None:
    """The chains are followed to their ends: the command line reaches all that ``wiring`` joins."""
    assert {"connexion", "pymongo", "sqlite3"} <= reached_from("wiring") <= reached_from("cli")


def test_imports_are_relative() -> None:
    """No module imports the package by name: it is ``app`` in a checkout and ``colloquy`` when installed."""
    absolute = [
        name_of(path)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (
            isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] == "app"
        )
        or (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "app" for alias in node.names))
    ]

    assert absolute == []


def test_few_modules_lie_at_the_root() -> None:
    """The package's root holds few modules; all others are in packages."""
    root = [path.name for path in (ROOT / "app").glob("*.py")]

    assert len(root) <= ROOT_MODULES


def test_both_stores_have_the_same_files() -> None:
    """What does the same job in SQLite and MongoDB has the same name; these do what only one needs."""
    sqlite, mongo = (
        {path.stem for path in (ROOT / "app/stores" / name).glob("*.py")} for name in ("sqlite", "mongo")
    )

    assert sqlite - mongo == {"checksums"}
    assert mongo - sqlite == {
        "in_doubt",
        "locked_dialogues",
        "locked_memories",
        "newest",
        "presence",
        "recent_sizes",
        "striped_locks",
    }


def test_no_module_is_a_drawer() -> None:
    """No module has a name under which anything might be put."""
    drawers = {"base", "common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}

    assert [name for name in sorted(NAMES) if drawers & set(name.split("."))] == []


def test_modules_are_short() -> None:
    """No module is longer than 300 lines."""
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}

    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_every_exception_to_a_rule_has_its_reason() -> None:
    """Where a checker is told to look away, the same line says why."""
    without = [
        f"{path.relative_to(ROOT)}:{token.start[0]}"
        for folder in ("app", "bench", "clients", "tests")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if ".venv" not in path.parts
        for token in comments_of(path)
        if SUPPRESSION.search(token.string) and not SUPPRESSION.sub("", token.string).strip(" #-")
    ]

    assert without == []


SUPPRESSION = re.compile(r"noqa(?:: [A-Z0-9, ]+[0-9])?|type: ignore(?:\[[^]]*])?|pragma: no \w+")


def comments_of(path: Path) -> Iterator[tokenize.TokenInfo]:
    """Yield the comments of a file."""
    with path.open("rb") as source:
        for token in tokenize.tokenize(source.readline):
            if token.type == tokenize.COMMENT:
                yield token
