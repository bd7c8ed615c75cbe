"""Whatever a run folder holds is data: a planted pickle is refused in one line, and never run."""

import io
import json
import os
import pickle
import shutil
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from omegaconf import OmegaConf

from tabgan.data.cache import RowFile, coded_table
from tabgan.encoding.table import TableEncoder
from tabgan.errors import TabganError

SMALL = (
    "data.target=label", "data.batch_size=50", "model=cgan_basic", "model.noise_dim=8",
    "model.generator.hidden_dims=[16]", "model.critic.hidden_dims=[16]", "refiner.rounds=1",
    "trainer.max_epochs=2",
)  # fmt: skip


class Payload:
    """Unpickling it makes a folder."""

    def __init__(self, victim):
        self.victim = victim

    def __reduce__(self):
        return os.mkdir, (str(self.victim),)


@pytest.fixture(scope="module")
def refined(command_in, mixed_arff, tmp_path_factory, refined_at_any_rate):  # noqa: ARG001
    """The folder of a small run that has a refiner."""
    folder = tmp_path_factory.mktemp("refined")
    words = (f"data.path={mixed_arff}", *SMALL, f"hydra.run.dir={folder / 'run'}")
    ended = command_in(folder, "train", *words)
    assert ended.status == 0, ended.err
    assert (folder / "run" / "refiner" / "arrays.npz").is_file()
    return folder / "run"


@pytest.fixture
def run(refined, tmp_path):
    return Path(shutil.copytree(refined, tmp_path / "run"))


def refused(ended, victim):
    """The one line; nothing was unpickled."""
    assert ended.status == 1
    assert not victim.exists()
    (told,) = ended.err.splitlines()
    assert told.startswith("error: ")
    return told


SAMPLED = (
    "checkpoints/best.ckpt", "encoder/arrays.npz", "encoder/state.json", "refiner/arrays.npz",
    "refiner/state.json", "plan.json", "run.json", ".hydra/config.yaml",
)  # fmt: skip
RESUMED = ("checkpoints/last.ckpt", "run.json", "plan.json", ".hydra/config.yaml")


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLED)
def test_a_pickle_in_a_file_that_sample_reads(command, run, tmp_path, name):
    (run / name).write_bytes(pickle.dumps(Payload(tmp_path / "victim")))
    told = refused(command("sample", f"run={run}", "n=5"), tmp_path / "victim")
    assert str(run / name.split("/")[0]) in told


@pytest.mark.parametrize("name", [*RESUMED, ".hydra/hydra.yaml"])
def test_a_pickle_in_a_file_that_a_resumed_training_reads(command, run, tmp_path, name):
    (run / "metrics.json").unlink()
    (run / name).write_bytes(pickle.dumps(Payload(tmp_path / "victim")))
    told = refused(command("train", f"run={run}", "resume=true"), tmp_path / "victim")
    assert str(run / name.split("/")[0]) in told


def test_a_pickle_in_the_marks_of_a_finished_run(command, run, tmp_path):
    (run / "metrics.json").write_bytes(pickle.dumps(Payload(tmp_path / "victim")))
    told = refused(command("train", f"run={run}", "resume=true"), tmp_path / "victim")
    assert f"{run}/metrics.json: cannot be read" in told


def test_a_pickle_in_the_schema(command, run, tmp_path):
    (run / "schema.json").write_bytes(pickle.dumps(Payload(tmp_path / "victim")))
    ended = command("sample", f"run={run}", "n=5", "where.label=yes")
    assert "schema.json cannot be read" in refused(ended, tmp_path / "victim")


@pytest.mark.parametrize("name", ["encoder/arrays.npz", "refiner/arrays.npz"])
def test_an_array_of_objects(command, run, tmp_path, name):
    with np.load(run / name) as stored:
        arrays = dict(stored)
    arrays["array_0"] = np.array([Payload(tmp_path / "victim")], dtype=object)
    np.savez(run / name, **arrays)
    told = refused(command("sample", f"run={run}", "n=5"), tmp_path / "victim")
    assert "Object arrays cannot be loaded when allow_pickle=False" in told


