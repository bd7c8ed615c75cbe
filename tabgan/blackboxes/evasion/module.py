"""Records of attacks that a detector takes for normal, to test the detector with."""

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

from tabgan.blackboxes.counter import EDGE, QueryCounter
from tabgan.blackboxes.evasion.candidates import Donors
from tabgan.blackboxes.evasion.climbing import Climber
from tabgan.blackboxes.evasion.editor import RecordEditor
from tabgan.blackboxes.evasion.features import Features
from tabgan.blackboxes.evasion.records import RecordDecoder, Records
from tabgan.blackboxes.evasion.substitutes import Answers, SubstituteNet, SubstituteTrees
from tabgan.encoding.column import Numbers
from tabgan.errors import TabganError
from tabgan.seeding import generator_at, rng_at, seed_at

AT_ONCE = 1_000  # rows changed at once, outside of training
RESTARTS = 0.15  # of the chains begin anew at each of their steps
SHORTER = 4  # so many times fewer trials for a row after the first
RECALLED = 128  # answers of each kind that a step of the net learns from: newest, any, known
TREE_ROWS = 6_000  # answers of each kind that trees learn from: newest, known


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaded:
    """Changed records.

    Attributes:
        numbers: float64 [n, n_columns], made without querying the detector.
        queried: likewise, the last that was sent to the detector: one that it let pass, where
            there was one.
        queries: rows that were sent to it.
    """

    numbers: Numbers
    queried: Numbers
    queries: int


