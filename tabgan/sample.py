"""``python -m tabgan.sample run=FOLDER n=1000``: rows out of a trained run."""

import hydra
from omegaconf import DictConfig, OmegaConf

from tabgan.config.keys import command_keys
from tabgan.config.launch import job, launch
from tabgan.errors import TabganError, check_keys
from tabgan.paths import conf_dir

OF_A_RUN = ("refine", "where", "mix", "like", "score", "budget", "blackbox", "shards", "shard")
ROWS = 1_000  # where neither n nor like says how many


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="sample")
@job
def main(cfg: DictConfig, folder: str) -> None:  # noqa: ARG001
    """Open the run, draw rows that satisfy the conditions, stream them to disk."""
    check_keys(cfg, command_keys("sample"))
    if cfg.schema is not None:
        _draw_unlearned(cfg)
        return
    import json  # torch takes seconds to import, and --help must not
    from pathlib import Path

    from tabgan.blackboxes.evasion.opening import write_changed
    from tabgan.config.opening import chosen_refiner, open_run
    from tabgan.evaluation.conditions import check_rows, refuse_check, tell_support
    from tabgan.evaluation.gathering import read_data
    from tabgan.runs.folder import RECORDS, kind_of, unused
    from tabgan.runs.model_file import output_path
    from tabgan.sampling.stream import stream_rows
    from tabgan.system.arithmetic import compute_with
    from tabgan.system.files import write_sidecar
    from tabgan.tables.conditions import read_conditions

    compute_with(cfg.threads)
    if kind_of(Path(cfg.run)) == RECORDS:
        write_changed(cfg)
        return
    run = open_run(Path(cfg.run))
    name = f"rows_seed{cfg.seed}.csv"
    own = output_path(Path(cfg.run), f"samples/{name}", name)
    out = Path(cfg.out) if cfg.out else unused(own)
    where = json.loads(cfg.where or "{}")
    like = read_conditions(Path(cfg.like)) if cfg.like else None
    refuse_check(cfg)
    n = len(like or range(ROWS)) if cfg.n is None else int(cfg.n)
    if cfg.score is not None:
        from tabgan.blackboxes.scored.scoring import (  # black boxes bring their own
            refuse_others,
            write_scored_rows,
        )

        refuse_others(cfg)
        write_scored_rows(cfg, run, out, n=n)
        return
    requested = {"n": n, "seed": cfg.seed, "where": where, "mix": cfg.mix, "like": like}
    requested["dropped"] = cfg.dropped
    refiner = chosen_refiner(run, cfg.refine)
    if cfg.shards is not None or cfg.shard is not None:
        from tabgan.sampling.shards import write_shard

        of_part = {"shard": cfg.shard, "shards": cfg.shards, "checkpoint": run.checkpoint}
        whole = out if cfg.out else own.with_suffix("")
        write_shard(run.module, run.encoder, refiner, folder=whole, **of_part, **requested)
        tell_support(run, where=where, mix=cfg.mix, like=like)
        return
    data = read_data(run) if cfg.check else None  # before rows are drawn, for it may be refused
    sidecar = stream_rows(run.module, run.encoder, refiner, out=out, **requested)
    share = sidecar["share_of_the_generator"]
    if support := tell_support(run, where=where, mix=cfg.mix, like=like, share=share):
        write_sidecar(out, sidecar | {"training_rows": support})
    if data is not None:
        check_rows(run, data, refiner, out, where, seed=cfg.seed)


def _draw_unlearned(cfg: DictConfig) -> None:
    """Draw rows of a schema file alone."""
    from pathlib import Path

    from tabgan.runs.folder import unused
    from tabgan.sampling.unlearned import write_unlearned
    from tabgan.tables.schema import TableSchema

    others = [name for name in OF_A_RUN if cfg.get(name) is not None]
    if not OmegaConf.is_missing(cfg, "run") or others or cfg.check:
        other = "run" if not OmegaConf.is_missing(cfg, "run") else (*others, "check")[0]
        raise TabganError(f"schema= and {other}: rows of a schema alone are drawn without a run")
    path = Path(cfg.schema)
    own = path.with_name(f"{path.name.split('.')[0]}_rows_seed{cfg.seed}.csv")
    out = Path(cfg.out) if cfg.out else unused(own)
    n = ROWS if cfg.n is None else int(cfg.n)
    write_unlearned(TableSchema.load(path), out, n=n, seed=cfg.seed)


def run() -> None:
    """The console command ``tabgan-sample``."""
    launch(main, "sample")


if __name__ == "__main__":
    run()