@pytest.mark.parametrize("name", ["best", "last"])
def test_a_tensor_file_with_a_payload(command, run, tmp_path, name):
    path = run / "checkpoints" / f"{name}.ckpt"
    checkpoint = torch.load(path, weights_only=True)
    torch.save(checkpoint | {"callbacks": Payload(tmp_path / "victim")}, path)
    (run / "metrics.json").unlink()
    told = refused(command("train", f"run={run}", "resume=true"), tmp_path / "victim")
    assert f"{path}: not tensors and plain data" in told


@pytest.mark.parametrize(
    "tag", ["!!python/object/apply:os.mkdir [{victim}]", "!!python/name:os.mkdir"]
)
@pytest.mark.parametrize("name", ["config.yaml", "hydra.yaml"])
def test_a_yaml_tag_that_calls(command, run, tmp_path, tag, name):
    path, victim = run / ".hydra" / name, tmp_path / "victim"
    path.write_text(f"{path.read_text('utf-8')}\nnasty: {tag.format(victim=victim)}\n", "utf-8")
    (run / "metrics.json").unlink()
    refused(command("train", f"run={run}", "resume=true"), victim)


def test_a_parquet_table_that_is_a_pickle(command, run, tmp_path):
    (run / "table.parquet").write_bytes(pickle.dumps(Payload(tmp_path / "victim")))
    ended = command("evaluate", f"run={run}")
    assert "table.parquet" in refused(ended, tmp_path / "victim")


def test_a_parquet_table_of_pickled_cells_gives_bytes(command, run, tmp_path):
    cells = [pickle.dumps(Payload(tmp_path / "victim"))] * 40
    pd.DataFrame({"age": range(40), "label": cells}).to_parquet(run / "table.parquet")
    refused(command("evaluate", f"run={run}"), tmp_path / "victim")


@pytest.fixture
def coded(mixed_arff, tmp_path):
    """``coded()`` opens the codes of a table, which lie in ``<tmp_path>/cache``."""
    choices = {"nominal": "onehot", "numeric": "quantile_normal", "levels": 20, "derive": True}
    make = partial(TableEncoder, **choices, conditional=True, many="auto")
    requested = {"target": "label", "schema_path": None, "test_path": None, "drop": (), "seed": 0}
    requested |= {"index": "drop"}
    source = RowFile(path=mixed_arff, choices=choices, test_fraction=0.1, **requested)
    return lambda: coded_table(source, make, tmp_path / "cache")


@pytest.mark.parametrize("name", ["rows_codes.npy", "sample.parquet", "cache.json"])
@pytest.mark.parametrize("write", [pickle.dumps, lambda payload: b""], ids=["pickle", "empty"])
def test_a_pickle_in_the_cache_of_codes(coded, tmp_path, name, write):
    folder = coded().folder
    (folder / name).write_bytes(write(Payload(tmp_path / "victim")))
    with pytest.raises(TabganError, match=r"a damaged cache: .*; remove the folder"):
        coded()
    assert not (tmp_path / "victim").exists()


def test_codes_that_are_objects(coded, tmp_path):
    folder = coded().folder
    codes = np.array([[Payload(tmp_path / "victim")]], dtype=object)
    np.save(folder / "rows_codes.npy", codes, allow_pickle=True)
    with pytest.raises(TabganError, match=r"a damaged cache: .*; remove the folder"):
        coded()
    assert not (tmp_path / "victim").exists()


@pytest.fixture
def box(scored_run, tmp_path):
    """A scored run whose black box can be broken."""
    return Path(shutil.copytree(scored_run, tmp_path / "scored")) / "blackbox"


def audited(command, box):
    return command("audit", f"run={box.parent}", "n=20")


@pytest.mark.parametrize("name", ["model.skops", "blackbox.json"])
def test_a_pickle_in_a_saved_black_box(command, box, tmp_path, name):
    (box / name).write_bytes(pickle.dumps(Payload(tmp_path / "victim")))
    told = refused(audited(command, box), tmp_path / "victim")
    assert "not a saved black box" in told


def test_a_function_in_a_saved_black_box(command, box, tmp_path):
    from skops.io import dumps

    with zipfile.ZipFile(io.BytesIO(dumps(os.mkdir))) as nasty:
        planted = json.loads(nasty.read("schema.json"))
    with zipfile.ZipFile(box / "model.skops", "w") as archive:
        archive.writestr("schema.json", json.dumps(planted))
    told = refused(audited(command, box), tmp_path / "victim")
    assert "mkdir" in told


