"""``python -m tabgan.evaluate run=FOLDER``: how good are the rows, and are they copies?"""

from dataclasses import replace

import hydra
from omegaconf import DictConfig

from tabgan.config.launch import job, launch
from tabgan.paths import conf_dir
from tabgan.system.shell import command


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="evaluate")
@job
def main(cfg: DictConfig, folder: str) -> None:  # noqa: ARG001
    """Gather three tables, from a run or from files, and report on them."""
    from tabgan.evaluation.gathering import (  # slow to import, and --help must not be
        can_resplit,
        gather,
        run_study,
    )
    from tabgan.evaluation.resplit import resplits
    from tabgan.report.build import build_report
    from tabgan.runs.card import write_card
    from tabgan.runs.folder import is_run

    if "study" in cfg:
        run_study(cfg)
        return
    evaluation = gather(cfg)
    tables = evaluation.tables
    again = command("evaluate", f"run={cfg.run}", "resplit=true") if can_resplit(cfg) else ""
    build_report(
        replace(tables, resplits=resplits(cfg)) if cfg.resplit else tables,
        out=evaluation.out,
        seed=cfg.seed,
        threads=cfg.threads,
        full_mle=cfg.full_mle,
        facts=evaluation.facts,
        configuration=evaluation.configuration,
        resplit_command=again,
    )
    if is_run(evaluation.out):
        write_card(evaluation.out)


def run() -> None:
    """The console command ``tabgan-evaluate``."""
    launch(main, "evaluate")


if __name__ == "__main__":
    run()
