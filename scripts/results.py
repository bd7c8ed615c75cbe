"""The README's table, docs/research/results.md and its picture, from the lines of benches.

    python scripts/results.py outputs/bench/adult/bench.csv outputs/bench/bank/bench.csv ...

adds these benches' lines to docs/research/bench.csv, in the place of older ones of the same
table, and writes all three anew; without files it only writes them.
"""

import re
import sys
from pathlib import Path

import matplotlib
import pandas as pd

matplotlib.use("Agg")
from matplotlib import pyplot

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "docs" / "research" / "bench.csv"
KEYS = ["table", "contestant", "rows", "seed"]
FIGURES = {
    "c2st_test_auc": "AUC by trees", "c2st_test_auc_net": "AUC by net", "dcr_share": "DCR share",
    "duplicate_rate": "copies", "membership_tpr01": "found at 1 %", "mle_auc": "MLE AUC",
    "mle_rmse": "MLE RMSE", "trend_error": "trend %", "cpu": "CPU s", "rows_per_second": "rows/s",
}  # fmt: skip
IN_README = ["c2st_test_auc", "c2st_test_auc_net", "dcr_share", "duplicate_rate", "mle_auc", "cpu"]
NAMES = {
    "cgan_adult raw": "**tabgan**", "cgan_adult refined": "tabgan, refined",
    "cart_20 raw": "CART, leaves of 20", "cart_5 raw": "CART, leaves of 5",
    "cart_100 raw": "CART, leaves of 100", "smote raw": "interpolation",
    "ctgan raw": "CTGAN 0.12.1",
    "real test rows raw": "real rows", "independent columns raw": "independent columns",
}  # fmt: skip
SHOWN = ["cgan_adult raw", "cart_20 raw", "ctgan raw"]  # in the README
TABLES = {
    "adult": "Adult", "bank": "Bank", "bank_small": "Bank, 10 %", "magic": "MAGIC",
    "nsl_kdd_cut": "NSL-KDD, cut",
}  # fmt: skip
LARGE = ["lending_club", "DoctorContacts", "loans_full_schema"]  # of the others, in the picture
MARKS = {
    "cgan_adult raw": ("#00795c", "o"), "cart_5 raw": ("#f0a868", "v"),
    "cart_20 raw": ("#c05000", "s"), "cart_100 raw": ("#7a3300", "^"),
    "smote raw": ("#888888", "x"), "ctgan raw": ("#5b5b9a", "D"),
}  # fmt: skip


def lines_of(paths):
    """All lines, those of the files given in the place of older ones of their tables."""
    kept = pd.read_csv(KEPT) if KEPT.is_file() else pd.DataFrame(columns=KEYS)
    for path in paths:
        fresh = pd.read_csv(path)
        fresh = fresh[[name for name in (*KEYS, *FIGURES) if name in fresh]]
        old = kept["table"].isin(fresh["table"]) & kept["contestant"].isin(fresh["contestant"])
        kept = pd.concat([kept[~old], fresh], ignore_index=True)
    kept.to_csv(KEPT, index=False, float_format="%.5g")
    return kept.assign(who=kept["contestant"] + " " + kept["rows"])


def written(name, value):
    """A figure as the table has it; nothing for one that was not measured."""
    if pd.isna(value):
        return ""
    if name in ("cpu", "rows_per_second"):
        return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"
    return f"{value:.2f}" if name in ("trend_error", "mle_rmse") else f"{value:.3f}".lstrip("0")


def table(lines, whose, figures):
    """Markdown: a row per table and contestant."""
    means = lines.groupby(["table", "who"], sort=False)[list(figures)].mean()
    out = ["table", "rows", *(FIGURES[name] for name in figures)]
    text = [out, ["---", "---", *["---:"] * len(figures)]]
    order = [*TABLES, *sorted(set(lines["table"]) - set(TABLES))]
    for name in (name for name in order if name in set(lines["table"])):
        own = means.loc[name]
        for who in (who for who in whose if who in own.index):
            cells = [written(figure, own.loc[who, figure]) for figure in figures]
            text.append([TABLES.get(name, name), NAMES[who], *cells])
    return "".join(f"| {' | '.join(cells)} |\n" for cells in text)


def draw(lines, path):
    """AUC by trees against CPU seconds and against the DCR share, of the larger tables."""
    figure, both = pyplot.subplots(1, 2, figsize=(11, 4.2), layout="constrained", sharey=True)
    lines = lines[lines["table"].isin([*TABLES, *LARGE])]
    for axes, key in zip(both, ("cpu", "dcr_share"), strict=True):
        for who, (colour, mark) in MARKS.items():
            own = lines[(lines["who"] == who) & lines[key].notna()]
            values = own[key], own["c2st_test_auc"]
            axes.scatter(*values, color=colour, marker=mark, s=44, label=NAMES[who].strip("*"))
        axes.axhline(0.5, color="#888", linewidth=0.8, linestyle="--")
        axes.spines[["top", "right"]].set_visible(False)
    both[0].set_xscale("log")
    both[0].set_xlabel("CPU seconds, from the file to the rows")
    both[0].set_ylabel("AUC: trees tell rows from unseen ones")
    both[1].axvline(0.5, color="#888", linewidth=0.8, linestyle="--")
    both[1].set_xlabel("DCR share: rows nearer to what was learned; more than .5 is copying")
    both[0].legend(frameon=False, loc="upper left")
    figure.savefig(path, dpi=120)


def main():
    """Write the README's table, the page and the picture."""
    lines = lines_of(sys.argv[1:])
    readme = ROOT / "README.md"
    block = table(lines[lines["table"].isin(TABLES)], SHOWN, IN_README)
    text = re.sub(
        r"<!-- results -->\n.*?<!-- /results -->",
        lambda _: f"<!-- results -->\n{block}<!-- /results -->",
        readme.read_text("utf-8"), flags=re.DOTALL,
    )  # fmt: skip
    readme.write_text(text, "utf-8")
    page = (ROOT / "docs" / "research" / "results.md").read_text("utf-8")
    whole = table(lines, list(NAMES), [name for name in FIGURES if name in lines])
    page = re.sub(r"(?s)(<!-- results -->\n).*?(<!-- /results -->)", rf"\1\n{whole}\n\2", page)
    (ROOT / "docs" / "research" / "results.md").write_text(page, "utf-8")
    draw(lines, ROOT / "docs" / "pictures" / "results.png")


if __name__ == "__main__":
    main()
