"""Notebooks run from top to bottom, and what they show is what they compute."""

from __future__ import annotations

import base64
import re
import struct
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.notebooks import runs as notebook_runs

NAMES = [
    *("01_first_forecast", "02_adjust_priors", "03_scenarios", "04_verify", "05_new_case", "06_four_indicators"),
    "07_challenge",
]
SAMPLED = "sampled"
MOST_BYTES = 400_000
ROUNDING = 2e-6

by_notebook = pytest.mark.parametrize("path", notebook_runs.PATHS, ids=lambda path: path.stem)


class _Words(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.hidden = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "iframe", "object", "link", "img"), tag
        self.hidden = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self.hidden = False

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.found += data.split()


def words(data: dict[str, Any]) -> list[str]:
    """What a reader of an output reads."""
    html = data.get("text/html")
    return _Words(html).found if html is not None else str(data.get("text/plain", "")).split()


def shown(cell: Any) -> list[str]:
    found = []
    for output in cell.outputs:
        found += output.text.split() if output.output_type == "stream" else words(output.data)
    return found


def numbers(text: str) -> list[float]:
    return [float(part) for part in re.findall(r"\d+(?:\.\d+)?", text)]


def same(first: str, second: str) -> bool:
    """Whether two words say the same: the digits of a number may differ by rounding in the last place."""
    if first == second:
        return True
    if re.sub(r"\d+(\.\d+)?", "#", first) != re.sub(r"\d+(\.\d+)?", "#", second):
        return False
    places = [len(part.partition(".")[2]) for part in re.findall(r"\d+(?:\.\d+)?", second)]
    pairs = zip(numbers(first), numbers(second), places, strict=True)
    return all(p > 0 and abs(a - b) <= 10.0**-p + ROUNDING * abs(b) for a, b, p in pairs if a != b)


def code_cells(notebook: nbformat.NotebookNode) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_all_notebooks_are_there() -> None:
    assert [path.stem for path in notebook_runs.PATHS] == NAMES


def test_words_are_the_same_up_to_rounding() -> None:
    assert same("12.3", "12.3")
    assert same("0.12346", "0.12345")
    assert not same("0.12347", "0.12345")
    assert not same("46", "47")
    assert not same("likely", "unlikely")
    assert not same("−1.5", "+1.5")


@by_notebook
def test_a_notebook_is_valid_small_and_free_of_noise(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.encode()) < MOST_BYTES
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec.name == "python3"
    ids = [cell.id for cell in notebook.cells]
    assert ids == [f"part-{path.stem[:2]}-{place:02d}" for place in range(len(ids))]
    assert notebook.cells[0].source.startswith("# ")
    assert all(set(cell.metadata) <= {"tags"} for cell in notebook.cells)


@by_notebook
def test_a_notebook_holds_the_outputs_of_one_run_in_order(path: Path) -> None:
    cells = code_cells(nbformat.read(path, as_version=4))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert {output.output_type for output in outputs} <= {"execute_result", "stream"}
    assert not [output for output in outputs if output.get("name") == "stderr"]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert pictures
    for picture in pictures:
        png = base64.b64decode(picture.data["image/png"])
        width, height = struct.unpack(">II", png[16:24])
        assert png.startswith(b"\x89PNG")
        assert picture.metadata["image/png"]["width"] <= width <= 1100
        assert height > 200
        # In words, for those who do not see it.
        assert len(picture.data["text/plain"]) > 40


@by_notebook
def test_a_notebook_asks_for_no_network_and_names_no_machine(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    kinds: set[str] = set()
    for cell in notebook.cells:
        told = [cell.source]
        for output in cell.get("outputs", ()):
            told.append(output.get("text", ""))
            data = output.get("data", {})
            kinds |= set(data)
            told += [str(value) for kind, value in data.items() if kind.startswith("text/")]
        for text in told:
            assert not re.search(r"https?://|//cdn|ipykernel_|/tmp/|/home/|/root/|/work/|[A-Z]:\\", text), text[:200]
            assert not re.search(r"Warning|Traceback|it/s\]|\b\d{2}:\d{2}:\d{2}\b", text), text[:200]
    assert kinds <= {"text/plain", "text/html", "image/png"}


@by_notebook
def test_links_lead_somewhere(path: Path) -> None:
    text = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown")
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert all((path.parent / link).exists() for link in links), links


@pytest.mark.slow
@by_notebook
def test_a_notebook_runs_and_shows_what_it_has_kept(path: Path) -> None:
    kept, made = (nb for nb in (nbformat.read(path, as_version=4), notebook_runs.execute(path)))
    for before, now in zip(code_cells(kept), code_cells(made), strict=True):
        assert not [output for output in now.outputs if output.output_type == "error"]
        assert [sorted(o.get("data", {})) for o in now.outputs] == [sorted(o.get("data", {})) for o in before.outputs]
        # Cells that rest on the sampler check their own numbers: they hold assertions with limits.
        if SAMPLED not in before.metadata.get("tags", ()):
            first, second = shown(now), shown(before)
            assert len(first) == len(second), (before.source, first, second)
            wrong = [pair for pair in zip(first, second, strict=True) if not same(*pair)]
            assert not wrong, (before.source, wrong)
