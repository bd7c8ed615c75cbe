"""The frontier generator: a mixture of products that learns to deviate from itself."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import RowLayout
from tabgan.nets.heads import Heads
from tabgan.nets.mixture import Mixture, fit_mixture, is_shared


class MixtureGenerator(nn.Module):
    """row = heads(T[k] + MLP(E[k], z, c)), k ~ p(k | condition): table plus residual (DESIGN 2.2).

    The MLP's last layer starts at zero, so with a fitted table step 0 is the mixture itself.
    Scalars are jointly normal around their places of the table, with widths of their own and the
    correlations of their component.

    Shape:
        noise: [batch, noise_dim]
        condition: [batch, condition_width]
        returns: rows [batch, row_width]
    """

    scalars: Tensor
    cumulative: Tensor
    log_scales: Tensor
    factors: Tensor

    def __init__(
        self,
        *,
        layout: RowLayout,
        condition_width: int,
        noise_dim: int,
        dropout: float,
        n_components: int,
        hidden_dim: int,
        temperature: float,
        hard: bool,
        warm: bool,
        smoothing: float,
        passes: int,
    ) -> None:
        super().__init__()
        self.layout, self.warm = layout, warm
        self.smoothing, self.passes = smoothing, passes
        self.table = nn.Embedding(n_components, layout.width)
        self.component = nn.Embedding(n_components, hidden_dim)
        self.noise = nn.Linear(noise_dim, hidden_dim)
        self.condition = nn.Linear(condition_width, hidden_dim) if condition_width else None
        self.trunk = nn.Sequential(
            nn.LeakyReLU(0.2),
            nn.Dropout(dropout),
            nn.Linear(hidden_dim, hidden_dim),
            nn.LeakyReLU(0.2),
        )
        scalars = layout.places("continuous")
        self.register_buffer("scalars", torch.tensor(scalars, dtype=torch.long), persistent=False)
        self.deviation = nn.Linear(hidden_dim, layout.width)
        self.widening = nn.Linear(hidden_dim, len(scalars)) if scalars else None
        uniform = torch.arange(1, n_components + 1, dtype=torch.float64) / n_components
        self.register_buffer("cumulative", uniform.repeat(max(condition_width, 1), 1))
        self.register_buffer("log_scales", torch.zeros(n_components, len(scalars)))
        n_factors = 1 if is_shared(len(scalars)) else n_components
        self.register_buffer("factors", torch.eye(len(scalars)).repeat(n_factors, 1, 1))
        self.heads = Heads(layout=layout, temperature=temperature, hard=hard)
        for layer in (self.deviation, self.widening):
            if layer is not None:
                nn.init.zeros_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(
        self, noise: Tensor, condition: Tensor, rng: torch.Generator | None = None
    ) -> Tensor:
        component = self.draw_components(condition, rng)  # [batch]
        return self.draw_rows(component, *self.outputs(component, noise, condition), rng)

    def outputs(
        self, component: Tensor, noise: Tensor, condition: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        """What the columns are drawn from once component and noise are given.

        Shape:
            component: int64 [batch]
            returns: raw [batch, row_width], logits and means; log_scales [batch, n_scalars] of the
                scalars, in the order of ``scalars``, or None without any
        """
        hidden = self.component(component) + self.noise(noise)
        if self.condition is not None:
            hidden = hidden + self.condition(condition)
        hidden = self.trunk(hidden)  # [batch, hidden_dim]
        raw = self.table(component) + self.deviation(hidden)
        if self.widening is None:
            return raw, None
        # Bounded: a width that runs away is seen by no critic in time, and ends in NaN.
        return raw, self.log_scales[component] + torch.tanh(self.widening(hidden))

    def draw_rows(
        self,
        component: Tensor,
        raw: Tensor,
        log_scales: Tensor | None,
        rng: torch.Generator | None = None,
    ) -> Tensor:
        """Rows [batch, row_width] from what ``outputs`` gave."""
        if log_scales is not None:
            free = torch.randn(log_scales.shape, generator=rng, device=log_scales.device)
            together = (self.component_factors(component) @ free[:, :, None]).squeeze(2)
            raw = raw.index_add(1, self.scalars, log_scales.exp() * together)
        return self.heads(raw, rng)

    def component_factors(self, component: Tensor) -> Tensor:
        """L of each, [batch or 1, n_scalars, n_scalars]: L L^T are its scalars' correlations."""
        return self.factors if is_shared(len(self.scalars)) else self.factors[component]

    def component_shares(self) -> Tensor:
        """p(k | class), float64 [classes, n_components]; one class without a condition."""
        return self.cumulative.diff(dim=1, prepend=torch.zeros_like(self.cumulative[:, :1]))

    def draw_components(self, condition: Tensor, rng: torch.Generator | None = None) -> Tensor:
        """Int64 [batch], k ~ p(k | condition): the inverse of the cumulative shares."""
        classes, n_components = self.cumulative.shape
        label = condition.argmax(dim=1) if condition.shape[1] else 0
        uniform = torch.rand(len(condition), generator=rng, device=condition.device)
        # Class c's shares end at c + 1, so that all classes are one ascending sequence.
        shelf = self.cumulative + torch.arange(classes, device=condition.device)[:, None]
        drawn = torch.searchsorted(shelf.flatten(), uniform.double() + label)
        return (drawn - label * n_components).clamp(0, n_components - 1)

    def warm_start(
        self,
        rows: Tensor | CodedRows,
        condition: Tensor,
        validation: tuple[Tensor | CodedRows, Tensor],
        rng: torch.Generator,
    ) -> None:
        """Fit the mixture by EM and start from it; without ``warm`` the table stays random."""
        if not self.warm:
            return
        mixture = fit_mixture(
            rows,
            condition,
            validation,
            self.layout,
            n_components=self.table.num_embeddings,
            smoothing=self.smoothing,
            passes=self.passes,
            rng=rng,
        )
        self.load_mixture(mixture)

    @torch.no_grad()
    def load_mixture(self, mixture: Mixture) -> None:
        """Take a mixture's parameters over."""
        self.table.weight.copy_(mixture.centres)
        self.log_scales.copy_(mixture.log_scales)
        self.factors.copy_(mixture.factors)
        self.cumulative.copy_(mixture.log_weights.double().exp().cumsum(dim=0).T)
