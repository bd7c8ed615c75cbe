import pandas as pd
import pytest

from tabgan.tables.schema import Column, TableSchema
from tabgan.tables.splitting import split_rows

SCHEMA = TableSchema(
    name="t",
    target="y",
    columns=(
        Column(name="x", kind="integer"),
        Column(name="y", kind="nominal", categories=("no", "yes")),
    ),
)
TABLE = SCHEMA.conform(pd.DataFrame({"x": range(100), "y": ["yes"] * 20 + ["no"] * 80}))


@pytest.mark.parametrize("seed", range(5))
def test_each_class_gives_its_share(seed):
    rest, cut = split_rows(TABLE, SCHEMA, n_cut=10, seed=seed, position="test")
    assert cut["y"].value_counts().to_dict() == {"no": 8, "yes": 2}
    assert sorted([*rest["x"], *cut["x"]]) == list(range(100))


def test_the_seed_and_the_place_decide():
    first, same, other, elsewhere = (
        split_rows(TABLE, SCHEMA, n_cut=10, seed=seed, position=position)[1]["x"].tolist()
        for seed, position in ((0, "test"), (0, "test"), (1, "test"), (0, "validation"))
    )
    assert first == same
    assert first != other
    assert first != elsewhere


def test_a_table_without_a_target_is_cut_too():
    rest, cut = split_rows(TABLE, SCHEMA.with_target(None), n_cut=7, seed=0, position="test")
    assert (len(rest), len(cut)) == (93, 7)
