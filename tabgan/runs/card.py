"""The model card of a run folder: ``README.md``, which a page of models shows, such as the Hub's.

It begins with the metadata that Hugging Face reads, as YAML between two lines of dashes. A card
that somebody has edited stays as it is: its last line holds a checksum of what stands above.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from tabgan.errors import one_line
from tabgan.metrics.registry import METRICS, VALIDATION
from tabgan.runs.folder import BY_ESTIMATOR, FINISHED, RECORD, RECORDS, kind_of
from tabgan.system.files import write_whole
from tabgan.tables.schema import Column, TableSchema
from tabgan.tables.sources import SOURCES

CARD = "README.md"
QUALITY = [name for name, metric in METRICS.items() if metric.group in ("realism", "fidelity")]
PRIVACY = [name for name, metric in METRICS.items() if metric.group == "privacy"]
NOT_PRIVATE = (
    "These are measurements, and no proof: there is no differential privacy. The files hold "
    "categories of the training table and values of its numbers, from which rows are drawn."
)
NOT_ROWS_ALONE = (
    "The folder `evasion/` holds rows that the detector was asked about, training rows among them: "
    "give this folder away as you would give the table away. It is for testing detectors of your "
    "own, or of whoever has agreed to it."
)
LICENCE = (
    "None is stated (`license: unknown` above). The table that the model learned from has a "
    "licence or an owner; name what follows from it there before you publish this."
)
MARK = re.compile(r"<!-- tabgan (?P<digest>[0-9a-f]{16}) -->\n$")


def write_card(folder: Path, figures: Mapping[str, float] | None = None) -> None:
    """Write ``README.md`` into a run folder, unless there is one that somebody has edited.

    Args:
        folder: of a run that has finished.
        figures: of ``TableGAN.evaluate``; None takes those of ``report.json``, if it is there.
    """
    path = folder / CARD
    if path.is_file() and not is_unedited(path.read_text("utf-8", "replace")):
        return
    text = evasion_card(folder) if kind_of(folder) == RECORDS else model_card(folder, figures)
    write_whole(path, f"{text}\n<!-- tabgan {_digest(text)} -->\n")


def is_unedited(card: str) -> bool:
    """Whether a card is as ``write_card`` wrote it."""
    found = MARK.search(card)
    return found is not None and found["digest"] == _digest(card[: found.start() - 1])


def model_card(folder: Path, figures: Mapping[str, float] | None = None) -> str:
    """The card of a run, as Markdown behind a block of YAML.

    Args:
        folder: of the run.
        figures: see ``write_card``.
    """
    schema = TableSchema.load(folder / "schema.json")
    found = _read(folder / "report.json") if figures is None else figures
    metrics, record = _read(folder / FINISHED), _read(folder / RECORD)
    parts = [
        f"---\n{yaml.safe_dump(_metadata(schema.name, found), sort_keys=False)}---",
        f"# {_plain(schema.name)}: synthetic rows",
        _about(folder, schema, record),
        f"## How to load it\n\n{_loading(schema)}",
        f"## What it learned\n\n{_columns(schema)}",
        _rules(schema),
        f"## How good its rows are\n\n{_quality(found, metrics)}",
        f"## Privacy\n\n{_privacy(folder, found)}",
        f"## Licence\n\n{LICENCE}",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def evasion_card(folder: Path) -> str:
    """The card of a run that changes records, as Markdown behind a block of YAML."""
    schema = TableSchema.load(folder / "schema.json")
    config, record = _read(folder / ".hydra" / "config.yaml"), _read(folder / RECORD)
    box = _at(config, "blackbox", "name") or _at(config, "blackbox", "_target_")
    against = f" The detector was `{_plain(box)}`." if box else ""
    attack = _at(config, "traffic", "attack")
    named = f" and `{_plain(attack)}`, each record's attack" if attack else ""
    head = {
        "license": "unknown",
        "library_name": "tabgan",
        "tags": ["tabular", "evasion", "intrusion-detection", "tabgan"],
    }
    parts = [
        f"---\n{yaml.safe_dump(head, sort_keys=False)}---",
        f"# {_plain(schema.name)}: attack records, changed",
        f"It changes attack records of the table `{_plain(schema.name)}` until a detector takes "
        "them for normal, to test that detector. It makes no rows from nothing. "
        f"Trained by tabgan {_plain(_at(record, 'tabgan'))}, with the seed "
        f"{_at(config, 'seed') or 0}.{against}",
        "## How to use it\n\n```\npython -m tabgan.sample run=<this folder> like=records.csv "
        "out=changed.csv\n```\n\nRow i of `changed.csv` is record i of `records.csv`, changed. "
        f"The file has the columns below{named}.",
        f"## The columns\n\n{_columns(schema)}",
        f"## What changed records keep\n\nThe rules in `rules.txt`.{_held(config)}",
        f"## What the detector sees\n\n{_seen(_read(folder / FINISHED))}",
        f"## Before you give it away\n\n{NOT_ROWS_ALONE}",
        f"## Licence\n\n{LICENCE}",
    ]
    return "\n\n".join(parts) + "\n"


def _held(config: Mapping[str, Any]) -> str:
    """The features that each category of attacks must not change, line by line."""
    categories = (config.get("traffic") or {}).get("categories") or {}
    lines = [
        f"- {_plain(name)}: {_plain(', '.join(of['held']))}"
        for name, of in categories.items()
        if of.get("held")
    ]
    listed = "\n".join(lines)
    return f" And these features, as the record has them:\n\n{listed}" if lines else ""


def _seen(metrics: Mapping[str, Any]) -> str:
    """Per category, the shares of test records that the detector takes for attacks."""
    lines = []
    for name in metrics:
        category, dot, column = name.rpartition(".")
        if dot and column == "before":
            shares = (metrics.get(f"{category}.{c}") for c in ("before", "after", "queried"))
            cells = (f"{s:.1%}" if isinstance(s, int | float) else "" for s in shares)
            lines.append(f"| {_plain(category)} | {' | '.join(cells)} |")
    if not lines:
        return "Nothing has been measured."
    return (
        "Of the test records, it takes these shares for attacks: as they are, changed without "
        "asking it, and changed when it may be asked about 8 rows a record.\n\n"
        "| category | as they are | changed | changed, with queries |\n"
        "| --- | ---: | ---: | ---: |\n" + "\n".join(lines)
    )


def _metadata(name: str, figures: Mapping[str, Any]) -> dict[str, Any]:
    """What Hugging Face reads of a model."""
    head: dict[str, Any] = {
        "license": "unknown",
        "library_name": "tabgan",
        "tags": ["tabular", "synthetic-data", "gan", "tabgan"],
    }
    best = [(each, _figure(figures, each)) for each in (*QUALITY, *PRIVACY)]
    measured = [
        {"type": each, "name": METRICS[each].says, "value": round(value, 4)}
        for each, value in best
        if value is not None
    ]
    if not measured:
        return head
    task = {"type": "tabular-generation", "name": "synthetic rows"}
    result = {"task": task, "dataset": {"name": name, "type": name}, "metrics": measured}
    return head | {"model-index": [{"name": name, "results": [result]}]}


def _about(folder: Path, schema: TableSchema, record: Mapping[str, Any]) -> str:
    config, hydra = (_read(folder / ".hydra" / f"{name}.yaml") for name in ("config", "hydra"))
    model = _at(hydra, "hydra", "runtime", "choices", "model") or "cgan"
    rows = {part: _at(record, "rows", part) or 0 for part in ("train", "validation", "test")}
    kept = [f"{rows[part]:,} for {part}" for part in ("validation", "test") if rows[part]]
    aside = f" ({' and '.join(kept)} were kept aside)" if kept else ""
    goal = f" The column to predict is `{_plain(schema.target)}`." if schema.target else ""
    name = _at(config, "data", "name")
    source = f"\n\nThe data: {SOURCES[name].citation}" if name in SOURCES else ""
    return (
        f"A generator of rows like those of the table `{_plain(schema.name)}`, trained on "
        f"{rows['train']:,} rows of {len(schema.columns)} columns{aside}.{goal} The model is "
        f"`{_plain(model)}` of tabgan {_plain(_at(record, 'tabgan'))}, with the seed "
        f"{_at(config, 'seed') or 0}.{source}"
    )


def _loading(schema: TableSchema) -> str:
    where = ""
    if schema.target and schema[schema.target].is_nominal:
        where = f", where={{{schema.target!r}: {schema[schema.target].categories[0]!r}}}"
    return (
        "```python\n# pip install tabgan-lightning\nfrom tabgan import TableGAN\n\n"
        'gan = TableGAN.load("model.tabgan")  # or this folder; nothing is unpickled\n'
        f"rows = gan.sample(1000{where})\n```\n\n"
        "or `python -m tabgan.sample run=model.tabgan n=1000 out=rows.csv`."
    )


def _columns(schema: TableSchema) -> str:
    lines = ["| column | kind | values | missing |", "| --- | --- | --- | --- |"]
    for column in schema.columns:
        missing = "yes" if column.missing else ""
        lines.append(f"| `{_plain(column.name)}` | {column.kind} | {_values(column)} | {missing} |")
    return "\n".join(lines)


def _values(column: Column) -> str:
    if column.is_nominal:
        n = len(column.categories)
        return f"{n:,} categories" if n > 1 else "1 category"
    if column.key:
        return "an id: new ones are made"
    if column.kind == "numeric" and column.decimals is not None:
        return f"{column.decimals} decimal{'' if column.decimals == 1 else 's'}"
    return _plain(column.date_format or column.number_format or "")


def _rules(schema: TableSchema) -> str:
    rules = (rule["rule"] if isinstance(rule, dict) else rule for rule in schema.constraints)
    listed = "\n".join(f"- `{_plain(rule)}`" for rule in rules)
    return f"Rules that every row keeps:\n\n{listed}" if listed else ""


def _quality(figures: Mapping[str, Any], metrics: Mapping[str, Any]) -> str:
    if table := _table(figures, QUALITY):
        return f"Measured by `tabgan.evaluate`.\n\n{table}"
    lines = ["| figure | value | ideal | what it says |", "| --- | ---: | ---: | --- |"]
    for name, metric in VALIDATION.items():
        if isinstance(value := metrics.get(name), int | float):
            lines.append(f"| `{name}` | {value:.4g} | {metric.ideal:g} | {metric.says} |")
    measured = "Measured on validation rows while it was trained"
    hint = "`python -m tabgan.evaluate run=<this folder>` measures more, and writes it here."
    if len(lines) == 2:
        return f"Nothing has been measured; {hint}"
    return f"{measured}; {hint}\n\n" + "\n".join(lines)


def _privacy(folder: Path, figures: Mapping[str, Any]) -> str:
    table = _table(figures, PRIVACY) or (
        "Not measured: `python -m tabgan.evaluate run=<this folder>` does it, and writes it here."
    )
    own = [name for name in BY_ESTIMATOR if (folder / name).is_file()]
    rows = (
        f" A folder also has the training rows themselves, as `{own[0]}`: remove it before you "
        "give the folder away. A `.tabgan` file is without."
        if own
        else ""
    )
    return f"{table}\n\n{NOT_PRIVATE}{rows}"


def _table(figures: Mapping[str, Any], names: Iterable[str]) -> str:
    """The figures of rows as they are sampled, beside real rows in their place; "" for none."""
    lines = []
    for name in names:
        value, real = _figure(figures, name), figures.get(f"real_test.{name}")
        if value is not None:
            beside = f"{real:.4g}" if isinstance(real, int | float) else ""
            metric = METRICS[name]
            lines.append(
                f"| `{name}` | {value:.4g} | {beside} | {metric.ideal:g} | {metric.says} |"
            )
    head = "| figure | generated rows | real rows | ideal | what it says |\n"
    return f"{head}| --- | ---: | ---: | ---: | --- |\n" + "\n".join(lines) if lines else ""


def _figure(figures: Mapping[str, Any], name: str) -> float | None:
    """Of refined rows where there are any, which is what ``sample`` draws."""
    value = figures.get(f"refined.{name}", figures.get(name))
    return float(value) if isinstance(value, int | float) else None


def _plain(text: object) -> str:
    """Text that ends neither a line, a table's cell nor a quotation."""
    return one_line(text).replace("`", "'").replace("|", "\\|")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _read(path: Path) -> dict[str, Any]:
    """What a JSON or YAML file of the run says; nothing where it is absent or damaged."""
    try:
        text = path.read_text("utf-8")
        found = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return {}
    return found if isinstance(found, dict) else {}


def _at(plain: Any, *keys: str) -> Any:
    """The text or number under nested keys; None where there is none."""
    for key in keys:
        plain = plain.get(key) if isinstance(plain, Mapping) else None
    return plain if isinstance(plain, str | int | float) else None
