"""``python -m tabgan.tune +experiment=cgan_adult n_trials=50``: look for better settings."""

import hydra
from omegaconf import DictConfig

from tabgan.config.launch import check_table_named, job, launch
from tabgan.paths import conf_dir


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="tune")
@job
def main(cfg: DictConfig, folder: str) -> None:  # noqa: ARG001
    """Train with settings that TPE proposes until there are ``n_trials`` of them."""
    from tabgan.training.tuning import tune  # torch and Lightning take seconds, and --help must not

    check_table_named("tune", "experiment", "start")
    tune(cfg)


def run() -> None:
    """The console command ``tabgan-tune``."""
    launch(main, "tune")


if __name__ == "__main__":
    run()
