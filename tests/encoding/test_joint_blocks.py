import numpy as np
import pandas as pd
import pytest

from tabgan.encoding.joint_blocks import Joint, find_joint
from tabgan.encoding.table import TableEncoder
from tabgan.sampling.regions import Regions
from tabgan.sampling.requests import Request

N = 2_000


@pytest.fixture
def jobs():
    """Six jobs in three departments; job 5 is in any of them."""
    rng = np.random.default_rng(0)
    job = rng.integers(6, size=N)
    department = np.where(job == 5, rng.integers(3, size=N), job // 2)
    return {
        "job": job.astype(float),
        "city": rng.integers(3, size=N).astype(float),
        "department": department.astype(float),
    }


def test_columns_with_pairs_that_never_occur_are_joined(jobs):
    # 5 jobs of one department and one of three: 8 pairs, no more positions than 6 + 3.
    assert find_joint(jobs) == [["job", "department"]]


def test_independent_columns_stay_apart():
    rng = np.random.default_rng(0)
    assert find_joint({name: rng.integers(4, size=N).astype(float) for name in "abc"}) == []


def test_an_empty_cell_that_chance_explains_joins_nothing():
    rng = np.random.default_rng(0)
    rare = (rng.random(N) < 0.01).astype(float)  # 20 rows; 10 of each of two values expected
    other = np.where(rare == 1, 0.0, rng.integers(2, size=N))
    assert find_joint({"rare": rare, "other": other}) == []


def test_pairs_that_stand_in_one_row_each_join_nothing(jobs):
    jobs["department"][:11] = 3.0 + np.arange(11)  # 11 rows of 2,000 are more than one in 200
    assert find_joint({"job": jobs["job"], "department": jobs["department"]}) == []


def test_flags_of_one_choice_become_one_block():
    choice = np.random.default_rng(1).integers(4, size=N)
    flags = {name: (choice == position).astype(float) for position, name in enumerate("abcd")}
    (group,) = find_joint(flags)
    assert sorted(group) == ["a", "b", "c", "d"]
    assert len(Joint.of(group, flags).tuples) == 4


def test_missing_is_a_value():
    rng = np.random.default_rng(1)
    married = rng.integers(2, size=N).astype(float)
    partner = np.where(married == 1, rng.integers(3, size=N), np.nan)
    assert find_joint({"married": married, "partner": partner}) == [["married", "partner"]]
    joint = Joint.of(["married", "partner"], {"married": married, "partner": partner})
    assert len(joint.tuples) == 4
    codes = joint.codes({"married": np.array([0.0]), "partner": np.array([np.nan])}, nearest=False)
    np.testing.assert_array_equal(joint.tuples[int(codes[0])], [0, np.nan])


def test_what_training_never_had_is_taken_for_the_commonest_that_is_nearest():
    seen = {"a": np.array([0.0, 0, 0, 1]), "b": np.array([0.0, 1, 1, 2])}
    joint = Joint.of(["a", "b"], seen)
    new = {"a": np.array([0.0]), "b": np.array([2.0])}  # (0, 1) stands twice, (1, 2) once
    assert joint.tuples[int(joint.codes(new, nearest=True)[0])].tolist() == [0, 1]
    assert np.isnan(joint.codes(new, nearest=False)).all()


@pytest.fixture
def staff(jobs):
    names = ["sales", "research", "law"]
    return pd.DataFrame(
        {
            "job": [f"job {code:.0f}" for code in jobs["job"]],
            "grade": [f"grade {code // 3:.0f}" for code in jobs["job"]],  # the job decides it
            "city": [f"city {code:.0f}" for code in jobs["city"]],
            "department": [names[int(code)] for code in jobs["department"]],
        }
    )


@pytest.fixture
def encoder(staff, fit_encoder):
    return fit_encoder(staff)


def pairs(table):
    return set(map(tuple, table.astype(str).to_numpy()))


def test_any_generated_row_has_a_combination_of_the_table(encoder, staff):
    assert encoder.encodings_["job"] == encoder.encodings_["department"] == "joint"
    assert encoder.layout_.width == 3 + 8  # cities, and pairs
    rows = np.random.default_rng(2).normal(size=(3_000, 11)).astype(np.float32)
    made = encoder.decode(rows, np.empty((3_000, 0), np.float32))
    of_jobs = ["job", "grade", "department"]
    assert pairs(made[of_jobs]) == pairs(staff[of_jobs])


def test_rows_come_back_and_the_disk_keeps_the_block(encoder, staff, tmp_path):
    encoder.save(tmp_path)
    again = TableEncoder.load(tmp_path)
    table = encoder.schema.conform(staff)
    rows = again.encode_coded(table)
    decoded = again.decode(rows, np.empty((N, 0), np.float32))
    pd.testing.assert_frame_equal(decoded.astype(str), staff, check_dtype=False)


def test_conditions_on_joined_columns_meet_in_one_block(encoder):
    def ask(**where):
        return Regions(encoder, Request.read(encoder, where=where))

    regions = ask(job="job 5", department="law")
    ((source, axis),) = regions.axes.items()
    assert (source, axis.n_codes) == ("job & department", 8)
    assert regions.of[0][source].codes.sum() == 1
    assert ask(grade="grade 0").of[0][source].codes.sum() == 3
    with pytest.raises(ValueError, match="contradict"):
        ask(job="job 0", department="law")


def test_flags_of_one_choice_are_joined_down_to_the_rare_one(fit_encoder):
    choice = np.random.default_rng(0).choice(list("abcd"), 500, p=[0.5, 0.3, 0.15, 0.05])
    encoder = fit_encoder(pd.get_dummies(pd.Series(choice)).astype(int))
    (joint,) = encoder.relations_.joints.values()
    assert sorted(joint.names) == ["a", "b", "c", "d"]
    assert joint.tuples.sum(axis=1).tolist() == [1, 1, 1, 1]
