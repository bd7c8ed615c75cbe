"""A model as one file, and the model card that lies in it and in every run folder."""

import gc
import pickle
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from tabgan import TabganError, TableGAN
from tabgan.runs.card import is_unedited, model_card, write_card
from tabgan.runs.model_file import save_model
from tabgan.system.archive import packed, read_file

TINY = {
    "model.generator.hidden_dim": 16, "model.critic.hidden_dims": [16], "model.noise_dim": 8,
    "data.batch_size": 50, "trainer.max_epochs": 2, "refiner.rounds": 0, "logger": "none",
}  # fmt: skip


def people():
    """240 rows: age of 4 values, job with a missing quarter, member yes in every second row."""
    return pd.DataFrame(
        {
            "age": [22, 35, 58, 41] * 60,
            "job": ["cook", "clerk", None, "cook"] * 60,
            "pay|net": np.arange(240) / 4,
            "member": ["no", "yes"] * 120,
        }
    )


@pytest.fixture(scope="module")
def fitted():
    """Fitted to ``people``; shared, so a test only looks at it."""
    return TableGAN(seed=1, overrides=TINY).fit(people(), target="member")


@pytest.fixture(scope="module")
def saved(fitted, tmp_path_factory):
    """``people.tabgan`` in a folder of its own; shared, so a test only looks at it."""
    path = tmp_path_factory.mktemp("saved") / "people.tabgan"
    fitted.save(path)
    return path


@pytest.fixture
def file(saved, tmp_path):
    """A copy of ``people.tabgan`` beside which a test may write."""
    return Path(shutil.copy(saved, tmp_path / "people.tabgan"))


@pytest.fixture
def alone(fitted, run, tmp_path):
    """A file as on another machine: the table is no longer where it was learned from."""
    config = run / ".hydra" / "config.yaml"
    text = config.read_text("utf-8").replace(str(fitted.run_.folder), "/gone")
    config.write_text(text, "utf-8")
    save_model(run, tmp_path / "alone.tabgan")
    return tmp_path / "alone.tabgan"


@pytest.fixture
def run(fitted, tmp_path):
    """The run folder, which a test may break."""
    return Path(shutil.copytree(fitted.run_.folder, tmp_path / "run"))


def test_a_loaded_file_draws_the_same_rows_and_leaves_no_folder(fitted, saved):
    gan = TableGAN.load(saved)
    assert gan.sample(30).equals(fitted.sample(30))
    assert gan.get_params() == fitted.get_params()
    folder = gan.run_.folder
    assert folder.is_dir()
    del gan
    gc.collect()
    assert not folder.exists()


def test_the_same_model_is_the_same_bytes(fitted, saved, tmp_path):
    for number, gan in enumerate((fitted, TableGAN.load(saved))):
        path = tmp_path / f"{number}.tabgan"
        path.write_text("an earlier file, which is replaced")
        gan.save(path)
        assert path.read_bytes() == saved.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0.tabgan", "1.tabgan"]


@pytest.mark.slow
def test_a_file_holds_no_training_rows_and_says_so_when_they_are_missed(fitted, saved, alone):
    names = set(zipfile.ZipFile(saved).namelist())
    assert "checkpoints/best.ckpt" in names
    assert not {name for name in names if name.startswith(("samples/", "tensorboard/"))}
    assert "checkpoints/last.ckpt" not in names
    assert names >= {"README.md", "schema.json", "checkpoints/best.ckpt", ".hydra/config.yaml"}
    assert "table.parquet" not in names
    assert (fitted.run_.folder / "table.parquet").is_file()
    gan = TableGAN.load(alone)
    with pytest.raises(TabganError, match="a model file holds none"):
        gan.evaluate(people())
    assert gan.fit(people(), fine_tune=True).sample(3).shape == (3, 4)


