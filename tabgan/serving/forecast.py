"""What a training will take, told before it begins: sizes, memory, time."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.table import Table
from torch import nn

from tabgan.encoding.coded import CodedRows
from tabgan.errors import TabganError

if sys.platform != "win32":
    import resource

GIB = 2.0**30
FLOAT = 4  # bytes
SHARE = 0.9  # of the memory that this process may still get
POOL_ROWS, POOL_COPIES = 240_000, 4  # of the refiner; float64
ADVICE = {
    "table": "drop columns (data.drop)",
    "nets and optimizers": "lower encoder.levels or a hidden_dim",
    "training step": "lower data.batch_size or encoder.levels",
    "refiner": "lower refiner.pool_factor",
}

# Seconds, of one core. Products are timed here and now; the rest was measured once.
STEP_SECONDS, STEP_FACTOR = 4e-3, 2.0  # of a step besides its products; of its products
TREE_SECONDS = 7e-6  # per row, column and round of what boosted trees are fitted for


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """What a training's memory and time follow from.

    Attributes:
        rows: the training rows, encoded.
        n_columns: columns of the table.
        condition_width: classes of the condition.
        generator, critic: the nets.
        batch_size, steps: rows of a step, and generator steps.
        rounds, pool_factor: of the refiner.
    """

    rows: CodedRows
    n_columns: int
    condition_width: int
    generator: nn.Module
    critic: nn.Module
    batch_size: int
    steps: int
    rounds: int
    pool_factor: float

    @property
    def width(self) -> int:
        return self.rows.layout.width

    @property
    def pool_rows(self) -> float:
        """Rows that a round of the refiner is fitted on."""
        return min(self.pool_factor * len(self.rows), POOL_ROWS) + len(self.rows)


def memory_parts(sizes: Sizes) -> dict[str, float]:
    """Bytes that are yet to be taken, by what takes them; an upper bound, within a third."""
    generator, critic = count_parameters(sizes.generator), count_parameters(sizes.critic)
    return {
        # copies on their way to batches, and the refiner's numbers
        "table": len(sizes.rows) * (sizes.n_columns * 8.0 + sizes.condition_width * FLOAT),
        # gradient and two moments of Adam, of both; the generator's average is there already
        "nets and optimizers": FLOAT * 3.0 * (generator + critic),
        "training step": FLOAT * (12.0 * sizes.batch_size * sizes.width),
        "refiner": 8.0 * POOL_COPIES * sizes.pool_rows * sizes.n_columns * bool(sizes.rounds),
    }


def expected_seconds(sizes: Sizes, products_per_second: float) -> dict[str, float]:
    """Seconds of the training and the refiner, roughly.

    A step multiplies a batch with the generator's matrices four times (a pass for the critic; a
    pass and its gradients), with the critic's thirteen times (real and generated rows, gradients,
    a quarter of a penalty's).
    """
    per_row = 4 * _in_products(sizes.generator) + 13 * _in_products(sizes.critic)
    products = 2 * sizes.batch_size * per_row / products_per_second
    return {
        "training": sizes.steps * (STEP_SECONDS + STEP_FACTOR * products),
        "refiner": sizes.rounds * sizes.pool_rows * sizes.n_columns * TREE_SECONDS,
    }


def forecast_table(sizes: Sizes) -> Table:
    """The forecast for people, as one table."""
    parts, seconds = memory_parts(sizes), expected_seconds(sizes, measured_products())
    shown = Table(title="forecast", title_justify="left", show_header=False)
    shown.add_row("rows", f"{len(sizes.rows):,}")
    shown.add_row("row width", f"{sizes.width:,} places, {len(sizes.rows.layout.blocks)} blocks")
    shown.add_row("condition width", f"{sizes.condition_width:,}")
    for name, net in (("generator", sizes.generator), ("critic", sizes.critic)):
        shown.add_row(name, f"{count_parameters(net):,} parameters")
    shown.add_row("steps", f"{sizes.steps:,} of {sizes.batch_size:,} rows")
    sizes_now = {"now": taken()} | parts
    listed = ", ".join(f"{k} {size / GIB:.2f}" for k, size in sizes_now.items() if size > GIB / 200)
    total = sum(sizes_now.values()) / GIB
    shown.add_row("memory", f"about {total:.2f} GiB: {listed}")
    times = ", ".join(f"{name} {spent:,.0f}" for name, spent in seconds.items() if spent >= 1)
    shown.add_row("time", f"roughly {sum(seconds.values()):,.0f} s{': ' + times if times else ''}")
    return shown


def check_memory(sizes: Sizes, limit: float | None) -> None:
    """Stop before anything is taken that is not there.

    Args:
        sizes: of the training.
        limit: GiB; None for 90 % of what the machine can give to this process.

    Raises:
        TabganError: saying what is expected, what is largest, and what would make it smaller.
    """
    parts = memory_parts(sizes)
    total = sum(parts.values()) + taken()
    allowed = SHARE * (available() + taken()) if limit is None else limit * GIB
    if total > allowed:
        largest = max(parts, key=lambda name: parts[name])
        wide = sorted(sizes.rows.layout.blocks, key=lambda block: -block.width)[:3]
        raise TabganError(
            f"memory: about {total / GIB:.1f} GiB expected, the limit is {allowed / GIB:.1f} "
            f"(memory_limit); the largest part is the {largest}, {parts[largest] / GIB:.1f} GiB: "
            f"{ADVICE[largest]}; of {sizes.width:,} places in a row "
            + ", ".join(f"{block.column!r} has {block.width:,}" for block in wide)
        )


def count_parameters(net: nn.Module) -> int:
    """Trainable numbers of a net."""
    return sum(parameter.numel() for parameter in net.parameters() if parameter.requires_grad)


def measured_products() -> float:
    """Floating point operations a second of this machine's matrix products; no random number."""
    ones, best = torch.ones(512, 512), float("inf")
    for _ in range(5):
        began = time.perf_counter()
        ones @ ones
        best = min(best, time.perf_counter() - began)
    return 2 * 512.0**3 / best


def taken() -> float:
    """The most bytes that this process has held so far; 0 on Windows, which does not tell."""
    if sys.platform == "win32":
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1.0 if sys.platform == "darwin" else 1024.0)


def available() -> float:
    """Bytes that this process may still get: the machine's, or its container's if less."""
    if sys.platform == "win32":
        return float("inf")
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") - taken()]
    meminfo = Path("/proc/meminfo")
    if meminfo.is_file():
        lines = dict(line.split(":", 1) for line in meminfo.read_text("utf-8").splitlines())
        found.append(1024.0 * int(lines["MemAvailable"].split()[0]))
    limits = [Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")]
    texts = [path.read_text("utf-8").strip() for path in limits if path.is_file()]
    if len(texts) == 2 and texts[0].isdigit():
        found.append(float(texts[0]) - float(texts[1]))
    return max(min(found), 0.0)


def _in_products(net: nn.Module) -> int:
    """Weights that every row is multiplied with: those of linear layers, not of lookup tables."""
    linear = (layer for layer in net.modules() if isinstance(layer, nn.Linear))
    return sum(layer.weight.numel() for layer in linear)
