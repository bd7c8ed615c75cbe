"""Training rows with as many of each class: SMOTE (Chawla et al. 2002)."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tabgan.encoding.coded import CodedRows
from tabgan.errors import TabganError, nearest
from tabgan.seeding import seed_at

log = logging.getLogger(__name__)

METHODS = ("smote",)
NEIGHBOURS = 5  # SMOTE's k
FEWEST = 2  # rows of a class to interpolate between


def check_balance(balance: str | None) -> None:
    """Refuse a way that nobody knows.

    Raises:
        TabganError: naming the nearest.
    """
    if balance is not None and balance not in METHODS:
        raise TabganError(f"data.balance={balance}: unknown; {nearest(balance, METHODS)}, or null")


def balanced(rows: CodedRows, condition: Tensor, *, seed: int) -> tuple[CodedRows, Tensor]:
    """The rows and, behind them, made ones of each smaller class, until all are equally many.

    Made in the encoded row: scalars lie between those of a row and of one of its 5 nearest of the
    class, codes are the neighbours' most frequent (SMOTENC; SMOTE where all is scalars, SMOTEN
    where nothing is). Rows the encoder gave a missing value its own code keep it so.

    Args:
        rows: encoded training rows.
        condition: one-hot [n, n_classes].
        seed: of the choice.

    Raises:
        TabganError: without classes, or for a class of a single row.
    """
    if condition.shape[1] < FEWEST:
        raise TabganError(
            "data.balance=smote: expected a nominal target as the condition, for its classes are "
            "what is balanced; give data.target=<column> and a model that is conditioned on it, "
            "as cgan_basic; of model=cgan any mix of classes is drawn (tabgan.sample mix=...)"
        )
    labels = condition.argmax(dim=1).numpy()
    counts = np.bincount(labels)
    fewest = int(counts[counts > 0].min())
    if fewest < FEWEST:
        raise TabganError(
            f"data.balance=smote: class {int(np.flatnonzero(counts == fewest)[0])} of the target "
            f"has {fewest} training row; SMOTE lies between two"
        )
    neighbours = min(NEIGHBOURS, fewest - 1)
    if neighbours < NEIGHBOURS:
        log.info("SMOTE: k=%s neighbours, for a class has %s rows", neighbours, fewest)
    made, classes = _resampled(rows, labels, neighbours, seed)
    log.info("SMOTE: %s rows of %s are made", f"{len(made) - len(rows):,}", f"{len(made):,}")
    return made, torch.eye(condition.shape[1])[torch.from_numpy(classes)]


def _resampled(
    rows: CodedRows, labels: NDArray[np.int64], neighbours: int, seed: int
) -> tuple[CodedRows, NDArray[np.int64]]:
    n_scalars = rows.scalars.shape[1]
    codes, scalars = rows.codes.numpy(), rows.scalars.numpy()
    joined = np.hstack([scalars, codes.astype(scalars.dtype)])
    sampler = _sampler(n_scalars, codes.shape[1], neighbours, seed_at(seed, "balance") % 2**32)
    made, classes = sampler.fit_resample(joined, labels)
    coded = CodedRows(
        layout=rows.layout,
        codes=torch.from_numpy(made[:, n_scalars:].astype(codes.dtype)),
        scalars=torch.from_numpy(made[:, :n_scalars].astype(scalars.dtype)),
    )
    return coded, classes


def _sampler(n_scalars: int, n_codes: int, neighbours: int, seed: int) -> Any:
    try:  # here, for it is an extra, and only a balanced training waits the second that it takes
        from imblearn.over_sampling import SMOTE, SMOTEN, SMOTENC
    except ImportError as error:
        raise TabganError(
            "data.balance=smote needs imbalanced-learn: pip install 'tabgan-lightning[imbalance]'"
        ) from error
    settings = {"k_neighbors": neighbours, "random_state": seed}
    if not n_codes:
        return SMOTE(**settings)
    if not n_scalars:
        return SMOTEN(**settings)
    return SMOTENC(list(range(n_scalars, n_scalars + n_codes)), **settings)
