"""Imports point down, no two files import each other, three libraries stay where they belong."""

import ast
from itertools import chain
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "tabgan"
EVERYBODY = {"errors", "seeding", "paths", "system"}  # may be imported from everywhere
READS, MODELS = {"tables", "encoding"}, {"models"}
FLOORS = {  # folders, lowest first, and which of those below each may import
    "system": set(),
    "tables": set(),
    "metrics": {"tables"},
    "encoding": {"tables"},
    "data": READS,
    "models": {"encoding", "metrics"},
    "report": READS | {"metrics"},
    "sampling": READS | MODELS,
    "runs": READS | MODELS | {"data", "metrics", "sampling", "report"},
    "config": READS | MODELS | {"data", "metrics", "sampling", "runs"},
    "evaluation": READS | {"metrics", "report", "sampling", "runs", "config"},
    "blackboxes": READS
    | MODELS
    | {"data", "metrics", "report", "sampling", "runs", "config", "evaluation"},
    "training": READS | MODELS | {"data", "runs", "config", "blackboxes"},
    "studies": READS
    | MODELS
    | {"metrics", "report", "sampling", "runs", "config", "evaluation", "blackboxes"}
    | {"imbalance"},
}
MOST_FOLDERS = 14
LIBRARY = ["estimator", "imbalance"]  # files at the top that a program imports; the rest: commands
MOST_AT_THE_TOP = 18
OF_HYDRA = {
    "config", "training", "evaluation/gathering", "evaluation/resplit", "evaluation/conditions",
    "blackboxes/evasion/evading", "blackboxes/evasion/opening", "blackboxes/scored/querying",
    "blackboxes/scored/scoring", "blackboxes/scored/auditing", "runs/curves", "studies/lineup",
    "estimator", "train", "sample", "impute", "evaluate", "explore", "bench", "study", "tune",
    "blackbox", "audit",
}  # fmt: skip


def imports_of(tree):
    """The modules that code imports while it is loaded or runs, not those of types alone."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        yield from imports_of(node)


FILES = sorted(path for path in PACKAGE.rglob("*.py"))
IMPORTS = {path: set(imports_of(ast.parse(path.read_text("utf-8")))) for path in FILES}


def name_of(path):
    return ".".join(("tabgan", *path.relative_to(PACKAGE).with_suffix("").parts))


def ours(path):
    return {name.split(".")[1] for name in IMPORTS[path] if name.startswith("tabgan.")}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path):
    folder = path.relative_to(PACKAGE).parts[0]
    if path.parent != PACKAGE:
        assert folder in FLOORS, f"{folder}/ has no floor: decide it in FLOORS"
        assert ours(path) <= FLOORS[folder] | EVERYBODY | {folder}
    elif path.stem in EVERYBODY:
        assert ours(path) <= {"errors"}
    else:
        lower = LIBRARY[: LIBRARY.index(path.stem)] if path.stem in LIBRARY else LIBRARY
        assert ours(path) - set(lower) <= {*FLOORS, *EVERYBODY}


def test_every_folder_stands_above_those_that_it_may_import():
    order = [*FLOORS]
    for position, (folder, below) in enumerate(FLOORS.items()):
        assert below - {"imbalance"} <= set(order[:position]), folder


def test_no_file_imports_itself_by_way_of_others():
    modules = {name_of(path): path for path in FILES}
    left = {name: IMPORTS[path] & modules.keys() - {name} for name, path in modules.items()}
    while free := [name for name, others in left.items() if not others & left.keys()]:
        for name in free:
            del left[name]
    assert not left


def test_few_folders_and_files_lie_at_the_top():
    assert len(FLOORS) <= MOST_FOLDERS
    assert len(list(PACKAGE.glob("*.py"))) <= MOST_AT_THE_TOP


@pytest.mark.parametrize("library", ["hydra", "omegaconf", "arff"])
def test_a_library_stays_in_its_room(library):
    users = {
        str(path.relative_to(PACKAGE).with_suffix(""))
        for path in FILES
        if any(str(name).split(".")[0] == library for name in IMPORTS[path])
    }
    rooms = {"tables/readers/arff"} if library == "arff" else OF_HYDRA
    outside = {user for user in users if not {user, user.split("/")[0]} & rooms}
    assert not outside


def test_what_may_be_imported_is_imported():
    """Permissions that nobody uses any more are taken back."""
    for folder, below in FLOORS.items():
        used = set(
            chain.from_iterable(ours(p) for p in FILES if p.is_relative_to(PACKAGE / folder))
        )
        unused = below - used - READS - MODELS
        assert not unused, (folder, unused)
