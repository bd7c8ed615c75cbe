"""The likelihood of rows, held against torch's own distributions."""

import pytest
import torch
from torch.distributions import Categorical, MultivariateNormal, kl_divergence

from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import RowLayout
from tabgan.nets.likelihood import RowDistribution
from tabgan.nets.mixture_generator import MixtureGenerator

LAYOUT = RowLayout.from_widths(
    [("a", "discrete", 3), ("x", "continuous", 1), ("b", "discrete", 2), ("y", "continuous", 1)]
)
SPANS, SCALARS = (slice(0, 3), slice(4, 6)), [3, 6]
N = 7


@pytest.fixture
def net():
    """Two components, whose scalars are correlated, each in its own way."""
    net = MixtureGenerator(
        layout=LAYOUT, condition_width=0, noise_dim=2, dropout=0.0, n_components=2, hidden_dim=4,
        temperature=1.0, hard=True, warm=False, smoothing=1.0, passes=1,
    )  # fmt: skip
    net.factors.copy_(torch.tensor([[[1.0, 0.0], [0.6, 0.8]], [[1.0, 0.0], [-0.8, 0.6]]]))
    return net


def outputs(seed):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(N, LAYOUT.width, generator=rng), 0.3 * torch.randn(N, 2, generator=rng)


def scalars_of(net, component, raw, log_scales):
    factors = log_scales.exp()[:, :, None] * net.factors[component]
    return MultivariateNormal(raw[:, SCALARS], scale_tril=factors)


COMPONENT = torch.tensor([0, 1, 1, 0, 0, 1, 0])


def test_the_likelihood_is_that_of_independent_categories_and_joint_scalars(net):
    raw, log_scales = outputs(0)
    rng = torch.Generator().manual_seed(1)
    codes = torch.stack([torch.randint(w, (N,), generator=rng) for w in (3, 2)], dim=1)
    scalars = torch.randn(N, 2, generator=rng)
    expected = scalars_of(net, COMPONENT, raw, log_scales).log_prob(scalars)
    for place, span in enumerate(SPANS):
        expected = expected + Categorical(logits=raw[:, span]).log_prob(codes[:, place])
    rows = CodedRows(layout=LAYOUT, codes=codes.to(torch.int16), scalars=scalars)
    found = RowDistribution.of(net, COMPONENT, raw, log_scales).log_likelihood(rows)
    torch.testing.assert_close(found, expected)


def test_the_expected_likelihood_is_minus_entropy_and_divergence(net):
    now, before = outputs(0), outputs(2)
    q, p = scalars_of(net, COMPONENT, *now), scalars_of(net, COMPONENT, *before)
    expected = -p.entropy() - kl_divergence(p, q)  # E_p[log q]
    for span in SPANS:
        q, p = Categorical(logits=now[0][:, span]), Categorical(logits=before[0][:, span])
        expected = expected - p.entropy() - kl_divergence(p, q)
    now, before = (RowDistribution.of(net, COMPONENT, *each) for each in (now, before))
    torch.testing.assert_close(now.expected_log_likelihood(before), expected)
