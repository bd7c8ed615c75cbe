"""Each mistake of a user's, through the command that meets it: one line, and no run folder left."""

import os
import pickle

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
    assert "target 'kind' is not a column; the columns are ['age', 'colour', 'label']" in told


def test_a_constant_target(refused):
    told = refused(arff(rows=[row.replace("yes", "no") for row in GOOD]))
    assert "target 'label' is constant: every value is 'no'" in told


def test_a_column_without_any_value(refused):
    told = refused(arff(rows=["?" + row[2:] for row in GOOD]))
    assert "column 'age': every value is missing; drop it with data.drop=[age]" in told


def test_a_column_without_any_value_can_be_dropped(train_on, tmp_path):
    assert train_on(arff(rows=["?" + row[2:] for row in GOOD]), "data.drop=[age]").status == 0
    (preview,) = tmp_path.glob("outputs/pets/*/samples/preview.csv")
    assert list(pd.read_csv(preview).columns) == ["colour", "label"]


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


def test_a_column_in_where_that_is_no_condition(command, trained):
    told = sampling(command, trained, "where.job=cook")
    assert told == (
        "where.job: not the column of the model's condition; this model can be asked for 'label'"
    )


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


def test_a_checkpoint_of_another_schema(command, run_copy):
    path = run_copy / "checkpoints" / "best.ckpt"
    checkpoint = torch.load(path, weights_only=True)
    checkpoint["layout"][0]["name"] = "height"
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
    text = config.read_text("utf-8").replace("tabgan.nets.critic.Critic", "os.mkdir")
    config.write_text(text, "utf-8")
    told = sampling(command, run_copy)
    assert told.startswith("model.critic._target_: a run folder may name targets of")
    assert "got 'os.mkdir'" in told


def test_rows_can_be_written_to_no_other_format(command, trained):
    ended = command("sample", f"run={trained}", "n=5", "out=rows.xls")
    assert ended.status == 1
    assert "rows.xls: expected a file ending in one of ['.arff'" in ended.err
