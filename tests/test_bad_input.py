"""Each mistake of a user's, through the command that meets it: one line, and no run folder left."""

import os
import pickle
import re

import numpy as np
import pandas as pd
import pytest
import torch

GOOD = [f"{20 + row},{('red', 'blue')[row % 2]},{('no', 'yes')[row % 3 == 0]}" for row in range(30)]
HEADER = (
    "@relation pets",
    "@attribute age numeric",
    "@attribute colour {red,blue}",
    "@attribute label {no,yes}",
)


def arff(*, header=HEADER, data="@data", rows=GOOD):
    return "\n".join([*header, data, *rows, ""])


def changed(row, text):
    return [*GOOD[:row], text, *GOOD[row + 1 :]]


@pytest.fixture
def train_on(command, tmp_path):
    """Train on a file of this text; the text goes to ``<tmp_path>/pets.arff``."""

    def train(text, *words):
        (tmp_path / "pets.arff").write_text(text, "utf-8")
        return command(
            "train", "data.path=pets.arff", "data.target=label", "model=cgan_basic",
            "data.batch_size=5", "+debug=smoke", *words,
        )  # fmt: skip

    return train


@pytest.fixture
def refused(train_on, tmp_path):
    """The one line that a training on this text ends with; nothing may lie in outputs/."""

    def line(text, *words):
        return refusal(train_on(text, *words), tmp_path)

    return line


def refusal(ended, tmp_path):
    assert ended.status == 1
    assert not list(tmp_path.glob("outputs/*"))
    (told,) = ended.err.splitlines()
    return told.removeprefix("error: ")


def test_the_good_table_trains(train_on, tmp_path):
    assert train_on(arff()).status == 0
    assert len(list(tmp_path.glob("outputs/pets/*/metrics.json"))) == 1


def test_a_missing_file(command, tmp_path):
    ended = command("train", "data.path=nowhere.arff", "data.target=label")
    assert refusal(ended, tmp_path) == f"file not found: {tmp_path / 'nowhere.arff'}"


def test_a_file_of_an_unknown_suffix(command, tmp_path):
    (tmp_path / "pets.xls").write_bytes(b"x")
    ended = command("train", "data.path=pets.xls", "data.target=label")
    assert "pets.xls: expected a file ending in one of ['.arff'" in refusal(ended, tmp_path)


def test_a_file_that_is_not_arff(refused):
    told = refused("age,colour\n1,red\n")
    assert (
        told == "pets.arff, line 1: not an ARFF file: expected @relation <name>, got 'age,colour'"
    )


def test_a_header_without_data(refused):
    told = refused("\n".join(HEADER))
    assert told == "pets.arff: the header has no @data line; the file may be cut off"


def test_a_ragged_row(refused):
    told = refused(arff(rows=changed(2, "22,red")))
    assert "pets.arff, line 8: expected 3 values, got 2" in told  # 4 header lines, @data, 2 rows


def test_a_value_outside_the_declared_set(refused):
    told = refused(arff(rows=changed(4, "24,green,no")))
    assert "line 10: column 'colour': expected one of ['red', 'blue'], got 'green'" in told


def test_text_in_a_numeric_column(refused):
    told = refused(arff(rows=changed(0, "old,red,no")))
    assert "line 6: column 'age': expected a number, got 'old'" in told


def test_duplicate_column_names(refused):
    told = refused(arff(header=(*HEADER[:2], "@attribute age numeric", HEADER[3])))
    assert told == "pets.arff, line 3: duplicate column names: 'age' is declared twice"


def test_a_table_without_rows(refused):
    assert "table 'pets': no rows; at least 2 are needed" in refused(arff(rows=[]))


def test_a_table_of_one_row(refused):
    assert "table 'pets': only one row; at least 2 are needed" in refused(arff(rows=GOOD[:1]))


def test_a_target_that_is_no_column(refused):
    told = refused(arff(), "data.target=kind")
    assert "target 'kind' is not a column; expected one of ['age', 'colour', 'label']" in told


def test_a_constant_target(refused):
    told = refused(arff(rows=[row.replace("yes", "no") for row in GOOD]))
    assert "target 'label' is constant: every value is 'no'" in told


@pytest.mark.slow
def test_a_column_without_any_value_is_left_out_with_a_warning(train_on, tmp_path):
    ended = train_on(arff(rows=["?" + row[2:] for row in GOOD]))
    assert ended.status == 0
    assert "columns without a value in the training rows, dropped: ['age']" in ended.out
    (preview,) = tmp_path.glob("outputs/pets/*/samples/preview.csv")
    assert list(pd.read_csv(preview).columns) == ["colour", "label"]


