import re

import numpy as np
import pandas as pd
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tabgan.errors import TabganError
from tabgan.report.explore import explore, label_words
from tabgan.report.reading import read_real, read_whole
from tabgan.tables.profile import infer_schema
from tabgan.tables.schema import Column, TableSchema

NASTY = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def explored(make_people, tmp_path_factory):
    folder = tmp_path_factory.mktemp("explored")
    rows = make_people(200, 0)
    schema = infer_schema(rows, name="people", target="label")
    return folder, explore("people", schema.conform(rows), schema, out=folder, source="people")


def test_one_line_per_column_says_what_it_holds(explored):
    _, summary = explored
    by_name = summary.set_index("column")
    assert list(by_name.index) == [NASTY, "pay", "age", "born", "legs", "label"]
    assert by_name.loc["legs", ["distinct", "smallest", "top"]].tolist() == [1, "2", "2 (100.0%)"]
    assert by_name.loc["pay", "missing"] > 0.02


def test_the_page_shows_every_picture_and_no_address(explored):
    folder, _ = explored
    page = (folder / "explore.html").read_text("utf-8")
    files = sorted(path.name for path in (folder / "pictures").iterdir())
    assert len(files) == 9  # six columns, cardinalities, missing, associations
    assert page.count("<img") == 10  # the label's twice
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert re.findall(r"<h2[^>]*>(.*?)</h2>", page)[0] == "Label"


def test_the_page_loads_every_picture_and_fits_a_phone(explored, browse):
    console, told = browse(explored[0] / "explore.html")
    assert console == []
    assert told == "10 pictures, 0 broken, 0 pixels too wide"


def test_tensorboard_has_the_pictures(explored):
    events = EventAccumulator(str(explored[0] / "tensorboard"), size_guidance={"images": 0})
    tags = events.Reload().Tags()["images"]
    assert "explore/associations" in tags
    assert events.Images("explore/associations")[0].encoded_image_string[:4] == b"\x89PNG"


def test_the_imbalance_is_the_largest_class_over_the_smallest():
    schema = TableSchema(
        name="t", target="y", columns=(Column(name="y", kind="nominal", categories=("a", "b")),)
    )
    rows = schema.conform(pd.DataFrame({"y": ["a"] * 6 + ["b"] * 2}))
    assert label_words(rows, schema) == (
        "y: 2 classes; 'a' has 6 rows (75.0%), 'b' has 2 (25.0%); imbalance ratio 3.00 to 1."
    )


def test_a_quantity_has_a_range_and_no_imbalance(make_people):
    rows = make_people(50, 0)
    schema = infer_schema(rows, name="people", target="pay")
    assert label_words(schema.conform(rows), schema).startswith("pay is a quantity: ")
    assert label_words(rows, schema.with_target(None)) == "No target was given."


def test_text_and_missing_columns_are_named_and_not_drawn(tmp_path):
    path = tmp_path / "table.csv"
    lines = [f"{i},,name {i}\n" for i in range(2_000)]
    path.write_text("n,nothing,text\n" + "".join(lines), "utf-8")
    rows, schema = read_real(path)
    summary = explore("table", rows, schema, out=tmp_path / "out", source="t").set_index("column")
    assert summary.loc["nothing", ["distinct", "missing"]].tolist() == [0, 1.0]
    assert summary.loc["text", "kind"] == "string"
    assert len(list((tmp_path / "out" / "pictures").iterdir())) == 3  # n, cardinalities, missing


def test_far_dates_clock_times_and_amounts_are_drawn_and_summed_up(tmp_path):
    lines = [
        f"{'9999-12-31' if i % 4 else f'2020-01-{1 + i % 28:02}'},{i % 24:02}:30,${i}.50,N/A\n"
        for i in range(200)
    ]
    (tmp_path / "t.csv").write_text("ends,opens,pay,never\n" + "".join(lines), "utf-8")
    rows, schema = read_real(tmp_path / "t.csv")
    summary = explore("table", rows, schema, out=tmp_path / "out", source="t.csv").set_index(
        "column"
    )
    assert summary["kind"].tolist() == ["date", "date", "numeric", "string"]
    assert summary.loc["ends", ["smallest", "largest"]].tolist() == ["2020-01-01", "9999-12-31"]
    assert summary.loc["opens", ["smallest", "largest"]].tolist() == ["00:30:00", "23:30:00"]
    assert summary.loc["ends", "top"].startswith("9999-12-31 (75")


def test_a_table_of_text_only_is_refused(tmp_path):
    rows = pd.DataFrame({"a": ["x", "y"]}, dtype="str")
    schema = TableSchema(name="t", columns=(Column(name="a", kind="string"),))
    with pytest.raises(TabganError, match="no column of numbers, categories or dates"):
        explore("t", rows, schema, out=tmp_path, source="t")


def test_the_whole_table_holds_the_test_part(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,u\n2,v\n", "utf-8")
    (tmp_path / "b.csv").write_text("x,y\n3.5,w\n4,u\n", "utf-8")
    title, rows, schema = read_whole(
        name="adult", path=str(tmp_path / "a.csv"), target="y",
        test_path=str(tmp_path / "b.csv"), schema_path=None, drop=(),
    )  # fmt: skip
    assert title == "a"
    assert rows["x"].tolist() == [1, 2, 3.5, 4]
    assert schema["y"].categories == ("u", "v", "w")


def test_a_target_that_is_no_column_is_named(command, mixed_arff):
    ended = command("explore", f"data.path={mixed_arff}", "data.target=labl")
    assert ended.status == 1
    assert "target 'labl' is not a column; did you mean 'label'?" in ended.err


@pytest.mark.slow
def test_the_command_leaves_its_page_where_it_says(command, mixed_arff, tmp_path):
    ended = command("explore", f"data.path={mixed_arff}", "data.target=label")
    assert ended.status == 0, ended.err
    folder = tmp_path / "outputs" / "explore" / "people"
    assert (folder / "explore.html").is_file()
    assert "imbalance ratio 2.00 to 1" in ended.out
    assert "outputs/explore/people/explore.html" in ended.out + ended.err


def test_rules_are_printed_ready_to_be_pasted(tmp_path, capsys):
    rng = np.random.default_rng(0)
    start = rng.random(400)
    rows = pd.DataFrame({"first day": start, "last": start + rng.random(400)})
    schema = infer_schema(rows, name="t")
    explore("t", schema.conform(rows), schema, out=tmp_path, source="t")
    told = capsys.readouterr().out
    assert '"constraints": [\n  "`first day` <= last"\n]' in told
    page = (tmp_path / "explore.html").read_text("utf-8")
    assert "&#39;first day&#39; is at most &#39;last&#39;" in page
