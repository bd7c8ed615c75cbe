"""A step is done once, whatever else happens."""

import pytest

from tabgan.studies.cells import digest, open_cell


def cell(folder, **changes):
    key = {"contestant": "cgan", "table": "people", "seed": 0, "configuration": {"lr": 1}}
    return open_cell(folder, **(key | changes))


def test_a_step_that_is_done_is_not_done_again(tmp_path):
    done = []

    def work():
        done.append("fit")
        return {"wall": 2.5}

    assert cell(tmp_path).once("fit", work) == {"wall": 2.5}
    assert cell(tmp_path).once("fit", work) == {"wall": 2.5}  # as another process would open it
    assert done == ["fit"]


def test_a_step_that_failed_is_done_again(tmp_path):
    def fails():
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        cell(tmp_path).once("fit", fails)
    assert cell(tmp_path).once("fit", lambda: {"wall": 1.0}) == {"wall": 1.0}


@pytest.mark.parametrize(
    "change",
    [{"contestant": "ctgan"}, {"table": "bank"}, {"seed": 1}, {"configuration": {"lr": 2}}],
)
def test_what_decides_the_rows_decides_the_cell(tmp_path, change):
    assert cell(tmp_path).folder == cell(tmp_path).folder
    assert cell(tmp_path, **change).folder != cell(tmp_path).folder


def test_the_order_of_keys_changes_no_digest():
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1}) != digest({"a": 2, "b": 1})
