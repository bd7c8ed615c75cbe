"""``python -m tabgan.train +experiment=cgan_adult``: read a table, train a model, keep the run."""

import logging

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
    from pathlib import Path  # torch and Lightning take seconds to import, and --help must not

    from hydra.utils import instantiate

    from tabgan.recipes import build_module, build_trainer, check_config, settle
    from tabgan.training import begin, finish, fit_refiner, keep_best

    check_config(cfg)
    begin(seed=cfg.seed, threads=cfg.threads)
    datamodule = instantiate(cfg.data)(encoder=instantiate(cfg.encoder))
    datamodule.setup("fit")  # reads the table, so the nets can be given its layout
    settle(cfg, datamodule, Path(folder))
    module = build_module(cfg, datamodule.encoder)
    trainer = build_trainer(cfg, module, datamodule.encoder, Path(folder))
    module.prepare(datamodule.encoded("train"), datamodule.encoded("validation"), seed=cfg.seed)
    trainer.fit(module, datamodule=datamodule)
    score = keep_best(trainer, module)
    refiner = fit_refiner(module, datamodule, Path(folder), seed=cfg.seed, **cfg.refiner)
    finish(trainer, module, datamodule.encoder, refiner, Path(folder), seed=cfg.seed)
    return score


def run() -> None:
    """The console command ``tabgan-train``."""
    launch(main, "train")


if __name__ == "__main__":
    run()
