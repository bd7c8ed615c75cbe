"""A model in an ONNX file: sigmoid(x - 2 kind), written by hand."""

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper

from tabgan.blackboxes.onnx import OnnxBox
from tabgan.errors import TabganError

ROWS = pd.DataFrame({"x": [0.0, 2.0], "kind": pd.Categorical(["a", "b"]), "other": [1.0, 1.0]})
SETTINGS = {"output": None, "positive": 1, "columns": None}


def save(path, graph):
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return str(path)


@pytest.fixture
def matrix_model(tmp_path):
    """One input of two columns; the output has one column."""
    weights = helper.make_tensor("weights", TensorProto.FLOAT, [2, 1], [1.0, -2.0])
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["rows", "weights"], ["logit"]),
            helper.make_node("Sigmoid", ["logit"], ["score"]),
        ],
        "matrix",
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, [None, 2])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, [None, 1])],
        [weights],
    )
    return save(tmp_path / "matrix.onnx", graph)


@pytest.fixture
def columns_model(tmp_path):
    """An input per column; two outputs side by side, 1 - p and p."""
    graph = helper.make_graph(
        [
            helper.make_node("Sub", ["x", "other"], ["logit"]),
            helper.make_node("Sigmoid", ["logit"], ["yes"]),
            helper.make_node("Neg", ["logit"], ["minus"]),
            helper.make_node("Sigmoid", ["minus"], ["no"]),
            helper.make_node("Concat", ["no", "yes"], ["probabilities"], axis=1),
        ],
        "columns",
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1])
            for name in ("other", "x")
        ],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2])],
    )
    return save(tmp_path / "columns.onnx", graph)


def sigmoid(x):
    return 1 / (1 + np.exp(-np.asarray(x)))


def test_a_single_input_takes_the_first_columns_as_numbers(matrix_model):
    # row 0: x 0, kind a is 0; row 1: x 2, kind b is 1
    scores = OnnxBox(matrix_model, **SETTINGS)(ROWS)
    np.testing.assert_allclose(scores, sigmoid([0.0, 0.0]), rtol=1e-6)


def test_a_single_input_takes_named_columns_in_their_order(matrix_model):
    box = OnnxBox(matrix_model, **(SETTINGS | {"columns": ["other", "x"]}))
    np.testing.assert_allclose(box(ROWS), sigmoid([1.0, -3.0]), rtol=1e-6)


def test_several_inputs_take_columns_by_name_and_the_positive_output(columns_model):
    scores = OnnxBox(columns_model, **SETTINGS)(ROWS)
    np.testing.assert_allclose(scores, sigmoid([-1.0, 1.0]), rtol=1e-6)


def test_an_absent_column_is_named(columns_model):
    with pytest.raises(TabganError, match=r"lack the columns \['other'\]"):
        OnnxBox(columns_model, **SETTINGS)(ROWS[["x"]])


def test_a_table_too_narrow_for_the_input_is_refused(matrix_model):
    with pytest.raises(TabganError, match="takes 2 columns"):
        OnnxBox(matrix_model, **SETTINGS)(ROWS[["x"]])


def test_an_unknown_output_is_refused(matrix_model):
    with pytest.raises(TabganError, match=r"blackbox\.output=y: expected one of \['score'\]"):
        OnnxBox(matrix_model, **(SETTINGS | {"output": "y"}))


def test_a_file_that_is_no_model_is_named(tmp_path):
    (tmp_path / "x.onnx").write_bytes(b"nothing")
    with pytest.raises(TabganError, match="not an ONNX model"):
        OnnxBox(str(tmp_path / "x.onnx"), **SETTINGS)
