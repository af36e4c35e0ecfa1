"""A backup as a file of its own: lines of JSON, gzipped.

The first line says what it is, the last one has the number of lines and the digest of all before it.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import IO, TYPE_CHECKING, Any

import orjson

from ..domain.records import (
    Action,
    AuditEntry,
    Dialogue,
    IdempotencyRecord,
    Key,
    Memory,
    Message,
    Project,
    Rights,
    Scope,
    Status,
    Summary,
    Tombstone,
)
from ..domain.retention import Retention
from ..domain.version import VERSION as RELEASE
from ..stores import BadBackup
from .backup import Entry

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = 1
MARK = "colloquyBackup"
LEVEL = 3
"""How hard gzip tries: a third level takes half the time of the default and a tenth more room."""

KINDS: dict[str, Any] = {
    "project": Project,
    "key": Key,
    "audit": AuditEntry,
    "dialogue": Dialogue,
    "tombstone": Tombstone,
    "message": Message,
    "summary": Summary,
    "memory": Memory,
    "answer": IdempotencyRecord,
}
NAMES = {record: name for name, record in KINDS.items()}
DERIVED = frozenset({"terms"})
"""What is made anew from the rest."""

CODECS: dict[str, Any] = {"tags": tuple, "status": Status, "rights": Rights, "action": Action}
CODECS["retention"] = lambda limits: Retention(**limits)


def write_archive(path: Path, entries: Iterable[Entry]) -> None:
    """Write records into a new file that is the user's alone; raises OSError."""
    path.touch(mode=0o600, exist_ok=False)
    digest = hashlib.sha256()
    count = 0
    with gzip.open(path, "wb", LEVEL) as file:
        for line in _lines(entries):
            file.write(line)
            digest.update(line)
            count += 1
        file.write(orjson.dumps({"end": count, "sha256": digest.hexdigest()}) + b"\n")


def _lines(entries: Iterable[Entry]) -> Iterator[bytes]:
    yield orjson.dumps({MARK: FORMAT, "release": RELEASE}) + b"\n"
    for (project, namespace), record in (
        ((one.scope.project, one.scope.namespace), one.record) for one in entries
    ):
        names = [field.name for field in fields(record) if field.name not in DERIVED]
        values = {name: getattr(record, name) for name in names}
        yield orjson.dumps([NAMES[type(record)], project, namespace, values]) + b"\n"


def check_archive(path: Path) -> int:
    """Read a backup to its end and return how many records it has.

    Raises BadBackup for one that is damaged, cut short, or in the format of a later release, and OSError.
    """
    digest = hashlib.sha256()
    count = 0
    last = b""
    with _opened(path) as file:
        for line in _read(path, file):
            if last:
                digest.update(last)
                count += 1
            last = line
    end = _parse(path, last)
    if not isinstance(end, dict) or end.get("end") != count or end.get("sha256") != digest.hexdigest():
        raise BadBackup(f"{path} is damaged or cut short.")
    return count - 1


def read_archive(path: Path) -> Iterator[Entry]:
    """Yield the records of a backup that ``check_archive`` has found whole."""
    with _opened(path) as file:
        lines = _read(path, file)
        next(lines)
        for line in lines:
            found = orjson.loads(line)
            if isinstance(found, list):
                yield _entry(path, *found)


def _opened(path: Path) -> IO[bytes]:
    file = gzip.open(path, "rb")  # noqa: SIM115  # its callers close it
    first = _parse(path, next(_read(path, file), b""))
    if not isinstance(first, dict) or MARK not in first:
        file.close()
        raise BadBackup(f"{path} is no backup.")
    if first[MARK] != FORMAT:
        file.close()
        raise BadBackup(
            f"{path} has format {first[MARK]}, of release {first.get('release')}; this one reads {FORMAT}."
        )
    file.seek(0)
    return file  # type: ignore[return-value]  # a file of bytes, whatever gzip calls it


def _read(path: Path, file: Any) -> Iterator[bytes]:
    try:
        for line in file:  # noqa: UP028  # to yield from a file would close it with this generator
            yield line
    except gzip.BadGzipFile as error:
        raise BadBackup(f"{path} is no backup, or damaged: {error}.") from None
    except (EOFError, zlib.error):
        raise BadBackup(f"{path} is damaged or cut short.") from None


def _parse(path: Path, line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        raise BadBackup(f"{path} is damaged or cut short.") from None


def _entry(path: Path, kind: str, project: str, namespace: str, values: dict[str, Any]) -> Entry:
    record = KINDS[kind]
    read = {name: CODECS[name](value) if name in CODECS else value for name, value in values.items()}
    derived = {field.name: "" for field in fields(record) if field.name in DERIVED}
    try:
        return Entry(Scope(project, namespace), record(**derived | read))
    except TypeError:
        raise BadBackup(f"{path} has a {kind} that this release cannot read.") from None
