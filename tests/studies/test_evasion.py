"""Attacks changed until a detector lets them pass: on a table made for it, and on NSL-KDD."""

import json
from functools import partial

import numpy as np
import pandas as pd
import pytest

from tabgan.encoding.table import TableEncoder
from tabgan.errors import TabganError
from tabgan.modules.evasion import EvasionModule, EvenBatches
from tabgan.modules.records import Records, Sender, measures
from tabgan.nets.critic import Critic
from tabgan.nets.editor import RecordEditor
from tabgan.report.files import png_size
from tabgan.studies.evasion import cut, evasion_study
from tabgan.studies.prepared import prepare
from tabgan.tables.schema import Column, TableSchema
from tabgan.tables.writers import write_table

FEATURES = {"core": ["flag"], "side": ["count", "errors"]}
CATEGORIES = {
    "flood": {"attacks": ["flood"], "held": ["core"]},
    "scan": {"attacks": ["scan"], "held": ["core", "side"]},
}
ENCODER = partial(
    TableEncoder, nominal="onehot", numeric="bins", levels=128, derive=False, conditional=False
)
MODEL = partial(
    EvasionModule, noise_dim=4, dropout=0.0, lr=0.005, critic_lr=0.005, critic_steps=4, change=0.1,
    climbs=3, last_climbs=16, candidates=4,
    generator=partial(
        RecordEditor, hidden_dims=[32], dropout=0.0, slope=0.2, temperature=1.0, keep=3.0, reach=4.0
    ),
    critic=partial(Critic, hidden_dims=[32], slope=0.2, pack=1),
)  # fmt: skip
SCHEMA = TableSchema(
    name="traffic",
    target="class",
    columns=(
        Column(name="flag", kind="nominal", categories=("SF", "S0")),
        Column(name="count", kind="integer"),
        Column(name="errors", kind="integer"),
        Column(name="kind", kind="nominal", categories=("normal", "flood", "scan")),
        Column(name="class", kind="nominal", categories=("normal", "anomaly")),
    ),
)


