import json
import math
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tabgan.errors import TabganError
from tabgan.metrics.registry import METRICS
from tabgan.report.build import build_report
from tabgan.report.evaluation_page import metric_tables
from tabgan.report.html import templates
from tabgan.report.measure import measure, row_notes
from tabgan.report.verdict import Judged, findings, headline, in_short

OPTIONS = {"seed": 0, "threads": 1}


@pytest.fixture
def few_points(monkeypatch):
    """t-SNE sees 60 rows of each table: nobody looks at its picture."""
    monkeypatch.setattr("tabgan.report.embedding.MAX_ROWS", 60)


def silent(step, *, stage=None):
    """Nobody watches."""


@pytest.fixture(scope="module")
def built(people, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    report = build_report(
        people, out=folder, facts={"command": "evaluate <b>"}, configuration="seed: 0", **OPTIONS
    )
    return folder, report


@pytest.mark.slow
def test_the_report_is_flat_and_holds_finite_numbers_and_strings(built):
    folder, report = built
    stored = json.loads((folder / "report.json").read_text("utf-8"))
    assert stored == report
    for name, value in stored.items():
        assert isinstance(value, str) or math.isfinite(value), name


@pytest.mark.slow
def test_every_metric_stands_beside_its_anchors_or_a_note_says_why_not(built):
    _, report = built
    undefined = {"dcr_share", "nll_test", "identifying_overlap", "mle_rmse", "mle_rmse_se"}
    of_many = {"membership_tpr001", "membership_ratio_tpr001"}
    assert report["notes.membership_tpr001"] == "needs 999 unseen rows"
    undefined |= of_many | {"membership_ratio_tpr01"}  # of real rows 75 are attacked
    for name in set(METRICS) - undefined:
        assert {name, f"real_test.{name}", f"independent.{name}"} <= set(report)
    assert undefined & set(report) == {"membership_ratio_tpr01"}
    assert report["notes.mle_rmse"] == "the target is nominal"
    assert {"seed", "rows", "detector_name", "data", "command", "version.numpy"} <= set(report)


@pytest.mark.slow
def test_the_page_names_every_section_and_no_address(built):
    folder, _ = built
    page = (folder / "report.html").read_text("utf-8")
    titles = re.findall(r"<h2[^>]*>(.*?)</h2>", page)
    assert titles == [
        "What to try next", "Where they differ", "Rules", "Metrics", "Columns",
        "Pairs of columns", "Rows", "Privacy and copying", "Variety", "How this was made",
    ]  # fmt: skip
    assert "http" not in page.replace("http-equiv", "")
    assert set(re.findall(r'src="(.{22})', page)) == {"data:image/png;base64,"}


@pytest.mark.slow
def test_a_column_named_like_a_script_is_text(built):
    page = (built[0] / "report.html").read_text("utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "evaluate &lt;b&gt;" in page


@pytest.mark.slow
def test_every_picture_is_a_file_too(built):
    folder, _ = built
    page = (folder / "report.html").read_text("utf-8")
    files = {path.name for path in (folder / "pictures").iterdir()}
    assert len(files) == page.count("<img")
    assert {"pair.png", "tsne.png", "distances.png", "importance.png", "column_01_pay.png"} <= files
    assert "column_00__script_alert_1_script_.png" in files


@pytest.mark.slow
def test_the_page_loads_every_picture_and_fits_a_phone(built, browse):
    folder, _ = built
    console, told = browse(folder / "report.html")
    n_pictures = len(list((folder / "pictures").iterdir()))
    assert console == []
    assert told == f"{n_pictures} pictures, 0 broken, 0 pixels too wide"


@pytest.mark.slow
def test_the_answers_and_what_to_try_next_print_on_one_page(built, printed_pages):
    assert printed_pages(built[0] / "report.html") == 1


@pytest.mark.slow
def test_few_rows_are_said(built):
    note = built[1]["notes.rows"]
    # two standard deviations of an AUC of chance: 2 sqrt((2 n + 1) / 12 n^2) = .047 for n = 300
    assert note.startswith("300 test and 300 synthetic rows are few")
    assert "C2ST AUC of .5 ± 0.05 is chance" in note


@pytest.mark.slow
def test_the_test_table_as_synthetic_is_scored_as_the_anchor(people):
    shuffled = people.test.sample(frac=1, random_state=1)
    measured = measure(
        replace(people, synthetic=shuffled), full_mle=False, advance=silent, **OPTIONS
    )
    assert measured.scores[""] == measured.scores["real_test."]
    assert measured.scores[""]["c2st_test_auc"] == pytest.approx(0.5, abs=0.1)
    assert "the synthetic table is the test table" in measured.notes["synthetic"]


def test_test_rows_among_the_synthetic_rows_are_said(people):
    leaked = pd.concat([people.test.head(100), people.synthetic.head(200)], ignore_index=True)
    notes = row_notes(replace(people, synthetic=leaked), is_test=False)
    assert notes["synthetic"].startswith("33.3% of the synthetic rows are rows of the test table")


def test_one_row_of_ten_that_stands_in_the_test_table_may_be_chance(people):
    few = pd.concat([people.test.head(1), people.synthetic.head(9)], ignore_index=True)
    assert "synthetic" not in row_notes(replace(people, synthetic=few), is_test=False)


def test_training_rows_as_test_rows_are_said(people):
    notes = row_notes(replace(people, test=people.train.head(100)), is_test=False)
    assert notes["test"].startswith("100.0% of the test rows are training rows too")


def test_copies_of_training_rows_void_the_rest():
    found = judge(duplicate_rate=1.0, dcr_q05=100.0, dcr_share=0.6, membership_tpr01=0.05)
    assert found[1].grade == "poor"
    assert re.sub(r"; with [^)]*", "", found[1].says) == (
        "Copies 1.000 (real rows 0.000, copying above 0.010); training rows found at 1 % false "
        "positives 0.050 (real rows 0.010, copying above 0.020); % of rows nearer to training rows "
        "than the nearest 5 % of test rows 100.000 (copying above 10.000); DCR share 0.600 "
        "(copying above 0.550). 100.00% of the rows are training rows (of real test rows 0.00%)."
    )
    assert re.sub(r"; with [^)]*", "", headline(found)).startswith(
        "They copy training rows: copies 1.000 (real rows 0.000, copying above 0.010); training "
        "rows found at 1 % false positives 0.050 (real rows 0.010, copying above 0.020); % of rows "
        "nearer to training rows than the nearest 5 % of test rows 100.000 (copying above 10.000); "
        "DCR share 0.600 (copying above 0.550). Not told"
    )


def test_a_headline_names_the_figure_that_a_verdict_of_copying_comes_from():
    # the band of an AUC of 30 and 30 rows is 2.64 sqrt(61 / 10,800) = .198, and with half of the
    # test rows 2.64 sqrt(46 / 5,400) = .243: together .314 around the .5 of real rows
    found = judge(membership_auc=0.95, duplicate_rate=0.0, n=30)
    assert found[1].headline == (
        "They lie too near to training rows: AUC of a membership attack 0.950 (real rows 0.500, "
        "copying above 0.814; with 30 test rows 0.186 to 0.814 is chance). Beside: DCR share not "
        "measured, copies 0.000 (real rows 0.000), training rows found at 1 % false positives not "
        "measured."
    )
    assert judge(membership_auc=0.8, n=30)[1].answer == "No sign"


def test_the_card_of_rows_that_copy_nothing_is_in_words():
    (_, found, *_) = judge(duplicate_rate=0.0, membership_auc=0.516, dcr_share=0.511)
    assert found.says == (
        "No row is a training row. An attacker tells training rows from others with an AUC of "
        "0.516 (.5 is guessing). Of a training on half of the rows 51.1% lie nearer to that half "
        "than to the other (50% is no copying). This measures, and proves nothing."
    )


def test_what_voids_the_rest_comes_first_in_the_words_too():
    near = judge(dcr_share=0.6, mle_auc=0.9)
    assert in_short(near).startswith("They lie nearer to training rows than they should")
    assert headline(near).startswith("They lie too near to training rows: DCR share 0.600")
    assert in_short(judge(duplicate_rate=0.1)).startswith("They copy training rows: do not give")


@pytest.mark.slow
@pytest.mark.usefixtures("few_points")
def test_a_quantity_as_target_is_judged_by_its_error(people, tmp_path):
    report = build_report(replace(people, target="age"), out=tmp_path, **OPTIONS)
    assert report["mle_rmse"] > 0
    assert "mle_auc" not in report
    assert report["notes.mle_auc"] == "the target is a number"
    assert "Error on real test rows" in (tmp_path / "report.html").read_text("utf-8")


@pytest.mark.slow
def test_too_few_rows_leave_metrics_out_and_say_so(people, tmp_path):
    few = replace(people, test=people.test.head(8), synthetic=people.synthetic.head(8))
    report = build_report(few, out=tmp_path, **OPTIONS)
    assert "c2st_test_auc" not in report
    assert "at least 20 rows" in report["notes.c2st_test_auc"]
    assert "at least 10 rows" in report["notes.tsne"]
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "Too little to judge realism by." in page


@pytest.mark.slow
@pytest.mark.usefixtures("few_points")
def test_constant_and_missing_columns_are_findings_and_are_drawn(people, tmp_path):
    train, test, synthetic = (
        t.assign(pay=np.nan) for t in (people.train, people.test, people.synthetic)
    )
    synthetic = synthetic.assign(
        age=np.nan, label=pd.Categorical(["no"] * 300, categories=["no", "yes"])
    )
    report = build_report(
        replace(people, train=train, test=test, synthetic=synthetic), out=tmp_path, **OPTIONS
    )
    assert report["notes.constant"].endswith("['age', 'label']")
    assert "['yes']" in report["notes.classes"]
    assert report["collapse.alarm"] == 1
    assert "Variety has collapsed: column " in report["headline"]
    assert report["collapse.says"] in report["headline"]
    assert (tmp_path / "pictures" / "column_01_pay.png").is_file()


@pytest.mark.slow
@pytest.mark.usefixtures("few_points")
def test_one_column_and_no_target_is_a_report(people, tmp_path):
    tables = (t[["age"]] for t in (people.train, people.test, people.synthetic))
    train, test, synthetic = tables
    report = build_report(
        replace(people, train=train, test=test, synthetic=synthetic, target=None),
        out=tmp_path,
        **OPTIONS,
    )
    assert report["notes.mle_auc"] == "no target was given"
    assert "There is one column only." in (tmp_path / "report.html").read_text("utf-8")


def test_a_folder_that_cannot_be_made_is_one_line(people, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TabganError, match=r"out=.*file.*: cannot be written"):
        build_report(people, out=tmp_path / "file" / "report", **OPTIONS)


ANCHORS = {
    "c2st_test_auc_worst": 0.5, "mle_auc": 0.9, "mle_auc_se": 0.001, "duplicate_rate": 0.0,
    "membership_auc": 0.5, "membership_tpr01": 0.01,
}  # fmt: skip
FLOOR = {"c2st_test_auc_worst": 0.99, "mle_auc": 0.5, "mle_auc_se": 0.001}


def judge(auc=0.5, *, n=9_999, real=None, floor=None, signals=None, **model):
    """The findings about rows of some AUC and other figures, ``n`` rows of each table."""
    by = {"c2st_test_auc_worst": auc, "c2st_test_auc": auc, "c2st_test_auc_net": 0.5}
    return findings(
        Judged(
            model=by | model,
            real=ANCHORS | (real or {}),
            floor=FLOOR | (floor or {}),
            signals={"entropy": 0.1} if signals is None else signals,
            collapse="column 'job' lost 90% of its entropy",
            detector="xgboost 3.2.0",
            n_train=n,
            n_test=n,
            n_synthetic=n,
        )
    )


@pytest.mark.parametrize(
    ("auc", "answer"),
    [(0.49, "No"), (0.519, "No"), (0.57, "Hardly"), (0.7, "In part"), (0.8, "Mostly"),
     (0.95, "Nearly always"), (1.0, "Nearly always"), (0.2, "Not judged")],
)  # fmt: skip
def test_the_first_answer_follows_its_thresholds(auc, answer):
    assert judge(auc)[0].answer == answer


def test_few_rows_that_pass_are_said_to_be_few():
    # 2 sqrt(161 / 76,800) = .092, more than .05
    found = judge(0.57, n=80)[0]
    assert (found.answer, found.grade) == ("No, by few rows", "unknown")
    assert found.headline.startswith("Not told from unseen real rows, of which there are few (C2ST")
    assert judge(0.54, n=300)[0].answer == "No"


def test_the_headline_names_the_detectors_and_what_says_whether_rows_are_copied():
    found = judge(
        0.546, duplicate_rate=0.002, membership_tpr01=0.012, mle_auc=0.9, mle_auc_se=0.004
    )
    assert headline(found) == (
        "Hardly told from unseen real rows (C2ST AUC: trees 0.546, a net 0.500). "
        "No sign of copying: DCR share not measured, copies 0.002 (real rows 0.000), training rows "
        "found at 1 % false positives 0.012 (real rows 0.010). As useful as real rows for training "
        "(AUC 0.900 instead of 0.900; 0.008 less or more is chance)."
    )


def test_the_headline_of_few_rows_says_what_chance_does():
    # 2 sqrt(61 / 10,800) = .150
    found = judge(0.7, mle_auc=0.5, mle_auc_se=0.05, n=30)
    assert found[0].headline.endswith("a net 0.500; with 30 rows .5 ± 0.15 is chance).")
    assert found[2].headline == (
        "Clearly less useful for training (AUC 0.500 instead of 0.900; 0.100 less or more is "
        "chance)."
    )


def test_no_better_than_the_floor_is_said():
    found = judge(0.985, mle_auc=0.5, signals={})
    assert headline(found).startswith("No better than columns drawn independently (C2ST AUC: ")


def test_where_real_rows_are_told_from_test_rows_the_rest_counts():
    # such as NSL-KDD, whose test file has new attacks; .05 above: as an AUC of .55
    found = judge(0.95, real={"c2st_test_auc_worst": 0.9})
    assert found[0].answer == "Hardly"
    assert "Real training rows get 90" in found[0].says


@pytest.mark.parametrize(
    ("figure", "few", "many"),
    [
        ({"duplicate_rate": 0.05}, "No sign", "Yes"),  # none of 60 real rows leaves room for .06
        ({"membership_auc": 0.6}, "No sign", "Too near"),
        ({"dcr_q02": 16.0}, "No sign", "Too near"),
        ({"dcr_share": 0.6}, "No sign", "Too near"),
        ({"membership_tpr01": 0.03}, "No sign", "Too near"),
        ({"membership_auc": 0.9}, "Too near", "Too near"),
    ],
)
def test_so_few_rows_do_not_make_a_copyist(figure, few, many):
    assert judge(n=60, **figure)[1].answer == few
    assert judge(n=9_999, **figure)[1].answer == many


@pytest.mark.parametrize(
    ("auc", "error", "answer"),
    [
        (0.895, 0.05, "Yes"),  # .005 lost
        (0.85, 0.05, "Too few rows"),  # .05 lost, two errors of the difference are .14
        (0.85, 0.001, "No"),
        (0.75, 0.05, "No"),  # .15 lost
        (0.88, 0.001, "Nearly"),
    ],
)
def test_usefulness_is_judged_where_chance_does_not_take_as_much(auc, error, answer):
    found = judge(mle_auc=auc, mle_auc_se=error, real={"mle_auc_se": error}, n=184)
    assert found[2].answer == answer
    if answer == "Too few rows":
        assert found[2].headline == (
            "184 test rows are too few to say how useful they are for training."
        )
        assert "a difference of 0.141 is chance" in found[2].says


def test_usefulness_is_not_judged_where_real_rows_teach_no_more_than_independent_columns():
    found = judge(mle_auc=0.4, real={"mle_auc": 0.505}, floor={"mle_auc": 0.5})
    assert found[2].answer == "Not judged"
    assert found[2].headline == (
        "The target is hardly learned from real rows either, so usefulness is not judged."
    )
    by_error = {"mle_rmse": 10.0, "mle_rmse_se": 0.1}
    number = {"mle_rmse": 9.9, "mle_rmse_se": 0.1}
    judged = Judged(
        model=by_error, real=number, floor=by_error, signals={}, n_train=9, n_test=9, n_synthetic=9
    )
    assert findings(judged)[2].answer == "Not judged"


def test_a_handful_of_test_rows_says_neither_that_rows_copy_nor_that_they_do_not():
    found = judge(n=6, duplicate_rate=0.0, membership_auc=0.6)
    assert (found[1].answer, found[1].grade) == ("Too few rows", "unknown")
    assert "6 test rows are too few to say whether they copy: DCR share not measured" in (
        found[1].headline
    )
    assert "too few test rows to say whether they copy" in in_short(found)
    assert judge(n=6, duplicate_rate=1.0)[1].answer == "Yes"  # every row is a training row
    # real rows gain .3 on independent columns, and two errors of that are .57
    few = judge(n=6, mle_auc=0.5, mle_auc_se=0.2, real={"mle_auc": 0.8, "mle_auc_se": 0.2},
                floor={"mle_auc_se": 0.2})  # fmt: skip
    assert few[2].answer == "Too few rows"


def test_a_collapse_names_its_column():
    found = judge(signals={"entropy": 0.9, "spacing": 0.0})
    assert headline(found).startswith("Variety has collapsed: column 'job' lost 90% of its")
    assert found[3].says.startswith(
        "Missing beside real rows, beyond chance: 90% of the entropy of a column, 0% of the "
        "distance between rows."
    )


def test_every_figure_stands_under_its_own_heading():
    prefixes = ("", "refined.", "real_test.", "independent.")
    scores = {prefix: {"dcr_q05": float(at)} for at, prefix in enumerate(prefixes)}
    measured = SimpleNamespace(scores=scores, notes={})
    made = metric_tables(measured)
    parts = templates().get_template("report/templates/parts.html").module
    metrics = [metric for metric in made["privacy"] if metric.name == "dcr_q05"]
    page = parts.metric_table(made["scores"], made["headings"], [("", metrics)])
    heads, cells = (re.findall(rf"<{tag}[^>]*>(.*?)</{tag}>", page) for tag in ("th", "td"))
    assert len(heads) == len(cells) == 8
    assert dict(zip(heads, cells, strict=True))["real rows"].startswith("2")
