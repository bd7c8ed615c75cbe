"""The files of the evasion study: tables of figures, a picture of them, a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from tabgan.blackboxes.evasion.rules import RuleBook
from tabgan.report.dots import dots_picture
from tabgan.report.html import figure_text, page
from tabgan.studies.cells import keep
from tabgan.studies.tallies import markdown, write_tally

Line = dict[str, Any]
OF_LEVEL = {"eir": "one shot", "queried_eir": "with queries", "best_eir": "at best"}
FIGURES = {
    "detected": "detected records",
    "before": "detected before",
    "after": "after",
    "eir": "EIR %",
    "queried": "after, with queries",
    "queried_eir": "EIR %, with queries",
    "best_eir": "EIR % at best",
    "transfer_eir": "EIR % of the others",
    "kept": "held identical %",
    "consistent": "consistent %",
    "changed": "columns changed",
    "c2st_auc": "C2ST AUC",
    "real_c2st_auc": "of real test attacks",
    "retrained": "detected after retraining",
    "false_alarms": "false alarms %",
    "retrained_false_alarms": "after retraining",
    "queries": "queries",
    "queries_a_row": "queries a row",
    "seconds": "training, s",
}
LEGEND = (
    "rules: what changed records keep; none: every number within its range, as IDSGAN; ranges: in "
    "steps of its column besides; all: what 99.9 % of the real rows obey",
    "detected: share of the attack records that the detector names an attack",
    "EIR: evasion increase rate, 1 - after / before, of the detector that was queried",
    "one shot: no query is spent on the records that are changed",
    "with queries: before a row is sent, the detector is queried for at most 8, until one passes",
    "EIR at best: of 100 records a category, by a search led by the detector's own margin",
    "EIR of the others: the one-shot rows before the detectors that were not requested, their mean",
    "consistent: rows that break no rule, of all, which the record they were made from obeys",
    "columns changed: of a row, on average",
    "C2ST AUC: of boosted trees between the rows and the records they were made from; .5 is best",
    "of real test attacks: the same between the records and the category's training rows",
    "detected after retraining: new rows, once the detector has learned others of this attacker",
    "queries: distinct rows that the detector answered while its substitutes learned",
)


def levels_table(lines: Sequence[Line]) -> str:
    """A Markdown table: a row per detector and category, EIR % under each level of rules.

    Means over seeds; ``before`` is the share of the records that the detector sees.
    """
    frame = pd.DataFrame(list(lines))
    levels = list(dict.fromkeys(frame["rules"]))
    groups = frame.groupby(["table", "contestant", "rows", "rules"], sort=False)
    mean = groups[["before", *OF_LEVEL]].mean()
    rows = list(dict.fromkeys(name[:3] for name in mean.index))
    mean = mean.sort_index()  # so that pandas finds the rows of three names at once
    head = ["table", "detector", "category", "before"]
    head += [f"{level}: {title}" for level in levels for title in OF_LEVEL.values()]
    body = []
    for names in rows:
        of = mean.loc[names]
        cells = [figure_text(of.loc[level, key]) for level in levels for key in OF_LEVEL
                 if level in of.index]  # fmt: skip
        body.append([*names, figure_text(of["before"].iloc[0]), *cells])
    rule = ["---"] * 3 + ["---:"] * (len(head) - 3)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, rule, *body))


def write_evasion(
    out: Path, lines: Sequence[Line], transfers: Sequence[Line], rules: RuleBook
) -> None:
    """Write ``evasion.json``, ``.md``, ``.csv``, ``.png`` and ``.html`` into ``out``.

    Args:
        out: a folder.
        lines: one per table, level of rules, detector, category and seed.
        transfers: one more per detector that the rows were shown to.
        rules: of the table.
    """
    levels, tally = levels_table(lines), markdown(_titled(lines), FIGURES)
    legend = "".join(f"- {text}\n" for text in LEGEND)
    write_tally(out, "evasion", lines, f"{levels}\n{tally}\n{legend}")
    keep(out / "evasion.json", {"lines": lines, "transfer": transfers, "rules": rules.texts()})
    png = _picture(lines)
    (out / "evasion.png").write_bytes(png)
    (out / "evasion.html").write_text(_page((levels, tally), png, rules), "utf-8")


def _titled(lines: Sequence[Line]) -> list[Line]:
    """The lines with the level of rules in the contestant's name."""
    return [
        {k: v for k, v in line.items() if k != "rules"}
        | {"contestant": f"{line['contestant']}, rules={line['rules']}"}
        for line in lines
    ]


def _picture(lines: Sequence[Line]) -> bytes:
    order = [line["rows"] for line in lines]
    names = list(dict.fromkeys((line["rows"], line["contestant"], line["rules"]) for line in lines))
    names.sort(key=lambda name: order.index(name[0]))
    groups = {
        label: {
            ": ".join(name): [
                line[key]
                for line in lines
                if (line["rows"], line["contestant"], line["rules"]) == name
            ]
            for name in names
        }
        for label, key in (("records", "before"), ("changed", "after"))
    }
    return dots_picture("share of attack rows that the detector sees", groups, ideal=0)


def _page(tallies: Sequence[str], png: bytes, rules: RuleBook) -> str:
    tables = []
    for tally in tallies:
        head, _, *body = [
            [cell.strip() for cell in row.strip("|").split("|")] for row in tally.splitlines()
        ]
        tables.append((head, body))
    return page(
        "studies/templates/evasion.html", title="Evasion", picture=png, tables=tables,
        legend=LEGEND, rules=rules.texts(),
    )  # fmt: skip
