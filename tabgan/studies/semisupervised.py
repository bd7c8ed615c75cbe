"""Few labels and many rows: n + 1 classes, the same net on the labels alone, boosted trees."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pytorch_lightning import LightningModule, Trainer
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from tabgan.encoding.table import TableEncoder
from tabgan.metrics.boosting import boosted_classifier
from tabgan.metrics.coding import code_tables
from tabgan.models.semisupervised import LabelledSteps
from tabgan.runs.session import begin, undisturbed
from tabgan.seeding import rng_at
from tabgan.studies.cells import Figures, open_cell
from tabgan.studies.contestants import Contestant
from tabgan.studies.prepared import Prepared
from tabgan.studies.tallies import Line, markdown, write_tally

log = logging.getLogger(__name__)

SEMI, ALONE, TREES, MAJORITY = "n + 1 classes", "labels alone", "boosted trees", "commonest class"
N_TREES = 100
FIGURES = {"accuracy": "test accuracy", "auc": "test AUC"}
NOTE = """
All training rows, of which the stated share keeps its label. n + 1 classes: the net learns the
labels, and of all rows that they are real and a generator's are not (Salimans et al. 2016); labels
alone: the same net, steps and moving average without the other rows; boosted trees ({trees} trees)
on the labels alone. {steps:,} steps of {batch:,} rows.
"""

Settings = dict[str, Any]


def semisupervised_study(
    *, tables: Iterable[Prepared], make_contestant: Callable[[str, Sequence[str]], Contestant],  # noqa: ARG001
    seeds: Sequence[int], cache: Path, out: Path, shares: Sequence[float],
    module: Callable[..., LightningModule], settings: Settings, steps: int, batch_size: int,
) -> list[Line]:  # fmt: skip
    """Learn each table's target from a share of its labels, and test on all test rows.

    Writes ``semisupervised.md`` and ``semisupervised.csv`` into ``out``.

    Args:
        tables: with a nominal target.
        make_contestant: not used; every study is given one.
        seeds: of the labels that are kept and of the trainings.
        cache: where everything is kept.
        out: a folder.
        shares: of the labels, in (0, 1].
        module: makes a ``SemiSupervisedModule`` of ``settings``, layout and classes.
        settings: its other arguments, but for ``adversarial``: a number here, 0 for labels alone.
        steps: of each training.
        batch_size: of all rows, and of labelled ones.
    """
    sizes = {"steps": steps, "batch_size": batch_size}
    lines: list[Line] = []
    for table in tables:
        for seed in seeds:
            study = _Study(table, module, {**settings, **sizes}, seed=seed, cache=cache)
            lines += study.lines(shares)
            note = NOTE.format(trees=N_TREES, steps=steps, batch=batch_size)
            write_tally(out, "semisupervised", lines, markdown(lines, FIGURES) + note)
    log.info("%s\nthe study: %s", markdown(lines, FIGURES), out / "semisupervised.md")
    return lines


class _Study:
    """One table with one seed."""

    def __init__(
        self,
        table: Prepared,
        module: Callable[..., LightningModule],
        settings: Settings,
        *,
        seed: int,
        cache: Path,
    ) -> None:
        self.table, self.module, self.settings, self.seed = table, module, settings, seed
        self.cache = cache
        self.target = str(table.target)
        self.classes, self.truth = (
            part[self.target].cat.codes.to_numpy().astype(np.int64)
            for part in (table.train, table.test)
        )

    def lines(self, shares: Sequence[float]) -> Iterator[Line]:
        for share in shares:
            for name, predict in self._methods().items():
                cell = open_cell(
                    self.cache / "cells", contestant=name.replace(" ", ""), table=self.table.name,
                    seed=self.seed, configuration={"share": share, **self.settings},
                )  # fmt: skip
                line: Line = {
                    "table": self.table.title, "contestant": name, "rows": f"{share:.0%} of labels",
                    "seed": self.seed, "side": "ours",
                }  # fmt: skip
                yield {**line, **cell.once("scores", partial(self._scores, predict, share))}

    def _methods(self) -> dict[str, Callable[[NDArray[np.int64]], NDArray[np.float64]]]:
        weight = self.settings["adversarial"]
        return {
            SEMI: lambda known: self._net(known, adversarial=weight),
            ALONE: lambda known: self._net(known, adversarial=0.0),
            TREES: self._trees,
            MAJORITY: self._majority,
        }

    def _scores(
        self, predict: Callable[[NDArray[np.int64]], NDArray[np.float64]], share: float
    ) -> Figures:
        """Test accuracy and AUC of what learns from the labels of a random share of the rows."""
        n_known = max(round(share * len(self.classes)), 2)
        known = rng_at(self.seed, "semi-supervised", "labels").permutation(len(self.classes))
        chances = predict(known[:n_known])  # shares are nested: more labels are the same and others
        figures = {"accuracy": float((chances.argmax(axis=1) == self.truth).mean())}
        if chances.shape[1] == 2:
            return figures | {"auc": float(roc_auc_score(self.truth, chances[:, 1]))}
        return figures

    def _net(self, known: NDArray[np.int64], *, adversarial: float) -> NDArray[np.float64]:
        table, settings = self.table, dict(self.settings)
        steps, batch_size = settings.pop("steps"), settings.pop("batch_size")
        encoder = TableEncoder(
            table.schema, nominal="onehot", numeric="quantile_normal", levels=0, derive=True,
            conditional=True,
        ).fit(table.train)  # fmt: skip
        n_classes = len(table.schema[self.target].categories)
        with undisturbed():
            begin(seed=self.seed, threads=1)
            made: Any = self.module(
                layout=encoder.layout_,
                n_classes=n_classes,
                **{**settings, "adversarial": adversarial},
            )
            batches = LabelledSteps(
                encoder.encode_coded(table.train, seed=self.seed),
                torch.from_numpy(known),
                torch.from_numpy(self.classes[known]),
                batch_size=batch_size,
                n_steps=steps,
                seed=self.seed,
            )
            trainer = Trainer(
                max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False,
                enable_progress_bar=False, enable_model_summary=False,
            )  # fmt: skip
            trainer.fit(made, batches)
            rows = torch.from_numpy(encoder.encode(table.test, seed=self.seed))
            chances: NDArray[np.float64] = made.predict(rows).double().numpy()
        return chances

    def _trees(self, known: NDArray[np.int64]) -> NDArray[np.float64]:
        train, test = code_tables(train=self.table.train.iloc[known], test=self.table.test)
        kept = np.array([name != self.target for name in train.columns])
        nominal = train.is_nominal()[kept]
        model = boosted_classifier(seed=self.seed, threads=1, nominal=nominal, n_estimators=N_TREES)
        found, labels = np.unique(self.classes[known], return_inverse=True)
        chances = np.zeros((len(self.truth), len(self.table.schema[self.target].categories)))
        if len(found) == 1:
            chances[:, found] = 1.0
            return chances
        with threadpool_limits(1):
            model.fit(train.matrix()[:, kept], labels)
            chances[:, found] = model.predict_proba(test.matrix()[:, kept])
        return chances

    def _majority(self, known: NDArray[np.int64]) -> NDArray[np.float64]:
        n_classes = len(self.table.schema[self.target].categories)
        counts = np.bincount(self.classes[known], minlength=n_classes)
        return np.tile(counts / counts.sum(), (len(self.truth), 1))
