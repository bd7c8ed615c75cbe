"""The size and memory of a training, estimated before it begins."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from tabgan.encoding.coded import CodedRows
from tabgan.errors import TabganError

if sys.platform != "win32":
    import resource

GIB = 2.0**30
FLOAT = 4  # bytes
SHARE = 0.9  # of the memory that this process may still get
DRAWN_ROWS, DRAWN_COPIES = 10_000, 3  # at once, and of their inputs; float32
POOL_ROWS, POOL_COPIES = 240_000, 6  # of rounds and refiner; float64
MOMENTS = 3.0  # numbers beside each weight: its gradient, and two moments of Adam
COPIES = {  # and beside one of a generator: the likeliest, those of a round's begin, products
    "generator": 20.0
}
LIBRARIES = 0.1 * GIB  # of trees, statistics and pictures, which are loaded while it trains
ADVICE = {
    "table": "drop columns (data.drop)",
    "nets and optimizers": "lower encoder.levels or a hidden_dim",
    "training step": "lower data.batch_size or encoder.levels",
    "drawing": "lower encoder.levels",
    "rounds and refiner": "lower refiner.pool_factor",
    "libraries": "raise memory_limit",
}


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """The sizes from which a training's memory follows.

    Attributes:
        rows: the training rows, encoded.
        n_columns: columns of the table.
        condition_width: classes of the condition.
        nets: those that learn, by name.
        batch_size, steps: rows of a step, and generator steps.
        pool_factor: generated rows per real one, that critics of trees learn from; 0 for none.
    """

    rows: CodedRows
    n_columns: int
    condition_width: int
    nets: Mapping[str, nn.Module]
    batch_size: int
    steps: int
    pool_factor: float

    @property
    def width(self) -> int:
        return self.rows.layout.width

    @property
    def pool_rows(self) -> float:
        """Rows that critics of trees are fitted on."""
        return min(self.pool_factor * len(self.rows), POOL_ROWS) + len(self.rows)


def memory_parts(sizes: Sizes) -> dict[str, float]:
    """Bytes that are yet to be taken, by what takes them; all together right within 15 %."""
    copies = {name: COPIES.get(name, MOMENTS) for name in sizes.nets}
    return {
        # copies on their way to batches, and the refiner's numbers
        "table": len(sizes.rows) * (sizes.n_columns * 8.0 + sizes.condition_width * FLOAT),
        "nets and optimizers": FLOAT
        * sum(copies[name] * count_parameters(net) for name, net in sizes.nets.items()),
        "training step": FLOAT * (12.0 * sizes.batch_size * sizes.width),
        "drawing": FLOAT * DRAWN_COPIES * min(DRAWN_ROWS, sizes.pool_rows) * sizes.width,
        "rounds and refiner": 8.0 * POOL_COPIES * sizes.pool_rows * sizes.n_columns,
        "libraries": LIBRARIES,
    }


def estimate(sizes: Sizes) -> str:
    """The estimate of a training's steps, sizes and memory, in one line."""
    sizes_now = {"now": taken()} | memory_parts(sizes)
    listed = ", ".join(f"{k} {size / GIB:.2f}" for k, size in sizes_now.items() if size > GIB / 200)
    numbers = {name: count_parameters(net) for name, net in sizes.nets.items()}
    nets = ", ".join(f"{name} of {n:,} parameters" for name, n in numbers.items())
    return (
        f"estimate: {sizes.steps:,} steps of {sizes.batch_size:,} rows; {nets}; about "
        f"{sum(sizes_now.values()) / GIB:.2f} GiB of memory ({listed})"
    )


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
            f"{ADVICE[largest]}; of {sizes.width:,} positions in a row "
            + ", ".join(f"{block.column!r} has {block.width:,}" for block in wide)
        )


def learning_nets(children: Iterable[tuple[str, nn.Module]]) -> dict[str, nn.Module]:
    """Of a module's ``named_children`` those with weights that learn, by name."""
    return {name: net for name, net in children if count_parameters(net)}


def count_parameters(net: nn.Module) -> int:
    """Trainable numbers of a net."""
    return sum(parameter.numel() for parameter in net.parameters() if parameter.requires_grad)


def taken() -> float:
    """The most bytes that this process has held so far; 0 on Windows, which does not report it."""
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
