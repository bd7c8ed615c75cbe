"""``python -m tabgan.bench``: our models beside baselines and peers, on the same tables."""

import hydra
from omegaconf import DictConfig

from tabgan.config.keys import command_keys
from tabgan.config.launch import job, launch
from tabgan.paths import conf_dir


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="bench")
@job
def main(cfg: DictConfig, folder: str) -> None:  # noqa: ARG001
    """Fit, sample, time and judge each contestant on each table; write what came out as tables."""
    from pathlib import Path  # torch takes seconds to import, and --help must not

    from tabgan.errors import check_keys
    from tabgan.studies.bench import bench
    from tabgan.studies.lineup import cache_of, others_on, ours, tables_of

    check_keys(cfg, command_keys("bench"))
    own = [ours(name, [f"+experiment={name}", *cfg.overrides]) for name in cfg.experiments]
    bench(
        tables=tables_of(cfg),
        contestants=lambda table: [*own, *others_on(table, cfg)],
        seeds=list(cfg.seeds),
        peer_seeds=list(cfg.seeds if cfg.peer_seeds is None else cfg.peer_seeds),
        cache=cache_of(cfg),
        out=Path(cfg.out),
        speed_rows=cfg.speed_rows,
        resplit=cfg.resplit,
    )


def run() -> None:
    """The console command ``tabgan-bench``."""
    launch(main, "bench")


if __name__ == "__main__":
    run()
