"""``python -m tabgan.sample run=FOLDER n=1000``: rows out of a trained run."""

import hydra
from omegaconf import DictConfig

from tabgan.commands import job, launch
from tabgan.errors import check_keys
from tabgan.paths import conf_dir


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="sample")
@job
def main(cfg: DictConfig, folder: str) -> None:  # noqa: ARG001
    """Open the run, draw rows that satisfy the conditions, stream them to disk."""
    import json  # torch takes seconds to import, and --help must not
    from pathlib import Path

    import torch

    from tabgan.runs import chosen_refiner, open_run
    from tabgan.sampling.stream import stream_rows

    check_keys(cfg, ("run", "n", "seed", "out", "refine", "where", "threads"))
    torch.set_num_threads(cfg.threads)
    run = open_run(Path(cfg.run))
    out = Path(cfg.out) if cfg.out else run.folder / "samples" / f"rows_seed{cfg.seed}.csv"
    where = json.loads(cfg.where or "{}")
    asked = {"n": int(cfg.n), "seed": cfg.seed, "where": where}
    refiner = chosen_refiner(run, cfg.refine)
    stream_rows(run.module, run.encoder, refiner, out=out, **asked)


def run() -> None:
    """The console command ``tabgan-sample``."""
    launch(main, "sample")


if __name__ == "__main__":
    run()