def test_a_target_without_any_value(refused):
    told = refused(arff(rows=[row[: row.rindex(",")] + ",?" for row in GOOD]))
    assert "target 'label': every value is missing" in told


@pytest.mark.slow
def test_a_constant_column_is_kept_and_comes_back(train_on, tmp_path):
    assert train_on(arff(rows=["7" + row[2:] for row in GOOD])).status == 0
    (preview,) = tmp_path.glob("outputs/pets/*/samples/preview.csv")
    assert set(pd.read_csv(preview).age) == {7}


def test_a_batch_larger_than_the_table(refused):
    told = refused(arff(), "data.batch_size=1000")
    assert told.startswith("data.batch_size=1000 is larger than the 25 training rows of 'pets'")
    # 30 rows, 3 of them (.1) for testing, 2 of the other 27 for validation


def test_a_test_fraction_of_more_than_all(refused):
    told = refused(arff(), "data.test_fraction=1.5")
    assert told == "data.test_fraction=1.5: expected a share, 0 up to below 1"


def test_no_table_at_all(command, tmp_path):
    told = refusal(command("train", "data=table"), tmp_path)
    assert told == "no table: give data=<named set> or data.path=<file>"


@pytest.mark.slow
def test_a_mistake_leaves_an_older_run_alone(train_on, tmp_path):
    train_on(arff())
    before = sorted(tmp_path.glob("outputs/*/*"))
    train_on(arff(rows=[]))
    assert sorted(tmp_path.glob("outputs/*/*")) == before


def sampling(command, folder, *words):
    ended = command("sample", f"run={folder}", "n=5", "out=rows.csv", *words)
    assert ended.status == 1
    (told,) = ended.err.splitlines()
    return told.removeprefix("error: ")


def test_an_unknown_column_in_where(command, trained, tmp_path):
    told = sampling(command, trained, "where.lable=yes")
    assert told.startswith("where.lable: no such column; did you mean 'label'?")
    assert not list(tmp_path.iterdir())


def test_an_unknown_category_in_where(command, trained, tmp_path):
    told = sampling(command, trained, "where.label=yeah")
    assert told.startswith("where.label: no category 'yeah'; did you mean 'yes'?")
    assert not list(tmp_path.iterdir())


def test_a_value_in_where_outside_the_training_range(command, trained, tmp_path):
    told = sampling(command, trained, "where.age=200..300")
    assert re.fullmatch(r"where.age=200..300: outside the training range \d\d..\d\d", told)
    assert not (tmp_path / "rows.csv").exists()


def test_a_constant_in_where_that_is_another(command, trained):
    told = sampling(command, trained, "where.legs=4")
    assert told == "where.legs=4: the column is constant: 2"


def test_a_mix_of_unknown_classes(command, trained):
    told = sampling(command, trained, "mix=yes:0.5,on:0.5")
    assert told.startswith("mix: no category 'on'; ")


def test_a_file_of_conditions_with_a_wrong_cell_names_its_row(command, trained, tmp_path):
    (tmp_path / "conditions.csv").write_text("job,age\ncook,\nclerc,30\n", "utf-8")
    told = sampling(command, trained, "like=conditions.csv")
    assert told.startswith("like, row 2: where.job: no category 'clerc'; did you mean 'clerk'?")


def test_a_file_of_conditions_that_is_not_there(command, trained, tmp_path):
    told = sampling(command, trained, "like=nowhere.csv")
    assert told == f"like=nowhere.csv: file not found: {tmp_path / 'nowhere.csv'}"


def test_a_check_of_rows_with_conditions_of_their_own(command, trained):
    told = sampling(command, trained, "check=true", "mix=yes:0.5,no:0.5")
    assert told == "check=true compares rows of one condition: leave out mix"


def test_a_folder_that_is_no_run(command, tmp_path):
    assert sampling(command, tmp_path) == (
        f"not a run folder: {tmp_path} has no .hydra/config.yaml"
    )


def test_a_run_folder_without_a_checkpoint(command, run_copy):
    for checkpoint in (run_copy / "checkpoints").iterdir():
        checkpoint.unlink()
    assert sampling(command, run_copy).startswith(
        f"no checkpoint in {run_copy / 'checkpoints'}: expected best.ckpt or last.ckpt"
    )


def test_a_run_folder_with_the_last_checkpoint_alone_samples(command, run_copy):
    (run_copy / "checkpoints" / "best.ckpt").unlink()
    assert command("sample", f"run={run_copy}", "n=5", "out=rows.csv").status == 0


