"""Randomness is an address: every draw is a function of (seed, address)."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

AddressPart = int | str


def seed_at(seed: int, *address: AddressPart) -> int:
    """A 63-bit seed for the address ``(seed, *address)``; different addresses do not collide."""
    words = [zlib.crc32(part.encode()) if isinstance(part, str) else part for part in address]
    low, high = np.random.SeedSequence([seed, *words]).generate_state(2)
    return int(low) | (int(high) & 0x7FFFFFFF) << 32


def seed32(seed: int) -> int:
    """A seed for libraries that take 32 bits: itself, or, where it is larger, a hash of it."""
    return seed if seed < 2**32 else seed_at(seed, "32 bits") % 2**32


def rng_at(seed: int, *address: AddressPart) -> np.random.Generator:
    """Numpy's generator at the address ``(seed, *address)``."""
    return np.random.default_rng(seed_at(seed, *address))


def generator_at(
    seed: int, *address: AddressPart, device: torch.device | str = "cpu"
) -> torch.Generator:
    """Torch's generator at the address ``(seed, *address)``."""
    import torch  # here, because reading and splitting tables needs numpy only

    return torch.Generator(device).manual_seed(seed_at(seed, *address))
