"""A model in an ONNX file as a black box."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pandas as pd

from tabgan.blackboxes.protocol import Scores, plain_rows
from tabgan.errors import TabganError

NUMBERS = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(int64)": np.int64}


class OnnxBox:
    """Scores of an ONNX graph, on the CPU.

    A graph with several inputs takes one column of the table each, [n, 1], by name: text or
    numbers. A graph with one input of width w takes ``columns``, or else the table's first w
    columns, as numbers: a category is its position among the column's categories, from 0; missing
    is -1.

    Args:
        path: the file.
        output: the name of the output that holds the scores; None takes the last one.
        positive: which column of a two-dimensional output is the score.
        columns: the table's columns that a single input takes, in order; None for the first ones.

    Raises:
        TabganError: when the file cannot be read, or has no such output.
    """

    def __init__(
        self, path: str, *, output: str | None, positive: int, columns: list[str] | None
    ) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        try:
            self.session = onnxruntime.InferenceSession(
                path, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its exceptions share no class of their own
            raise TabganError(f"{path}: not an ONNX model: {error}") from error
        self.name, self.positive, self.columns = path, positive, columns
        outputs = [out.name for out in self.session.get_outputs()]
        if output is not None and output not in outputs:
            raise TabganError(f"blackbox.output={output}: expected one of {outputs}")
        self.output = output or outputs[-1]

    def __call__(self, rows: pd.DataFrame) -> Scores:
        inputs = self.session.get_inputs()
        fed = self._matrix(rows, inputs[0]) if len(inputs) == 1 else self._columns(rows, inputs)
        (answer,) = self.session.run([self.output], fed)
        scores = np.asarray(answer, dtype="float64")
        if scores.ndim == 2:
            scores = scores[:, 0 if scores.shape[1] == 1 else self.positive]
        return scores

    def _columns(self, rows: pd.DataFrame, inputs: list[Any]) -> dict[str, np.ndarray]:
        plain = plain_rows(rows, [each.name for each in inputs], name=self.name)
        return {
            each.name: plain[each.name].to_numpy(NUMBERS[each.type])[:, None]
            if each.type in NUMBERS
            else plain[each.name].fillna("").to_numpy("object")[:, None]
            for each in inputs
        }

    def _matrix(self, rows: pd.DataFrame, only: Any) -> dict[str, np.ndarray]:
        width = only.shape[-1] if isinstance(only.shape[-1], int) else len(rows.columns)
        names = list(self.columns or rows.columns[:width])
        absent = [name for name in names if name not in rows.columns]
        if absent or len(names) != width:
            raise TabganError(
                f"{self.name}: its input takes {width} columns, the rows have {names}"
                + (f" without {absent}" if absent else "")
            )
        matrix = np.column_stack([_numbers(rows[name]) for name in names])
        return {only.name: matrix.astype(NUMBERS.get(only.type, np.float32))}


def _numbers(values: pd.Series) -> np.ndarray:
    if isinstance(values.dtype, pd.CategoricalDtype):
        return np.asarray(values.cat.codes.to_numpy("float64"))
    return np.asarray(values.to_numpy("float64", na_value=-1.0))
