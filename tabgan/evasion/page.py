"""What the evasion study leaves: a table of figures, a picture of them, a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tabgan.evasion.rules import RuleBook
from tabgan.report.dots import dots_picture
from tabgan.report.html import bullets, element, page, paragraph, picture, section, table
from tabgan.studies.cells import keep
from tabgan.studies.tallies import markdown, write_tally

Line = dict[str, Any]
FIGURES = {
    "detected": "detected records",
    "before": "detected before",
    "after": "after",
    "eir": "EIR %",
    "asked": "after, asking",
    "asked_eir": "EIR %, asking",
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
    "asked_queries": "asking, queries a row",
    "seconds": "training, s",
}
LEGEND = (
    "detected: share of the attack records that the detector names an attack",
    "EIR: evasion increase rate, 1 - after / before, of the detector that was asked",
    "asking: before a row is sent, the detector is asked about candidates until one passes",
    "EIR at best: of 100 records a category, by a search led by the detector's own margin",
    "EIR of the others: the same rows before the detectors that were not asked, their mean",
    "consistent: rows that break no rule which the record they were made from obeys",
    "columns changed: of a row, on average",
    "C2ST AUC: of boosted trees between the rows and the records they were made from; .5 is best",
    "of real test attacks: the same between the records and the category's training rows",
    "detected after retraining: new rows, once the detector has learned others of this generator",
    "queries: distinct rows that the detector answered while the generator was trained",
)


def write_evasion(
    out: Path, lines: Sequence[Line], transfers: Sequence[Line], rules: RuleBook
) -> None:
    """Write ``evasion.json``, ``.md``, ``.csv``, ``.png`` and ``.html`` into ``out``.

    Args:
        out: a folder.
        lines: one per table, detector, category and seed.
        transfers: one more per detector that the rows were shown to.
        rules: of the table.
    """
    tally = markdown(lines, FIGURES)
    legend = "".join(f"- {text}\n" for text in LEGEND)
    write_tally(out, "evasion", lines, f"{tally}\n{legend}")
    keep(out / "evasion.json", {"lines": lines, "transfer": transfers, "rules": rules.texts()})
    png = _picture(lines)
    (out / "evasion.png").write_bytes(png)
    (out / "evasion.html").write_text(_page(lines, png, rules), "utf-8")


def _picture(lines: Sequence[Line]) -> bytes:
    names = list(dict.fromkeys((line["rows"], line["recipe"]) for line in lines))
    names.sort(key=lambda name: [line["rows"] for line in lines].index(name[0]))
    groups = {
        label: {
            f"{rows}: {recipe}": [
                line[key] for line in lines if (line["rows"], line["recipe"]) == (rows, recipe)
            ]
            for rows, recipe in names
        }
        for label, key in (("records", "before"), ("generated from them", "after"))
    }
    return dots_picture("share of attack rows that the detector sees", groups, ideal=0)


def _page(lines: Sequence[Line], png: bytes, rules: RuleBook) -> str:
    head, _, *body = [
        [cell.strip() for cell in row.strip("|").split("|")]
        for row in markdown(lines, FIGURES).splitlines()
    ]
    opening = paragraph(
        "Rows of attacks, changed where their category may change, before the detectors that "
        "they were made for. For testing one's own detectors."
    )
    return page(
        "Evasion",
        opening,
        [
            section(
                "What passes",
                picture(png, alt="detection rates before and after", class_="single"),
                table(head, body, numbers=range(3, len(head))),
                bullets(LEGEND),
            ),
            section("The rules of the table", element("pre", "\n".join(rules.texts()))),
        ],
    )
