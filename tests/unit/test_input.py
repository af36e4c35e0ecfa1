"""From files and archives to JSON values, one at a time."""

from __future__ import annotations

import gzip
import json
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.transfer.conversation import BadLine
from app.transfer.input import splitting
from app.transfer.input.containers import Documents, UnsafeArchive
from app.transfer.input.decoding import NUMBERS, REPLACED, Notes, decode
from app.transfer.input.splitting import Item, split

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=8),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=4), children, max_size=3)
    ),
    max_leaves=8,
)
OBJECTS = st.lists(st.dictionaries(st.text(max_size=6), JSON, max_size=4), max_size=6)


class Trickle(BytesIO):
    """A stream that gives a few bytes at a time, so that everything is cut somewhere."""

    def read(self, size: int | None = -1) -> bytes:
        """Return at most seven bytes."""
        return super().read(min(7, size) if size is not None and size > 0 else 7)


def values(data: bytes) -> list[Any]:
    """Return the values of a document without bad items, read in one go and in drips: the same."""
    whole = [orjson.loads(item.text) for item in items(data)]
    assert [orjson.loads(item.text) for item in split(cast("Any", Trickle(data)))] == whole
    return whole


def items(data: bytes) -> list[Item]:
    """Return the items of a document."""
    return list(split(BytesIO(data)))


@given(OBJECTS, st.sampled_from([None, 2]))
def test_every_form_gives_the_same_values(objects: list[dict[str, Any]], indent: int | None) -> None:
    """An array on one line or on many, JSON lines, and objects one after the other are read alike."""
    texts = [json.dumps(one, indent=indent) for one in objects]

    assert values(json.dumps(objects, indent=indent).encode()) == objects
    assert values("\n".join(texts).encode()) == objects
    assert values("\r\n\r\n".join(texts).encode()) == objects
    assert values(b"\xef\xbb\xbf" + "".join(texts).encode()) == objects
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        assert values(json.dumps(objects).encode(encoding)) == objects


def test_arrays_on_lines_are_values_of_their_own() -> None:
    """A file of several lines, each an array, is JSON lines; a single array is its elements."""
    assert values(b'[{"a":1}]\n[{"b":2}]\n') == [[{"a": 1}], [{"b": 2}]]
    assert values(b'[{"a":1},\n{"b":2}]') == [{"a": 1}, {"b": 2}]


def test_bad_items_are_skipped_and_placed() -> None:
    """What is broken is reported with its place, and what comes after it is read."""
    lines = items(b'{"a":1}\n{broken\n\n{"b":2}')
    array = items(b'[{"a":1},7,"x",{"b":},{"c":3}]')

    assert [(item.place, item.text) for item in lines] == [
        ("line 1", b'{"a":1}'),
        ("line 2", b"{broken"),
        ("line 4", b'{"b":2}'),
    ]
    assert [item.place for item in array if item.problem is not None] == ["item 2", "item 3"]
    assert array[3].text == b'{"b":}'
    assert array[-1].text == b'{"c":3}'


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"<html>", "not JSON"),
        (b'[{"a":1},{"b"', "cut off"),
        (b'[{"a":1}', "ends inside an array"),
        (b'[{"a":1}}', "not JSON, and nothing after it"),
        (b"[" * 1_000_000, "nest deeper than 256"),
    ],
)
def test_what_is_no_json_is_one_complaint(data: bytes, reason: str) -> None:
    """A broken document is reported once or twice, whatever its size."""
    problems = [item.problem or "" for item in items(data)]

    assert any(reason in problem for problem in problems)
    assert len(problems) <= 3


