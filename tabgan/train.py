"""``python -m tabgan.train +experiment=cgan_adult``: read a table, train a model, keep the run."""

import logging
import sys
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from tabgan.config.launch import check_table_named, job, launch
from tabgan.config.overrides import quote
from tabgan.config.sweeps import begin_sweep
from tabgan.errors import TabganError
from tabgan.paths import conf_dir
from tabgan.runs.folder import what_next
from tabgan.system.ranks import is_first

log = logging.getLogger(__name__)


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="train")
@job
def main(cfg: DictConfig, folder: str) -> float | None:
    """Read the table, build the model around its layout, train it."""
    try:
        check_table_named("train", "experiment", "start", "sweep")
    except TabganError:
        from tabgan.config.checks import check_config

        check_config(cfg)  # a misspelt word may be why no table is named
        raise
    for path in (cfg.data.get("path"), cfg.data.get("test_path")):
        if path is not None and not Path(path).exists():  # a folder is refused where it is read
            raise TabganError(f"file not found: {Path(path).absolute()}")
    log.info("loading PyTorch and Lightning")
    from tabgan.training.journey import (
        train,  # torch and Lightning take seconds, and --help must not
    )

    if "strategy" in cfg.trainer and HydraConfig.get().mode is RunMode.MULTIRUN:
        raise TabganError(
            f"trainer.strategy={cfg.trainer.strategy}: a run of several processes starts them "
            "anew, and each would sweep; start the runs one by one"
        )
    score = train(cfg, Path(folder))
    if is_first():
        for line in what_next(Path(folder)):
            log.info("%s", line)
    return score


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="resume")
@job
def one_of_many(cfg: DictConfig, folder: str) -> None:  # noqa: ARG001
    """Finish one job of a sweep."""
    from tabgan.training.resuming import resume_job

    resume_job(Path(cfg.run), cfg.number, trust=cfg.trust)


def go_on(folder: Path, trust: bool, launcher: list[str]) -> None:
    """Finish the run or the multirun in ``folder``, its jobs where ``launcher`` says."""
    from tabgan.training.resuming import resume, unfinished

    left = ",".join(map(str, unfinished(folder))) if launcher else ""
    if not left:
        resume(folder, trust=trust)
        return
    begin_sweep(folder.absolute())
    words = [f"run={quote(str(folder.absolute()))}", f"number={left}", f"trust={trust}"]
    sys.argv[1:] = [*words, *launcher, "-m"]
    one_of_many()


def run() -> None:
    """The console command ``tabgan-train``."""
    launch(main, "train", resume=go_on)


if __name__ == "__main__":
    run()
