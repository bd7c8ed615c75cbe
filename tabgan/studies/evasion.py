"""The evasion study: attack traffic made to pass a detector, and what the defender can do.

For testing one's own detectors. Records and changed records are those of a published benchmark
table: what comes out are rows of such a table, not packets.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from tabgan.blackboxes.evasion.attacks import attacks_beside
from tabgan.blackboxes.evasion.detectors import Detector
from tabgan.blackboxes.evasion.evading import Evasion, evade, traffic_of
from tabgan.blackboxes.evasion.module import EvasionModule
from tabgan.blackboxes.evasion.records import Records, held_kept
from tabgan.blackboxes.evasion.traffic import Traffic, drawn
from tabgan.config.composing import compose_run
from tabgan.config.overrides import quote
from tabgan.encoding.column import Numbers
from tabgan.metrics.detection import cheap_c2st_auc
from tabgan.runs.session import undisturbed
from tabgan.seeding import rng_at
from tabgan.studies.cells import digest, open_cell
from tabgan.studies.contestants import Ours
from tabgan.studies.evasion_page import Line, levels_table, write_evasion
from tabgan.studies.prepared import Prepared

log = logging.getLogger(__name__)

BEST_OF = 100  # records of each category, for which the best there is is looked for
BEST_CLIMBS = 200  # trials of that, led by the detector's own margin
STEP = 1e-3  # of the substitutes' score beside the margin, which is flat where a tree has a leaf

Boxes = Mapping[str, Detector]


def evasion_study(
    *, tables: Iterable[Prepared], make_contestant: Callable[[str, Sequence[str]], Ours],
    seeds: Sequence[int], cache: Path, out: Path,
    overrides: Sequence[str], rules: Sequence[str], detectors: Sequence[str], retrain_rows: int,
) -> list[Line]:  # fmt: skip
    """Evade every detector under every level of rules, and measure what passes.

    Writes ``evasion.json``, ``evasion.md``, ``evasion.csv``, a picture and a page into ``out``;
    the run folders stay in ``cache``.

    Args:
        tables: what is learned; their target names the normal rows.
        make_contestant: a contestant from a name and overrides of ``tabgan.train``.
        seeds: one study per seed.
        cache: where the run and the figures of each detector are kept, so that a killed study
            goes on.
        out: a folder.
        overrides: of ``tabgan.train``, which make an evasion run.
        rules: levels of ``blackboxes.evasion.rules.LEVELS``.
        detectors: names of ``detectors.DETECTORS``.
        retrain_rows: changed records that the detector is retrained with.

    Returns:
        A line per table, level, detector, category and seed.

    Raises:
        TabganError: when a column, category, level or detector does not exist, or has no rows.
    """
    lines: list[Line] = []
    transfers: list[Line] = []
    for table in tables:
        for seed in seeds:
            said = [*table.overrides(seed), *_attacks(table, overrides)]
            boxes: dict[str, Detector] = {}
            usual: list[float] = []  # neither depends on the level
            for level in rules:
                of_level = [*overrides, f"traffic.rules={level}"]
                traffic = traffic_of(compose_run([*of_level, *said], out))
                boxes = boxes or {
                    name: Detector(name, traffic.schema, seed=seed).fit(*traffic.taught)
                    for name in detectors
                }
                usual = usual or _usual(traffic, seed)
                for name in detectors:
                    run = make_contestant(name, [*of_level, f"blackbox.name={name}"])
                    decides = {
                        "asked": run.configuration, "others": list(detectors),
                        "attacks": digest(traffic.attacks.group.tolist()),
                        "retrain_rows": retrain_rows,
                    }  # fmt: skip
                    cell = open_cell(
                        cache, contestant=f"evasion-{name}-{level}", table=table.name, seed=seed,
                        configuration=decides,
                    )  # fmt: skip
                    work = partial(
                        _played, [*run.overrides, *said], cell.folder / "run", name, boxes, usual,
                        traffic, retrain_rows,
                    )  # fmt: skip
                    figures = cell.once("figures", work)
                    what: Line = {"table": table.title, "contestant": name, "rules": level}
                    what |= {"side": "attack", "seed": seed}
                    lines += [{**what, **line} for line in figures["own"]]
                    transfers += [{**what, **line} for line in figures["across"]]
                    write_evasion(out, lines, transfers, traffic.every_rule)
    log.info("%s\nthe evasion study: %s", levels_table(lines), out / "evasion.html")
    return lines


def _attacks(table: Prepared, overrides: Sequence[str]) -> list[str]:
    """Where the attacks of a named set lie, for its rows are files of their own by now."""
    keys = ("traffic.attacks_path", "traffic.test_attacks_path")
    said = {word.partition("=")[0].lstrip("+") for word in overrides}
    beside = zip(keys, attacks_beside(table.title), strict=True)
    return [
        f"{key}={quote(str(path))}" for key, path in beside if path is not None and key not in said
    ]


def _played(
    overrides: Sequence[str], folder: Path, name: str, boxes: Boxes, usual: Sequence[float],
    traffic: Traffic, retrain_rows: int,
) -> dict[str, list[Line]]:  # fmt: skip
    """What a cell keeps of one detector: the lines of ``judged``."""
    folder = folder.absolute()
    shutil.rmtree(folder, ignore_errors=True)  # of a training that was killed
    with undisturbed():
        evasion = evade(compose_run(overrides, folder), folder, traffic, boxes[name])
    own, across = judged(evasion, name, boxes, usual, traffic, retrain_rows=retrain_rows)
    return {"own": own, "across": across}


def judged(
    evasion: Evasion, name: str, boxes: Boxes, usual: Sequence[float], traffic: Traffic, *,
    retrain_rows: int,
) -> tuple[list[Line], list[Line]]:  # fmt: skip
    """A line per category, and a line per category and detector that the rows are shown to.

    ``usual`` is, per category, the C2ST AUC between test records and training rows.
    """
    records, decoder, module = traffic.tested, traffic.decoder, evasion.module
    numbers, queried = evasion.evaded.numbers, evasion.evaded.queried
    sent, was = decoder.table(numbers), decoder.table(records.numbers)
    closed = boxes[name](decoder.table(queried))
    before = {other: box(was) for other, box in boxes.items()}
    after = {other: box(sent) for other, box in boxes.items()}
    best, at_best = _at_best(module, boxes[name], records, queried)
    again = _retrained(module, name, boxes[name], traffic, retrain_rows)
    now, alarms = again(sent), [float(box(traffic.quiet).mean()) for box in (boxes[name], again)]
    kept = held_kept(numbers, records) & held_kept(queried, records)
    consistent = traffic.every_rule.consistent(numbers, records.numbers)
    consistent &= traffic.every_rule.consistent(queried, records.numbers)
    changed = (numbers != records.numbers).sum(axis=1)
    own, across = [], []
    for group, category in enumerate(traffic.categories):
        of = records.group == group
        rates = {
            other: (float(before[other][of].mean()), float(after[other][of].mean()))
            for other in boxes
        }
        gained = {other: _eir(*rate) for other, rate in rates.items()}
        across += [
            {"rows": category, "shown_to": other, "before": rate[0], "after": rate[1],
             "eir": gained[other]}
            for other, rate in rates.items()
        ]  # fmt: skip
        others = [gained[other] for other in boxes if other != name]
        line = {
            "rows": category,
            "records": int(of.sum()),
            "detected": int(before[name][of].sum()),
            "before": rates[name][0],
            "after": rates[name][1],
            "eir": gained[name],
            "queried": float(closed[of].mean()),
            "queried_eir": _eir(rates[name][0], float(closed[of].mean())),
            "best_eir": _eir(
                float(before[name][best][of[best]].mean()), float(at_best[of[best]].mean())
            ),
            "transfer_eir": float(np.nanmean(others)) if others else float("nan"),
            "kept": 100 * float(kept[of].mean()),
            "consistent": 100 * float(consistent[of].mean()),
            "changed": float(changed[of].mean()),
            "real_c2st_auc": usual[group],
            "c2st_auc": _told_apart(was[of], sent[of], module.seed),
            "retrained": float(now[of].mean()),
            "false_alarms": 100 * alarms[0],
            "retrained_false_alarms": 100 * alarms[1],
            "queries": evasion.queries,
            "queries_a_row": evasion.evaded.queries / len(records),
            "seconds": evasion.seconds,
        }
        own.append(line)
    return own, across


def _at_best(
    module: EvasionModule, box: Detector, records: Records, start: Numbers
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Some records of each category, and which of them stay seen whatever is tried.

    The trials begin where the attack's rows ended and are led by the detector's own margin, which
    no attacker knows: what fails them will hardly be got past by rows that obey the rules.
    """
    some = np.concatenate(
        [np.flatnonzero(records.group == group)[:BEST_OF] for group in np.unique(records.group)]
    )

    def score(numbers: Numbers) -> Any:
        return box.margin(module.decoder.table(numbers)) + STEP * module.score(numbers)

    rng = rng_at(module.seed, "evasion", "best", box.name)
    found = module.climber.climbed(
        records.taken(some), start[some], score, steps=BEST_CLIMBS, rng=rng
    )
    return some, box(module.decoder.table(found))


