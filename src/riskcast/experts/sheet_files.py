"""Files of elicitation sheets that came back, read: a workbook, or what a form in a browser saved."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from riskcast.errors import Problem, refusal
from riskcast.experts.sheets import BINS
from riskcast.machinery.table_files import Dialect, TableFile, Wanted, read_table, text_cells
from riskcast.machinery.texts import read_bytes

ABOUT: Final = ("entry", "value")
NUMBERS: Final = ("low", "median", "high")
CHIP_COLUMNS: Final = ("lowest", "highest", *(f"bin {n}" for n in range(1, BINS + 1)))
ASKED: Final = ("quantity", "question", "unit", "published")
FEEDBACK: Final = ("told", "1 %", "25 %", "75 %", "99 %")
WHY: Final = "why"
MOST_BYTES: Final = 5_000_000


@dataclass(frozen=True)
class SheetRow:
    """One row of answers: what stands in its cells, as text and as numbers, and how to tell what is wrong with it."""

    texts: Mapping[str, str]
    numbers: Mapping[str, float]
    problem: Callable[[str, str, str], Problem]


@dataclass(frozen=True)
class SheetFile:
    """A sheet that came back: what it says of itself, its answers, and those to training questions."""

    about: Mapping[str, str]
    rows: tuple[SheetRow, ...]
    training: tuple[SheetRow, ...]


class _Saved(BaseModel):
    """What a form saves: texts alone."""

    model_config = ConfigDict(extra="forbid", strict=True)
    about: dict[str, str]
    quantities: list[dict[str, str]]
    training: list[dict[str, str]]


def read_sheet(path: Path, name: str) -> SheetFile:
    """A sheet from its file, by its ending; raises CaseError for what is none, and for numbers that are unclear."""
    return (_of_json if path.suffix.lower() == ".json" else _of_workbook)(path, name)


def _of_workbook(path: Path, name: str) -> SheetFile:
    about = read_table(path, name, Wanted(ABOUT))
    entries = dict(zip(about.texts("entry"), about.texts("value"), strict=True))
    numbers = (*NUMBERS, *CHIP_COLUMNS)
    asked = read_table(path, name, Wanted(("quantity", WHY), optional=(*ASKED[1:], *numbers, *FEEDBACK)))
    training: tuple[SheetRow, ...] = ()
    if entries.get("training"):
        practice = read_table(
            path, name, Wanted(("training", "question"), optional=("unit", "scale", "answer", *numbers, *FEEDBACK))
        )
        training = _rows(practice, lambda place: (int(practice.lines[place]), ""))
    return SheetFile(entries, _rows(asked, lambda place: (int(asked.lines[place]), "")), training)


def _of_json(path: Path, name: str) -> SheetFile:
    raw = read_bytes(path, name, MOST_BYTES, "send the file that the form saved")
    try:
        saved = _Saved.model_validate(json.loads(raw))
    except (ValueError, ValidationError, RecursionError):
        raise refusal(name, "is not what a form saved", "save the form again, and send that file") from None
    every = [*saved.training, *saved.quantities]
    # All numbers are read at once, so that one that shows how decimals are written says so of all.
    columns = dict.fromkeys(key for row in every for key in row)
    table = TableFile(
        name,
        {key: text_cells([row.get(key, "").strip() for row in every]) for key in columns},
        np.arange(1, len(every) + 1),
        Dialect(name),
    )

    def place_of(place: int) -> tuple[None, str]:
        row = every[place]
        return None, f"{row.get('quantity') or row.get('question', '')}: "

    rows = _rows(table, place_of)
    return SheetFile(saved.about, rows[len(saved.training) :], rows[: len(saved.training)])


def _rows(table: TableFile, where: Callable[[int], tuple[int | None, str]]) -> tuple[SheetRow, ...]:
    """All rows of a table, with line and the beginning of the key that tell each of them."""
    texts = {column: table.texts(column) for column in table.columns}
    values = table.numbers((*NUMBERS, *CHIP_COLUMNS))

    def row(place: int) -> SheetRow:
        line, front = where(place)
        return SheetRow(
            {column: own[place] for column, own in texts.items()},
            {column: float(own[place]) for column, own in values.items()},
            lambda key, wrong, mend: Problem(table.name, line, f"{front}{key}", wrong, mend),
        )

    return tuple(row(place) for place in range(len(table)))


def find_twice(keys: Sequence[str]) -> frozenset[str]:
    """Keys that stand in more than one row."""
    return frozenset(key for key in keys if keys.count(key) > 1)
