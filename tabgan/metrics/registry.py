"""Every metric, once: the table that reports, leaderboards and studies read.

To add a metric, write its function and add it here: reports show it in its group, and leaderboards
and studies too where it has a heading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from tabgan.metrics.comparison import Comparison, Need
from tabgan.metrics.detection import c2st_lr, c2st_test, c2st_train_score, cheap_c2st_auc
from tabgan.metrics.fidelity import alpha_precision_beta_recall, shape_error, trend_error, wnmis
from tabgan.metrics.identifying import identifying_overlap
from tabgan.metrics.likelihood import mean_nll
from tabgan.metrics.membership import (
    FALSE_POSITIVES,
    cheap_membership_tpr,
    fewest_rows,
    membership,
)
from tabgan.metrics.privacy import dcr_share, duplicate_rate, quantile_dcr
from tabgan.metrics.utility import mle

Group = Literal["realism", "fidelity", "comparable", "privacy"]
Function = Callable[[Comparison], float | Mapping[str, float]]

INFINITE = float("inf")
LEAST_AGREEMENT = -1 / 29  # alpha-precision and beta-recall on their grid of 30
MAX_PAIRS = 5_000  # of validation rows: all pairs of 100 columns
ABSENT: dict[Need, str] = {  # what a comparison may lack
    "target": "no target was given",
    "likelihood": "needs a generator with a likelihood, and the test rows of its own run",
    "resplit": "needs a generator trained on half of the rows (a re-split)",
}


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One figure: how to compute and how to read it.

    Attributes:
        name: of the figure.
        group: where a report shows it.
        needs: what it looks at; train and test decide which real rows stand in the generator's
            place (``Comparison.real``).
        function: gives it, or several figures by name; equal functions are called once.
        ideal: the value that a perfect generator gets.
        better: higher, lower, or nearer to the ideal.
        low: the smallest possible value.
        high: the largest possible value.
        says: what it means, in one line.
        heading: of its column in leaderboards and studies; a line break may stand in it. Without
            one it is in the report alone.
        leads: whether a leaderboard in a terminal, where ten figures fit, shows it too.
        unless: why the function may not give it.
        plain: what a terminal calls it; without one the report alone has it.
    """

    name: str
    group: Group
    needs: tuple[Need, ...]
    function: Function
    ideal: float
    better: Literal["higher", "lower", "nearer"]
    low: float
    high: float
    says: str
    heading: str = ""
    leads: bool = False
    unless: str = ""
    plain: str = ""

    @property
    def label(self) -> str:
        """Its heading on one line, or its name."""
        return self.heading.replace("\n", " ").strip() or self.name


def by_name(metrics: Iterable[Metric]) -> dict[str, Metric]:
    """Metrics by their names."""
    return {metric.name: metric for metric in metrics}


def _c2st(rows: Comparison) -> Mapping[str, float]:
    options = {"seed": rows.seed, "threads": rows.threads}
    return c2st_test(rows.test, rows.synthetic, net=True, marginal=True, **options)


def _c2st_train(rows: Comparison) -> float:
    return c2st_train_score(rows.train, rows.synthetic, threads=rows.threads)


def _mle(rows: Comparison) -> Mapping[str, float]:
    options = {"seed": rows.seed, "threads": rows.threads, "full": rows.full_mle}
    return mle(rows.synthetic, rows.test, str(rows.target), **options)  # type: ignore[arg-type]


def _coverage(rows: Comparison) -> Mapping[str, float]:
    return alpha_precision_beta_recall(rows.train, rows.synthetic, seed=rows.seed)


def _membership(rows: Comparison) -> Mapping[str, float]:
    return membership(rows.train, rows.test, rows.synthetic, seed=rows.seed)


def _quantile_dcr(rows: Comparison) -> Mapping[str, float]:
    return quantile_dcr(rows.train, rows.test, rows.synthetic, seed=rows.seed)


def _dcr_share(rows: Comparison) -> float:
    learned, other, synthetic = rows.resplit  # type: ignore[misc]
    return dcr_share(learned, other, synthetic, seed=rows.seed)


def _too_few(rate: str, *, of: int = 1) -> str:
    return f"needs {of * fewest_rows(FALSE_POSITIVES[rate]):,} unseen rows"


