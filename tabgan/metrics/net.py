"""A net that tells two tables apart; it sees smooth faults that the steps of trees blur."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from tabgan.metrics.coding import CodedTable
from tabgan.metrics.drawing import random_state
from tabgan.system.arithmetic import exact_products

HIDDEN, DROPOUT = 256, 0.3
BATCH_SIZE, LR, DECAY = 256, 1e-3, 1e-4
MAX_EPOCHS, PATIENCE = 60, 5  # epochs without a lower loss on the inner cut
FOLDS, INNER = 3, 8  # one row in eight of a fold's training rows says when to stop
FREQUENCIES = (1.0, 2.0, 4.0, 8.0)
MOST_CATEGORIES = 255  # of a column; rarer ones are one input together

Floats = NDArray[np.float32]


def net_auc(real: CodedTable, synthetic: CodedTable, *, seed: int) -> float:
    """ROC AUC of a net between two tables of equal size, the mean over 3 folds; in [0, 1].

    Two hidden layers of 256 with dropout .3, stopped early on an eighth of each fold's training
    rows; one-hot categories, and of numbers the normal quantile of their rank (Gorishniy, Rubachev
    & Babenko 2022 add sines and cosines to numbers; so does this). On one thread, with seeds of
    its own: torch's generator is left as it was.
    """
    rows = torch.from_numpy(net_inputs(real, synthetic))
    labels = np.repeat([0, 1], [real.n_rows, synthetic.n_rows])
    state = random_state(seed, "c2st", "net")
    cut = StratifiedKFold(FOLDS, shuffle=True, random_state=state)
    aucs = []
    with _apart(state):
        for fitted, held in cut.split(labels, labels):
            net = _fitted(rows, torch.from_numpy(labels).float(), torch.from_numpy(fitted))
            aucs.append(roc_auc_score(labels[held], net(rows[held])[:, 0].detach().numpy()))
    return float(np.mean(aucs))


def net_width(table: CodedTable) -> int:
    """The largest number of inputs that ``net_inputs`` makes of such a table."""
    of_codes = sum(min(size, MOST_CATEGORIES + 1) for size in table.sizes.values())
    return of_codes + (2 + 2 * len(FREQUENCIES)) * len(table.numbers)


def net_inputs(real: CodedTable, synthetic: CodedTable) -> Floats:
    """Both tables' rows, one below the other, as the net sees them: float32 [n, width]."""
    blocks = [
        _one_hot(np.concatenate([real.codes[name], synthetic.codes[name]]))
        if name in real.codes
        else _waves(np.concatenate([real.numbers[name], synthetic.numbers[name]]))
        for name in real.columns
    ]
    return np.concatenate(blocks, axis=1, dtype="float32")


def _one_hot(codes: NDArray[np.int64]) -> Floats:
    """An indicator per category that occurs, the rarest of very many together."""
    found, positions, counts = np.unique(codes, return_inverse=True, return_counts=True)
    rank = np.argsort(np.argsort(-counts, kind="stable"))
    width = min(len(found), MOST_CATEGORIES + 1)
    return np.eye(width, dtype="float32")[np.minimum(rank, width - 1)[positions]]


def _waves(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The normal quantile of each value's rank, its sines and cosines, and a flag for missing."""
    missing = np.isnan(values)
    quantile = (rankdata(values, nan_policy="omit") - 0.5) / max((~missing).sum(), 1)
    normal = np.where(missing, 0.0, ndtri(quantile))
    waves = [wave(f * normal) for f in FREQUENCIES for wave in (np.sin, np.cos)]
    return np.column_stack([normal, missing, *waves])


def _fitted(rows: Tensor, labels: Tensor, positions: Tensor) -> nn.Module:
    """The net of the epoch with the lowest loss on the inner cut, in eval mode."""
    order = positions[torch.randperm(len(positions))]
    inner, kept = order[: len(order) // INNER], order[len(order) // INNER :]
    net = _net(rows.shape[1])
    optimizer = torch.optim.AdamW(net.parameters(), lr=LR, weight_decay=DECAY)
    best, best_loss, best_epoch = net, float("inf"), 0
    for epoch in range(MAX_EPOCHS):
        net.train()
        for batch in kept[torch.randperm(len(kept))].split(BATCH_SIZE):
            optimizer.zero_grad()
            binary_cross_entropy_with_logits(net(rows[batch])[:, 0], labels[batch]).backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            loss = float(binary_cross_entropy_with_logits(net(rows[inner])[:, 0], labels[inner]))
        if loss < best_loss:
            best, best_loss, best_epoch = deepcopy(net), loss, epoch
        elif epoch - best_epoch >= PATIENCE:
            break
    return best


def _net(width: int) -> nn.Sequential:
    return nn.Sequential(
        *(nn.Linear(width, HIDDEN), nn.ReLU(), nn.Dropout(DROPOUT)),
        *(nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Dropout(DROPOUT)),
        nn.Linear(HIDDEN, 1),
    )


@contextmanager
def _apart(seed: int) -> Iterator[None]:
    """One thread, float32's own products and a seed for a while: the same figure in any process."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with exact_products(), torch.random.fork_rng(devices=[]), torch.enable_grad():
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads)
