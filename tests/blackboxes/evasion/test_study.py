"""Attacks changed until a detector lets them pass: on a table made for it, and on NSL-KDD."""

import json
import shutil
import sys
import types
from functools import partial
from itertools import islice

import numpy as np
import pandas as pd
import pytest

from tabgan.blackboxes.evasion.module import EvenBatches
from tabgan.blackboxes.evasion.opening import open_evasion
from tabgan.blackboxes.evasion.records import RecordDecoder, Records
from tabgan.blackboxes.evasion.traffic import cut_traffic
from tabgan.encoding.table import TableEncoder
from tabgan.errors import TabganError
from tabgan.report.files import png_size
from tabgan.studies.contestants import Ours
from tabgan.studies.evasion import evasion_study
from tabgan.studies.prepared import prepare
from tabgan.tables.schema import Column, TableSchema
from tabgan.tables.writers import write_table

pytestmark = pytest.mark.slow  # each test looks at trainings against detectors

FEATURES = {"core": ["flag"], "side": ["count", "errors"]}
CATEGORIES = {
    "flood": {"attacks": ["flood"], "held": ["core"]},
    "scan": {"attacks": ["scan"], "held": ["core", "side"]},
}
WORDS = [
    "+experiment=evade_nslkdd", "traffic.attack=kind",
    "~traffic.features", "+traffic.features={core: [flag], side: [count, errors]}",
    "~traffic.categories",
    "+traffic.categories={flood: {attacks: [flood], held: [core]}, "
    "scan: {attacks: [scan], held: [core, side]}}",
    "traffic.normal_rows=300", "traffic.tested_rows=60", "data.batch_size=32",
    "trainer.limit_train_batches=30", "model.noise_dim=4", "model.lr=0.005",
    "model.critic_lr=0.005", "model.critic_steps=4", "model.climbs=3", "model.last_climbs=16",
    "model.candidates=4", "model.net.hidden_dims=[32]",
]  # fmt: skip
GENERATOR = [
    "model=evasion_gan", "model.generator.hidden_dims=[32]", "model.generator.temperature=1",
    "model.generator.keep=3", "model.generator.reach=4",
]  # fmt: skip
ENCODER = partial(
    TableEncoder, nominal="onehot", numeric="bins", levels=128, derive=False, conditional=False
)
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


def requested(name, words):
    return Ours(name=name, overrides=words, configuration=list(words))


def study(tables, out, *words, **changed):
    settings = dict(
        make_contestant=requested, seeds=[0], cache=out / "cache", detectors=["DT", "KNN"],
        retrain_rows=100, rules=["all"],
    ) | changed  # fmt: skip
    return evasion_study(tables=tables, out=out, overrides=[*WORDS, *words], **settings)


