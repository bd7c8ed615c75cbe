"""Declared rules from the command line and from Python to the rows: broken by none."""

import json

import numpy as np
import pandas as pd
import pytest

from tabgan import TableGAN
from tabgan.errors import TabganError

TINY = {"trainer.max_epochs": 1, "logger": "none"}
RULES = ["low <= high", "total = low + high", "high - low <= 4 or kind == 'a'", "`of 9` < 9"]


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"low": rng.lognormal(0, 1, 500).round(2)})
    frame["kind"] = np.where(rng.random(500) < 0.5, "a", "b")
    more = np.where(frame["kind"] == "a", rng.exponential(3, 500), 4 * rng.random(500))
    frame["high"] = (frame["low"] + more).round(2) - 0.01
    frame["high"] = frame[["low", "high"]].max(axis=1)
    frame["total"] = (frame["low"] + frame["high"]).round(2)
    frame["of 9"] = rng.integers(0, 9, 500)
    frame["account"] = rng.choice(9 * 10**9, 500, replace=False) + 10**9
    return frame


@pytest.fixture(scope="module")
def fitted(frame):
    return TableGAN(constraints=RULES, overrides=TINY).fit(frame, target="kind")


@pytest.mark.slow
def test_no_row_breaks_a_declared_rule(fitted):
    rows = fitted.sample(3_000, refine=False)
    assert (rows["low"] <= rows["high"]).all()
    assert (rows["high"] - rows["low"] <= 4 + 1e-9).mask(rows["kind"] == "a", True).all()
    np.testing.assert_allclose(rows["total"], rows["low"] + rows["high"], atol=0.006)


@pytest.mark.slow
def test_rows_under_a_condition_keep_them_too(fitted):
    rows = fitted.sample(500, where={"kind": "b", "of 9": (2, 5)}, refine=False)
    assert set(rows["kind"]) == {"b"}
    assert rows["of 9"].between(2, 5).all()
    assert (rows["high"] - rows["low"]).between(0, 4 + 1e-9).all()


@pytest.mark.slow
def test_ids_are_new_in_every_draw(fitted, frame):
    one, other = fitted.sample(1_000, seed=1), fitted.sample(1_000, seed=2)
    assert one["account"].is_unique
    assert not one["account"].isin(frame["account"]).any()
    assert one["account"].isin(other["account"]).sum() < 3
    pd.testing.assert_frame_equal(one, fitted.sample(1_000, seed=1))


@pytest.mark.slow
def test_a_run_that_is_read_back_keeps_them(fitted, tmp_path):
    fitted.save(tmp_path / "kept")
    again = TableGAN.load(tmp_path / "kept")
    assert [rule.text for rule in again.run_.encoder.constraints_][:2] == RULES[:2]
    pd.testing.assert_frame_equal(again.sample(50), fitted.sample(50))
    schema = json.loads((tmp_path / "kept" / "schema.json").read_text())
    assert schema["constraints"] == RULES


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (["low <= hihg"], "no column 'hihg'; did you mean 'high'"),
        (["total = 2 * low"], r"is broken by \d+ of 500 rows .* first in rows 0, 1"),
        (["low < 1", "low > 2"], "no row can keep 'low < 1' and 'low > 2'"),
        (["open('x') > low"], "no function 'open'"),
        ("low <= high", "expected a list of rules"),
    ],
)
def test_wrong_rules_are_refused_before_training(frame, rules, message):
    with pytest.raises(TabganError, match=f"constraints: .*{message}"):
        TableGAN(constraints=rules, overrides=TINY).fit(frame)


@pytest.mark.slow
def test_the_command_says_the_lines_and_the_rate(command, tmp_path, frame):
    frame.loc[[3, 7], "high"] = 0.0
    frame.to_csv(tmp_path / "t.csv", index=False)
    words = ["data.path=t.csv", "data.constraints=['low <= high']", "trainer.max_epochs=1"]
    ended = command("train", *words)
    assert ended.status == 1
    assert "'low <= high' is broken by 2 of 500 rows (0.4%), first in lines 5, 9;" in ended.err
    ended = command("train", *words, "data.on_violation=drop", "hydra.run.dir=run")
    assert ended.status == 0
    assert "2 rows are left out" in ended.out
    ended = command("sample", "run=run", "n=2000", "refine=false", "out=rows.csv")
    assert "% of the rows drawn broke one and were drawn again" in ended.out
    rows = pd.read_csv(tmp_path / "rows.csv")
    assert (rows["low"] <= rows["high"]).all()


def test_an_unknown_way_out_and_a_rule_alone_are_refused(command, tmp_path, frame):
    frame.to_csv(tmp_path / "t.csv", index=False)
    ended = command("train", "data.path=t.csv", "data.constraints='low <= high'")
    assert "data.constraints=low <= high: expected a list" in ended.err
    ended = command("train", "data.path=t.csv", "data.on_violation=ignore")
    assert "data.on_violation=ignore: expected one of ['error', 'warn'" in ended.err
