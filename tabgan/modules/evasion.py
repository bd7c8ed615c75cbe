"""A generator of attack traffic that a detector takes for normal, to test the detector with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, softplus
from torch.optim import Adam, Optimizer

from tabgan.blackboxes.counted import Counted
from tabgan.encoding.column import Numbers
from tabgan.encoding.layout import RowLayout
from tabgan.errors import TabganError
from tabgan.modules.records import Records, Sender
from tabgan.nets.critic import Critic
from tabgan.nets.editor import RecordEditor
from tabgan.seeding import generator_at, rng_at

AT_ONCE = 1_000  # rows changed at once, outside of training


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaded:
    """Changed records.

    Attributes:
        numbers: float64 [n, n_columns], those that the critic chose.
        asked: likewise, those that the detector was asked about and let pass, where there are any.
        queries: rows that it was asked about.
    """

    numbers: Numbers
    asked: Numbers
    queries: int


class EvasionModule(pl.LightningModule):
    """IDSGAN's game (Lin, Shi and Xue 2022), on whole and consistent rows.

    The generator gets a record of an attack and noise, and changes what may change. What it makes
    is put right by the rules of the table, and sent to the detector, which answers with a decision
    alone. The critic learns these decisions, on sent rows, on the records they were made from and
    on normal rows, and lends the generator the gradient that a detector has not (straight
    through the rules). Each changed column costs, so that no more is changed than has to be.

    Args:
        layout: the map of a row.
        measures: float [row_width, n_measures], ``modules.records.measures``; the critic sees the
            rows' product with it too.
        generator: the net, still without its layout and noise.
        critic: likewise.
        noise_dim: of the generator's noise.
        dropout: of the critic.
        lr: the generator's learning rate.
        critic_lr: the critic's.
        critic_steps: of the critic for one of the generator.
        change: what changing every free column costs, in nats of the critic's cross-entropy.
        candidates: rows made for one that is sent.
        seed: of all draws.
    """

    measures: Tensor
    one_hots: Tensor

    def __init__(
        self,
        *,
        layout: RowLayout,
        measures: Tensor,
        generator: Callable[..., RecordEditor],
        critic: Callable[..., Critic],
        noise_dim: int,
        dropout: float,
        lr: float,
        critic_lr: float,
        critic_steps: int,
        change: float,
        candidates: int,
        seed: int,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.generator = generator(layout=layout, noise_dim=noise_dim)
        self.critic = critic(layout=layout, condition_width=measures.shape[1], dropout=dropout)
        self.noise_dim, self.lr, self.critic_lr = noise_dim, lr, critic_lr
        self.critic_steps, self.change, self.candidates = critic_steps, change, candidates
        self.seed = seed
        self.box: Counted | None = None
        discrete = [block.kind == "discrete" for block in layout.blocks]
        widths = torch.tensor([block.width for block in layout.blocks])
        one_hots = torch.tensor(discrete).repeat_interleave(widths).float()
        self.register_buffer("measures", measures)
        self.register_buffer("one_hots", one_hots, persistent=False)

    def attach(self, box: Counted, sender: Sender, attacks: Records, normal: Records) -> None:
        """Give it the detector (score 1 for an attack) and the rows to learn from.

        Raises:
            TabganError: when a group or the normal traffic has no row.
        """
        counts = np.bincount(attacks.group, minlength=1)
        if not len(normal) or not counts.all():
            raise TabganError(
                f"evasion: rows of every attack category and normal ones are needed to learn "
                f"from, got {counts.tolist()} attacks and {len(normal)} normal rows"
            )
        self.box, self.sender, self.attacks, self.normal = box, sender, attacks, normal
        self.known = [self._asked(sender.table(part.numbers)) for part in (attacks, normal)]

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        records = self.attacks.taken(batch[0].numpy())
        normal = self.normal.taken(batch[1].numpy())
        critic_optimizer, generator_optimizer = cast(list[Any], self.optimizers())
        rng = generator_at(self.seed, "evasion", "step", batch_idx)
        changed = records.mixed(self._generated(records, rng))
        sent = self.sender.table(self.sender.numbers(changed, records))
        # The value is what the detector sees, the gradient that of what the generator made.
        rows = self.sender.encoded(sent) + (changed - changed.detach())
        answers = self._asked(sent)
        seen = torch.cat([rows.detach(), records.rows[:], normal.rows[:]])
        known = [labels[places] for labels, places in zip(self.known, batch, strict=True)]
        labels = torch.cat([answers, *known])
        for _ in range(self.critic_steps):
            loss = binary_cross_entropy_with_logits(self._judged(seen), labels)
            self._step(critic_optimizer.optimizer, loss)
        self.log("train/critic_loss", loss.detach())
        fooling = softplus(self._judged(rows)).mean()
        own = records.places * self.one_hots * records.rows[:]  # the 1s that may move
        share = ((own * (1 - changed)).sum(dim=1) / own.sum(dim=1).clamp_min(1)).mean()
        self._step(generator_optimizer, fooling + self.change * share)
        self.log("train/generator_loss", fooling.detach())
        self.log("train/changed", share.detach())
        self.log("train/detected", answers.mean())

    def configure_optimizers(self) -> list[Optimizer]:
        betas = (0.5, 0.9)
        return [
            Adam(self.critic.parameters(), lr=self.critic_lr, betas=betas, fused=True),
            Adam(self.generator.parameters(), lr=self.lr, betas=betas, fused=True),
        ]

    @torch.no_grad()
    def evade(self, records: Records, *, place: str, tries: int = 0) -> Evaded:
        """Changed records.

        Of the record and ``candidates`` changed ones, each drawn warmer than the one before, the
        critic chooses, at no query; beside that, with ``tries`` the detector is asked about the
        critic's favourites, one after the other, until one passes.

        Args:
            records: what is changed.
            place: addresses the draws.
            tries: candidates per record that the detector may be asked about.
        """
        self.eval()
        parts = np.array_split(np.arange(len(records)), max(1, -(-len(records) // AT_ONCE)))
        made = [
            self._chosen(records.taken(part), (place, number), tries)
            for number, part in enumerate(parts)
        ]
        return Evaded(
            numbers=np.concatenate([part.numbers for part in made]),
            asked=np.concatenate([part.asked for part in made]),
            queries=sum(part.queries for part in made),
        )

    def _chosen(self, records: Records, place: tuple[str, int], tries: int) -> Evaded:
        made, logits = [records.numbers], [self._judged(records.rows[:])]  # nothing has to change
        for candidate in range(self.candidates):
            rng = generator_at(self.seed, "evasion", *place, candidate)
            changed = records.mixed(self._generated(records, rng, warmth=1.0 + candidate))
            made.append(self.sender.numbers(changed, records))
            logits.append(self._judged(self.sender.encoded(self.sender.table(made[-1]))))
        order = torch.stack(logits).argsort(dim=0, stable=True).numpy()  # [candidates, n]
        rows, each = np.stack(made), np.arange(len(records))
        numbers, queries, left = rows[order[0], each], 0, each
        asked = numbers.copy()
        for favourite in order[:tries]:
            sent = rows[favourite[left], left]
            passes = self._asked(self.sender.table(sent)).numpy() == 0
            queries += len(left)
            asked[left[passes]] = sent[passes]
            left = left[~passes]
            if not len(left):
                break
        return Evaded(numbers=numbers, asked=asked, queries=queries)

    def _generated(self, records: Records, rng: torch.Generator, *, warmth: float = 1.0) -> Tensor:
        noise = torch.randn(len(records), self.noise_dim, generator=rng)
        rows: Tensor = self.generator(records.rows[:], noise, rng, warmth=warmth)
        return rows

    def _judged(self, rows: Tensor) -> Tensor:
        """The critic's logits [n]: above 0 where it expects the detector to see an attack."""
        logits: Tensor = self.critic(rows, rows @ self.measures)
        return logits

    def _asked(self, table: Any) -> Tensor:
        if self.box is None:
            raise TabganError("evasion: attach a detector before training")
        return torch.from_numpy(self.box(table).astype(np.float32))

    def _step(self, optimizer: Any, loss: Tensor) -> None:
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()


class EvenBatches:
    """Places of attacks, every category as often, and of normal rows: one batch per step.

    Args:
        group: int64 [n_attacks], the category of each attack.
        n_normal: normal rows.
        steps: how many batches.
        batch_size: attacks in each, and normal rows.
        seed: of the draws.
    """

    def __init__(
        self, group: NDArray[np.int64], n_normal: int, *, steps: int, batch_size: int, seed: int
    ) -> None:
        self.groups = [np.flatnonzero(group == each) for each in np.unique(group)]
        self.n_normal, self.steps, self.batch_size, self.seed = n_normal, steps, batch_size, seed

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        each = -(-self.batch_size // len(self.groups))
        for step in range(self.steps):
            rng = rng_at(self.seed, "evasion", "batch", step)
            attacks = np.concatenate([rng.choice(group, each) for group in self.groups])
            normal = rng.choice(self.n_normal, self.batch_size)
            yield torch.from_numpy(attacks), torch.from_numpy(normal)


def held_kept(numbers: Numbers, records: Records) -> NDArray[np.bool_]:
    """Bool [n]: whether every held column is the record's, bit for bit."""
    same = numbers.view(np.int64) == records.numbers.view(np.int64)
    return (same | records.free).all(axis=1)
