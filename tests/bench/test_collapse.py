"""The ablation behind the collapse alarm's threshold: graded collapse against healthy rows.

The tables in docs/research/collapse.md are what it prints.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tabgan.metrics.collapse import COLLAPSE_THRESHOLD, collapse_signals
from tabgan.metrics.drawing import independent_columns
from tabgan.tables.readers import read_table

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
TABLES = {"Adult": "adult-train.arff.gz", "bank-small": "bank-small.arff"}
SEEDS = range(3)
N_ROWS = 2_000  # of real and of synthetic rows
SHARES = (0.10, 0.25, 0.50, 0.75, 0.90)
PROTOTYPES = (1, 10, 100)
JITTER = 0.05  # standard deviations of the column
RARE = (0.01, 0.05, 0.10, 0.25)
THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7)


def crowded(rows, share, n_prototypes, rng, *, jitter):
    """``rows`` of which ``share`` are a few prototypes again and again, exactly or nearly."""
    n_crowd = round(share * len(rows))
    prototypes = rows.iloc[rng.choice(len(rows), n_prototypes, replace=False)]
    crowd = prototypes.iloc[rng.integers(0, n_prototypes, n_crowd)].reset_index(drop=True)
    for name in rows.columns if jitter else ():
        if pd.api.types.is_numeric_dtype(rows[name].dtype):
            spread = JITTER * rows[name].astype("float64").std()
            moved = crowd[name].astype("float64") + rng.normal(0, spread, n_crowd)
            is_whole = pd.api.types.is_integer_dtype(rows[name].dtype)
            crowd[name] = moved.round().astype(rows[name].dtype) if is_whole else moved
    rest = rows.iloc[rng.permutation(len(rows))[: len(rows) - n_crowd]]
    return pd.concat([crowd, rest], ignore_index=True)


def without_rare(rows, least):
    """``rows`` with each category rarer than ``least`` replaced by its column's commonest."""
    changed = rows.copy()
    for name in rows.columns:
        if isinstance(rows[name].dtype, pd.CategoricalDtype):
            shares = rows[name].value_counts(normalize=True)
            rare = rows[name].isin(shares[shares < least].index)
            changed[name] = rows[name].mask(rare, shares.idxmax())
    return changed


def cases(real, fresh, seed):
    """(kind, what, how much) -> synthetic rows; kind "healthy" must not ring."""
    rng = np.random.default_rng(seed)
    bootstrap = real.sample(len(real), replace=True, random_state=seed, ignore_index=True)
    healthy = {"held-out rows": fresh, "a bootstrap of real": bootstrap}
    healthy["independent columns"] = independent_columns(real, len(fresh), seed)
    healthy |= {f"held-out rows, {n} of them": fresh.iloc[:n] for n in (1000, 500, 200)}
    found = {("healthy", what, "0 %"): rows for what, rows in healthy.items()}
    for share in SHARES:
        for kind in ("copies", "jitters"):
            for m in PROTOTYPES:
                rows = crowded(fresh, share, m, rng, jitter=kind == "jitters")
                found[kind, f"{kind} of {m}", f"{share:.0%}"] = rows
    for least in RARE:
        what = f"categories under {least:.0%} gone"
        found["rare", what, f"{least:.0%}"] = without_rare(fresh, least)
    return found


def measured():
    lines = []
    for title, file in TABLES.items():
        table, _ = read_table(SHARED / file)
        for seed in SEEDS:
            order = np.random.default_rng(seed).permutation(len(table))
            real = table.iloc[order[:N_ROWS]].reset_index(drop=True)
            fresh = table.iloc[order[N_ROWS : 2 * N_ROWS]].reset_index(drop=True)
            for (kind, what, share), rows in cases(real, fresh, seed).items():
                signals = collapse_signals(real.iloc[: len(rows)], rows, seed=seed)
                facts = {"table": title, "seed": seed, "kind": kind, "what": what, "share": share}
                lines.append(facts | signals)
    frame = pd.DataFrame(lines)
    signals = ["lost_categories", "entropy", "distinct_rows", "spacing"]
    return frame.assign(largest=frame[signals].max(axis=1)), signals


def markdown(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def signals_table(frame, signals):
    """Per kind and share the range of each signal over tables, seeds and numbers of prototypes."""
    rows = []
    groups = frame.assign(what=frame["what"].where(frame["kind"].isin(["healthy", "rare"]), ""))
    for (kind, what, share), some in groups.groupby(["kind", "what", "share"], sort=False):
        ranges = [f"{some[name].min():.2f} to {some[name].max():.2f}" for name in signals]
        rings = int((some["largest"] > COLLAPSE_THRESHOLD).sum())
        label = what or f"{kind} of 1, 10, 100 prototypes: {share}"
        rows.append([label, *ranges, f"{rings} of {len(some)}"])
    return markdown(["rows", *signals, f"alarm at {COLLAPSE_THRESHOLD}"], rows)


def thresholds_table(frame):
    """Alarms at several thresholds: false ones, and those of each strength."""
    crowd = frame["kind"].isin(["copies", "jitters"])
    groups = {"healthy (false alarms)": frame["kind"] == "healthy"}
    groups |= {f"crowd {s:.0%}": crowd & (frame["share"] == f"{s:.0%}") for s in SHARES}
    groups |= {
        f"rare < {s:.0%}": (frame["kind"] == "rare") & (frame["share"] == f"{s:.0%}") for s in RARE
    }
    rows = [
        [
            label,
            *(
                f"{int((frame['largest'][mask] > t).sum())} of {int(mask.sum())}"
                for t in THRESHOLDS
            ),
        ]
        for label, mask in groups.items()
    ]
    return markdown(["rows", *(f"> {t}" for t in THRESHOLDS)], rows)


@pytest.mark.bench
@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no {SHARED}")
def test_the_threshold_parts_healthy_rows_from_collapsed_ones(capsys):
    frame, signals = measured()
    with capsys.disabled():
        print(f"\n{signals_table(frame, signals)}\n\n{thresholds_table(frame)}")
    rings = frame["largest"] > COLLAPSE_THRESHOLD
    assert not rings[frame["kind"] == "healthy"].any()
    assert not rings[frame["share"].isin(["10%", "25%"]) & (frame["kind"] != "rare")].any()
    assert rings[frame["share"].isin(["75%", "90%"])].all()
