"""The pace of a callback: seldom enough to cost little, and once at the end."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl

from tabgan.models.steps import total_steps


class Pace:
    """The first epoch's end after every ``every`` generator steps, and the last one's."""

    def __init__(self, every: int) -> None:
        self.every = self.next_step = every

    def is_due(self, trainer: pl.Trainer) -> bool:
        """Whether this epoch's end is such a one; the next is then ``every`` steps from here."""
        is_last = trainer.current_epoch + 1 == trainer.max_epochs
        final = is_last or trainer.should_stop or trainer.global_step >= total_steps(trainer)
        if trainer.global_step < self.next_step and not final:
            return False
        self.next_step = trainer.global_step + self.every
        return True

    def state_dict(self) -> dict[str, Any]:
        return {"next_step": self.next_step}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.next_step = state_dict["next_step"]
