"""``python -m tabgan.audit run=FOLDER``: the scores that rows get, and their price."""

import hydra
from omegaconf import DictConfig

from tabgan.config.launch import job, launch
from tabgan.paths import conf_dir


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="audit")
@job
def main(cfg: DictConfig, folder: str) -> None:  # noqa: ARG001
    """Make rows for scores spread evenly, by the run and by its baselines; report on them."""
    from pathlib import Path  # torch takes seconds to import, and --help must not

    from tabgan.blackboxes.scored.audit import build_audit
    from tabgan.blackboxes.scored.auditing import gather_audit
    from tabgan.runs.folder import check_own
    from tabgan.runs.model_file import output_path

    out = Path(cfg.out) if cfg.out else output_path(Path(cfg.run), "audit", "audit")
    check_own(out, None)
    build_audit(gather_audit(cfg, out), out=out, seed=cfg.seed, threads=cfg.threads)


def run() -> None:
    """The console command ``tabgan-audit``."""
    launch(main, "audit")


if __name__ == "__main__":
    run()
