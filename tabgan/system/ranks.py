"""The rank of this process in a training, from what its launcher leaves in the environment.

Lightning knows it only once a Trainer has begun; files are read and written before.
"""

from __future__ import annotations

import logging
import os

RANKS = ("RANK", "LOCAL_RANK", "NODE_RANK", "GROUP_RANK", "SLURM_PROCID")  # absent: 0
OF_OTHER_LAUNCHERS = ("RANK", "GROUP_RANK", "SLURM_PROCID")  # torchrun's and Slurm's


def is_first() -> bool:
    """Whether this process keeps the run: true where there is but one."""
    return not any(_number(name) for name in RANKS)


def is_started_by_first() -> bool:
    """Whether the first process has started this one, so that its encoder lies in the folder."""
    by_others = any(name in os.environ for name in OF_OTHER_LAUNCHERS)
    return _number("LOCAL_RANK") > 0 and not _number("NODE_RANK") and not by_others


def hush_others() -> None:
    """Of the other processes, errors alone are said."""
    if not is_first():
        logging.disable(logging.WARNING)


def _number(name: str) -> int:
    value = os.environ.get(name, "")
    return int(value) if value.isdigit() else 0
