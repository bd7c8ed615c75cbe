"""``python -m tabgan.impute run=FOLDER data.path=gaps.csv``: missing cells filled."""

import hydra
from omegaconf import DictConfig

from tabgan.config.keys import command_keys
from tabgan.config.launch import job, launch
from tabgan.errors import check_keys
from tabgan.paths import conf_dir


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="impute")
@job
def main(cfg: DictConfig, folder: str) -> None:  # noqa: ARG001
    """Open the run and fill the file's missing cells from what its generator expects there."""
    from pathlib import Path  # torch takes seconds to import, and --help must not

    from tabgan.config.opening import open_run
    from tabgan.sampling.filling import fill_file
    from tabgan.sampling.imputing import Imputer
    from tabgan.system.arithmetic import compute_with

    check_keys(cfg, command_keys("impute"))
    compute_with(cfg.threads)
    path = Path(cfg.data.path)
    run = open_run(Path(cfg.run))
    imputer = Imputer(run.module, run.encoder, seed=cfg.seed)
    out = Path(cfg.out) if cfg.out else None
    fill_file(imputer, path, out, n_imputations=cfg.n_imputations, how=cfg.how)


def run() -> None:
    """The console command ``tabgan-impute``."""
    launch(main, "impute")


if __name__ == "__main__":
    run()
