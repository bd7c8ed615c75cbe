"""``python -m tabgan.explore data=adult``: a look at a table before anything is trained."""

from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf

from tabgan.config.keys import command_keys
from tabgan.config.launch import check_table_named, job, launch
from tabgan.errors import TabganError, check_keys
from tabgan.paths import conf_dir


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="explore")
@job
def main(cfg: DictConfig, folder: str) -> None:  # noqa: ARG001
    """Read the whole table, test part included; draw it."""
    from pathlib import Path  # pandas and matplotlib take a while, and --help must not

    from tabgan.config.misfits import hints_of, misfits
    from tabgan.encoding.identifying import with_keys
    from tabgan.report.explore import explore
    from tabgan.report.reading import read_whole
    from tabgan.runs.folder import check_own, folder_of
    from tabgan.tables.sdv import write_metadata

    check_table_named("explore")
    check_keys(cfg, command_keys("explore"))
    keys = ("name", "path", "target", "test_path", "schema_path", "drop", "index")
    data: Any = OmegaConf.to_container(cfg.data)
    requested = {key: data[key] for key in keys}
    if wrong := misfits("data", requested, hints_of(read_whole)):
        raise TabganError("; ".join(wrong))
    title, rows, schema = read_whole(**requested)
    source = str(Path(cfg.data.path).absolute()) if cfg.data.path else str(cfg.data.name)
    own = Path("outputs/explore") / (cfg.run_name or title)
    out = Path(cfg.out) if cfg.out else folder_of(own, "explore.json", "table", source)
    check_own(out, None)
    if cfg.metadata:
        write_metadata(with_keys(schema, rows), Path(cfg.metadata))
    explore(title, rows, schema, out=out, source=source)


def run() -> None:
    """The console command ``tabgan-explore``."""
    launch(main, "explore")


if __name__ == "__main__":
    run()
