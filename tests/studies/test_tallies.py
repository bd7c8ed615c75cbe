"""Means over seeds, as Markdown."""

import csv

import pytest

from tabgan.errors import TabganError
from tabgan.studies.tallies import markdown, write_tally


def line(contestant, seed, **figures):
    words = {"table": "pets", "contestant": contestant, "rows": "raw", "side": "ours"}
    return words | {"seed": seed} | figures


LINES = [line("cgan", 0, wall=2.0), line("cgan", 1, wall=4.0), line("real", 0, auc=0.5)]


def test_figures_of_several_seeds_are_a_mean_and_a_standard_deviation():
    # mean 3, deviation sqrt((1 + 1) / 1)
    assert markdown(LINES, {"wall": "s", "auc": "AUC"}) == (
        "| table | contestant | rows | s | AUC |\n"
        "| --- | --- | --- | ---: | ---: |\n"
        "| pets | cgan | raw | 3.00 ± 1.414 | - |\n"
        "| pets | real | raw | - | 0.500 |\n"
    )


def test_a_figure_that_no_line_has_gets_no_column():
    assert "RMSE" not in markdown(LINES, {"wall": "s", "mle_rmse": "RMSE"})


def test_the_csv_file_has_every_line(tmp_path):
    write_tally(tmp_path / "new" / "folder", "bench", LINES, "text\n")
    with (tmp_path / "new" / "folder" / "bench.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["wall"] for row in rows] == ["2.0", "4.0", ""]
    assert (tmp_path / "new" / "folder" / "bench.md").read_text() == "text\n"


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(TabganError, match=r"out=.*file: cannot be written"):
        write_tally(tmp_path / "file", "bench", LINES, "text\n")