# C2ST against unseen rows does not see memorising: what does stands right behind it.
METRICS: dict[str, Metric] = by_name(
    [
        Metric(
            name="c2st_test_auc_worst", group="realism", needs=("test",), function=_c2st,
            ideal=0.5, better="nearer", low=0, high=1, heading="C2ST\nAUC", leads=True,
            says="the larger of the next two: what gives synthetic rows away most",
            plain="told from real rows by the better of two classifiers (AUC)",
        ),
        Metric(
            name="c2st_test_auc", group="realism", needs=("test",), function=_c2st,
            ideal=0.5, better="nearer", low=0, high=1, heading="AUC by\ntrees",
            says="how well XGBoost tells synthetic rows from unseen real rows",
        ),
        Metric(
            name="c2st_test_auc_net", group="realism", needs=("test",), function=_c2st,
            ideal=0.5, better="nearer", low=0, high=1, heading="AUC by\na net",
            says="how well a net tells synthetic rows from unseen real rows",
        ),
        Metric(
            name="dcr_share", group="privacy", needs=("resplit",), function=_dcr_share,
            ideal=0.5, better="nearer", low=0, high=1, heading="DCR\nshare", leads=True,
            says="share of rows nearer to train than to an equal half; above is copying",
            plain="share of rows nearer to the half that was learned (DCR share)",
        ),
        Metric(
            name="duplicate_rate", group="privacy", needs=("train",),
            function=lambda rows: duplicate_rate(rows.train, rows.synthetic),
            ideal=0, better="lower", low=0, high=1, heading="copies\n", leads=True,
            says="share of rows that are training rows; compare with real test rows",
            plain="share of rows that are training rows",
        ),
        Metric(
            name="membership_tpr01", group="privacy", needs=("train", "test"),
            function=_membership, unless=_too_few("tpr01"),
            ideal=0.01, better="nearer", low=0, high=1, heading="found\nat 1 %", leads=True,
            says="share of training rows found by distance at 1 % false positives",
            plain="share of training rows found at 1 % false positives",
        ),
        Metric(
            name="c2st_test_auc_marginal", group="fidelity", needs=("test",), function=_c2st,
            ideal=0.5, better="nearer", low=0, high=1,
            says="the same with every column shuffled: what single columns give away",
        ),
        Metric(
            name="c2st_test_dependency", group="fidelity", needs=("test",), function=_c2st,
            ideal=0, better="nearer", low=-1, high=1,
            says="the difference of the two: what wrong dependence gives away",
        ),
        Metric(
            name="c2st_train_score", group="fidelity", needs=("train",), function=_c2st_train,
            ideal=1, better="higher", low=0, high=1, heading="C2ST\nscore",
            says="TabPC's score of XGBoost against training rows; copying raises it",
        ),
        Metric(
            name="nll_test", group="fidelity", needs=("test", "likelihood"),
            function=lambda rows: mean_nll(rows.log_likelihoods),  # type: ignore[arg-type]
            ideal=0, better="lower", low=0, high=INFINITE, heading="NLL\nof test",
            says="mean negative log-likelihood of unseen rows' codes, nats a row, never 0",
        ),
        Metric(
            name="wnmis", group="fidelity", needs=("train",),
            function=lambda rows: wnmis(rows.train, rows.synthetic),
            ideal=1, better="higher", low=0, high=1, heading="wNMIS\n", leads=True,
            says="agreement of the columns' mutual information",
            plain="agreement of how columns go together",
        ),
        Metric(
            name="mle_auc", group="fidelity", needs=("test", "target"), function=_mle,
            ideal=1, better="higher", low=0, high=1, heading="MLE\nAUC", leads=True,
            says="AUC on real test rows of a model trained on synthetic rows",
            unless="the target is a number",
            plain="AUC on real rows of a model trained on these",
        ),
        Metric(
            name="mle_auc_se", group="fidelity", needs=("test", "target"), function=_mle,
            ideal=0, better="lower", low=0, high=1,
            says="the standard error of mle_auc over the test rows",
            unless="the target is a number",
        ),
        Metric(
            name="mle_f1", group="fidelity", needs=("test", "target"), function=_mle,
            ideal=1, better="higher", low=0, high=1,
            says="F1 on real test rows of a model trained on synthetic rows",
            unless="the target is a number",
        ),
        Metric(
            name="mle_rmse", group="fidelity", needs=("test", "target"), function=_mle,
            ideal=0, better="lower", low=0, high=INFINITE, heading="MLE\nRMSE", leads=True,
            says="error on real test rows of a model trained on synthetic rows",
            unless="the target is nominal",
            plain="error on real rows of a model trained on these",
        ),
        Metric(
            name="mle_rmse_se", group="fidelity", needs=("test", "target"), function=_mle,
            ideal=0, better="lower", low=0, high=INFINITE,
            says="the standard error of mle_rmse over the test rows",
            unless="the target is nominal",
        ),
        Metric(
            name="shape_error", group="comparable", needs=("train",),
            function=lambda rows: shape_error(rows.train, rows.synthetic),
            ideal=0, better="lower", low=0, high=100,
            says="distance of single columns in %; blind to dependence",
            plain="single columns are off by (%)",
        ),
        Metric(
            name="trend_error", group="comparable", needs=("train",),
            function=lambda rows: trend_error(rows.train, rows.synthetic),
            ideal=0, better="lower", low=0, high=100, heading="trend\nerr %", leads=True,
            says="distance of pairs of columns in %; nearly blind to dependence",
        ),
        Metric(
            name="alpha_precision", group="comparable", needs=("train",), function=_coverage,
            ideal=1, better="higher", low=LEAST_AGREEMENT, high=1,
            says="whether synthetic rows spread around the centre as real ones do",
        ),
        Metric(
            name="beta_recall", group="comparable", needs=("train",), function=_coverage,
            ideal=0.5, better="nearer", low=LEAST_AGREEMENT, high=1,
            says="how often a synthetic row is the closest one; above .5 is copying",
        ),
        Metric(
            name="c2st_lr", group="comparable", needs=("train",),
            function=lambda rows: c2st_lr(rows.train, rows.synthetic),
            ideal=1, better="higher", low=0, high=1,
            says="a logistic regression's score; blind to dependence",
        ),
        Metric(
            name="dcr_q02", group="privacy", needs=("train", "test"), function=_quantile_dcr,
            ideal=2, better="nearer", low=0, high=100, heading="DCR\nq02 %",
            says="% of rows nearer to train than 2 % of test rows are",
        ),
        Metric(
            name="dcr_q05", group="privacy", needs=("train", "test"), function=_quantile_dcr,
            ideal=5, better="nearer", low=0, high=100, heading="DCR\nq05 %", leads=True,
            says="% of rows nearer to train than 5 % of test rows are",
        ),
        Metric(
            name="membership_auc", group="privacy", needs=("train", "test"), function=_membership,
            ideal=0.5, better="nearer", low=0, high=1,
            says="an attacker's AUC by distance: who was in the training table",
        ),
        Metric(
            name="membership_tpr001", group="privacy", needs=("train", "test"),
            function=_membership, unless=_too_few("tpr001"),
            ideal=0.001, better="nearer", low=0, high=1, heading="found\nat .1 %",
            says="share of training rows found by distance at .1 % false positives",
        ),
        Metric(
            name="membership_ratio_auc", group="privacy", needs=("train", "test"),
            function=_membership, unless="needs 2 unseen rows",
            ideal=0.5, better="nearer", low=0, high=1,
            says="the attacker's AUC by density ratio, synthetic to real",
        ),
        Metric(
            name="membership_ratio_tpr01", group="privacy", needs=("train", "test"),
            function=_membership, unless=_too_few("tpr01", of=2),
            ideal=0.01, better="nearer", low=0, high=1, heading="ratio\nat 1 %",
            says="share of training rows found by ratio at 1 % false positives",
        ),
        Metric(
            name="membership_ratio_tpr001", group="privacy", needs=("train", "test"),
            function=_membership, unless=_too_few("tpr001", of=2),
            ideal=0.001, better="nearer", low=0, high=1,
            says="share of training rows found by ratio at .1 % false positives",
        ),
        Metric(
            name="identifying_overlap", group="privacy", needs=("train",),
            function=lambda rows: identifying_overlap(rows.train, rows.synthetic),
            ideal=0, better="lower", low=0, high=1, heading="known\nids",
            says="share of generated texts and ids that are training values of their column",
            plain="share of ids and texts that are training rows'",
        ),
    ]
)  # fmt: skip


