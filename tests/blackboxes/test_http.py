"""A model over HTTP, on localhost: JSON rows in, scores out, patience with bad days."""

import time

import numpy as np
import pandas as pd
import pytest

from tabgan.blackboxes.http import HttpBox
from tabgan.errors import TabganError

ROWS = pd.DataFrame(
    {"x": [0.25, np.nan, 0.75], "kind": pd.Categorical(["a", None, "b"], categories=["a", "b"])}
)


def by_x(rows):
    return {"scores": [row["x"] or 0.0 for row in rows]}


def box(model, **settings):
    return HttpBox(
        model.url, **({"timeout": 5, "retries": 2, "rate": None, "batch_rows": 100} | settings)
    )


def test_rows_travel_as_records_with_null_for_missing(serve):
    model = serve(by_x)
    assert box(model)(ROWS).tolist() == [0.25, 0.0, 0.75]
    assert model.bodies[0]["rows"][:2] == [{"x": 0.25, "kind": "a"}, {"x": None, "kind": None}]


def test_many_rows_are_several_requests(serve):
    model = serve(by_x)
    assert box(model, batch_rows=2)(ROWS).tolist() == [0.25, 0.0, 0.75]
    assert [len(body["rows"]) for body in model.bodies] == [2, 1]


def test_a_busy_model_is_asked_again(serve):
    model = serve(by_x, statuses=[503, 429])
    assert len(box(model)(ROWS)) == 3
    assert len(model.bodies) == 3


def test_a_refusal_is_not_repeated(serve):
    model = serve(by_x, statuses=[403])
    with pytest.raises(TabganError, match="no scores after 1 attempts: status 403"):
        box(model)(ROWS)


def test_silence_ends_after_the_retries(serve):
    def late(rows):
        time.sleep(1)
        return by_x(rows)

    model = serve(late)
    with pytest.raises(TabganError, match="no scores after 2 attempts: ReadTimeout"):
        box(model, timeout=0.05, retries=1)(ROWS)


def test_nobody_there_is_one_clear_line():
    nobody = HttpBox("http://127.0.0.1:9/", timeout=1, retries=0, rate=None, batch_rows=10)
    with pytest.raises(TabganError, match=r"http://127\.0\.0\.1:9/: no scores after 1 attempts"):
        nobody(ROWS)


def test_another_answer_than_scores_is_quoted(serve):
    with pytest.raises(TabganError, match=r'expected \{"scores": \[numbers\]\}, got .*result'):
        box(serve(lambda rows: {"result": 1}))(ROWS)


def test_too_few_scores_are_counted(serve):
    with pytest.raises(TabganError, match=r"expected 3 scores for 3 rows, got \(1,\)"):
        box(serve(lambda rows: {"scores": [0.5]}))(ROWS)


def test_requests_keep_to_the_rate(serve):
    requested = box(serve(by_x), rate=20.0, batch_rows=1)
    started = time.monotonic()
    requested(ROWS)
    assert time.monotonic() - started >= 0.1  # three requests, two gaps of a twentieth


def test_an_address_of_another_sort_is_refused():
    with pytest.raises(TabganError, match="expected http:// or https://"):
        HttpBox("ftp://host", timeout=1, retries=0, rate=None, batch_rows=1)


def test_fewer_than_no_retries_are_refused(serve):
    with pytest.raises(TabganError, match="retries >= 0 and rate > 0, got 100, -1 and None"):
        box(serve(by_x), retries=-1)


def test_a_fraction_of_a_second_travels(serve):
    model = serve(lambda rows: {"scores": [0.5] * len(rows)})
    box(model)(pd.DataFrame({"at": pd.to_datetime(["2024-01-02T03:04:05.25", None])}))
    assert [row["at"] for row in model.bodies[0]["rows"]] == ["2024-01-02T03:04:05.250000", None]
