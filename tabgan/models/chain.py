"""The autoregressive CGAN: maximum likelihood first, then adversarial rounds."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from copy import deepcopy
from typing import Any, Literal, cast

import torch
from torch import Tensor
from torch.optim import Optimizer

from tabgan.encoding.coded import CodedRows
from tabgan.encoding.layout import RowLayout
from tabgan.errors import TabganError
from tabgan.models.cgan import CGANModule
from tabgan.models.losses.boundary import boundary_loss
from tabgan.models.nets.chain import ChainGenerator
from tabgan.models.planning import plan_chain
from tabgan.models.protocol import Whole
from tabgan.models.rounds import Round, begin_round, round_steps
from tabgan.models.steps import gradient_norm, total_steps
from tabgan.seeding import generator_at

log = logging.getLogger(__name__)

Batch = tuple[CodedRows, Tensor]

WARM_UP = 50  # steps in which the learning rate rises
JUDGED_ROWS = 5_000  # at once
SLOPES_STEPS = 100  # of what counts as a round with adversarial=slopes
SHOWN = 0.5  # share of the training rows whose class the other heads see
ROUND_BETAS = (0.9, 0.99)  # of Adam in a round
PHASES = ("boundary", "slopes", "none")
STATE = (
    "best_nll", "best_step", "best_weights", "stale_looks", "likelihood_ended", "rounds_done",
    "round_step",
)  # fmt: skip  # of a training, in a checkpoint


class ChainModule(CGANModule):
    """A conditional GAN whose generator draws a row column by column (``models.nets.chain``).

    **Likelihood.** The generator learns real rows by maximum likelihood; the weights with the
    lowest validation likelihood are kept, and the phase ends when it has not fallen for some time.

    **Adversarial rounds.** With ``adversarial=boundary``, each round draws rows, has critics
    estimate how much likelier each is real than generated, and follows these weights by
    likelihood (boundary seeking, Hjelm et al. 2018), with the exact expectation as control
    variate. The critics are a net with dropout, which learns from real and drawn rows throughout
    the rounds, and boosted trees that go on from its verdict; each is a switch. With
    ``adversarial=slopes`` it is the game of ``CGANModule``, whose gradient goes back through
    every draw of the chain (straight-through Gumbel-softmax), with any loss and penalty.

    Rows with unknown cells (encoder.missing=masked) are learned by likelihood alone, without
    rounds: what is unknown adds nothing to it.

    Batches are coded rows. Rows are drawn from the moving average in the likelihood phase, from
    the generator itself after a round.

    Args:
        layout: of codes; its ``target`` is the class.
        condition_width: of a condition of all heads; the class is a column of the row.
        likelihood_steps: of the first phase at most; its learning rate falls along a cosine.
        patience: looks at the validation rows without a new low, until the phase ends.
        weight_decay: of the generator's weight matrices, not of its biases.
        adversarial: "boundary", "slopes" or "none".
        rounds: of boundary seeking, or of ``slopes`` that many hundred steps.
        round_lr: the generator's learning rate in the first round; it falls linearly.
        net_critic, tree_critic: which critics a round's weights come from.
        game: what ``CGANModule`` takes.

    Raises:
        TabganError: for a phase that is none, or a number outside its range.
    """

    learns_codes, learns_missing_cells, takes_condition = True, True, False
    plan = staticmethod(plan_chain)

    def __init__(
        self,
        *,
        layout: RowLayout,
        condition_width: int,
        likelihood_steps: int,
        patience: int,
        weight_decay: float,
        adversarial: Literal["boundary", "slopes", "none"],
        rounds: int,
        round_lr: float,
        net_critic: bool,
        tree_critic: bool,
        **game: Any,
    ) -> None:
        if adversarial not in PHASES:
            raise TabganError(f"model.adversarial={adversarial}: expected one of {list(PHASES)}")
        if adversarial != "slopes" and game.get("tools"):
            raise TabganError(
                f"tool: with model.adversarial={adversarial} there is no game of two nets that it "
                "could help; choose model.adversarial=slopes, or tool=none"
            )
        if likelihood_steps < 1 or patience < 1 or rounds < 0 or weight_decay < 0 or round_lr < 0:
            raise TabganError(
                f"model: likelihood_steps={likelihood_steps}, patience={patience}, "
                f"rounds={rounds}, weight_decay={weight_decay:g}, round_lr={round_lr:g}: expected "
                "at least 1 step, patience of at least 1, and no negative number"
            )
        if adversarial == "boundary" and rounds and not (net_critic or tree_critic):
            raise TabganError(
                "model.net_critic and model.tree_critic are both off: nothing tells how likely a "
                "row is real; give model.adversarial=none"
            )
        super().__init__(layout=layout, condition_width=condition_width, **game)
        if net_critic and adversarial == "boundary" and self.loss.log_ratio is None:
            raise TabganError(
                "model.net_critic: this loss's logits do not say how likely a row is real; choose "
                "loss=nonsaturating or an f-divergence with a log ratio, or model.net_critic=false"
            )
        self.likelihood_steps, self.patience = likelihood_steps, patience
        self.weight_decay, self.adversarial = weight_decay, adversarial
        self.rounds = rounds if adversarial != "none" else 0
        self.round_lr = round_lr
        self.net_critic, self.tree_critic = net_critic, tree_critic
        self.best_nll, self.best_step = math.inf, 0
        self.best_weights: dict[str, Tensor] | None = None
        self.stale_looks = 0
        self.likelihood_ended: int | None = None  # the step at which the rounds began
        self.rounds_done = self.round_step = 0
        self.round: Round | None = None
        self._stored_round: dict[str, Any] | None = None

    @property
    def chain(self) -> ChainGenerator:
        """The generator that learns."""
        return cast(ChainGenerator, self.generator)

    @property
    def sampling_chain(self) -> ChainGenerator:
        """The generator that rows are drawn from."""
        return cast(ChainGenerator, self.sampling_generator)

    @property
    def may_be_kept(self) -> bool:
        """Once likelihood and rounds, which say more of few rows than an AUC does, are through."""
        if self.likelihood_ended is None or self.adversarial != "boundary":
            return self.likelihood_ended is not None
        return self.rounds_done >= self.rounds or self.global_step >= total_steps(self.trainer)

    def prepare(self, train: Whole, validation: Whole, *, seed: int) -> None:
        """Start from the marginals of the training rows.

        Args:
            train: all training rows, coded, or a sample of them.
            validation: the same of the validation rows.
            seed: of all that rounds draw.
        """
        super().prepare(train, validation, seed=seed)
        rows, held = (CodedRows.of(part[0], self.layout) for part in (train, validation))
        self.chain.learn(rows)
        if self.averaged is not None:
            self.averaged.net.load_state_dict(self.generator.state_dict())
        self.seed, self.rows, self.held = seed, rows, held
        if self.masked and self.rounds:
            log.info("no adversarial rounds: critics would tell real rows by their missing cells")
            self.rounds = 0

    def take_up(self, train: Whole) -> None:
        """Learn anew which codes never go together."""
        self.chain.exclusions.learn(CodedRows.of(train[0], self.layout))
        self.sampling_chain.exclusions.take(self.chain.exclusions.cells.clone())

    def log_likelihood(self, rows: CodedRows) -> Tensor:
        """The logarithm of p(row) under the generator that rows are drawn from, float32 [n]."""
        return self.sampling_chain.log_likelihood(rows.codes.to(self.device))

    def training_step(self, batch: Batch, batch_idx: int) -> None:  # type: ignore[override]
        if self.likelihood_ended is None:
            self._likelihood_step(batch)
            if self.global_step >= self._likelihood_phase()[1]:
                self._look(self._held_nll())
                self._end_likelihood()
        elif self.rounds_done >= self.rounds:  # Lightning ends no first epoch before its last batch
            self._stop_when_done()
        elif self.adversarial == "slopes":
            self._slopes_step(batch, batch_idx)
        else:
            self._boundary_step(batch)

    def _likelihood_step(self, batch: Batch) -> None:
        codes, condition = batch[0].codes, batch[1]
        shown = torch.rand(len(codes), device=self.device) < SHOWN
        noise = torch.randn(len(codes), self.noise_dim, device=self.device)
        seen = {"shown": shown, "noise": noise, "condition": condition}
        nll = -self.chain.log_likelihood(codes, **seen).mean()
        first, end = self._likelihood_phase()
        share = min((self.global_step - first) / (end - first), 1.0)
        warm = min(1.0, (self.global_step - first + 1) / WARM_UP)
        self._follow(nll, rate=self.lr * warm * (1 + math.cos(math.pi * share)) / 2)
        if self.averaged is not None:
            self.averaged.follow(self.generator, self.global_step)
        self._log_step(generator=nll.detach())

    def _slopes_step(self, batch: Batch, batch_idx: int) -> None:
        rows, condition = batch
        super().training_step((rows[:], condition), batch_idx)
        steps = self.global_step - cast(int, self.likelihood_ended)
        self.rounds_done = steps // SLOPES_STEPS
        self._stop_when_done()

    def _boundary_step(self, batch: Batch) -> None:
        if self.round is None and not self._begin_round():
            return
        now = cast(Round, self.round)
        rows, weights, condition = now.batch(self.round_step)
        critic_loss = self._critic_step(batch[0], rows) if self.net_critic else None
        self.chain.eval()  # as the rows were drawn: without dropout
        with torch.no_grad():
            before = now.reference.log_shares(rows.codes, condition=condition, as_drawn=True)
        after = self.chain.log_shares(rows.codes, condition=condition, as_drawn=True)
        likelihood = self.chain.readout.chosen(after, rows.codes).sum(dim=0)
        loss = boundary_loss(weights, likelihood, expected_log(before, after))
        self._follow(loss, rate=self.round_lr * (1 - now.number / self.rounds))
        self.chain.train()
        self._log_step(generator=-(weights * likelihood.detach()).mean(), critic=critic_loss)
        self.round_step += 1
        if self.round_step >= now.n_steps:
            self._end_round()

    def _critic_step(self, real: CodedRows, fake: CodedRows) -> Tensor:
        """The critic learns from a batch of real rows and as many drawn ones; its loss."""
        n = min(len(real), len(fake))
        optimizer = self._players()[0]
        none = torch.empty(n, 0, device=self.device)
        with self.toggled_optimizer(optimizer):
            loss, *_ = self._critic_loss(real[slice(0, n)], fake[slice(0, n)], none)
            self._step(optimizer, loss)
            self._clip_critic()
        return loss.detach()

    def _begin_round(self) -> bool:
        """Draw and weigh a round's rows; False, and the end, where nothing is to put right."""
        self.round_step = 0
        self.round = begin_round(
            self.rounds_done,
            self.sampling_chain,
            self.rows.to(self.device),
            self.held.to(self.device),
            verdict=self._verdict if self.net_critic and self.rounds_done else None,
            trees=self.tree_critic,
            seed=self.seed,
        )
        number = self.rounds_done + 1
        if self.round is None:
            log.info(
                "adversarial round %s: critics cannot tell generated rows from real ones beyond "
                "chance; training ends", number,
            )  # fmt: skip
            self.rounds_done = self.rounds
            self._stop_when_done()
            return False
        self._players()[1].optimizer.state.clear()  # another loss: old moments mislead
        log.info(
            "adversarial round %s of %s: critics tell generated rows from real ones with AUC %.3f "
            "(.5 is not at all)", number, self.rounds, self.round.auc,
        )  # fmt: skip
        self.log("train/round_auc", self.round.auc)
        return True

    def _end_round(self) -> None:
        self.round = None
        self.rounds_done += 1
        if self.averaged is not None:
            self.averaged.net.load_state_dict(self.generator.state_dict())
        self._stop_when_done()

    @torch.no_grad()
    def _verdict(self, rows: CodedRows) -> Tensor:
        """The critic's log p_real / p_drawn of rows, [n]."""
        pieces = [self.judge(some, some[:, :0]) for some in rows.split(JUDGED_ROWS)]
        log_ratios: Tensor = cast(Any, self.loss.log_ratio)(torch.cat(pieces))
        return log_ratios

    def _stop_when_done(self) -> None:
        if self.rounds_done >= self.rounds:
            self.trainer.should_stop = True

    def validation_step(self, batch: Batch, batch_idx: int) -> None:  # type: ignore[override]
        rows, _ = batch
        nll = -self.sampling_chain.log_likelihood(rows.codes)
        self._validated += [nll]
        losses = {"val/nll": nll.mean(), "val/generator_loss": nll.mean()}
        if (self.net_critic or self.adversarial == "slopes") and not self.masked:
            none = torch.empty(len(rows), 0, device=self.device)
            rng = generator_at(0, "validation", batch_idx, device=self.device)
            fake = self.sample(none, rng)
            logits = (self.critic(each, none) for each in (rows[:], fake))
            losses["val/critic_loss"] = self.loss.critic(*logits)
        self.log_dict(losses, on_epoch=True, batch_size=len(rows))

    def on_validation_epoch_start(self) -> None:
        self._validated: list[Tensor] = []

    def on_validation_epoch_end(self) -> None:
        if self.likelihood_ended is None:
            self._look(self._validated_nll())
            if self.stale_looks >= self.patience:
                self._end_likelihood()

    def _validated_nll(self) -> float:
        """The mean of what the validation steps of an epoch gave."""
        return float(torch.cat(self._validated).mean())

    def _look(self, nll: float) -> None:
        """Keep the weights that rows are drawn from, where none before were as likely."""
        if not math.isfinite(nll):
            raise self._diverged(f"the validation likelihood is {nll}")
        if nll < self.best_nll:
            self.best_nll, self.best_step, self.stale_looks = nll, self.global_step, 0
            weights = self.sampling_generator.state_dict()
            self.best_weights = {name: value.clone() for name, value in weights.items()}
        else:
            self.stale_looks += 1

    @torch.no_grad()
    def _held_nll(self) -> float:
        logs = [self.log_likelihood(rows) for rows in self.held.pieces(JUDGED_ROWS)]
        return -float(torch.cat(logs).mean())

    def _end_likelihood(self) -> None:
        """Go on from the likeliest weights; what rounds want of the optimizer."""
        self.likelihood_ended = self.global_step
        self._take_likeliest()
        optimizer = self._players()[1]
        optimizer.state.clear()
        for group in optimizer.param_groups:
            group["betas"], group["weight_decay"] = ROUND_BETAS, 0.0
            group["lr"] = self.round_lr
        self._stop_when_done()

    def _take_likeliest(self) -> None:
        """Go on from the weights with the lowest validation likelihood so far."""
        weights = cast(dict[str, Tensor], self.best_weights)
        self.generator.load_state_dict(weights)
        if self.averaged is not None:
            self.averaged.net.load_state_dict(weights)
        self.best_weights, self.stale_looks = None, 0
        log.info(
            "maximum likelihood ends after %s steps; back to the weights of step %s, under which "
            "validation rows are likeliest (%.4g nats a row)",
            self.global_step, self.best_step, self.best_nll,
        )  # fmt: skip

    def configure_optimizers(self) -> list[Optimizer]:
        """Of the critic and the generator, whose weight decay leaves biases alone."""
        make_critic, make_generator = self.make_optimizers
        named = [*self.generator.named_parameters()]
        biases = [p for name, p in named if "bias" in name]
        matrices = [p for name, p in named if "bias" not in name]
        groups: Any = [
            {"params": matrices, "weight_decay": self.weight_decay},
            {"params": biases, "weight_decay": 0.0},
        ]
        return [
            make_critic(self.critic.parameters(), lr=self.critic_lr),
            make_generator(groups, lr=self.lr),
        ]

    def on_train_start(self) -> None:
        super().on_train_start()
        if self._stored_round is not None:
            self.round = self._restored_round(self._stored_round)
            self._stored_round = None

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["chain"] = {name: getattr(self, name) for name in STATE} | {
            "round": None if self.round is None else self.round.state()
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        state = checkpoint["chain"]
        for name in STATE:
            setattr(self, name, state[name])
        self._stored_round = state["round"]  # its rows are drawn once the device is known

    def _restored_round(self, state: dict[str, Any]) -> Round:
        reference = deepcopy(self.chain).requires_grad_(False).eval()
        reference.load_state_dict(state["reference"])
        known = (state["number"], reference, state["weights"], state["condition"])
        return Round.of(*known, auc=state["auc"], seed=self.seed)

    def _likelihood_phase(self) -> tuple[int, int]:
        """The first step of the likelihood phase that is on, and the step that ends it."""
        return 0, self._in_time(self.likelihood_steps)

    def _in_time(self, steps: int) -> int:
        """So many steps, or fewer where the whole training has fewer than planned."""
        share = min(total_steps(self.trainer) / self._planned_steps(), 1.0)
        return max(round(share * steps), 1)

    def _planned_steps(self) -> int:
        of_round = round_steps(len(self.rows)) if self.adversarial == "boundary" else SLOPES_STEPS
        return self.likelihood_steps + self.rounds * of_round

    def _follow(self, loss: Tensor, *, rate: float) -> None:
        """A step of the generator."""
        optimizer = self._players()[1]
        for group in optimizer.param_groups:
            group["lr"] = rate
        with self.toggled_optimizer(optimizer):
            self._step(optimizer, loss)

    def _log_step(self, *, generator: Tensor, critic: Tensor | None = None) -> None:
        """Curves of both nets, now and then: each is a wait for the device."""
        self._losses = {"generator": generator} | ({} if critic is None else {"critic": critic})
        if self.global_step % self.log_every:
            return
        self._check_losses()
        rate = self._players()[1].param_groups[0]["lr"]
        curves = {f"train/{name}_loss": loss for name, loss in self._losses.items()}
        norm = gradient_norm(self.generator.parameters())
        self.log_dict(curves | {"train/generator_lr": rate, "train/generator_grad_norm": norm})

    def _set_rates(self) -> None:
        """In ``slopes``, the rates stay."""


def expected_log(before: Sequence[Tensor], after: Sequence[Tensor]) -> Tensor:
    """The mean of log q over what ``before`` draws, block by block, exactly: [n].

    Shape:
        before, after: per bucket [heads, n, width], logarithms of shares
    """
    each = [(b.exp() * a).sum(dim=2).sum(dim=0) for b, a in zip(before, after, strict=True)]
    return torch.stack(each).sum(dim=0)
