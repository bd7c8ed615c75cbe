"""The notebooks: their outputs are there, small and of no machine, and they run in short form."""

import importlib.util
import re
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="the extra docs is not installed")
ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
POSITIONS = re.compile(r"/(home|root|tmp|work|Users|usr|opt)/")


def load(name):
    """A script of scripts/ as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_there_are_five_notebooks():
    names = {path.stem for path in NOTEBOOKS}
    assert names == {"first", "conditions", "report", "audit", "sweep"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_with_its_output_and_names_no_machine(path):
    assert path.stat().st_size <= 300_000
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert [output for output in outputs if output.output_type == "error"] == []
    pictures = [output.get("data", {}).pop("image/png", None) for output in outputs]
    assert any(outputs)
    assert POSITIONS.search(str(outputs)) is None
    assert path.stem in ("conditions", "audit") or any(pictures)
    (parameters,) = (cell for cell in cells if "parameters" in cell.metadata.get("tags", []))
    assert parameters.metadata["short"] != parameters.source


def test_commands_are_run_alike_and_in_processes_of_their_own_in_one_short_form():
    """In the short form of the audit they are run in the notebook's own process, which is quick."""
    cells = [cell for path in NOTEBOOKS for cell in nbformat.read(path, as_version=4).cells]
    runs = [cell for cell in cells if cell.source.startswith("import os\nimport subprocess")]
    assert len({cell.source for cell in runs}) == 1
    assert sorted("short" in cell.metadata for cell in runs) == [False, True]


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_in_short_form(path, tmp_path, monkeypatch):
    pytest.importorskip("nbclient", reason="the extra docs is not installed")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("PYTHONWARNINGS", "")
    notebook = load("notebooks").executed(path, tmp_path, short=True)
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert None not in counts