def test_a_model_is_saved_as_a_file_by_its_ending_alone(fitted, tmp_path):
    fitted.save(tmp_path / "folder.zip")
    assert (tmp_path / "folder.zip" / "README.md").is_file()
    (tmp_path / "x.tabgan").mkdir()
    with pytest.raises(TabganError, match="expected a file to write, got a folder"):
        fitted.save(tmp_path / "x.tabgan")


def test_sample_takes_a_file_and_writes_beside_it(fitted, file, command, tmp_path):
    ended = command("sample", f"run={file}", "n=20", "where.member=yes", "seed=5")
    assert ended.status == 0, ended.err
    rows = pd.read_csv(tmp_path / "people_rows_seed5.csv")
    expected = fitted.sample(20, where={"member": "yes"}, seed=5)
    assert rows["pay|net"].tolist() == expected["pay|net"].tolist()
    assert command("sample", f"run={file}", "n=20", "seed=5").status == 0
    assert (tmp_path / "people_rows_seed5-2.csv").is_file()


def test_impute_takes_a_file(file, command, tmp_path):
    people().assign(job=None).to_csv(tmp_path / "gaps.csv", index=False)
    ended = command("impute", f"run={file}", "data.path=gaps.csv", "out=filled.csv")
    assert ended.status == 0, ended.err
    assert pd.read_csv(tmp_path / "filled.csv")["member"].tolist() == ["no", "yes"] * 120


@pytest.mark.slow
def test_evaluate_takes_a_file_and_other_rows_than_it_learned(alone, command, tmp_path):
    people().to_csv(tmp_path / "rows.csv", index=False)
    words = ("real=rows.csv", "test=rows.csv", "n=60")
    ended = command("evaluate", f"run={alone}", *words)
    assert ended.status == 0, ended.err
    assert (tmp_path / "alone_report" / "report.html").is_file()
    ended = command("evaluate", f"run={alone}")
    assert (ended.status, "a model file holds none" in ended.err) == (1, True)
    ended = command("evaluate", f"run={alone}", "+study=fooled")
    assert (ended.status, "give out=" in ended.err) == (1, True)


class Payload:
    """Unpickling it makes a folder."""

    def __init__(self, victim):
        self.victim = victim

    def __reduce__(self):
        return Path.mkdir, (self.victim,)


@pytest.mark.parametrize("use", ["load", "sample", "where"])
def test_a_pickle_in_place_of_a_file_is_refused(command, tmp_path, use):
    path = tmp_path / "x.tabgan"
    path.write_bytes(pickle.dumps(Payload(tmp_path / "victim")))
    if use == "load":
        with pytest.raises(TabganError, match=r"x.tabgan: not a zip archive"):
            TableGAN.load(path)
    else:
        ended = command("sample", f"run={path}", "n=5", *(["where.a=1"] * (use == "where")))
        assert ended.status == 1
        assert f"{path}: not a zip archive" in ended.err
    assert not (tmp_path / "victim").exists()


def test_a_pickle_in_a_file_is_refused_and_the_file_is_named(run, tmp_path):
    (run / "checkpoints" / "best.ckpt").write_bytes(pickle.dumps(Payload(tmp_path / "victim")))
    path = tmp_path / "x.tabgan"
    path.write_bytes(packed(run))
    with pytest.raises(TabganError, match=r"x.tabgan/checkpoints/best.ckpt: not tensors"):
        TableGAN.load(path)
    assert not (tmp_path / "victim").exists()


def test_a_path_out_of_a_file_is_refused(file, tmp_path):
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("../victim", b"")
    with pytest.raises(TabganError, match=r"people.tabgan: '../victim': a path out of the folder"):
        TableGAN.load(file)
    assert [path.name for path in tmp_path.iterdir()] == ["people.tabgan"]


