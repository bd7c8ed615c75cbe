import json

import numpy as np
import pytest

from tabgan.encoding.state import load_state, save_state
from tabgan.errors import TabganError


def test_arrays_inside_plain_data_come_back(tmp_path):
    save_state(tmp_path, {"columns": {"a/b": {"values": np.array([1.5, 2.5]), "n": 3}}})
    state = load_state(tmp_path)
    np.testing.assert_array_equal(state["columns"]["a/b"]["values"], [1.5, 2.5])
    assert state["columns"]["a/b"]["n"] == 3


def test_a_planted_pickle_is_refused(tmp_path):
    np.savez(tmp_path / "arrays.npz", array_0=np.array([object()], dtype=object), allow_pickle=True)
    (tmp_path / "state.json").write_text(json.dumps({"values": {"array": "array_0"}}))
    with pytest.raises(TabganError, match=r"not an encoder's state: .*allow_pickle=False"):
        load_state(tmp_path)


def test_an_absent_state_names_its_file(tmp_path):
    with pytest.raises(TabganError, match=r"encoder state not found: .*state\.json"):
        load_state(tmp_path)


def test_a_column_called_array_is_no_array(tmp_path):
    save_state(tmp_path, {"ranges": {"array": [0.5, 2.5]}, "counts": {"array": 3}})
    assert load_state(tmp_path) == {"ranges": {"array": [0.5, 2.5]}, "counts": {"array": 3}}


def test_a_column_called_array_may_have_a_word(tmp_path):
    save_state(tmp_path, {"encodings": {"array": "onehot"}})
    assert load_state(tmp_path) == {"encodings": {"array": "onehot"}}
