"""``python -m tabgan.train +experiment=cgan_adult``: read a table, train a model, keep the run."""

import logging
from pathlib import Path

import hydra
from omegaconf import DictConfig

from tabgan.commands import job, launch
from tabgan.paths import conf_dir

log = logging.getLogger(__name__)


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="train")
@job
def main(cfg: DictConfig, folder: str) -> float | None:
    """Read the table, build the model around its layout, train it."""
    log.info("loading torch and Lightning")
    from tabgan.journey import train  # torch and Lightning take seconds, and --help must not

    return train(cfg, Path(folder))


def go_on(folder: Path, trust: bool) -> None:
    """Finish the run or the multirun in ``folder``."""
    from tabgan.resuming import resume

    resume(folder, trust=trust)


def run() -> None:
    """The console command ``tabgan-train``."""
    launch(main, "train", resume=go_on)


if __name__ == "__main__":
    run()