def test_items_have_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too large, in bytes or in pieces, is skipped; its neighbours are read."""
    monkeypatch.setattr(splitting, "ITEM_BYTES", 1_000_000)
    monkeypatch.setattr(splitting, "MOST_CONTAINERS", 1_000)
    large = json.dumps({"x": ["y" * 50_000] * 40}).encode()
    many = b'{"x":[' + b"[]," * 2_000 + b"[]]}"
    deep = b"[" * 300 + b"]" * 300
    neighbour = b'{"n":1}'
    for bad in (large, many, deep):
        array = items(b"[" + b",".join([neighbour, bad, neighbour]) + b"]")
        assert [item.text for item in array] == [neighbour, b"", neighbour]
        assert array[1].problem is not None
    lines = items(b"\n".join([neighbour, large, many, neighbour]))
    assert [item.problem is None for item in lines] == [True, False, False, True]


def test_memory_holds_one_item() -> None:
    """An array of 40 MB on one line is read in pieces: nothing but the current item is kept."""
    item = json.dumps({"content": "x" * 1_000}).encode() + b","

    class Endless(BytesIO):
        left = 40_000

        def read(self, _: int | None = -1) -> bytes:
            self.left -= 100
            return item * 100 if self.left >= 0 else b""

    stream = Endless()
    splitter = splitting._Splitter(cast("Any", stream))
    splitter._buffer += b"["
    most = 0
    for _ in splitter._values():
        most = max(most, len(splitter._buffer))
    assert stream.left < 0
    assert most < 1_000_000


def test_bad_characters_are_replaced_and_counted() -> None:
    """Half emoji, NUL in keys and bytes that are no UTF-8 cost nothing but themselves; whole emoji stay."""
    notes = Notes()
    text = b'{"a":"\\ud83d \\\\ud83d \\ud83d\\ude00 \\u0000","b":"x\xffy","c\\u0000":"a\x00b","d":"\\udc00"}'

    assert decode(text, notes) == {
        "a": "\ufffd \\ud83d \U0001f600 \0",
        "b": "x\ufffdy",
        "c\ufffd": "a\0b",
        "d": "\ufffd",
    }
    assert notes == {REPLACED: 4}


def test_numbers_that_no_store_holds_become_text() -> None:
    """Integers beyond 64 bits, NaN and infinities stay readable."""
    notes = Notes()
    text = b"[123456789012345678901,-9223372036854775808,9223372036854775808,NaN,-Infinity,1e999,0.5]"

    assert decode(text, notes) == [
        "123456789012345678901",
        -(2**63),
        "9223372036854775808",
        "NaN",
        "-Infinity",
        "1e999",
        0.5,
    ]
    assert notes == {NUMBERS: 5}


@pytest.mark.parametrize("text", [b"{", b'{"a":1,"a":2}', b"[" * 100_000])
def test_what_cannot_be_decoded_says_why(text: bytes) -> None:
    """Broken JSON, a key that stands twice and nesting without end are bad."""
    with pytest.raises(BadLine):
        decode(text, Notes())


def read_all(name: Path) -> dict[str, list[Any]]:
    """Return what all documents under a name hold."""
    found = {}
    for document in Documents([str(name)]):
        with document.open() as stream:
            found[Path(document.name).name] = [item.text for item in split(stream)]
    return found


def test_gzip_is_recognised_by_its_content(tmp_path: Path) -> None:
    """A gzipped file is read whatever its name, and one that is not is read whatever its name."""
    whole, plain = tmp_path / "whole", tmp_path / "plain.gz"
    whole.write_bytes(gzip.compress(b'{"a":1}\n\n{"b":2}'))
    plain.write_bytes(b'\xef\xbb\xbf{"c":3}\r\n')

    assert read_all(whole) == {"whole": [b'{"a":1}', b'{"b":2}']}
    assert read_all(plain) == {"plain.gz": [b'{"c":3}']}


def test_a_damaged_archive_gives_what_is_whole(tmp_path: Path) -> None:
    """The lines before the damage are read; then reading fails."""
    cut = tmp_path / "cut.gz"
    cut.write_bytes(gzip.compress(b'{"a":1}\n' * 200_000 + bytes(range(256)) * 50)[:-200])
    read: list[Item] = []
    [document] = Documents([str(cut)])
    with document.open() as stream, pytest.raises(EOFError):
        read.extend(split(stream))


def test_folders_and_zips_are_searched(tmp_path: Path) -> None:
    """All JSON in them is read, in the order of names; where conversations*.json are there, those alone."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "b.jsonl").write_bytes(b'{"b":1}')
    (tmp_path / "a.json").write_bytes(b'{"a":1}')
    (tmp_path / ".hidden.json").write_bytes(b'{"h":1}')
    (tmp_path / "note.txt").write_bytes(b"not JSON")
    assert read_all(tmp_path) == {"a.json": [b'{"a":1}'], "b.jsonl": [b'{"b":1}']}

    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("user.json", "{}")
        archive.writestr("conversations-001.json", '[{"z":2}]')
        archive.writestr("conversations-000.json", '[{"z":1}]')
        archive.writestr("__MACOSX/conversations.json", "junk")
    assert read_all(tmp_path / "export.zip") == {
        "conversations-000.json": [b'{"z":1}'],
        "conversations-001.json": [b'{"z":2}'],
    }


def test_files_beside_a_document_are_found(tmp_path: Path) -> None:
    """An image is found by its whole name or by the id that its name begins with, in folders and zips."""
    (tmp_path / "conversations.json").write_bytes(b"[]")
    (tmp_path / "dalle").mkdir()
    (tmp_path / "dalle" / "file-abc-x.png").write_bytes(b"one")
    (tmp_path / "file_def.dat").write_bytes(b"two")
    packed = tmp_path / "export.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("conversations.json", "dalle/file-abc-x.png", "file_def.dat"):
            archive.write(tmp_path / name, name)
    for source in (tmp_path / "conversations.json", tmp_path, packed):
        for document in Documents([str(source)]):
            assert document.assets.find("file-abc") == b"one"
            assert document.assets.find("file_def") == b"two"
            assert document.assets.find("file-ab") is None


def test_bombs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compressed data that grows out of all proportion is not read to its end."""
    from app.transfer.input import containers  # noqa: PLC0415  # to lower its bound

    monkeypatch.setattr(containers, "BOMB_BYTES", 1_000_000)
    data = b'[{"a":"' + b"x" * 5_000_000 + b'"}]'
    packed, zipped = tmp_path / "bomb.gz", tmp_path / "bomb.zip"
    packed.write_bytes(gzip.compress(data))
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.json", data)
    for bomb in (packed, zipped):
        with pytest.raises(UnsafeArchive, match="unpacked"):
            read_all(bomb)


def test_a_missing_file_is_an_error_at_once(tmp_path: Path) -> None:
    """Before anything is read, each file is looked for."""
    with pytest.raises(FileNotFoundError):
        Documents([str(tmp_path / "none.json")])