def traffic(n, seed):
    """Attacks count to more than 50, normal rows to less; errors are at most the count."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(["normal", "flood", "scan"], n, p=[0.5, 0.3, 0.2])
    attack = kind != "normal"
    count = np.where(attack, 60, 5) + rng.integers(0, 40, n)
    columns = {
        "flag": rng.choice(["SF", "S0"], n),
        "count": count,
        "errors": rng.integers(0, count + 1),
        "kind": kind,
        "class": np.where(attack, "anomaly", "normal"),
    }
    return SCHEMA.conform(pd.DataFrame(columns))


def study(tables, out, **changed):
    settings = dict(
        recipe=None, seeds=[0], cache=out / "cache", encoder=ENCODER, model=MODEL,
        detectors=["DT", "KNN"],
        attack="kind", attacks_path=None, test_attacks_path=None, normal="normal",
        features=FEATURES, categories=CATEGORIES, steps=30, batch_size=32, normal_rows=300,
        tested_rows=60, retrain_rows=100, validation=0.0,
    ) | changed  # fmt: skip
    return evasion_study(tables=tables, out=out, **settings)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("traffic")
    return prepare("traffic", traffic(2_000, 0), traffic(400, 1), SCHEMA, cache=folder)


@pytest.fixture(scope="module")
def done(prepared, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    lines = study([prepared], out)
    return out, {(line["recipe"], line["rows"]): line for line in lines}


def test_what_may_change_passes_and_what_may_not_is_seen_as_before(done):
    _, lines = done
    assert list(lines) == [("DT", "flood"), ("DT", "scan"), ("KNN", "flood"), ("KNN", "scan")]
    for detector in ("DT", "KNN"):
        flood, scan = lines[detector, "flood"], lines[detector, "scan"]
        assert flood["before"] == scan["before"] == 1.0  # counts above 50 say it all
        assert flood["asked"] <= 0.1  # count is free: below 50 it passes
        assert flood["asked_eir"] == pytest.approx(100 * (1 - flood["asked"]))
        assert (scan["after"], scan["changed"], scan["eir"]) == (1.0, 0.0, 0.0)


def test_held_columns_are_identical_and_every_row_is_consistent(done):
    for line in done[1].values():
        assert (line["kept"], line["consistent"]) == (100.0, 100.0)


def test_queries_are_counted(done):
    for line in done[1].values():
        assert 300 <= line["queries"] <= 2_000 + 30 * 32
        assert 1 <= line["asked_queries"] <= 5


def test_the_study_leaves_tables_a_picture_a_page_the_rules_and_curves(done):
    out, lines = done
    left = json.loads((out / "evasion.json").read_text("utf-8"))
    assert len(left["lines"]) == len(lines) == 4
    assert {line["shown_to"] for line in left["transfer"]} == {"DT", "KNN"}
    assert "errors <= count" in (out / "rules.txt").read_text("utf-8").splitlines()
    assert png_size((out / "evasion.png").read_bytes())[0] > 300
    assert "<script" not in (out / "evasion.html").read_text("utf-8")
    assert "| traffic | DT | flood |" in (out / "evasion.md").read_text("utf-8")
    assert any((out / "curves").rglob("events.*"))


def test_the_best_there_is_is_at_least_what_asking_reached_and_nothing_where_all_is_held(done):
    for (_, category), line in done[1].items():
        assert line["best_eir"] >= line["asked_eir"]
        assert line["detected"] == line["records"]
        assert line["best_eir"] == (100 if category == "flood" else 0)  # any count below 50; none


def test_a_study_that_is_asked_again_answers_from_its_cells(done, prepared, monkeypatch, tmp_path):
    def never(*_, **__):
        raise AssertionError("a generator was trained anew")

    monkeypatch.setattr("tabgan.studies.evasion.trained", never)
    again = study([prepared], tmp_path, cache=done[0] / "cache")
    assert again == list(done[1].values())
    with pytest.raises(AssertionError, match="anew"):  # other settings are another study
        study([prepared], tmp_path, cache=done[0] / "cache", steps=31)


def test_validation_cuts_the_training_rows_and_reads_no_test_row(prepared):
    settings = dict(
        attack="kind", normal="normal", features=FEATURES, categories=CATEGORIES, encoder=ENCODER,
        normal_rows=300, tested_rows=9_999, seed=0,
    )  # fmt: skip
    known = prepared.train["kind"].astype(str), prepared.test["kind"].astype(str)
    parts = cut(prepared, known, validation=0.25, **settings)
    # 500 of 2,000 rows stand in for the test rows; half of the other 1,500 teach the detectors.
    assert len(parts.tested) + len(parts.quiet) == 500
    assert len(parts.taught[0]) == 750
    kinds = known[0].value_counts()
    assert len(parts.tested) == pytest.approx(500 * (1 - kinds["normal"] / 2_000), abs=50)
    asked = cut(prepared, known, validation=0.0, **settings)
    assert len(asked.tested) + len(asked.quiet) == 400


def test_batches_have_every_category_as_often():
    group = np.array([0] * 97 + [1] * 3)
    attacks, again = list(EvenBatches(group, steps=2, batch_size=8, seed=0))
    assert np.bincount(group[attacks.numpy()]).tolist() == [4, 4]
    assert not (attacks == again).all()


def test_a_sender_keeps_the_very_number_of_what_did_not_change(prepared):
    table = prepared.train[["flag", "count", "errors"]]
    encoder = ENCODER(prepared.schema.without({"kind", "class"})).fit(table)
    held = [["flag"]]
    records = Records.of(table, np.zeros(len(table), int), held, encoder)
    sender = Sender(encoder, rules=RuleBookOfNothing())
    assert (sender.numbers(records.rows[:], records) == records.numbers).all()
    assert records.free[0].tolist() == [False, True, True]
    assert measures(encoder).shape == (encoder.layout_.width, 4)  # two of count, two of errors


class RuleBookOfNothing:
    """Rows as they come."""

    def project(self, rows, records, free):
        return rows


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"attack": "kimd"}, "study.attack=kimd: did you mean 'kind'?"),
        ({"features": {"core": ["flog"]}}, "study.features.core: 'flog': did you mean 'flag'?"),
        ({"features": {"cor": ["flag"]}}, "study.categories.flood: 'core': did you mean 'cor'?"),
        ({"attack": "flag"}, "attack categories ['S0', 'SF']: expected one of ['normal', 'flood'"),
        ({"detectors": ["TD"]}, "detector 'TD'"),
        ({"attacks_path": "no.csv"}, "study.attacks_path=<file>"),
    ],
)
def test_a_mistake_is_named(prepared, tmp_path, changed, text):
    with pytest.raises(TabganError) as caught:
        study([prepared], tmp_path, **changed)
    assert text in str(caught.value)


def test_a_file_of_attacks_that_does_not_fit_is_refused(prepared, tmp_path):
    short = prepared.train[["kind"]].head(7)
    schema = SCHEMA.without(set(SCHEMA.names) - {"kind"})
    write_table(tmp_path / "kinds.csv", short, TableSchema(**{**vars(schema), "target": None}))
    with pytest.raises(TabganError, match="7 rows for the 2000 of the table"):
        study([prepared], tmp_path, attacks_path=str(tmp_path / "kinds.csv"))


@pytest.mark.slow
def test_the_command_runs_on_a_slice_of_nsl_kdd(command, shared_data, tmp_path, monkeypatch):
    monkeypatch.setenv("TABGAN_DATA", str(shared_data))
    words = ["study.steps=5", "study.detectors=[DT]", "study.tested_rows=60"]
    ended = command("study", "+study=evade_nslkdd", "cache=cache", *words)
    assert ended.status == 0, ended.err
    out = tmp_path / "outputs" / "study" / "evade_nslkdd"
    lines = pd.read_csv(out / "evasion.csv")
    assert list(lines["rows"]) == ["DoS", "Probe", "U2R & R2L"]
    assert (lines["kept"] == 100).all()
    assert (lines["consistent"] == 100).all()
    assert "same_srv_rate <= srv_count / count" in (out / "rules.txt").read_text("utf-8")
