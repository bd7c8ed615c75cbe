"""Rows under conditions by a conditional vector, which requests the rarest value of them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tabgan.encoding.table import TableEncoder
from tabgan.models.protocol import VectorModel
from tabgan.sampling.regions import Region, Regions
from tabgan.sampling.requests import Request
from tabgan.seeding import AddressPart, generator_at


class VectorDraws:
    """Tries, of which those as requested have yet to be found: a generator may not comply.

    A vector can ask for one column alone. Of those that a condition names it is the one whose
    allowed values the fewest training rows have; a condition on numbers alone is not requested.

    Args:
        module: the generator.
        encoder: of its rows.
        request: the conditions.
        weights: float64 [n_conditions, classes], the classes' shares, 0 where forbidden.

    Raises:
        TabganError: for a condition that no row can satisfy.
    """

    rate = 1.0

    def __init__(
        self,
        module: VectorModel,
        encoder: TableEncoder,
        request: Request,
        weights: NDArray[np.float64],
    ) -> None:
        self.module, self.encoder, self.weights = module, encoder, torch.from_numpy(weights)
        regions = Regions(encoder, request).of
        self.allowed = torch.stack([self._allowed(requested) for requested in regions])

    def draw(
        self, requested: NDArray[np.int64], address: tuple[int, *tuple[AddressPart, ...]]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """One row per entry of ``requested``, a condition's position; and ``requested`` again."""
        device = self.module.device
        rng = generator_at(*address, device=device)
        condition = torch.empty(len(requested), 0, device=device)
        if self.weights.shape[1]:
            drawn = torch.multinomial(self.weights[requested].to(device), 1, generator=rng)[:, 0]
            condition = torch.eye(self.weights.shape[1], device=device)[drawn]
        allowed = self.allowed[requested].to(device)
        vector = self.module.conditional_vector.draw_among(allowed, condition, rng)
        rows = self.module.draw(torch.cat([vector, condition], dim=1), rng).to(torch.device("cpu"))
        return self.encoder.decode_numbers(rows, condition.cpu().numpy()), requested

    def _allowed(self, regions: dict[str, Region]) -> Tensor:
        """The positions of the vector to draw from, bool [width]."""
        vector = self.module.conditional_vector
        counts = vector.counts.sum(dim=0).cpu()
        rarest, fewest = torch.ones(vector.width, dtype=torch.bool), torch.inf
        for block, start in zip(vector.blocks, vector.starts, strict=True):
            if block.column in regions:
                positions = torch.zeros(vector.width, dtype=torch.bool)
                positions[start : start + block.width] = torch.from_numpy(
                    regions[block.column].codes
                )
                n_rows = float(counts[positions].sum())
                rarest, fewest = (positions, n_rows) if n_rows < fewest else (rarest, fewest)
        return rarest
