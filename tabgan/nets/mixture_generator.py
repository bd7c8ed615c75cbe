"""The frontier generator: a mixture of products that learns to deviate from itself."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, linear

from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import RowLayout
from tabgan.nets.heads import Heads
from tabgan.nets.mixture import Mixture, fit_mixture, is_shared

SLOPE = 0.2  # of the leaky ReLUs
DRAW_ROWS = 2_500  # at once: what is made of them stays in the processor's cache


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether it is a CPU that multiplies bfloat16 itself: twice as fast as float32, or more."""
    capabilities = getattr(torch.cpu, "get_capabilities", dict)  # older torch does not tell
    has: dict[str, bool] = capabilities()
    return device.type == "cpu" and bool(has.get("avx512_bf16") or has.get("amx_bf16"))


class MixtureGenerator(nn.Module):
    """row = heads(T[k] + MLP(E[k], z, c)), k ~ p(k | condition): table plus residual.

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
            nn.LeakyReLU(SLOPE),
            nn.Dropout(dropout),
            nn.Linear(hidden_dim, hidden_dim),
            nn.LeakyReLU(SLOPE),
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

    @torch.no_grad()
    def draw(
        self, noise: Tensor, condition: Tensor, rng: torch.Generator | None = None
    ) -> CodedRows:
        """Rows as codes, by bfloat16 products where the CPU has them: logits to three digits."""
        kind = torch.bfloat16 if multiplies_bfloat16(noise.device) else torch.float32
        component = self.draw_components(condition, rng)
        inputs, layers = noise, [self.noise, self.trunk[2], self.deviation]
        weights: list[Tensor] = [cast(nn.Linear, layer).weight for layer in layers]
        biases: list[Tensor] = [cast(nn.Linear, layer).bias for layer in layers]
        if self.condition is not None:  # both as one product
            inputs = torch.cat([noise, condition], dim=1)
            weights[0] = torch.cat([weights[0], self.condition.weight], dim=1)
            biases[0] = biases[0] + self.condition.bias
        weights = [weight.to(kind) for weight in weights]
        biases = [bias.to(kind) for bias in biases]
        components = self.component.weight.to(kind)
        rows = CodedRows.empty(len(noise), self.layout, device=noise.device)
        for start in range(0, len(noise), DRAW_ROWS):
            some = component[start : start + DRAW_ROWS]
            hidden = linear(inputs[start : start + DRAW_ROWS].to(kind), weights[0], biases[0])
            hidden = leaky_relu(hidden.add_(components.index_select(0, some)), SLOPE, inplace=True)
            hidden = leaky_relu(linear(hidden, weights[1], biases[1]), SLOPE, inplace=True)
            raw = self.table(some).add_(linear(hidden, weights[2], biases[2]))
            self._draw_scalars(raw, some, hidden.float(), rng)
            rows.write(start, self.heads.draw(raw, rng))
        return rows

    def _draw_scalars(
        self, raw: Tensor, component: Tensor, hidden: Tensor, rng: torch.Generator | None
    ) -> None:
        """Overwrite the scalars in ``raw`` with draws, in full precision: they will be seen."""
        log_scales = self.widths(component, hidden)
        if log_scales is not None:
            weight, bias = self.deviation.weight[self.scalars], self.deviation.bias[self.scalars]
            centres = self.table.weight[:, self.scalars].index_select(0, component)
            means = centres + linear(hidden, weight, bias)
            raw[:, self.scalars] = means + self.draw_deviations(component, log_scales, rng)

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
        return self.table(component) + self.deviation(hidden), self.widths(component, hidden)

    def widths(self, component: Tensor, hidden: Tensor) -> Tensor | None:
        """Log standard deviations of the scalars [batch, n_scalars]; None without any."""
        if self.widening is None:
            return None
        # Bounded: a width that runs away is seen by no critic in time, and ends in NaN.
        return self.log_scales.index_select(0, component) + torch.tanh(self.widening(hidden))

    def draw_rows(
        self,
        component: Tensor,
        raw: Tensor,
        log_scales: Tensor | None,
        rng: torch.Generator | None = None,
    ) -> Tensor:
        """Rows [batch, row_width] from what ``outputs`` gave."""
        rows: Tensor = self.heads(self._with_scalars(component, raw, log_scales, rng), rng)
        return rows

    def draw_codes(
        self,
        component: Tensor,
        raw: Tensor,
        log_scales: Tensor | None,
        rng: torch.Generator | None = None,
    ) -> CodedRows:
        """Exact draws as codes from what ``outputs`` gave: the rows of eval mode, others."""
        return self.heads.draw(self._with_scalars(component, raw, log_scales, rng), rng)

    def _with_scalars(
        self,
        component: Tensor,
        raw: Tensor,
        log_scales: Tensor | None,
        rng: torch.Generator | None,
    ) -> Tensor:
        """``raw`` with its scalars drawn instead of their means."""
        if log_scales is None:
            return raw
        return raw.index_add(1, self.scalars, self.draw_deviations(component, log_scales, rng))

    def draw_deviations(
        self, component: Tensor, log_scales: Tensor, rng: torch.Generator | None
    ) -> Tensor:
        """The scalars' draws less their means, [batch, n_scalars]."""
        free = torch.randn(log_scales.shape, generator=rng, device=log_scales.device)
        together = (self.component_factors(component) @ free[:, :, None]).squeeze(2)
        return log_scales.exp() * together

    def component_factors(self, component: Tensor) -> Tensor:
        """L of each, [batch or 1, n_scalars, n_scalars]: L L^T are its scalars' correlations."""
        return (
            self.factors
            if is_shared(len(self.scalars))
            else self.factors.index_select(0, component)
        )

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
        self.take_shares(mixture.log_weights.double().exp().T)

    @torch.no_grad()
    def take_shares(self, shares: Tensor) -> None:
        """Draw components by these shares p(k | class), float64 [classes, n_components]."""
        self.cumulative.copy_(shares.cumsum(dim=1))
