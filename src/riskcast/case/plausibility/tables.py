"""How tables were read, where their files do not say it, and numbers that other programs write for missing ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from riskcast.case.judgements import Found
from riskcast.case.model import Case
from riskcast.case.plausibility.limits import is_derived, panel_file
from riskcast.case.where import SERIES_FILE
from riskcast.machinery.number_cells import mark_text

# Repeated nines, eights and sevens, as archives of data write what they do not have.
MARKS: Final = (*(-float(digit * times) for digit in "987" for times in range(1, 6)), 999.0, 9999.0, 99999.0)
# A mark among numbers of its sign has to stand out: so many times what comes next.
STANDS_OUT: Final = 5.0


def guessed_encodings(case: Case) -> Iterator[Found]:
    for dialect in case.dialects:
        if dialect.sample:
            wrong = f"is not UTF-8, and was read as {dialect.encoding}: {dialect.sample!r}"
            yield Found(dialect.file, (), wrong, "save it as UTF-8 (in Excel: CSV UTF-8)")


def other_sheets(case: Case) -> Iterator[Found]:
    for dialect in case.dialects:
        if dialect.other_sheets:
            named = ", ".join(map(repr, dialect.other_sheets[:5])) + (", ..." if len(dialect.other_sheets) > 5 else "")
            wrong = f"has several sheets, of which {dialect.sheet!r} was read, and not {named}"
            yield Found(dialect.file, (), wrong, "keep the table's sheet alone, or name it after the table")


def missing_marks(case: Case) -> Iterator[Found]:
    for name, indicator in case.indicators.items():
        if is_derived(case, name):
            continue
        if indicator.history == "panel" and case.panel is not None:
            values = case.panel.levels[name][case.panel.given(name)]
            document, path = panel_file(case), (name,)
        else:
            values = np.array([row.value for row in case.series_rows if row.indicator == name])
            document, path = SERIES_FILE, (f"value of {name}",)
        for mark, count in _marks(values):
            wrong = f"is {mark:g} in {count} of {len(values)} rows, far from all others, and is used as a level"
            mend = f"add `{mark_text([mark])}` to case.yaml if it marks a missing value"
            yield Found(document, path, wrong, mend, (("indicators", name),))


def _marks(values: np.ndarray) -> Iterator[tuple[float, int]]:
    """Marks of missing values among some numbers, which none of the other numbers comes near."""
    held = np.isin(values, MARKS)
    others = values[~held]
    if not held.any() or len(np.unique(others)) < 2:
        return
    for mark in np.unique(values[held]).tolist():
        # Among other negative numbers -9 is one of them, as 999 is among hundreds.
        if (others.min() >= 0 or mark < STANDS_OUT * others.min()) if mark < 0 else others.max() * STANDS_OUT < mark:
            yield mark, int((values == mark).sum())
