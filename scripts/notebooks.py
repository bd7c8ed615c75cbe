"""Run the notebooks of docs/notebooks and keep their output: ``make notebooks``.

The cell tagged ``parameters`` says how large everything is; its metadata ``short`` has the values
that tests take.
"""

import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "notebooks"
SECONDS = 1_800  # of a cell


def executed(path: Path, folder: Path, *, short: bool = False) -> nbformat.NotebookNode:
    """A notebook with its outputs, run in ``folder``, which outputs name as ``.``.

    Raises:
        CellExecutionError: when a cell raises.
    """
    notebook = nbformat.read(path, as_version=4)
    if short:
        for cell in notebook.cells:
            cell.source = cell.metadata.get("short", cell.source)
    client = NotebookClient(notebook, timeout=SECONDS, kernel_name="python3")
    client.execute(cwd=str(folder))
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # times of day
        for output in cell.get("outputs", []):
            hide(output, str(folder))
    notebook.metadata.pop("language_info", None)
    return notebook


def hide(output: nbformat.NotebookNode, folder: str) -> None:
    """Take the folder's own name out of an output."""
    if "text" in output:
        output["text"] = output["text"].replace(folder, ".")
    for kind, text in output.get("data", {}).items():
        if isinstance(text, str) and kind.startswith("text"):
            output["data"][kind] = text.replace(folder, ".")


def main(names: list[str]) -> None:
    """Run the notebooks named, or all."""
    os.environ["OMP_NUM_THREADS"] = "1"
    for path in sorted(FOLDER.glob("*.ipynb")):
        if not names or path.stem in names:
            with tempfile.TemporaryDirectory() as folder:
                nbformat.write(executed(path, Path(folder)), path)
            print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
