"""What a report suggests next, from figures made by hand."""

from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from tabgan.report.advice import advice
from tabgan.report.rules import RuleShare
from tabgan.report.scatter import pair_picture
from tabgan.report.verdict import Finding, in_short

GOOD = {"c2st_test_auc": 0.55, "c2st_test_auc_marginal": 0.5, "dcr_share": 0.5}
ANSWERS = ("Hardly", "No sign", "Yes", "Yes")


def answers(*grades, words=ANSWERS):
    return [
        Finding(question="", answer=word, says="", grade=grade, headline="")
        for word, grade in zip(words, grades, strict=True)
    ]


def measured(**gains):
    """Two columns, of which ``b`` is 7 % off; the pair is 9 % off."""
    columns = pd.DataFrame(
        {"error": [7.0, 1.0], "importance": [gains["b"], gains["a"]]}, ["b", "a"]
    )
    pairs = pd.DataFrame([[np.nan, 9.0], [9.0, np.nan]], ["a", "b"], ["a", "b"])
    return SimpleNamespace(columns=columns, pairs=pairs)


def steps(found, *, scores=GOOD, rules=(), n_test=1_000, b=0.1, again=""):
    return advice(
        measured(a=0.1, b=b), found, rules, scores=scores, n_test=n_test, resplit_command=again
    )


def test_rows_that_are_good_need_nothing():
    assert steps(answers("good", "good", "good", "good")) == []


def test_the_column_that_gives_most_rows_away_is_named_with_its_share():
    found = answers("poor", "good", "good", "good")
    first, second = steps(found, scores=GOOD | {"c2st_test_auc": 0.8}, b=0.6)
    assert first.startswith("Most of what gives rows away is column 'b' (60% of what ")
    # .8 is .3 above chance, and single columns alone are 0 above it
    assert second.startswith("Single columns are right; how they go together is not, 'a' with 'b'")
    assert "(9.0 %)" in second


def test_where_single_columns_give_rows_away_the_worst_is_named():
    scores = GOOD | {"c2st_test_auc": 0.8, "c2st_test_auc_marginal": 0.7}  # .2 of .3
    (said,) = steps(answers("poor", "good", "good", "good"), scores=scores)
    assert said.startswith("Columns are off by themselves, 'b' most (7.0 %)")


def test_copies_come_first_and_broken_rules_can_be_pasted():
    rule = RuleShare("start <= end", "found", 90.0, {"train.": 1.0, "": 0.9})
    said = steps(answers("good", "poor", "good", "good"), rules=[rule], n_test=30)
    assert said[0].startswith("The rows copy.")
    assert """data.constraints='["start <= end"]'""" in said[1]
    assert said[2].startswith("30 test rows decide little")


def test_a_dcr_share_that_was_not_measured_can_be():
    good, scores = answers("good", "good", "good", "good"), {"c2st_test_auc": 0.5}
    again = "python -m tabgan.evaluate run=outputs/mine resplit=true"
    (said,) = steps(good, scores=scores, again=again)
    assert said.endswith(f"half of the rows: {again}")
    assert steps(good, scores=scores) == []  # of a file of rows nothing can be trained again


def test_a_report_in_short_has_no_figures():
    assert in_short(answers("good", "good", "good", "good")) == (
        "The rows look nearly real: classifiers hardly tell them from rows never seen. There is no "
        "sign that they copy training rows. A model learns from them as well as from real rows."
    )
    unknown = answers("unknown", "unknown", "unknown", "unknown", words=["Not known"] * 4)
    assert in_short(unknown) == "There are too few test rows to say whether the rows look real."


def test_the_picture_of_fidelity_and_risk_takes_any_points():
    sets = {
        "model": (0.55, 0.5),
        "refined": (0.52, 0.5),
        "real rows": (0.3, 0.45),
        "copies": (1, 1),
    }
    assert pair_picture(sets).startswith(b"\x89PNG")


@pytest.mark.parametrize("lower", [0.475, 0.50, 0.515])
def test_the_names_of_points_side_by_side_are_apart(lower):
    sets = {"model": (0.487, 0.516), "real rows": (0.513, lower), "refined": (0.5, 0.51)}
    figure = pair_picture.__wrapped__(sets | {"independent": (0.99, 0.485)})
    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = [text.get_window_extent(renderer) for text in figure.axes[0].texts]
    assert len(boxes) == 4
    assert [a for a, b in combinations(boxes, 2) if a.overlaps(b)] == []
