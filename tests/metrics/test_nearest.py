import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist

from tabgan.errors import TabganError
from tabgan.metrics import nearest as module
from tabgan.metrics.nearest import MixedRows, mixed_rows, nearest_rows


def one_hot(rows: MixedRows) -> np.ndarray:
    n_codes = 8
    hot = np.eye(n_codes)[rows.codes].reshape(len(rows.codes), -1)
    return np.hstack([rows.numbers, hot])


@pytest.mark.parametrize("trees_above", [0, 10**9])  # k-d trees always, never
@pytest.mark.parametrize(("n_numeric", "n_nominal"), [(3, 4), (0, 4), (3, 0), (9, 300)])
@pytest.mark.parametrize(("power", "metric"), [(1, "cityblock"), (2, "euclidean")])
def test_search_agrees_with_all_pairs(
    monkeypatch, trees_above, n_numeric, n_nominal, power, metric
):
    monkeypatch.setattr(module, "PAIRS_PER_TREE", trees_above)
    rng = np.random.default_rng(0)
    references, queries = (
        MixedRows(3 * rng.random((n, n_numeric)), rng.integers(0, 3, (n, n_nominal), "int32"))
        for n in (70, 40)
    )
    every = cdist(one_hot(queries), one_hot(references), metric)
    distances, rows = nearest_rows(queries, references, power=power, n_neighbours=2)
    np.testing.assert_allclose(distances, np.sort(every, axis=1)[:, :2], atol=1e-8)
    np.testing.assert_allclose(np.take_along_axis(every, rows, axis=1), distances, atol=1e-8)


def test_numbers_are_scaled_by_the_first_table_and_a_category_counts_two():
    real = pd.DataFrame({"pay": [0.0, 10.0], "job": pd.Categorical(["cook", "clerk"])})
    fake = pd.DataFrame({"pay": [15.0, 9.0], "job": pd.Categorical(["clerk", "baker"])})
    known, requested = mixed_rows(real=real, synthetic=fake)
    # 15 to 10 is half of the range; 9 to 10 a tenth, and baker is neither
    np.testing.assert_allclose(nearest_rows(requested, known)[0][:, 0], [0.5, 2.1])


def test_a_missing_number_stands_at_the_median_and_counts_as_a_category():
    real = pd.DataFrame({"pay": [0.0, 4.0, 10.0]})
    known, requested = mixed_rows(real=real, synthetic=pd.DataFrame({"pay": [np.nan]}))
    assert nearest_rows(requested, known)[0].item() == 2.0  # at 4, and "missing" against "known"


def test_a_constant_column_keeps_its_unit():
    known, requested = mixed_rows(
        real=pd.DataFrame({"pay": [5.0, 5.0]}), synthetic=pd.DataFrame({"pay": [8.0]})
    )
    assert nearest_rows(requested, known)[0].item() == 3.0


def test_more_neighbours_than_rows_are_refused():
    (rows,) = mixed_rows(table=pd.DataFrame({"pay": [5.0]}))
    with pytest.raises(TabganError, match="at least 2 reference rows, got 1"):
        nearest_rows(rows, rows, n_neighbours=2)
