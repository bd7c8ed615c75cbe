"""The critic of n real classes plus fake (Salimans et al. 2016, section 5).

The fake class's logit is 0, which loses nothing: p(class k | x, real or fake) =
exp(l_k) / (1 + Z) with Z the sum of exp(l), hence D(x) = Z / (1 + Z) for real.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import softplus


def real_logits(class_logits: Tensor) -> Tensor:
    """Log-odds of real: log sum exp of a row's class logits, [n, n_classes] -> [n]."""
    return class_logits.logsumexp(dim=1)


def real_or_fake_loss(real: Tensor, fake: Tensor) -> Tensor:
    """-E log D(x) - E log(1 - D(G(z))), of class logits [n, n_classes] and [m, n_classes]."""
    return softplus(-real_logits(real)).mean() + softplus(real_logits(fake)).mean()


def moment_distance(real: Tensor, fake: Tensor) -> Tensor:
    """Feature matching |E f(x) - E f(G(z))|^2 (section 3.1), of features [n, width], [m, width].

    Divided by the width, so that it is of one size for narrow and wide features.
    """
    return (real.mean(dim=0) - fake.mean(dim=0)).square().mean()
