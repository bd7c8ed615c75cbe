import pandas as pd
import pytest

from tabgan.tables.constraints.columns import Columns
from tabgan.tables.profile import infer_schema


@pytest.fixture(scope="session")
def orders():
    """Six orders of a shop: four rows with a value missing, numbers one can reckon with."""
    frame = pd.DataFrame(
        {
            "net": [10.0, 20.0, 30.0, None, 50.0, 60.0],
            "tax": [1.0, 2.0, 3.0, 4.0, 5.0, None],
            "total": [11.0, 22.0, 33.5, 44.0, 55.0, 66.0],
            "items": [1, 2, 3, 4, 5, 6],
            "paid": ["yes", "no", "yes", "no", None, "yes"],
            "city": ["Bern", "Basel", "Bern", "Genf", "Genf", "Basel"],
            "canton": ["BE", "BS", "BE", "GE", "GE", "BS"],
            "placed": pd.to_datetime(["2024-01-30", "2024-02-01", None] + ["2024-03-01"] * 3),
            "sent": pd.to_datetime(["2024-02-02", "2024-01-31"] + ["2024-03-01"] * 4),
            "unit price": [1.05, 2.10, 0.35, 0.7, 1.4, 0.36],
            "small": [1, 0, 0, 1, 0, 0],
            "large": [0, 1, 0, 0, 1, 1],
        }
    )
    schema = infer_schema(frame, name="orders")
    return schema, schema.conform(frame)


@pytest.fixture(scope="session")
def columns(orders):
    return Columns.of_table(*orders)
