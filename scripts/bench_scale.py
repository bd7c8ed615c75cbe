"""Training from a table larger than one would hold in memory: times, memory, throughput.

``make bench-scale``, or ``python scripts/bench_scale.py --rows 5000000 --steps 1000``: Adult's
training rows, drawn with replacement into a CSV file; then a first start (the codes are made), a
second one (they are there), and one with the codes in memory, each in a process of its own. On a
busy machine the processor's seconds say more than the clock's.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

BEGAN = time.perf_counter()
PIECE = 100_000  # rows that are drawn and written together


def main() -> None:
    """Print the table, or, in a child process, one start's figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--steps", type=int, default=1_000)
    parser.add_argument("--suffix", default="csv", choices=["csv", "arff", "parquet"])
    parser.add_argument("--folder", type=Path, default=Path("outputs/bench_scale"))
    parser.add_argument("--start", choices=["disk", "memory"], help="what a child process does")
    asked = parser.parse_args()
    table = asked.folder / f"adult_{asked.rows}.{asked.suffix}"
    if asked.start:
        print(json.dumps(start(table, asked.folder, asked.steps, asked.start)))
        return
    if not table.is_file():
        write_adult(table, asked.rows)
    print(f"{table}: {table.stat().st_size / 2**20:,.0f} MiB, {asked.rows:,} rows")
    print("\n| start | to the first step | of processor | a step | of processor | memory |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, how in (("first", "disk"), ("second", "disk"), ("codes in memory", "memory")):
        words = [sys.executable, __file__, *sys.argv[1:], "--start", how]
        ended = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
        found = json.loads(ended.stdout.splitlines()[-1])
        print(
            f"| {name} | {found['clock']:.1f} s | {found['processor']:.1f} s "
            f"| {found['clock_a_step']:.1f} ms | {found['processor_a_step']:.1f} ms "
            f"| {found['peak'] / 2**30:.2f} GiB |",
            flush=True,
        )


def write_adult(path: Path, n_rows: int) -> None:
    """Adult's training rows with replacement, in its schema."""
    from tabgan.seeding import rng_at
    from tabgan.tables.readers import read_table
    from tabgan.tables.sources import resolve
    from tabgan.tables.writers import open_writer

    adult = resolve("adult")
    table, schema = read_table(adult.path, target=adult.target)
    table = table.iloc[: adult.train_rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    with open_writer(path, schema) as writer:
        for begin in range(0, n_rows, PIECE):
            rng = rng_at(0, "bootstrap", begin)
            writer.write(table.iloc[rng.integers(len(table), size=min(PIECE, n_rows - begin))])


def start(path: Path, folder: Path, steps: int, how: str) -> dict[str, float]:
    """Train ``steps`` steps: seconds from the process's begin to the first, ms a step, bytes."""
    from dataclasses import replace

    from hydra import compose, initialize_config_dir
    from hydra.utils import instantiate
    from pytorch_lightning import Callback

    from tabgan.config.building import build_module, settle
    from tabgan.paths import conf_dir
    from tabgan.runs.session import begin

    class Clock(Callback):
        def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
            self.last = time.perf_counter(), time.process_time()
            if batch_idx == 0:
                self.first = self.last

    words = [f"data.path={path.absolute()}", "data.target=income", "data.out_of_core=true"]
    words += [f"data.cache={(folder / 'codes').absolute()}", "+experiment=cgan_adult"]
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("train", overrides=[*words, f"+trainer.limit_train_batches={steps}"])
    begin(seed=0, threads=1)
    data = instantiate(cfg.data)(encoder=instantiate(cfg.encoder))
    data.setup("fit")
    settle(cfg, data, folder)
    cfg.trainer.max_epochs = 1
    if how == "memory":
        for part, pair in data._coded.items():
            rows, condition = pair
            if part == "train":
                condition = condition[:]
                rows = replace(rows, codes=rows.codes.clone(), scalars=rows.scalars.clone())
            data._coded[part] = rows, condition
    module = build_module(cfg, data.encoder)
    module.prepare(data.coded("sample"), data.coded("validation"), seed=0)
    clock = Clock()
    quiet = {"logger": False, "enable_checkpointing": False, "default_root_dir": str(folder)}
    instantiate(cfg.trainer)(callbacks=[clock], limit_val_batches=0, **quiet).fit(module, data)
    a_step = [
        1e3 * (last - first) / (steps - 1)
        for first, last in zip(clock.first, clock.last, strict=True)
    ]
    return {
        "clock": clock.first[0] - BEGAN,
        "processor": clock.first[1],
        "clock_a_step": a_step[0],
        "processor_a_step": a_step[1],
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


if __name__ == "__main__":
    main()
