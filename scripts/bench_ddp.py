"""One process beside two that share every batch: the same quality, within the spread of seeds?

``make bench-ddp``, or ``python scripts/bench_ddp.py --seeds 3 trainer.max_epochs=20``: words behind
the options go to each training. A run that is finished in the folder is not trained again.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

METRICS = ("val/c2st_auc", "val/trend_error", "val/shape_error", "seconds")


def main() -> None:
    """Train, and print the means, their spreads, and whether the means are apart."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path("outputs/bench_ddp"))
    asked, words = parser.parse_known_args()
    found = {
        trainer: [_trained(asked.folder, trainer, seed, words) for seed in range(asked.seeds)]
        for trainer in ("cpu", "ddp")
    }
    print(
        "| measure | one process | two processes | within the spread |\n| --- | --- | --- | --- |"
    )
    for name in METRICS:
        one, two = ([run[name] for run in found[trainer]] for trainer in ("cpu", "ddp"))
        spread = max(one) - min(one)
        means = statistics.fmean(one), statistics.fmean(two)
        same = "" if name == "seconds" else "yes" if abs(means[0] - means[1]) <= spread else "no"
        print(f"| {name} | {means[0]:.4f} ± {spread / 2:.4f} | {means[1]:.4f} | {same} |")


def _trained(folder: Path, trainer: str, seed: int, words: list[str]) -> dict[str, float]:
    run = folder / f"{trainer}_seed{seed}"
    if not (run / "metrics.json").is_file():
        asked = ["+experiment=cgan_adult", f"trainer={trainer}", f"seed={seed}", *words]
        command = [sys.executable, "-m", "tabgan.train", *asked, f"hydra.run.dir={run}"]
        subprocess.run(command, check=True)
    metrics: dict[str, float] = json.loads((run / "metrics.json").read_text("utf-8"))
    return metrics


if __name__ == "__main__":
    main()
