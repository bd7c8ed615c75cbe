"""``python -m tabgan.blackbox data=adult``: train the report's black box, and describe it."""

import hydra
from omegaconf import DictConfig

from tabgan.config.keys import command_keys
from tabgan.config.launch import check_table_named, job, launch
from tabgan.errors import TabganError, check_keys
from tabgan.paths import conf_dir


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="blackbox")
@job
def main(cfg: DictConfig, folder: str) -> None:  # noqa: ARG001
    """Read a table, fit a forest on nine tenths of its training rows, judge it on the tenth."""
    from pathlib import Path  # pandas and scikit-learn take a while, and --help must not

    from hydra.utils import instantiate

    from tabgan.blackboxes.page import describe_forest
    from tabgan.report.reading import read_whole
    from tabgan.runs.folder import folder_of

    check_table_named("blackbox")
    if cfg.blackbox.get("_target_") != "tabgan.blackboxes.forest.fit_forest":
        raise TabganError(
            "blackbox: expected forest, which is fitted here; others are fitted already"
        )
    check_keys(cfg, command_keys("blackbox"))
    data = instantiate(cfg.data)(encoder=instantiate(cfg.encoder))
    data.batch_size = 1  # nothing is trained in batches
    data.setup("fit")
    fit = instantiate(cfg.blackbox)
    source = str(Path(cfg.data.path).absolute()) if cfg.data.path else str(cfg.data.name)
    own = Path("outputs/blackbox") / (cfg.run_name or data.title)
    out = Path(cfg.out) if cfg.out else folder_of(own, "blackbox.json", "source", source)
    keys = ("name", "path", "target", "test_path", "schema_path", "drop", "index")
    _, whole, _ = read_whole(**{key: cfg.data[key] for key in keys})  # in the file's order
    rows = {"train": data.train, "held": data.validation, "test": data.test, "whole": whole}
    named = {"title": data.title, "source": source}
    describe_forest(fit, rows, data.schema, **named, out=out, seed=cfg.seed)


def run() -> None:
    """The console command ``tabgan-blackbox``."""
    launch(main, "blackbox")


if __name__ == "__main__":
    run()