def _watched(like: str, function: Function, **other: Any) -> Metric:
    """A metric on validation rows, which are the test rows of the comparison."""
    return replace(METRICS[like], **{"name": f"val/{like}", "function": function, **other})


VALIDATION: dict[str, Metric] = by_name(  # what is watched while a generator trains
    [
        _watched(
            "c2st_test_auc", lambda rows: cheap_c2st_auc(rows.test, rows.synthetic),
            name="val/c2st_auc", low=0.5, heading="C2ST\nAUC", leads=True,
            says="how well boosted trees tell synthetic rows from validation rows",
        ),
        _watched(
            "membership_tpr01",
            lambda rows: cheap_membership_tpr(rows.train, rows.test, rows.synthetic),
        ),
        _watched(
            "duplicate_rate", lambda rows: duplicate_rate(rows.train, rows.synthetic),
            heading="", leads=False,
        ),
        _watched(
            "trend_error",
            lambda rows: trend_error(rows.test, rows.synthetic, max_pairs=MAX_PAIRS),
        ),
        _watched(
            "shape_error", lambda rows: shape_error(rows.test, rows.synthetic),
            heading="shape\nerr %", leads=True,
        ),
        _watched("wnmis", lambda rows: wnmis(rows.test, rows.synthetic, max_pairs=MAX_PAIRS)),
    ]
)  # fmt: skip
EVERY = METRICS | VALIDATION
