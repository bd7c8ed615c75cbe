"""What commands print: nothing is cut, whatever the width, and help explains every key."""

import re
import sys

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from rich.table import Table

from tabgan.config.manual import first_sentence, keys_of, manual, read_conf
from tabgan.encoding.choice import in_words
from tabgan.paths import conf_dir
from tabgan.report.explore import _print_rules, explore
from tabgan.report.plots import _Values, numbers_picture
from tabgan.report.reading import read_real
from tabgan.runs.callbacks.progress import minutes
from tabgan.runs.session import result, show_rows
from tabgan.system.terminal import fits, say, show
from tabgan.tables.constraints.finding.evidence import Found
from tabgan.tables.constraints.reading import read_constraint
from tabgan.tables.profile import describe
from tabgan.tables.schema import Column, TableSchema

COMMANDS = (
    *("train", "sample", "evaluate", "impute", "explore", "blackbox", "audit", "tune", "study"),
    "bench",
)


def letters(text):
    """What is printed, without the spaces and line ends of wrapping."""
    return re.sub(r"\s", "", text)


@pytest.mark.parametrize("width", ["40", "80", None])
def test_no_name_and_no_number_of_a_table_is_cut(capsys, monkeypatch, width):
    if width is not None:
        monkeypatch.setenv("COLUMNS", width)
    table = Table()
    table.add_column("a name")
    table.add_column("number", justify="right")
    name = "a very long name of a column that no terminal has room for " * 3
    table.add_row(name + "x" * 150, "1,234,567,890")
    show(table)
    said = capsys.readouterr().out
    assert "…" not in said
    assert "1,234,567,890" in said
    columns = [line.split("│")[1] for line in said.splitlines() if "│" in line]
    assert letters(name + "x" * 150) in letters("".join(columns))


