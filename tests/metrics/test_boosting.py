import numpy as np
import pytest

from tabgan.metrics import boosting
from tabgan.metrics.boosting import boosted_classifier, boosted_regressor, detector_name


@pytest.fixture(params=[True, False], ids=["xgboost", "scikit-learn"])
def library(request, monkeypatch):
    if request.param:
        pytest.importorskip("xgboost")
    monkeypatch.setattr(boosting, "HAS_XGBOOST", request.param)
    return request.param


def test_the_detector_is_named_with_its_version(library):
    assert detector_name().startswith("xgboost 3" if library else "HistGradientBoosting (scikit-l")


@pytest.mark.usefixtures("library")
def test_trees_split_numbers_missing_values_and_categories():
    rows = np.tile([[0.0, 1], [1, 2], [2, np.nan], [3, 4]], (30, 1))
    labels = np.tile([0, 1, 0, 1], 30)  # only the category, column 0, tells
    nominal = np.array([True, False])
    model = boosted_classifier(seed=0, threads=1, nominal=nominal, n_estimators=20, max_depth=3)
    np.testing.assert_array_equal(model.fit(rows, labels).predict(rows), labels)


@pytest.mark.usefixtures("library")
def test_settings_of_xgboost_fit_both_libraries():
    rows, values = np.arange(80.0)[:, None], np.arange(80.0)
    model = boosted_regressor(seed=0, threads=1, n_estimators=50, gamma=0, min_child_weight=1)
    assert np.abs(model.fit(rows, values).predict(rows) - values).mean() < 5
