from pathlib import Path

import pytest

import tabgan
from tabgan.metrics.panel import steps
from tabgan.metrics.registry import EVERY, METRICS
from tabgan.report.leaderboard import HEADINGS as OF_LEADERBOARDS
from tabgan.studies.ablation import FIGURES as OF_ABLATIONS
from tabgan.studies.bench import FIGURES as OF_BENCHES

PACKAGE = Path(tabgan.__file__).parent


@pytest.mark.parametrize("metric", EVERY.values(), ids=lambda metric: metric.name)
def test_a_metric_is_read_in_one_line_and_lies_in_its_range(metric):
    assert metric.low <= metric.ideal <= metric.high
    assert metric.better in ("higher", "lower", "nearer")
    assert metric.says
    assert "\n" not in metric.says
    assert metric.heading or not metric.leads


def test_metrics_of_one_function_look_at_the_same_rows():
    for metrics in steps().values():
        assert len({metric.needs for metric in metrics}) == 1


@pytest.mark.parametrize("name", ["nll_test", "identifying_overlap"])
def test_a_metric_with_a_heading_is_in_leaderboards_and_studies_by_the_registry_alone(name):
    assert OF_LEADERBOARDS[name] == METRICS[name].heading
    assert OF_BENCHES[name] == METRICS[name].label
    assert {f"raw.{name}", f"refined.{name}"} <= OF_ABLATIONS.keys()
    quoted = [p.name for p in PACKAGE.rglob("*.py") if f'"{name}"' in p.read_text("utf-8")]
    assert quoted == ["registry.py"]


def test_a_heading_on_one_line_is_a_label_and_a_metric_without_one_is_called_by_its_name():
    assert METRICS["c2st_test_auc"].label == "AUC by trees"
    assert METRICS["duplicate_rate"].label == "copies"
    assert METRICS["beta_recall"].label == "beta_recall"
