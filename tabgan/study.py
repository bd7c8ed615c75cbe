"""``python -m tabgan.study +study=NAME``: many trainings, one question."""

import hydra
from omegaconf import DictConfig

from tabgan.config.launch import job, launch
from tabgan.paths import conf_dir


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="study")
@job
def main(cfg: DictConfig, folder: str) -> None:  # noqa: ARG001
    """Run the study on each table, with each seed; what is done stays done."""
    from pathlib import Path  # torch takes seconds to import, and --help must not

    from tabgan.studies.lineup import cache_of, ours, study_of, tables_of

    name, study = study_of(cfg)
    study(
        tables=tables_of(cfg),
        make_contestant=ours,
        seeds=list(cfg.seeds),
        cache=cache_of(cfg),
        out=Path(cfg.out or f"outputs/study/{name}"),
    )


def run() -> None:
    """The console command ``tabgan-study``."""
    launch(main, "study")


if __name__ == "__main__":
    run()
