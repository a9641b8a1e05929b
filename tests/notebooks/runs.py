"""Notebooks executed headless, the same on every machine; `python tests/notebooks/runs.py` writes them anew."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[2] / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))
SECONDS = 900


def execute(path: Path) -> nbformat.NotebookNode:
    """A copy of a notebook, run from top to bottom by a fresh kernel in the notebook's folder."""
    notebook = nbformat.read(path, as_version=4)
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    resources = {"metadata": {"path": str(path.parent)}}
    NotebookClient(
        notebook,
        timeout=SECONDS,
        startup_timeout=SECONDS,
        kernel_name="python3",
        record_timing=False,
        resources=resources,
    ).execute()
    return tidied(notebook)


def tidied(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Without what differs between machines and runs: versions, and names of objects in memory."""
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    for cell in notebook.cells:
        tags = cell.metadata.get("tags")
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        for output in cell.get("outputs", ()):
            for kind, text in output.get("data", {}).items():
                if kind.startswith("text/"):
                    output["data"][kind] = re.sub(r" at 0x[0-9a-f]+", "", text)
    return notebook


def write(path: Path) -> None:
    """Run a notebook and keep what it puts out."""
    nbformat.write(execute(path), path)


if __name__ == "__main__":
    chosen = [Path(name) for name in sys.argv[1:]] or PATHS
    for chosen_path in chosen:
        write(chosen_path)
        print(chosen_path.name, f"{chosen_path.stat().st_size / 1000:.0f} kB")