@pytest.mark.parametrize(
    "target", ["os.mkdir", "tabgan.config.launch.os.mkdir", "tabgan.runs.folder.shutil.rmtree"]
)
def test_a_configuration_may_call_nothing_by_a_detour(command, run, tmp_path, target):
    config = run / ".hydra" / "config.yaml"
    text = config.read_text("utf-8").replace("tabgan.models.nets.critic.Critic", target)
    config.write_text(text, "utf-8")
    told = refused(command("sample", f"run={run}", "n=5"), tmp_path / "victim")
    assert f"got {target!r}" in told


NASTY_CALL = "{_target_: os.mkdir, _args_: [victim]}"
HIDDEN = [
    ("sample", f"model.generator.hidden_dims=[{NASTY_CALL}, 8]", "generator.hidden_dims[0]"),
    ("sample", "model.generator.hard=${elsewhere}", "generator.hard"),
    ("evaluate", f"data.schema_path={NASTY_CALL}", "data.schema_path"),
    ("evaluate", "data._target_=tabgan.tables.schema.Path.mkdir", "data"),
]


@pytest.mark.parametrize(("name", "word", "position"), HIDDEN, ids=lambda value: str(value)[:30])
def test_a_configuration_may_hide_no_call(command, run, tmp_path, name, word, position):
    path = run / ".hydra" / "config.yaml"
    config = OmegaConf.load(path)
    for line in (word, f"elsewhere={NASTY_CALL}"):
        key, _, value = line.partition("=")
        OmegaConf.update(config, key, yaml.safe_load(value), force_add=True)
    OmegaConf.save(config, path)
    told = refused(command(name, f"run={run}"), tmp_path / "victim")
    assert f"{position}._target_: a run folder may name targets of" in told


@pytest.mark.parametrize("name", ["run.json", "encoder/state.json", "refiner/state.json"])
def test_a_file_of_a_newer_format_says_so(command, run, tmp_path, name):
    path = run / name
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"format": 7}), "utf-8")
    told = refused(command("sample", f"run={run}", "n=5"), tmp_path / "victim")
    assert told == f"error: {path}: written in format 7, this tabgan reads up to 1; update tabgan"


def test_a_checkpoint_of_a_newer_format_says_so(command, run, tmp_path):
    path = run / "checkpoints" / "best.ckpt"
    torch.save(torch.load(path, weights_only=True) | {"format": 7}, path)
    told = refused(command("sample", f"run={run}", "n=5"), tmp_path / "victim")
    assert told == f"error: {path}: written in format 7, this tabgan reads up to 1; update tabgan"


def test_no_file_of_a_run_folder_names_where_it_lies(run, refined):
    positions = [str(refined.parent), str(run.parent)]
    for path in run.rglob("*"):
        if path.is_file() and path.suffix in (".json", ".ckpt", ".npz", ".csv"):
            data = path.read_bytes()
            assert not [position for position in positions if position.encode() in data], path


NASTY = "<script>alert(1)</script>"


@pytest.mark.slow
def test_pages_escape_what_a_table_is_called_and_holds(command, tmp_path):
    rng = np.random.default_rng(0)
    for part in ("real", "test", "synthetic"):
        pd.DataFrame(
            {
                NASTY: rng.choice([NASTY, "<b>bold</b>"], 120),
                "<img src=x onerror=alert(2)>": rng.normal(size=120).round(3),
                "label": rng.choice(["no", "yes"], 120),
            }
        ).to_csv(tmp_path / f"{part}.csv", index=False)
    ended = command("explore", "data.path=real.csv", "data.target=label", "out=explored")
    assert ended.status == 0, ended.err
    words = ("real=real.csv", "test=test.csv", "synthetic=synthetic.csv", "target=label")
    ended = command("evaluate", *words, "out=report")
    assert ended.status == 0, ended.err
    pages = [*tmp_path.rglob("*.html")]
    assert len(pages) >= 2
    for page in pages:
        text = page.read_text("utf-8")
        assert "&lt;script&gt;" in text
        for tag in (NASTY, "<img src=x", "<b>bold"):
            assert tag not in text, page