@pytest.mark.slow
def test_rows_of_a_run_that_has_not_finished_are_called_so(command, run_copy):
    said = "its training has not finished; what follows comes from best.ckpt as it is now"
    words = (f"run={run_copy}", "n=5", "out=rows.csv")
    assert said not in command("sample", *words).out
    (run_copy / "metrics.json").unlink()
    ended = command("sample", *words)
    assert ended.status == 0
    assert said in ended.out


def test_a_checkpoint_of_another_schema(command, run_copy):
    path = run_copy / "checkpoints" / "best.ckpt"
    checkpoint = torch.load(path, weights_only=True)
    checkpoint["layout"]["blocks"][0]["column"] = "height"
    torch.save(checkpoint, path)
    assert sampling(command, run_copy) == (
        f"{path}: the checkpoint belongs to a table of another schema than the run's encoder"
    )


def test_a_truncated_checkpoint(command, run_copy):
    path = run_copy / "checkpoints" / "best.ckpt"
    path.write_bytes(path.read_bytes()[:1000])
    assert sampling(command, run_copy).startswith(f"{path}: not tensors and plain data")


class Payload:
    """Unpickling it makes a folder."""

    def __init__(self, victim):
        self.victim = victim

    def __reduce__(self):
        return os.mkdir, (str(self.victim),)


def test_the_payload_would_run_if_it_were_unpickled(tmp_path):
    pickle.loads(pickle.dumps(Payload(tmp_path / "victim")))
    assert (tmp_path / "victim").is_dir()


@pytest.mark.parametrize("write", [torch.save, "plain"], ids=["torch", "pickle"])
def test_a_checkpoint_with_a_payload_is_refused_and_not_run(command, run_copy, tmp_path, write):
    path, victim = run_copy / "checkpoints" / "best.ckpt", tmp_path / "victim"
    checkpoint = {"state_dict": Payload(victim), "layout": []}
    if write == "plain":
        path.write_bytes(pickle.dumps(checkpoint))
    else:
        torch.save(checkpoint, path)
    assert sampling(command, run_copy).startswith(f"{path}: not tensors and plain data")
    assert not victim.exists()


def test_a_run_folders_configuration_may_not_call_anything(command, run_copy):
    config = run_copy / ".hydra" / "config.yaml"
    text = config.read_text("utf-8").replace("tabgan.models.nets.critic.Critic", "os.mkdir")
    config.write_text(text, "utf-8")
    told = sampling(command, run_copy)
    assert told.startswith("model.critic._target_: a run folder may name targets of")
    assert "got 'os.mkdir'" in told


def test_rows_can_be_written_to_no_other_format(command, trained):
    ended = command("sample", f"run={trained}", "n=5", "out=rows.xls")
    assert ended.status == 1
    assert "rows.xls: expected a file ending in one of ['.arff'" in ended.err


@pytest.fixture
def train_csv(command, tmp_path):
    """Train a small flagship for a few steps on columns, written as ``pets.csv``."""

    def train(*words, **columns):
        pd.DataFrame(columns).to_csv(tmp_path / "pets.csv", index=False)
        few = ("trainer.max_epochs=2", "+trainer.limit_train_batches=2", "refiner=none")
        return command("train", "data.path=pets.csv", *few, *words)

    return train


def preview_of(folder):
    (preview,) = folder.glob("outputs/pets/*/samples/preview.csv")
    return pd.read_csv(preview)


def numbers(n, seed=0):
    return np.random.default_rng(seed).normal(size=n).round(2)


def test_an_all_constant_table(train_csv, tmp_path):
    told = refusal(train_csv(age=[7] * 30, colour=["red"] * 30), tmp_path)
    assert told == "table 'pets': no column varies, there is nothing to learn"


@pytest.mark.slow
def test_of_a_table_whose_target_alone_varies_its_shares_are_learned(train_csv, tmp_path):
    ended = train_csv("data.target=label", age=[7] * 30, label=["no", "yes", "no"] * 10)
    assert ended.status == 0, ended.err
    rows = preview_of(tmp_path)
    assert set(rows["age"]) == {7}
    assert set(rows["label"]) == {"no", "yes"}


def test_a_table_whose_condition_alone_varies(train_csv, tmp_path):
    columns = {"age": [7] * 30, "label": ["no", "yes", "no"] * 10}
    ended = train_csv("model=cgan_basic", "data.target=label", **columns)
    assert refusal(ended, tmp_path) == (
        "table 'pets': no column varies but the target 'label', there is nothing to learn but its "
        "shares; without data.target it is a column like any other"
    )


def test_a_table_of_a_single_column_is_learned(train_csv, tmp_path):
    assert train_csv(label=["no", "yes", "no"] * 10).status == 0
    assert set(preview_of(tmp_path).label) == {"no", "yes"}