def test_a_file_that_is_not_there_or_holds_no_run_is_named(tmp_path):
    with pytest.raises(TabganError, match=r"x.tabgan: no such file"):
        TableGAN.load(tmp_path / "x.tabgan")
    with zipfile.ZipFile(tmp_path / "x.tabgan", "w") as archive:
        archive.writestr("a.txt", b"")
    with pytest.raises(TabganError, match=r"not a run folder: .*x.tabgan has no .hydra"):
        TableGAN.load(tmp_path / "x.tabgan")


def metadata(card):
    """What Hugging Face reads of a card."""
    head, end = card.index("---\n"), card.index("\n---\n")
    assert head == 0
    return yaml.safe_load(card[4:end])


def test_a_card_says_what_was_learned_and_how_to_load_it(saved):
    card = read_file(saved, "README.md").decode()
    assert metadata(card) == {
        "license": "unknown",
        "library_name": "tabgan",
        "tags": ["tabular", "synthetic-data", "gan", "tabgan"],
    }
    assert "trained on 216 rows of 4 columns (24 for validation were kept aside)" in card
    assert "| `job` | nominal | 2 categories | yes |" in card
    assert "| `pay\\|net` | numeric | 2 decimals |  |" in card
    assert "gan.sample(1000, where={'member': 'no'})" in card
    assert "| `val/wnmis` |" in card
    assert "Not measured: `python -m tabgan.evaluate" in card


FIGURES = {"c2st_test_auc": 0.7, "refined.c2st_test_auc": 0.6, "dcr_share": 0.52,
           "real_test.dcr_share": 0.5, "headline": "Good."}  # fmt: skip


def test_a_card_has_the_figures_of_refined_rows_beside_real_ones(run):
    card = model_card(run, FIGURES)
    assert "| `c2st_test_auc` | 0.6 |  | 0.5 |" in card
    assert "| `dcr_share` | 0.52 | 0.5 | 0.5 |" in card
    (result,) = metadata(card)["model-index"][0]["results"]
    assert [(m["type"], m["value"]) for m in result["metrics"]] == [
        ("c2st_test_auc", 0.6),
        ("dcr_share", 0.52),
    ]


def test_a_card_is_renewed_until_somebody_edits_it(run):
    path = run / "README.md"
    (run / "report.json").write_text('{"wnmis": 0.875}')
    write_card(run)
    assert "| `wnmis` | 0.875 |" in path.read_text("utf-8")
    assert is_unedited(path.read_text("utf-8"))
    edited = path.read_text("utf-8").replace("license: unknown", "license: cc-by-4.0")
    path.write_text(edited, "utf-8")
    write_card(run, FIGURES)
    assert path.read_text("utf-8") == edited


def test_a_card_of_a_table_with_rules_and_without_a_target(tmp_path):
    (tmp_path / "schema.json").write_text(
        '{"name": "a `b`\\nc", "columns": [{"name": "x", "kind": "integer", "key": true}],'
        ' "constraints": ["unique(x)", {"rule": "combination(x, y)", "rows": []}]}'
    )
    card = model_card(tmp_path)
    assert "# a 'b' c: synthetic rows" in card
    assert "| `x` | integer | an id: new ones are made |  |" in card
    assert "- `unique(x)`\n- `combination(x, y)`" in card
    assert "Nothing has been measured" in card
    assert "where=" not in card


@pytest.mark.slow
def test_figures_that_were_evaluated_are_in_the_card_of_what_is_saved_then(fitted, tmp_path):
    gan = pickle.loads(pickle.dumps(fitted))
    figures = gan.evaluate(people().tail(60), n=60)
    for name in ("x.tabgan", "folder"):
        gan.save(tmp_path / name)
    card = read_file(tmp_path / "x.tabgan", "README.md").decode()
    assert f"| `wnmis` | {figures['wnmis']:.4g} |" in card
    assert (tmp_path / "folder" / "README.md").read_text("utf-8") == card


def test_a_run_folder_of_the_command_has_a_card(trained):
    card = (trained / "README.md").read_text("utf-8")
    assert is_unedited(card)
    assert "The model is `cgan_basic` of tabgan" in card
