"""``python -m tabgan.explore data=adult``: a look at a table before anything is trained."""

import hydra
from omegaconf import DictConfig

from tabgan.commands import job, launch
from tabgan.errors import check_keys
from tabgan.paths import conf_dir


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="explore")
@job
def main(cfg: DictConfig, folder: str) -> None:  # noqa: ARG001
    """Read the whole table, test part included; draw it."""
    from pathlib import Path  # pandas and matplotlib take a while, and --help must not

    from tabgan.report.explore import explore
    from tabgan.report.reading import read_whole

    check_keys(cfg, ("data", "out", "seed", "run_name"))
    keys = ("name", "path", "target", "test_path", "schema_path", "drop", "index")
    title, rows, schema = read_whole(**{key: cfg.data[key] for key in keys})
    explore(title, rows, schema, out=Path(cfg.out or f"outputs/explore/{title}"))


def run() -> None:
    """The console command ``tabgan-explore``."""
    launch(main, "explore")


if __name__ == "__main__":
    run()