@pytest.mark.slow
def test_a_target_of_one_class_says_what_to_do(train_csv, tmp_path):
    told = refusal(train_csv("data.target=label", age=numbers(30), label=["no"] * 30), tmp_path)
    assert told.endswith("without data.target it is a column like any other")
    assert train_csv(age=numbers(30), label=["no"] * 30).status == 0
    assert set(preview_of(tmp_path).label) == {"no"}


@pytest.mark.slow
def test_a_class_of_one_row(train_csv, tmp_path):
    labels = ["rare", *["no", "yes"] * 50]
    assert train_csv("data.target=label", age=numbers(101), label=labels).status == 0
    assert len(preview_of(tmp_path)) == 100


def test_an_infinite_value_is_refused_with_its_place(train_csv, tmp_path):
    told = refusal(train_csv(age=[1.5, 2.5, np.inf, *numbers(30)]), tmp_path)
    assert told == "pets.csv: column 'age': expected finite numbers, got inf in row 2, from 0"


def test_duplicate_names_in_a_csv(command, tmp_path):
    (tmp_path / "pets.csv").write_text("age,age\n1,2\n3,4\n")
    told = refusal(command("train", "data.path=pets.csv"), tmp_path)
    assert told == "pets.csv, line 1: duplicate column names: ['age']"


def test_a_table_of_three_rows_is_refused(train_csv, tmp_path):
    told = refusal(train_csv(age=[1.5, 2.5, 3.0]), tmp_path)
    assert told == (
        "table 'pets': 2 rows to train on and 1 for validation, when test rows are cut off; "
        "at least 4 and 1 are needed"
    )


@pytest.mark.slow
@pytest.mark.parametrize("target", ["none", "class", "number"])
def test_a_table_of_five_rows_trains(train_csv, tmp_path, target):
    columns = {"age": [1.5, 2.5, 3.0, 4.0, 7.5], "label": ["no", "yes", "no", "yes", "no"]}
    words = {"none": (), "class": ("data.target=label",), "number": ("data.target=age",)}[target]
    assert train_csv(*words, **columns).status == 0
    assert list(preview_of(tmp_path).columns) == ["age", "label"]


@pytest.mark.slow
def test_a_column_of_a_hundred_thousand_levels(train_csv, tmp_path):
    n, rng = 100_000, np.random.default_rng(0)
    columns = {
        "user": [f"user {position:x}" for position in rng.permutation(n)],
        "row": np.arange(n),
        "shop": [f"s{shop}" for shop in rng.zipf(1.5, n) % 30_000],
        "pay": numbers(n),
    }
    ended = train_csv("model=cgan_basic", **columns)
    assert ended.status == 0
    for told in (
        "column 'user' is text without repetition: new ones are made up",
        "column 'row' numbers the rows: new ones are made up",
        "distinct values: grouped",
    ):
        assert told in ended.out
    rows = preview_of(tmp_path)
    assert rows.row.iloc[0] == 100_000
    assert set(rows.shop) <= set(columns["shop"])


def test_a_training_that_would_not_fit_into_memory(train_csv, tmp_path):
    told = refusal(train_csv("memory_limit=0.01", age=numbers(30)), tmp_path)
    assert "GiB expected, the limit is 0.0 (memory_limit)" in told


@pytest.mark.parametrize("limit", ["0", "-1", "much", "null"])
def test_a_memory_limit_that_is_none(train_csv, tmp_path, limit):
    told = refusal(train_csv(f"memory_limit={limit}", age=numbers(30)), tmp_path)
    assert told.endswith("expected GiB, above 0, or auto")


@pytest.mark.slow
def test_a_diverging_run_says_where_and_what_it_kept_can_be_sampled(
    train_on, command, tmp_path, monkeypatch
):
    from tabgan.models.cgan import CGANModule

    sound = CGANModule._generator_loss

    def poisoned(module, rows, fake, condition):
        loss = sound(module, rows, fake, condition)
        return loss * float("nan") if module.global_step >= 20 else loss

    monkeypatch.setattr(CGANModule, "_generator_loss", poisoned)
    words = ("trainer.limit_train_batches=1.0", "trainer.max_epochs=20")
    ended = train_on(arff(), *words, "callbacks.checkpoint.monitor=val/generator_loss")
    assert ended.status == 1
    assert ended.err.startswith("error: generator loss is nan at step 2")
    (folder,) = tmp_path.glob("outputs/pets/*")
    assert (folder / "checkpoints" / "best.ckpt").is_file()
    assert command("sample", f"run={folder}", "n=5", "out=rows.csv").status == 0
