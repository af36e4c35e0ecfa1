"""Any model in the ONNX format, run by ONNX Runtime: other families, and weights of 8 bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from .embedder import EmbedderError


@dataclass(frozen=True, slots=True)
class OnnxModel:
    """A model in memory; several threads may use it at once."""

    session: Any
    inputs: frozenset[str]

    def run(self, texts: Sequence[Sequence[int]]) -> list[NDArray[np.float32]]:
        """Return for each text, given as tokens, a row for each token.

        Each is run alone: together they would be padded, which gains nothing on one thread.
        """
        return [self._run(np.asarray([tokens], np.int64)) for tokens in texts]

    def _run(self, tokens: NDArray[np.int64]) -> NDArray[np.float32]:
        given = {
            "input_ids": tokens,
            "attention_mask": np.ones_like(tokens),
            "token_type_ids": np.zeros_like(tokens),
        }
        found = self.session.run(None, {name: given[name] for name in self.inputs})[0]
        rows: NDArray[np.float32] = found[0].astype(np.float32, copy=False)
        return rows


def load_onnx(file: Path, dimensions: int) -> OnnxModel:
    """Read a model that makes so many numbers of a token, to be run on one thread.

    Raises EmbedderError for another one.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the library's errors have no parent of their own
        raise EmbedderError(f"{file} is not a model that ONNX Runtime reads") from error
    inputs = frozenset(one.name for one in session.get_inputs())
    shape = session.get_outputs()[0].shape
    if not inputs <= {"input_ids", "attention_mask", "token_type_ids"} or shape[2:] != [dimensions]:
        raise EmbedderError(f"{file} does not make {dimensions} numbers of each token")
    return OnnxModel(session, inputs)
