"""The tables that many tests share."""

from pathlib import Path

import pandas as pd
import pytest

from tabgan.tables.schema import Column, TableSchema

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture
def shared_data() -> Path:
    if not SHARED_DATA.is_dir():
        pytest.skip("../shared/data is not beside this checkout")
    return SHARED_DATA


@pytest.fixture
def schema() -> TableSchema:
    return TableSchema(
        name="pets",
        target="kind",
        columns=(
            Column(name="age", kind="integer", missing=True),
            Column(name="weight", kind="numeric", decimals=2),
            Column(name="colour", kind="nominal", categories=("red", "white"), missing=True),
            Column(name="born", kind="date"),
            Column(name="legs", kind="integer"),
            Column(name="name", kind="string"),
            Column(name="kind", kind="nominal", categories=("cat", "dog")),
        ),
    )


@pytest.fixture
def table(schema: TableSchema) -> pd.DataFrame:
    return schema.conform(
        pd.DataFrame(
            {
                "age": [1, None, 7, 1, 3, 5],
                "weight": [0.25, 1.5, 2.75, 3.14, 8.0, 8.0],
                "colour": ["red", None, "white", "red", "red", "white"],
                "born": [f"2020-01-0{day}" for day in (1, 2, 2, 9, 5, 5)],
                "legs": [4] * 6,
                "name": ["Ann", "Bo", "Cy", "Di", "Ed", "Flo"],
                "kind": ["cat", "dog", "cat", "dog", "cat", "cat"],
            }
        )
    )
