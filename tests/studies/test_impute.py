"""Which cells a study of imputation hides, and what the other imputers fill them with."""

import numpy as np
import pandas as pd
import pytest

from tabgan.studies.fillers import FILLERS, fill
from tabgan.studies.impute import AT_RANDOM, BY_RULE, hidden_cells
from tabgan.studies.prepared import prepare
from tabgan.tables.schema import Column, TableSchema

SCHEMA = TableSchema(
    name="people",
    target="label",
    columns=(
        Column(name="age", kind="integer"),
        Column(name="job", kind="nominal", categories=("cook", "clerk")),
        Column(name="pay", kind="numeric", decimals=1),
        Column(name="label", kind="nominal", categories=("no", "yes")),
    ),
)
N = 2_000


@pytest.fixture
def people(tmp_path):
    """Clerks are 50 and earn 20, cooks are 30 and earn 10; two of three are clerks."""
    job = np.where(np.arange(N) % 3 > 0, "clerk", "cook")
    table = pd.DataFrame({"age": np.where(job == "clerk", 50, 30), "job": job})
    table["age"] += np.arange(N) % 7
    table["pay"] = np.where(job == "clerk", 20.0, 10.0)
    table["label"] = np.where(np.arange(N) % 2, "yes", "no")
    table = SCHEMA.conform(table)
    return prepare("people", table, table, SCHEMA, cache=tmp_path)


def test_at_random_every_cell_but_the_target_is_hidden_at_the_rate(people):
    hidden = hidden_cells(people.test, AT_RANDOM, 0.3, people, seed=0)
    assert list(hidden) == ["age", "job", "pay"]
    assert hidden.mean().to_numpy() == pytest.approx(np.full(3, 0.3), abs=0.035)
    assert hidden.equals(hidden_cells(people.test, AT_RANDOM, 0.3, people, seed=0))


def test_by_rule_more_is_hidden_of_those_who_are_older_and_age_stays(people):
    hidden = hidden_cells(people.test, BY_RULE, 0.3, people, seed=0)
    assert not hidden["age"].any()
    assert hidden[["job", "pay"]].to_numpy().mean() == pytest.approx(0.3, abs=0.02)
    clerk = people.test["job"] == "clerk"  # the older two thirds: ranks 1/3 to 1, of mean 2/3
    assert hidden.loc[clerk, "pay"].mean() == pytest.approx(0.6 * 2 / 3, abs=0.035)
    assert hidden.loc[~clerk, "pay"].mean() == pytest.approx(0.6 / 6, abs=0.035)


@pytest.mark.parametrize("name", [*FILLERS])
def test_a_filler_fills_missing_cells_alone_with_values_of_the_column(people, name):
    incomplete = people.test.drop(columns="label").head(3).copy()
    incomplete.loc[1, "pay"] = np.nan  # a clerk's
    incomplete.loc[0, "job"] = None  # a cook's
    filled = fill(name, people.train, incomplete, SCHEMA, seed=0)
    known = incomplete.notna()
    assert filled.where(known).astype(object).equals(incomplete.where(known).astype(object))
    expected = ("clerk", 50 / 3) if name == "mean-mode" else ("cook", 20.0)
    assert filled["job"][0] == expected[0]
    assert filled["pay"][1] == pytest.approx(expected[1], abs=0.1)