@pytest.fixture(scope="module", autouse=True)
def few_climbs():
    """What stays seen whatever is tried is looked for in 30 trials, not in 200."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tabgan.studies.evasion.BEST_CLIMBS", 30)
        yield


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("traffic")
    return prepare("traffic", traffic(2_000, 0), traffic(400, 1), SCHEMA, cache=folder)


def run_of(out):
    """The run folder that a study keeps of its decision tree."""
    (finished,) = (out / "cache").glob("*/evasion-DT-all-seed0-*/run/metrics.json")
    return finished.parent


@pytest.fixture(scope="module")
def done(prepared, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    lines = study([prepared], out)
    return out, {(line["contestant"], line["rows"]): line for line in lines}


def test_what_may_change_passes_and_what_may_not_is_seen_as_before(done):
    _, lines = done
    assert list(lines) == [("DT", "flood"), ("DT", "scan"), ("KNN", "flood"), ("KNN", "scan")]
    for detector in ("DT", "KNN"):
        flood, scan = lines[detector, "flood"], lines[detector, "scan"]
        assert flood["before"] == scan["before"] == 1.0  # counts above 50 say it all
        assert flood["queried"] <= 0.1  # count is free: below 50 it passes
        assert flood["queried_eir"] == pytest.approx(100 * (1 - flood["queried"]))
        assert (scan["after"], scan["changed"], scan["eir"]) == (1.0, 0.0, 0.0)


def test_held_columns_are_identical_and_every_row_is_consistent(done):
    for line in done[1].values():
        assert (line["kept"], line["consistent"]) == (100.0, 100.0)


def test_queries_are_counted(done):
    for line in done[1].values():
        assert 300 <= line["queries"] <= 2_000 + 30 * 32
        assert 1 <= line["queries_a_row"] <= 5


def test_the_study_leaves_tables_a_picture_a_page_and_run_folders(done):
    out, lines = done
    run = run_of(out)
    left = json.loads((out / "evasion.json").read_text("utf-8"))
    assert len(left["lines"]) == len(lines) == 4
    assert {line["shown_to"] for line in left["transfer"]} == {"DT", "KNN"}
    assert "errors <= count" in (run / "rules.txt").read_text("utf-8").splitlines()
    assert "errors &lt;= count" in (out / "evasion.html").read_text("utf-8")
    assert png_size((out / "evasion.png").read_bytes())[0] > 300
    assert "<script" not in (out / "evasion.html").read_text("utf-8")
    page = (out / "evasion.md").read_text("utf-8")
    assert "| traffic | DT | flood | 1.000 |" in page  # detected before
    assert "| traffic | DT, rules=all | flood |" in page
    assert any((run / "tensorboard").glob("events.*"))


def test_the_best_there_is_is_at_least_what_asking_reached_and_nothing_where_all_is_held(done):
    for (_, category), line in done[1].items():
        assert line["best_eir"] >= line["queried_eir"]
        assert line["detected"] == line["records"]
        assert line["best_eir"] == (100 if category == "flood" else 0)  # any count below 50; none


def test_a_study_that_is_asked_again_answers_from_its_cells(done, prepared, monkeypatch, tmp_path):
    def never(*_, **__):
        raise AssertionError("a generator was trained anew")

    monkeypatch.setattr("tabgan.studies.evasion.evade", never)
    again = study([prepared], tmp_path, cache=done[0] / "cache")
    assert again == list(done[1].values())
    with pytest.raises(AssertionError, match="anew"):  # other settings are another study
        study([prepared], tmp_path, "trainer.limit_train_batches=31", cache=done[0] / "cache")


@pytest.fixture(scope="module")
def trained(prepared, tmp_path_factory, command_in):
    """What ``python -m tabgan.train +experiment=evade_nslkdd`` leaves, and what it said."""
    folder = tmp_path_factory.mktemp("trained")
    words = [*WORDS, *prepared.overrides(0), "blackbox.name=DT", "hydra.run.dir=run"]
    ended = command_in(folder, "train", *words)
    assert ended.status == 0, ended.err
    return folder / "run", ended.out


def metrics_of(run):
    metrics = json.loads((run / "metrics.json").read_text("utf-8"))
    assert metrics.pop("seconds") > 0
    return metrics


def test_the_command_leaves_an_ordinary_run_folder(trained):
    run, said = trained
    for name in (
        ".hydra/config.yaml", "train.log", "schema.json", "encoder/state.json", "rules.txt",
        "checkpoints/last.ckpt", "csv/metrics.csv", "samples/preview.csv",
    ):  # fmt: skip
        assert (run / name).stat().st_size > 0
    assert not (run / "csv" / "checkpoints").exists()  # Lightning would keep one of its own
    assert list(pd.read_csv(run / "samples" / "preview.csv")) == ["flag", "count", "errors"]
    assert json.loads((run / "run.json").read_text("utf-8"))["kind"] == "records"
    assert f"the run folder: {run}" in said
    assert "records of a file, changed: " in said


def test_the_run_folder_has_a_card_that_says_what_it_changes_and_what_the_detector_sees(trained):
    card = (trained[0] / "README.md").read_text("utf-8")
    metrics = metrics_of(trained[0])
    shares = (metrics[f"flood.{name}"] for name in ("before", "after", "queried"))
    assert f"| flood | {' | '.join(f'{share:.1%}' for share in shares)} |" in card
    assert "It makes no rows from nothing." in card
    assert "The detector was `DT`." in card
    assert "sample run=<this folder> like=records.csv" in card
    assert "training rows among them: give this folder away as you would give the table" in card


def test_the_study_judges_the_very_run_that_the_command_leaves(trained, done):
    metrics = metrics_of(trained[0])
    assert metrics == metrics_of(run_of(done[0]))
    line = done[1]["DT", "flood"]
    names = ("before", "after", "queried")
    assert [metrics[f"flood.{name}"] for name in names] == [line[name] for name in names]
    assert metrics["queries"] == line["queries"]


def test_a_run_that_was_interrupted_is_trained_anew(trained, tmp_path, command):
    copy = shutil.copytree(trained[0], tmp_path / "copy")
    (copy / "metrics.json").unlink()
    ended = command("train", f"run={copy}", "resume=true")
    assert ended.status == 0, ended.err
    assert metrics_of(copy) == metrics_of(trained[0])


@pytest.mark.parametrize("name", ["sample", "evaluate", "audit"])
def test_no_rows_are_made_from_nothing(trained, command, name):
    ended = command(name, f"run={trained[0]}", *(["n=10"] if name == "sample" else []))
    assert ended.status == 1
    assert ended.err.count("\n") == 1
    assert "its generator changes records and makes no rows" in ended.err


def test_a_detector_of_ones_own_may_say_how_sure_it_is(prepared, tmp_path, command, monkeypatch):
    made = types.ModuleType("own_detector")
    made.score = lambda rows: np.where(rows["count"] > 50, 0.75, 0.25)  # .5 names an attack
    monkeypatch.setitem(sys.modules, "own_detector", made)
    words = ["blackbox=function", "blackbox.function=own_detector:score", "hydra.run.dir=run"]
    ended = command("train", *WORDS, *prepared.overrides(0), *words)
    assert ended.status == 0, ended.err
    metrics = metrics_of(tmp_path / "run")
    assert metrics["flood.before"] == metrics["scan.before"] == metrics["scan.queried"] == 1
    assert metrics["flood.queried"] <= 0.1


def test_a_generator_of_records_starts_from_its_table(trained, prepared, command):
    ended = command("train", *WORDS, *prepared.overrides(0), f"+start={trained[0]}")
    assert ended.status == 1
    assert ended.err.count("\n") == 1


def test_validation_cuts_the_training_rows_and_looks_at_no_test_row(prepared):
    settings = dict(
        title="traffic", encoder=ENCODER, seed=0, attack="kind", attacks_path=None,
        test_attacks_path=None, normal="normal", features=FEATURES, categories=CATEGORIES,
        normal_rows=300, tested_rows=9_999, rules="all",
    )  # fmt: skip
    rows = prepared.train, prepared.test, prepared.schema
    traffic = cut_traffic(*rows, validation=0.25, **settings)
    # 500 of 2,000 rows stand in for the test rows; half of the other 1,500 teach the detectors.
    assert len(traffic.tested) + len(traffic.quiet) == 500
    assert len(traffic.taught[0]) == 750
    normal = (prepared.train["kind"] == "normal").mean()
    assert len(traffic.tested) == pytest.approx(500 * (1 - normal), abs=50)
    requested = cut_traffic(*rows, validation=0.0, **settings)
    assert len(requested.tested) + len(requested.quiet) == 400


def test_batches_have_every_category_as_often():
    group = np.array([0] * 97 + [1] * 3)
    attacks, again = islice(EvenBatches(group, batch_size=8, seed=0), 2)
    assert np.bincount(group[attacks.numpy()]).tolist() == [4, 4]
    assert not (attacks == again).all()


def test_a_decoder_keeps_the_very_number_of_what_did_not_change(prepared):
    table = prepared.train[["flag", "count", "errors"]]
    encoder = ENCODER(prepared.schema.without({"kind", "class"})).fit(table)
    records = Records.of(table, np.zeros(len(table), int), [["flag"]], encoder)
    decoder = RecordDecoder(encoder, rules=RuleBookOfNothing())
    own = decoder.encoded(records.numbers)
    assert (decoder.numbers(own, own, records) == records.numbers).all()
    assert records.free[0].tolist() == [False, True, True]
    assert decoder.free_positions(records)[0, :2].tolist() == [0, 0]  # those of the flag


class RuleBookOfNothing:
    """Rows as they come."""

    def project(self, rows, records, free):
        return rows


@pytest.fixture(scope="module")
def opened(trained):
    return open_evasion(trained[0])


def test_a_run_that_is_opened_again_changes_records_as_it_did(opened, prepared):
    rows = prepared.test[prepared.test["kind"] != "normal"]
    changed = opened.changed(rows, rows["kind"], seed=0)
    assert (changed["flag"].to_numpy() == rows["flag"].to_numpy()).all()  # held by both
    is_scan = (rows["kind"] == "scan").to_numpy()
    same = ["count", "errors"]
    assert (changed[same].to_numpy()[is_scan] == rows[same].to_numpy()[is_scan]).all()
    assert (changed["errors"] <= changed["count"]).all()
    flood = changed["count"][~is_scan]
    assert (flood < 50).mean() > 0.8  # where no detector that learned from the table sees it
    pd.testing.assert_frame_equal(changed, opened.changed(rows, rows["kind"], seed=0))


def test_an_opened_module_scores_as_the_trained_one(trained, opened, prepared):
    again = open_evasion(trained[0])
    numbers = opened.module.decoder.encoder.numbers(
        opened.module.decoder.encoder.schema_.conform(prepared.test)
    )
    assert (opened.module.score(numbers) == again.module.score(numbers)).all()
    floods = (prepared.test["kind"] == "flood").to_numpy()
    assert (opened.module.score(numbers)[floods] > 0).mean() > 0.9


def test_sample_writes_the_records_of_a_file_changed(trained, prepared, command, tmp_path):
    rows = prepared.test[prepared.test["kind"] != "normal"].head(20)
    write_table(tmp_path / "records.csv", rows, prepared.schema)
    words = [f"run={trained[0]}", f"like={tmp_path / 'records.csv'}", "out=changed.csv"]
    ended = command("sample", *words)
    assert ended.status == 0, ended.err
    changed = pd.read_csv(tmp_path / "changed.csv")
    assert list(changed) == ["flag", "count", "errors"]
    assert changed["flag"].tolist() == rows["flag"].tolist()
    ended = command("sample", *words, "n=3")
    assert (ended.status, ended.err) == (
        1, "error: n: a run that changes records takes like=, seed= and out=\n"
    )  # fmt: skip


def test_normal_rows_are_no_records_to_change(trained, prepared, command, tmp_path):
    write_table(tmp_path / "records.csv", prepared.test.head(20), prepared.schema)
    ended = command("sample", f"run={trained[0]}", f"like={tmp_path / 'records.csv'}")
    first = int((prepared.test["kind"].head(20) == "normal").to_numpy().argmax())
    assert f"row {first + 1} is normal traffic: expected attacks alone" in ended.err


def test_a_generator_plays_where_it_is_asked_for(prepared, command, tmp_path):
    words = [*WORDS, *GENERATOR, *prepared.overrides(0), "blackbox.name=DT", "hydra.run.dir=run"]
    ended = command("train", *words, "traffic.rules=none")
    assert ended.status == 0, ended.err
    metrics = metrics_of(tmp_path / "run")
    assert 0 < metrics["train/changed"] < 1
    assert metrics["flood.queried"] <= 0.1
    assert metrics["generator_parameters"] > 0
    assert metrics["steps"] == 30


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("traffic.attack=kimd", "traffic.attack=kimd: did you mean 'kind'?"),
        ("traffic.features.core=[flog]", "traffic.features.core: 'flog': did you mean 'flag'?"),
        ("traffic.categories.scan.held=[cor]", "traffic.categories.scan: 'cor': did you mean"),
        ("traffic.attack=flag", "attack categories ['S0', 'SF']: expected one of ['normal', 'fl"),
        ("traffic.attacks_path=no.csv", "traffic.attacks_path=<file>"),
        ("+traffic.norma=1", "traffic.norma: did you mean 'normal'?"),
    ],
)
def test_a_mistake_is_named(prepared, tmp_path, word, text):
    with pytest.raises(TabganError) as caught:
        study([prepared], tmp_path, word)
    assert text in str(caught.value)


def test_an_unknown_level_of_rules_is_named(prepared, tmp_path):
    with pytest.raises(TabganError, match=r"traffic\.rules=al: did you mean 'all'\?"):
        study([prepared], tmp_path, rules=["al"])


def test_an_unknown_detector_is_named(prepared, tmp_path):
    with pytest.raises(TabganError, match="detector 'TD'"):
        study([prepared], tmp_path, detectors=["TD"])


def test_a_file_of_attacks_that_does_not_fit_is_refused(prepared, tmp_path):
    short = prepared.train[["kind"]].head(7)
    schema = SCHEMA.without(set(SCHEMA.names) - {"kind"})
    write_table(tmp_path / "kinds.csv", short, TableSchema(**{**vars(schema), "target": None}))
    with pytest.raises(TabganError, match="7 rows for the 2000 of the table"):
        study([prepared], tmp_path, f"traffic.attacks_path={tmp_path / 'kinds.csv'}")


def test_the_command_runs_on_a_slice_of_nsl_kdd(command, shared_data, tmp_path, monkeypatch):
    monkeypatch.setenv("TABGAN_DATA", str(shared_data))
    recipe = ("+experiment=evade_nslkdd", "trainer.limit_train_batches=5", "traffic.tested_rows=30",
              "model.last_climbs=10")  # fmt: skip
    listed = ",".join(f'"{word}"' for word in recipe)
    words = [f"study.overrides=[{listed}]", "study.detectors=[DT]", "study.rules=[none,all]"]
    words += ["study.retrain_rows=90"]
    ended = command("study", "+study=evade_nslkdd", "cache=cache", *words)
    assert ended.status == 0, ended.err
    out = tmp_path / "outputs" / "study" / "evade_nslkdd"
    lines = pd.read_csv(out / "evasion.csv")
    assert list(lines["rows"]) == ["DoS", "Probe", "U2R & R2L"] * 2
    assert list(lines["rules"].unique()) == ["none", "all"]
    assert (lines["kept"] == 100).all()
    assert (lines.loc[lines["rules"] == "all", "consistent"] == 100).all()
    assert "same_srv_rate &lt;= srv_count / count" in (out / "evasion.html").read_text("utf-8")
