"""Imports point down, and three libraries stay where they belong."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "tabgan"
EVERYBODY = {
    "arithmetic",
    "seeding",
    "errors",
    "paths",
    "files",
    "shell",
    "signals",
    "ranks",
    "terminal",
}
MAY_IMPORT = {
    "tables": set(),
    "constraints": {"tables"},
    "losses": set(),
    "blackboxes": {"tables"},
    "encoding": {"tables", "constraints"},
    "metrics": {"tables"},
    "report": {"tables", "constraints", "encoding", "metrics", "blackboxes"},
    "serving": {"tables", "constraints", "encoding"},
    "nets": {"encoding"},
    "modules": {"encoding", "nets", "losses", "blackboxes"},
    "sampling": {"tables", "encoding", "nets", "modules", "losses", "blackboxes"},
    "callbacks": {
        "tables",
        "losses",
        "encoding",
        "nets",
        "serving",
        "modules",
        "sampling",
        "metrics",
        "report",
    }
    | {"blackboxes"},
    "studies": {
        "tables",
        "encoding",
        "modules",
        "metrics",
        "sampling",
        "report",
        "runs",
        "locks",
        "blackboxes",
        "training",
        "curves",
        "imbalance",
        "composing",
        "words",
    },
    "evasion": {
        "tables",
        "encoding",
        "nets",
        "blackboxes",
        "metrics",
        "report",
        "checkpoints",
        "composing",
        "trainers",
        "training",
        "recipes",
        "studies",
        "words",
    },
    "scored": {
        "tables",
        "encoding",
        "nets",
        "losses",
        "blackboxes",
        "metrics",
        "serving",
        "modules",
        "sampling",
        "callbacks",
        "report",
        "recipes",
        "runs",
        "evaluation",
        "provenance",
        "words",
    },
}  # everyone may import EVERYBODY; files at the top: anything on a lower floor
FLOORS = [
    {"errors", "ranks", "shell", "terminal"},
    {"seeding", "arithmetic", "paths", "files", "signals", "locks", "misfits", "ranges"},
    {"run_folder", "manual"},
    {"checkpoints", "composing"},
    {"sweeps"},
    {"provenance", "curves"},
    {"training", "trainers"},
    {"recipes"},
    {"runs"},
    {"journey"},
    {"resuming"},
    {"words"},
    {"endings"},
    {"commands"},
    {"tuning"},
    {"evaluation"},
    {"resplit", "lineup", "matching"},
    {"estimator"},
    {"imbalance"},
    {"blackbox", "audit"},
    {
        "train",
        "sample",
        "impute",
        "evaluate",
        "explore",
        "compare",
        "bench",
        "study",
        "tune",
        "__init__",
    },
]  # the files at the top of the package, lowest first
OF_HYDRA = {
    "train", "sample", "impute", "evaluate", "explore", "evaluation", "resplit",
    "commands", "recipes", "runs", "composing", "journey", "estimator", "lineup", "bench", "study",
    "matching", "resuming", "sweeps", "tuning", "tune", "curves", "blackbox", "audit", "words",
    "endings", "evasion/evading", "evasion/opening", "scored/querying", "scored/scoring",
    "scored/auditing", "trainers", "ranges",
}  # fmt: skip


def imports_of(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def ours(path):
    return {name.split(".")[1] for name in imports_of(path) if name.startswith("tabgan.")}


FILES = sorted(path for path in PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path):
    folder = path.relative_to(PACKAGE).parts[0]
    if path.parent != PACKAGE:
        assert folder in MAY_IMPORT, f"{folder}/ has no floor: decide it in MAY_IMPORT"
        assert ours(path) <= MAY_IMPORT[folder] | EVERYBODY | {folder}
        return
    floor = next((f for f, files in enumerate(FLOORS) if path.stem in files), None)
    assert floor is not None, f"{path.name} has no floor: decide it in FLOORS"
    assert ours(path) <= set(MAY_IMPORT).union(*FLOORS[:floor])


@pytest.mark.parametrize("library", ["hydra", "omegaconf", "arff"])
def test_a_library_stays_in_its_room(library):
    users = {
        str(path.relative_to(PACKAGE).with_suffix(""))
        for path in FILES
        if any(name.split(".")[0] == library for name in imports_of(path))
    }
    assert users <= ({"tables/readers/arff"} if library == "arff" else OF_HYDRA)