def _usual(traffic: Traffic, seed: int) -> list[float]:
    """Per category, the C2ST AUC between the test records and as many training rows."""
    aucs = []
    for group in range(len(traffic.categories)):
        of_test = traffic.tested.numbers[traffic.tested.group == group]
        positions = np.flatnonzero(traffic.attacks.group == group)
        of_train = traffic.attacks.numbers[drawn(positions, len(of_test), seed, "usual", group)]
        test, train = traffic.decoder.table(of_test), traffic.decoder.table(of_train)
        aucs.append(_told_apart(test, train, seed))
    return aucs


def _retrained(
    module: EvasionModule, name: str, box: Detector, traffic: Traffic, n_rows: int
) -> Detector:
    """The detector, taught again with changed records of the attacker's own beside."""
    rng = rng_at(module.seed, "evasion", "retrain", name)
    groups = [np.flatnonzero(traffic.attacks.group == g) for g in np.unique(traffic.attacks.group)]
    each = n_rows // len(groups)
    chosen = np.concatenate([rng.choice(group, each) for group in groups])
    evaded = module.evade(traffic.attacks.taken(chosen), position="retrain")
    made = traffic.decoder.table(evaded.numbers)
    rows, attacks = traffic.taught
    more = pd.concat([rows, made], ignore_index=True)
    return Detector(name, box.schema, seed=module.seed).fit(
        traffic.schema.conform(more), np.concatenate([attacks, np.ones(len(made), bool)])
    )


def _eir(before: float, after: float) -> float:
    """In %: 100 when nothing is detected any more; NaN where nothing was."""
    return 100 * (1 - after / before) if before else float("nan")


def _told_apart(records: pd.DataFrame, sent: pd.DataFrame, seed: int) -> float:
    if len(records) < 20:
        return float("nan")
    with threadpool_limits(1):
        return cheap_c2st_auc(records, sent, seed)