def test_many_numbers_are_wider_than_the_terminal_and_whole(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    table = Table()
    for position in range(9):
        table.add_column(str(position), justify="right")
    table.add_row(*[f"{position}23,456" for position in range(9)])
    assert not fits(table)
    show(table)
    said = capsys.readouterr().out
    assert all(f"{position}23,456" in said for position in range(9))


def test_a_schema_off_a_terminal_is_read_whole(capsys):
    columns = tuple(
        Column(
            name=f"the {position}th column with a long name",
            kind="nominal",
            categories=tuple(f"category {label} of many words" for label in "abcdef"),
        )
        for position in range(3)
    )
    show(describe(TableSchema(name="t", columns=columns), {c.name: "onehot" for c in columns}))
    said = capsys.readouterr().out
    assert "…" not in said
    assert "2th" in said
    assert "and 2 more" in re.sub(r"[\s│]+", " ", said)


def test_a_sentence_in_a_pipe_is_one_line(capsys):
    say("a sentence " * 50)
    assert capsys.readouterr().out.count("\n") == 1


def test_a_preview_of_many_columns_has_a_line_for_each(caplog, capsys):
    caplog.set_level("INFO")
    rows = pd.DataFrame(
        {f"column {position}": [position / 8, position, 0.5] for position in range(60)}
    )
    show_rows(rows, "generated rows")
    said = capsys.readouterr().out
    lines = [line.split() for line in said.splitlines()]
    assert lines[1] == ["column", "row", "1", "row", "2", "row", "3"]
    assert lines[2 + 17] == ["column", "17", "2.125", "17.0", "0.5"]
    assert "…" not in said


def test_a_preview_of_few_columns_has_a_line_for_each_row(caplog, capsys):
    caplog.set_level("INFO")
    show_rows(pd.DataFrame({"a": [1, 2], "b": ["x", None]}), "two rows")
    assert [line.split() for line in capsys.readouterr().out.splitlines()[-3:]] == [
        ["a", "b"], ["1", "x"], ["2", "?"],
    ]  # fmt: skip


def ticks(*values):
    return _Values().format_ticks(list(values))


def test_years_zips_and_ids_have_neither_separators_nor_letters():
    assert ticks(1988, 1992, 1996) == ["1988", "1992", "1996"]
    assert ticks(20_000, 40_000, 94_110) == ["20000", "40000", "94110"]
    assert ticks(4_000_100, 4_000_150) == ["4000100", "4000150"]  # short, both would be 4M
    assert ticks(0, 2_000_000, 4_000_000) == ["0", "2M", "4M"]
    assert ticks(0, 0.1, 0.1 + 0.2) == ["0", "0.1", "0.3"]


def test_the_picture_of_a_column_of_years_says_years(monkeypatch):
    drawn = []
    made = Figure.subplots
    monkeypatch.setattr(
        Figure, "subplots", lambda *a, **k: drawn.append(made(*a, **k)) or drawn[-1]
    )
    numbers_picture("built", {"real": np.arange(1_950.0, 2_020.0).repeat(3)})
    labels = [label.get_text() for label in drawn[0].get_xticklabels()]
    assert labels
    assert all(re.fullmatch(r"(19|20)\d\d", label) for label in labels)


def test_explore_shows_values_as_they_are(tmp_path, capsys):
    rows = pd.DataFrame({"year": range(1_990, 2_010), "zip": range(94_110, 94_130)})
    rows.to_csv(tmp_path / "t.csv", index=False)
    summary = explore("t", *read_real(tmp_path / "t.csv"), out=tmp_path / "out", source="t")
    assert list(summary["smallest"]) == ["1990", "94110"]
    assert "1,990" not in (tmp_path / "out" / "explore.html").read_text("utf-8")
    assert "94110" in capsys.readouterr().out


def test_a_training_ends_with_three_figures_in_words():
    figures = {"val/c2st_auc": 0.5394, "val/trend_error": 1.13, "val/duplicate_rate": 0.004}
    # two deviations of the AUC of 300 and 300 rows: 2 sqrt(601 / (12 * 90,000)) = .047
    assert result(figures, 300) == (
        "beside 300 validation rows: generated rows are told from real ones with AUC 0.539 (.5 is "
        "not at all, and chance alone gives .5 ± .047); pairs of columns are off by 1.1 %; 0.4% of "
        "the rows are training rows"
    )
    assert result({}, 9) == "beside 9 validation rows: too few of them to measure"


def test_how_a_column_is_modelled_is_said_in_words():
    assert in_words("key") == "id: new ones are made up"
    assert in_words("derived") == "computed from another"
    assert in_words("quantile_normal+missing") == "quantile normal, missing"  # of textbook models


def test_the_time_left_is_in_seconds_or_minutes():
    assert [minutes(seconds) for seconds in (40.2, 99, 100, 750)] == [
        "40 s", "99 s", "2 min", "12 min",
    ]  # fmt: skip


def test_explore_says_how_many_rules_it_found(capsys):
    total = Found(rule=read_constraint("total = net + tax"), evidence=90.0)
    _print_rules([total])
    assert capsys.readouterr().out.startswith("1 rule was found that every row keeps; ")
    _print_rules([total, total])
    assert capsys.readouterr().out.startswith("2 rules were found that every row keeps; ")


@pytest.mark.parametrize("name", COMMANDS)
def test_help_explains_every_key_and_shows_examples(name):
    told = manual(name)
    _, groups, keys = read_conf(conf_dir() / f"{name}.yaml")
    assert [key.name for key in keys if not key.says and not key.name.startswith("hydra")] == []
    assert "Examples:\n  python -m tabgan." in told
    for key in keys:
        if not key.name.startswith("hydra"):
            assert f"\n  {key.name}=" in told
    for group, choice in groups.items():
        if choice:
            assert f"\n  {group}={choice} *" in told
    assert max(map(len, told.splitlines())) <= 130


@pytest.mark.parametrize("path", sorted(conf_dir().glob("*/*.yaml")), ids=lambda path: path.stem)
def test_every_choice_that_help_offers_says_what_it_is(path):
    if path.parent.name not in ("hydra", "optimizer", "peer"):  # which help does not offer
        assert first_sentence(path.read_text("utf-8"))


def test_a_comment_behind_a_key_goes_on_in_the_lines_below_it():
    text = "like: null # a file;\n           # or a table\n# on its own\nn: 1 # rows\n"
    assert [key.says for key in keys_of(text)] == ["a file; or a table", "on its own rows"]


def test_help_names_the_command_as_it_was_given(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/x/bin/tabgan-sample", "--help"])
    told = manual("sample")
    assert told.startswith("tabgan-sample KEY=VALUE")
    assert "\n  tabgan-sample run=outputs/" in told


def test_help_is_answered_by_the_command(command):
    ended = command("sample", "--help")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out == manual("sample")


@pytest.mark.parametrize("name", ["train", "tune", "explore", "blackbox"])
def test_a_bare_command_says_what_it_needs(command, name, tmp_path):
    ended = command(name)
    assert ended.status == 1
    assert ended.err.startswith("error: no table: give data.path=<file> (and data.target=<column>)")
    assert ended.err.endswith(f"python -m tabgan.{name} --help says more\n")
    assert not list(tmp_path.glob("outputs/*"))


def test_a_command_that_names_everything_but_a_table_says_so(command):
    ended = command("train", "model=cgan_basic", "data.batch_size=50", "trainer.max_epochs=1")
    assert "no table: give data.path=<file>" in ended.err