class EvasionModule(pl.LightningModule):
    """Substitutes of a detector, and consistent rows that they take for normal.

    A detector answers with a decision alone. Chains of trials, one for each record of an attack,
    change what may change in it and climb to rows that two substitutes of the detector take for
    normal: a net and boosted trees that learn all its decisions so far (Papernot et al. 2017).
    These rows are sent to the detector. What passed is remembered, and its values are tried in
    other records of its category.

    With a generator it is IDSGAN's game besides (Lin, Shi and Xue 2022): the net is its critic,
    and the generator gets a record and noise, and changes what may change along the critic's
    slopes (straight through the rules); chains then begin with its rows. Each column that it
    changes costs.

    Args:
        decoder: from numbers to rows that can be sent.
        features: what the net sees of a row.
        net: the net, still without its input's width and dropout.
        trees: the boosted trees.
        generator: a net that changes records, still without its layout and noise; None for none.
        noise_dim: of the generator's noise.
        dropout: of the net.
        lr: the generator's learning rate.
        critic_lr: the net's.
        critic_steps: of the net at each step of the training.
        regrown: steps after which the trees are grown anew.
        change: what changing every free column costs the generator, in nats of cross-entropy.
        climbs: trials of a chain at each step of the training.
        last_climbs: trials for a row that is sent in the end.
        candidates: rows made for one that is sent.
        seed: of all draws.
    """

    def __init__(
        self,
        *,
        decoder: RecordDecoder,
        features: Features,
        net: Callable[..., SubstituteNet],
        trees: SubstituteTrees,
        generator: Callable[..., RecordEditor] | None,
        noise_dim: int,
        dropout: float,
        lr: float,
        critic_lr: float,
        critic_steps: int,
        regrown: int,
        change: float,
        climbs: int,
        last_climbs: int,
        candidates: int,
        seed: int,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.decoder, self.features, self.trees = decoder, features, trees
        self.critic = net(width=features.width, dropout=dropout)
        self.generator: RecordEditor | None = None
        if generator is not None:
            encoder = decoder.encoder
            self.generator = generator(layout=encoder.layout_, noise_dim=noise_dim)
            self.register_buffer("seen_as", features.of_positions(encoder), persistent=False)
        self.noise_dim, self.lr, self.critic_lr = noise_dim, lr, critic_lr
        self.critic_steps, self.regrown, self.change = critic_steps, regrown, change
        self.climbs, self.last_climbs, self.candidates = climbs, last_climbs, candidates
        self.seed = seed
        self.box: QueryCounter | None = None

    def attach(self, box: QueryCounter, attacks: Records, normal: Records) -> None:
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
        self.box, self.attacks = box, attacks
        pool = np.concatenate([attacks.numbers, normal.numbers])
        self.recall(Donors(pool, [pool[:0]] * len(counts)))
        self.chains = attacks.numbers.copy()
        self.known, self.answered = Answers(self.features), Answers(self.features)
        for part in (attacks, normal):
            self.known.add(part.numbers, self._ask(part.numbers))
        passed = self.known.labels[: len(attacks)].numpy() == 0
        self.donors.keep(attacks.numbers[passed], attacks.group[passed])

    def recall(self, donors: Donors) -> None:
        """Try the values of these rows from now on."""
        self.donors = donors
        self.climber = Climber(self.decoder, self.features, donors)

    def training_step(self, chosen: Tensor, batch_idx: int) -> None:
        records = self.attacks.taken(chosen.numpy())
        rng = generator_at(self.seed, "evasion", "step", batch_idx)
        if batch_idx % self.regrown == 0:
            self.regrow(batch_idx)
        made, edited = self._made(records, rng)
        answers = self._explore(chosen.numpy(), records, made, batch_idx)
        self.log("train/detected", answers.mean())
        critic, generator = self._players()
        for step in range(self.critic_steps):
            loss = self._critic_loss(rng)
            counted = generator is None and step == 0  # global_step counts steps of the training
            self._step(critic if counted else critic.optimizer, loss)
        self.log("train/critic_loss", loss.detach())
        if edited is not None:
            fooling, share = self._generator_losses(made, edited, records)
            self._step(generator, fooling + self.change * share)
            self.log("train/generator_loss", fooling.detach())
            self.log("train/changed", share.detach())

    def regrow(self, step: int) -> None:
        """Grow the trees anew from the newest answers."""
        parts = [part.newest(TREE_ROWS) for part in (self.known, self.answered)]
        numbers, labels = (np.concatenate(each) for each in zip(*parts, strict=True))
        self.trees.fit(numbers, labels, seed=seed_at(self.seed, "evasion", "trees", step))

    def configure_optimizers(self) -> list[Optimizer]:
        critic = Adam(self.critic.parameters(), lr=self.critic_lr, betas=(0.9, 0.99), fused=True)
        if self.generator is None:
            return [critic]
        generator = Adam(self.generator.parameters(), lr=self.lr, betas=(0.5, 0.9), fused=True)
        return [critic, generator]

    @torch.no_grad()
    def evade(self, records: Records, *, position: str, tries: int = 0) -> Evaded:
        """Changed records.

        Of the record and ``candidates`` changed ones the substitutes choose, and ``last_climbs``
        trials better their choice, at no query; a record that they take for normal stays as it
        is. Beside that, with ``tries`` the detector is queried for this row, and then for
        others, each bettered a little, until one passes.

        Args:
            records: what is changed.
            position: addresses the draws.
            tries: rows per record that the detector may be queried for.

        Raises:
            TabganError: with ``tries``, when no detector is attached.
        """
        self.eval()
        parts = np.array_split(np.arange(len(records)), max(1, -(-len(records) // AT_ONCE)))
        made = [
            self._chosen(records.taken(part), (position, number), tries)
            for number, part in enumerate(parts)
        ]
        return Evaded(
            numbers=np.concatenate([part.numbers for part in made]),
            queried=np.concatenate([part.queried for part in made]),
            queries=sum(part.queries for part in made),
        )

    def score(self, numbers: Numbers) -> NDArray[np.float64]:
        """The substitutes' mean log odds of an attack, float64 [n]."""
        with torch.no_grad():
            logits = self.critic(self.features(numbers)).double().numpy()
        return np.asarray((logits + self.trees(numbers)) / 2)

    def _chosen(self, records: Records, position: tuple[str, int], tries: int) -> Evaded:
        made = [records.numbers]  # nothing has to change
        for candidate in range(self.candidates):
            rng = generator_at(self.seed, "evasion", *position, candidate)
            made.append(self._made(records, rng, warmth=1.0 + candidate)[0])
        scores = np.stack([self.score(each) for each in made])
        order = scores.argsort(axis=0, kind="stable")  # [candidates + 1, n]
        starts = np.stack(made)[order, np.arange(len(records))]  # the likeliest to pass first
        draws = rng_at(self.seed, "evasion", *position, "climb")
        numbers, seen = records.numbers.copy(), np.flatnonzero(scores[0] >= 0)
        numbers[seen] = self._climbed(records, starts[0], seen, self.last_climbs, draws)
        queried, left, queries = numbers.copy(), np.arange(len(records)), 0
        for start in starts[:tries]:
            sent = queried[left]
            if queries:  # the first is what is sent without a query
                sent = self._climbed(records, start, left, self.last_climbs // SHORTER, draws)
            passes = self._ask(sent).numpy() == 0
            queries += len(left)
            queried[left[passes]] = sent[passes]
            left = left[~passes]
            if not len(left):
                break
        return Evaded(numbers=numbers, queried=queried, queries=queries)

    def _made(
        self, records: Records, rng: torch.Generator, *, warmth: float = 1.0
    ) -> tuple[Numbers, Tensor | None]:
        """Rows [n, n_columns] to begin with; of a generator, as it encodes them too."""
        if self.generator is None:
            draws = np.random.default_rng(int(torch.randint(2**62, (), generator=rng)))
            return self.decoder.put_right(self.donors(records, draws), records), None
        own, free = self.decoder.encoded(records.numbers), self.decoder.free_positions(records)
        noise = torch.randn(len(records), self.noise_dim, generator=rng)
        edited = own + free * (self.generator(own, noise, rng, warmth=warmth) - own)
        return self.decoder.numbers(edited, own, records), edited

    def _climbed(
        self, records: Records, start: Numbers, positions: NDArray[np.int64], steps: int,
        rng: np.random.Generator,
    ) -> Numbers:  # fmt: skip
        """Some of the rows, bettered as far as the substitutes can judge."""
        some = records.taken(positions)
        return self.climber.climbed(some, start[positions], self.score, steps=steps, rng=rng)

    def _explore(
        self, chosen: NDArray[np.int64], records: Records, made: Numbers, step: int
    ) -> Tensor:
        """The detector's answers [n] to the chains of some records, a few trials further on."""
        rng = rng_at(self.seed, "evasion", "chains", step)
        anew = rng.random(len(records)) < RESTARTS
        start = np.where(anew[:, None], made, self.chains[chosen])
        sent = self.climber.climbed(records, start, self.score, steps=self.climbs, rng=rng)
        self.chains[chosen], self.latest = sent, len(sent)
        answers = self._ask(sent)
        self.answered.add(sent, answers)
        passed = answers.numpy() == 0
        self.donors.keep(sent[passed], records.group[passed])
        return answers

    def _critic_loss(self, rng: torch.Generator) -> Tensor:
        """Cross-entropy of the detector's decisions: the newest, older ones, and of real rows."""
        parts = [
            self.answered.drawn(RECALLED, rng, newest=self.latest),
            self.answered.drawn(RECALLED, rng),
            self.known.drawn(2 * RECALLED, rng),
        ]
        features, labels = (torch.cat(each) for each in zip(*parts, strict=True))
        return binary_cross_entropy_with_logits(self.critic(features), labels)

    def _generator_losses(
        self, made: Numbers, edited: Tensor, records: Records
    ) -> tuple[Tensor, Tensor]:
        """E[softplus(D)], and the share of the free columns that the generator changes."""
        seen_as = cast(Tensor, self.seen_as)
        # The value is what the detector would see, the slope that of what the generator made.
        features = self.features(made) + (edited - edited.detach()) @ seen_as
        fooling = softplus(self.critic(features)).mean()
        own = self.decoder.encoded(records.numbers) * self.decoder.free_positions(records)
        share = ((own * (1 - edited)).sum(dim=1) / own.sum(dim=1).clamp_min(1)).mean()
        return fooling, share

    def _players(self) -> tuple[Any, Any]:
        """The net's optimizer and the generator's, or None."""
        found = cast(Any, self.optimizers())
        return (found, None) if self.generator is None else tuple(found)

    def _ask(self, numbers: Numbers) -> Tensor:
        if self.box is None:
            raise TabganError("evasion: a detector is queried, and none is attached")
        answers = self.box(self.decoder.table(numbers)) >= EDGE
        return torch.from_numpy(answers.astype(np.float32))

    def _step(self, optimizer: Any, loss: Tensor) -> None:
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()


class EvenBatches:
    """Positions of attacks, every category as often: batches without end.

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
