import json
import shutil

import pandas as pd
import pyarrow.dataset as ds
import pytest

from tabgan.errors import TabganError
from tabgan.sampling.shards import MANIFEST, Shard

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def parts(trained, command_in, tmp_path_factory):
    """1,003 rows in 4 parts, drawn as one multirun."""
    folder = tmp_path_factory.mktemp("parts")
    words = [f"run={trained}", "n=1003", "shards=4", "shard=range(0,4)", f"out={folder / 'out'}"]
    ended = command_in(folder, "sample", "-m", *words)
    assert ended.status == 0, ended.err
    return folder / "out"


def redo(command, trained, number, out, *words):
    requested = [f"run={trained}", "n=1003", "shards=4", f"shard={number}", f"out={out}"]
    return command("sample", *requested, *words)


@pytest.mark.parametrize("of", [1, 3, 64])
def test_parts_are_disjoint_and_complete(of):
    parts = [Shard.of_request(number, of, n=1_000, seed=0) for number in range(of)]
    rows = [row for part in parts for row in range(part.first_row, part.first_row + part.n)]
    assert rows == list(range(1_000))
    assert len({part.seed for part in parts}) == of


@pytest.mark.parametrize(
    ("number", "of", "text"),
    [
        (4, 4, "shard=4: expected a part from 0 to 3 (shards=4)"),
        (-1, 4, "shard=-1: expected a part from 0 to 3 (shards=4)"),
        (None, 4, "shards=4: say which: shard=0, or all of them: -m shard='range(0,4)'"),
        (0, 0, "shards=0: expected a whole number of parts, at least 1"),
        (0, None, "shards=None: expected a whole number of parts, at least 1"),
        (0, 11, "shards=11: more parts than the n=10 rows"),
    ],
)
def test_a_part_that_is_none_is_refused(number, of, text):
    with pytest.raises(TabganError) as caught:
        Shard.of_request(number, of, n=10, seed=0)
    assert str(caught.value) == text


def test_all_parts_are_one_dataset(parts):
    dataset = ds.dataset(parts)  # which passes over sidecars and manifest
    assert dataset.count_rows() == 1_003
    assert [fragment.count_rows() for fragment in dataset.get_fragments()] == [251, 251, 251, 250]
    assert len(pd.read_parquet(parts)) == 1_003


def test_what_was_asked_lies_in_a_folder_of_its_own_and_not_among_the_parts(parts):
    (requested,) = parts.parent.glob("outputs/sample/sweep_*/multirun.yaml")
    assert "n=1003" in requested.read_text()
    assert not (parts.parent / "multirun.yaml").exists()
    assert ds.dataset(parts).count_rows() == 1_003


def test_the_manifest_lists_the_parts_and_their_sums(parts):
    manifest = json.loads((parts / MANIFEST).read_text())
    assert (manifest["rows"], manifest["shards"], manifest["missing"]) == (1_003, 4, [])
    assert [part["first_row"] for part in manifest["parts"]] == [0, 251, 502, 753]
    sizes = [(parts / part["file"]).stat().st_size for part in manifest["parts"]]
    assert [part["bytes"] for part in manifest["parts"]] == sizes


def test_a_part_redone_alone_has_the_same_bytes(command, trained, parts, tmp_path):
    ended = redo(command, trained, 2, tmp_path / "again")
    assert ended.status == 0, ended.err
    name = "part-00002-of-00004.parquet"
    assert (tmp_path / "again" / name).read_bytes() == (parts / name).read_bytes()
    assert json.loads((tmp_path / "again" / MANIFEST).read_text())["missing"] == [0, 1, 3]


def test_a_part_is_an_ordinary_sample_at_its_own_seed(command, trained, parts, tmp_path):
    sidecar = json.loads((parts / "_part-00001-of-00004.json").read_text())
    words = [f"run={trained}", f"n={sidecar['rows']}", f"seed={sidecar['seed']}"]
    ended = command("sample", *words, f"out={tmp_path / 'one.parquet'}")
    assert ended.status == 0, ended.err
    part = pd.read_parquet(parts / sidecar["file"])
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "one.parquet"), part)


def test_parts_of_another_request_do_not_go_into_one_folder(command, trained, parts, tmp_path):
    folder = shutil.copytree(parts, tmp_path / "parts")
    ended = redo(command, trained, 0, folder, "seed=1")
    assert ended.status == 1
    assert "holds parts with of_seed=0, this one has of_seed=1; give another out" in ended.err
    assert (folder / MANIFEST).read_bytes() == (parts / MANIFEST).read_bytes()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["shards=4", "shard=4"], "shard=4: expected a part from 0 to 3"),
        (["shard=1"], "shards=None: expected a whole number of parts"),
        (["shards=4", "shard=0", "out=rows.csv"], "with shards a folder"),
        (["shards=4", "shard=0", "check=true"], "leave out shards"),
    ],
)
def test_a_mistake_is_one_line(command, trained, words, text):
    ended = command("sample", f"run={trained}", "n=1e9", *words)
    assert ended.status == 1
    assert text in ended.err
    assert ended.err.count("\n") == 1
