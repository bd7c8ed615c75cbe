"""A generator of attack traffic that a detector takes for normal, to test the detector with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, cast

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, softplus
from torch.optim import Adam, Optimizer

from tabgan.blackboxes.counted import EDGE, Counted
from tabgan.encoding.column import Numbers
from tabgan.encoding.layout import RowLayout
from tabgan.errors import TabganError
from tabgan.evasion.climbing import Climber
from tabgan.evasion.editor import RecordEditor
from tabgan.evasion.records import Answers, Records, Sender
from tabgan.nets.critic import Critic
from tabgan.seeding import generator_at, rng_at

AT_ONCE = 1_000  # rows changed at once, outside of training
RESTARTS = 0.15  # of the chains begin anew at each of their steps, with a row of the generator
SHORTER = 4  # so many times fewer trials for a row after the first
RECALLED = 128  # answers of each kind that a step of the critic learns from: newest, any, known


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
    """IDSGAN's game (Lin, Shi and Xue 2022), on whole and consistent rows, with a memory.

    The generator gets a record of an attack and noise, and changes what may change; what it makes
    is put right by the rules of the table. From there a chain of trials climbs to rows that the
    critic takes for normal, and these are sent to the detector, which answers with a decision
    alone. The critic learns all decisions so far, and lends the generator the gradient that a
    detector has not (straight through the rules). What passed is remembered: its values are tried
    in other records of its category. Each column that the generator changes costs.

    Args:
        layout: the map of a row.
        measures: float [row_width, n_measures], ``records.measures``; the critic sees the
            rows' product with it too.
        generator: the net, still without its layout and noise.
        critic: likewise.
        noise_dim: of the generator's noise.
        dropout: of the critic.
        lr: the generator's learning rate.
        critic_lr: the critic's.
        critic_steps: of the critic for one of the generator.
        change: what changing every free column costs, in nats of the critic's cross-entropy.
        climbs: trials of a chain at each step of the training.
        last_climbs: trials for a row that is sent in the end.
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
        climbs: int,
        last_climbs: int,
        candidates: int,
        seed: int,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.generator = generator(layout=layout, noise_dim=noise_dim)
        self.critic = critic(layout=layout, condition_width=measures.shape[1], dropout=dropout)
        self.noise_dim, self.lr, self.critic_lr = noise_dim, lr, critic_lr
        self.critic_steps, self.change, self.candidates = critic_steps, change, candidates
        self.climbs, self.last_climbs, self.seed = climbs, last_climbs, seed
        self.box: Counted | None = None
        discrete = [block.kind == "discrete" for block in layout.blocks]
        widths = torch.tensor([block.width for block in layout.blocks])
        one_hots = torch.tensor(discrete).repeat_interleave(widths).float()
        self.register_buffer("measures", measures)
        self.register_buffer("one_hots", one_hots, persistent=False)

    def attach(self, box: Counted, sender: Sender, attacks: Records, normal: Records) -> None:
        """Give it the detector (a score of .5 and more names an attack) and the rows to learn from.

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
        pool = np.concatenate([attacks.numbers, normal.numbers])
        self.climber = Climber(sender, pool, n_groups=len(counts))
        self.chains = attacks.numbers.copy()
        self.known, self.answered = Answers(attacks.rows.layout), Answers(attacks.rows.layout)
        for part in (attacks, normal):
            self.known.add(part.rows, self._asked(sender.table(part.numbers)))
        passed = self.known.labels[: len(attacks)].numpy() == 0
        self.climber.keep(attacks.numbers[passed], attacks.group[passed])

    def training_step(self, chosen: Tensor, batch_idx: int) -> None:
        records = self.attacks.taken(chosen.numpy())
        critic_optimizer, generator_optimizer = cast(list[Any], self.optimizers())
        rng = generator_at(self.seed, "evasion", "step", batch_idx)
        changed = records.mixed(self._generated(records, rng))
        made = self.sender.numbers(changed, records)
        answers = self._explored(chosen.numpy(), records, made, batch_idx)
        for _ in range(self.critic_steps):
            loss = self._critic_loss(rng)
            self._step(critic_optimizer.optimizer, loss)
        self.log("train/critic_loss", loss.detach())
        # The value is what the detector would see, the gradient that of what the generator made.
        rows = self._encoded(made) + (changed - changed.detach())
        fooling = softplus(self._judged(rows)).mean()
        own = records.places * self.one_hots * records.rows[:]  # the 1s that may move
        share = ((own * (1 - changed)).sum(dim=1) / own.sum(dim=1).clamp_min(1)).mean()
        self._step(generator_optimizer, fooling + self.change * share)
        self.log("train/generator_loss", fooling.detach())
        self.log("train/changed", share.detach())
        self.log("train/detected", answers.mean())

    def configure_optimizers(self) -> list[Optimizer]:
        return [
            Adam(self.critic.parameters(), lr=self.critic_lr, betas=(0.9, 0.99), fused=True),
            Adam(self.generator.parameters(), lr=self.lr, betas=(0.5, 0.9), fused=True),
        ]

    @torch.no_grad()
    def evade(self, records: Records, *, place: str, tries: int = 0) -> Evaded:
        """Changed records.

        Of the record and ``candidates`` changed ones, each drawn warmer than the one before, the
        critic chooses, and betters its choice by ``last_climbs`` trials, at no query; a record that
        it takes for normal stays as it is. Beside that, with ``tries`` the detector is asked
        about this row, and then about others, each bettered a little, until one passes.

        Args:
            records: what is changed.
            place: addresses the draws.
            tries: rows per record that the detector may be asked about.
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
        made = [records.numbers]  # nothing has to change
        for candidate in range(self.candidates):
            rng = generator_at(self.seed, "evasion", *place, candidate)
            changed = records.mixed(self._generated(records, rng, warmth=1.0 + candidate))
            made.append(self.sender.numbers(changed, records))
        logits = np.stack([self._scored(each) for each in made])
        order = logits.argsort(axis=0, kind="stable")  # [candidates + 1, n]
        starts = np.stack(made)[order, np.arange(len(records))]  # the critic's favourites first
        draws = rng_at(self.seed, "evasion", *place, "climb")
        numbers, seen = records.numbers.copy(), np.flatnonzero(logits[0] >= 0)
        numbers[seen] = self._climbed(records, starts[0], seen, self.last_climbs, draws)
        asked, left, queries = numbers.copy(), np.arange(len(records)), 0
        for start in starts[:tries]:
            sent = asked[left]
            if queries:  # the first is what is sent without asking
                sent = self._climbed(records, start, left, self.last_climbs // SHORTER, draws)
            passes = self._asked(self.sender.table(sent)).numpy() == 0
            queries += len(left)
            asked[left[passes]] = sent[passes]
            left = left[~passes]
            if not len(left):
                break
        return Evaded(numbers=numbers, asked=asked, queries=queries)

    def _climbed(
        self, records: Records, start: Numbers, places: NDArray[np.int64], steps: int,
        rng: np.random.Generator,
    ) -> Numbers:  # fmt: skip
        """Some of the rows, bettered as far as the critic can tell."""
        some = records.taken(places)
        return self.climber.climbed(some, start[places], self._scored, steps=steps, rng=rng)

    @torch.no_grad()
    def _explored(
        self, chosen: NDArray[np.int64], records: Records, made: Numbers, step: int
    ) -> Tensor:
        """The detector's answers [n] to the chains of some records, a few trials further on."""
        rng = rng_at(self.seed, "evasion", "chains", step)
        anew = rng.random(len(records)) < RESTARTS
        start = np.where(anew[:, None], made, self.chains[chosen])
        sent = self.climber.climbed(records, start, self._scored, steps=self.climbs, rng=rng)
        self.chains[chosen], self.newest = sent, len(sent)
        table = self.sender.table(sent)
        answers = self._asked(table)
        self.answered.add(self.sender.encoder.encode_coded(table), answers)
        passed = answers.numpy() == 0
        self.climber.keep(sent[passed], records.group[passed])
        return answers

    def _critic_loss(self, rng: torch.Generator) -> Tensor:
        """Cross-entropy of the detector's decisions: the newest, older ones, and of real rows."""
        parts = [
            self.answered.drawn(RECALLED, rng, newest=self.newest),
            self.answered.drawn(RECALLED, rng),
            self.known.drawn(2 * RECALLED, rng),
        ]
        rows, labels = (torch.cat(each) for each in zip(*parts, strict=True))
        return binary_cross_entropy_with_logits(self._judged(rows), labels)

    def _generated(self, records: Records, rng: torch.Generator, *, warmth: float = 1.0) -> Tensor:
        noise = torch.randn(len(records), self.noise_dim, generator=rng)
        rows: Tensor = self.generator(records.rows[:], noise, rng, warmth=warmth)
        return rows

    def _judged(self, rows: Tensor) -> Tensor:
        """The critic's logits [n]: above 0 where it expects the detector to see an attack."""
        logits: Tensor = self.critic(rows, rows @ self.measures)
        return logits

    def _scored(self, numbers: Numbers) -> NDArray[np.float32]:
        return self._judged(self._encoded(numbers)).numpy()

    def _encoded(self, numbers: Numbers) -> Tensor:
        return self.sender.encoded(self.sender.table(numbers))

    def _asked(self, table: Any) -> Tensor:
        if self.box is None:
            raise TabganError("evasion: attach a detector before training")
        return torch.from_numpy((self.box(table) >= EDGE).astype(np.float32))

    def _step(self, optimizer: Any, loss: Tensor) -> None:
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()


class EvenBatches:
    """Places of attacks, every category as often: batches without end.

    Args:
        group: int64 [n_attacks], the category of each attack.
        batch_size: attacks in each.
        seed: of the draws.
    """

    def __init__(self, group: NDArray[np.int64], *, batch_size: int, seed: int) -> None:
        self.groups = [np.flatnonzero(group == each) for each in np.unique(group)]
        self.batch_size, self.seed = batch_size, seed

    def __iter__(self) -> Iterator[Tensor]:
        each = -(-self.batch_size // len(self.groups))
        for step in count():
            rng = rng_at(self.seed, "evasion", "batch", step)
            attacks = np.concatenate([rng.choice(group, each) for group in self.groups])
            yield torch.from_numpy(attacks)


def held_kept(numbers: Numbers, records: Records) -> NDArray[np.bool_]:
    """Bool [n]: whether every held column is the record's, bit for bit."""
    same = numbers.view(np.int64) == records.numbers.view(np.int64)
    return (same | records.free).all(axis=1)
