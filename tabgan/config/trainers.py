"""Whether Lightning's Trainer takes what it is requested, found out before a table is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hydra.utils import instantiate
from omegaconf import DictConfig
from pytorch_lightning import Callback, Trainer

from tabgan.errors import TabganError, as_requested, nearest, one_line
from tabgan.metrics.registry import VALIDATION
from tabgan.system.ranks import is_first

OURS = {  # what the training gives the Trainer itself
    "callbacks": "give callbacks=<name> or callbacks.<name>.<key>=<value>",
    "logger": "give logger=<name>",
    "plugins": "checkpoints are written by tabgan's own",
    "default_root_dir": "give hydra.run.dir=<folder>",
    "barebones": "give logger=none callbacks=none",
}
BY_HAND = {  # what optimizers that are stepped by hand do not know: its value for no such thing
    "gradient_clip_val": (0, "model.clip bounds the critic's weights"),
    "gradient_clip_algorithm": (None, "model.clip bounds the critic's weights"),
    "accumulate_grad_batches": (1, "data.batch_size makes batches larger"),
}
PRECISIONS = ("32-true", "32", 32, "16-mixed", "bf16-mixed")
WHERE = ("accelerator", "devices", "strategy", "num_nodes")
OWN = "tabgan."
MONITORED = (  # what our modules and callbacks log of validation rows
    *("val/generator_loss", "val/critic_loss", "val/em_distance"),
    *VALIDATION,
    *("val/collapse", "val/pass_rate", "val/score_mae", "val/score_loss"),
)
BATCHES = ("limit_train_batches", "overfit_batches")


def check_trainer(cfg: DictConfig, folder: Path) -> None:
    """Refuse a ``trainer`` that Lightning would refuse, or that would not train as it says.

    Args:
        cfg: of the run.
        folder: of the run.

    Raises:
        TabganError: naming the key, or with Lightning's own reason.
    """
    requested: dict[str, Any] = {
        str(key): value for key, value in (cfg.get("trainer") or {}).items()
    }
    if not requested:
        raise TabganError("trainer: expected the name of a file of conf/trainer: cpu, gpu or ddp")
    for key, instead in OURS.items():
        if key in requested:
            raise TabganError(f"trainer.{key}={as_requested(requested[key])}: not taken; {instead}")
    for key, (nothing, instead) in BY_HAND.items():
        if requested.get(key, nothing) not in (None, nothing):
            raise TabganError(
                f"trainer.{key}={requested[key]}: not taken, for generator and critic each take "
                "steps "
                f"of their own; {instead}"
            )
    if requested.get("precision", "32-true") not in PRECISIONS:
        raise TabganError(
            f"trainer.precision={requested['precision']}: expected 32-true, 16-mixed or bf16-mixed"
        )
    for key in BATCHES:
        share = requested.get(key)
        if share is not None and (share < 0 or (share == 0 and key == BATCHES[0])):
            raise TabganError(
                f"trainer.{key}={share}: expected a number of batches, or a share of them above 0"
            )
    if requested.get("val_check_interval", 1) in (0, 0.0):
        raise TabganError("trainer.val_check_interval=0: expected batches, or a share above 0")
    ends = (requested.get("max_epochs"), requested.get("max_steps"), requested.get("max_time"))
    if ends[0] == -1 and all(end in (None, -1) for end in ends[1:]):
        raise TabganError(
            "trainer.max_epochs=-1: expected an end: trainer.max_steps or trainer.max_time"
        )
    if is_first():
        _try(cfg)
        _check_checkpoint(cfg, folder)


def _check_checkpoint(cfg: DictConfig, folder: Path) -> None:
    """Refuse to keep weights where no command would look for them, or by what nobody measures."""
    requested = cfg.callbacks.get("checkpoint")
    if not requested or not str(requested.get("_target_")).startswith(OWN):
        return
    if Path(requested.dirpath).absolute() != (folder / "checkpoints").absolute():
        raise TabganError(
            f"callbacks.checkpoint.dirpath={requested.dirpath}: a run's weights lie in its own "
            "folder; "
            "give hydra.run.dir=<folder>"
        )
    others = [c for c in cfg.callbacks.values() if not str(c.get("_target_")).startswith(OWN)]
    if requested.monitor not in MONITORED and not others:
        raise TabganError(
            f"callbacks.checkpoint.monitor={requested.monitor}: "
            f"{nearest(requested.monitor, MONITORED)}"
        )


def _callback(cfg: DictConfig, name: str) -> Callback:
    made = built(f"callbacks.{name}", lambda: instantiate(cfg.callbacks[name]))
    if not isinstance(made, Callback):
        raise TabganError(
            f"callbacks.{name}: expected a Lightning callback, got {type(made).__name__}"
        )
    return made


def check_batches(cfg: DictConfig, n_rows: int) -> None:
    """Refuse shares of an epoch that hold no batch, and looks between more batches than it has.

    Raises:
        TabganError: naming the key and the number of batches.
    """
    n_batches = n_rows // int(cfg.data.batch_size)
    for key in BATCHES:
        share = cfg.trainer.get(key)
        if isinstance(share, float) and 0 < share * n_batches < 1:
            raise TabganError(f"trainer.{key}={share}: less than one of {n_batches} batches")
    every = cfg.trainer.get("val_check_interval")
    between = cfg.trainer.get("check_val_every_n_epoch") is None  # counted over epochs
    if isinstance(every, int) and every > n_batches and not between:
        raise TabganError(
            f"trainer.val_check_interval={every}: more than the {n_batches} batches of an epoch; "
            "trainer.check_val_every_n_epoch=null counts them over epochs"
        )


def built(part: str, make: Callable[[], Any]) -> Any:
    """The result of ``make`` for a part of the configuration; a refusal becomes one line.

    Raises:
        TabganError: naming the part, with the reason that was given.
    """
    try:
        return make()
    except TabganError:
        raise
    except Exception as error:  # whatever a library raises for values that it does not take
        if isinstance(error.__cause__, TabganError):  # Hydra's, around one of ours
            raise error.__cause__ from error
        reason = one_line(error).partition(" Example choices:")[0] or type(error).__name__
        raise TabganError(f"{part}: {reason}") from error


def _try(cfg: DictConfig) -> None:
    """Make the Trainer that will be made, without loggers, and let it go again."""
    callbacks = [_callback(cfg, str(name)) for name in cfg.callbacks]
    where = " ".join(f"{key}={cfg.trainer[key]}" for key in WHERE if key in cfg.trainer)
    trainer: Trainer = built(
        f"trainer: {where}", lambda: instantiate(cfg.trainer)(callbacks=callbacks, logger=False)
    )
    n_processes = trainer.world_size
    if n_processes > 1 and "strategy" not in cfg.trainer:
        said = {key: cfg.trainer[key] for key in ("devices", "num_nodes") if key in cfg.trainer}
        requested = " ".join(f"trainer.{key}={value}" for key, value in said.items())
        raise TabganError(f"{requested}: {n_processes} processes; give trainer=ddp too")
