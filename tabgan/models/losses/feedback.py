"""A generator that hears some of its critics (Dropout-GAN, Mordido et al. 2018)."""

from __future__ import annotations

import torch
from torch import Tensor

from tabgan.models.losses.adversarial import AdversarialLoss


def dropping(loss: AdversarialLoss, *, n_critics: int, dropout: float) -> AdversarialLoss:
    """Min over G of sum_k delta_k V(G, D_k) / sum_k delta_k, delta_k ~ Bernoulli(1 - dropout).

    ``delta`` is drawn once a batch; where all are 0, one critic drawn evenly is kept. Critics
    learn whether they are heard or not. The paper sums over the critics that are heard; their mean
    leaves the loss as large as one critic's.

    Args:
        loss: of logits [batch * n_critics], those of one row side by side
            (``models.nets.ensemble``).
        n_critics: K, at least 1.
        dropout: d in [0, 1).
    """

    def generator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        heard = heard_critics(n_critics, dropout).to(fake_logits.device)
        real, fake = (
            logits.reshape(-1, n_critics)[:, heard].flatten()
            for logits in (real_logits, fake_logits)
        )
        return loss.generator(real, fake)

    return loss._replace(generator=generator)


def heard_critics(n_critics: int, dropout: float) -> Tensor:
    """Bool [n_critics], each True with probability 1 - dropout, at least one of them."""
    heard = torch.rand(n_critics) >= dropout
    if not heard.any():
        heard[torch.randint(n_critics, ())] = True
    return heard
