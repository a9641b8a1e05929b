"""What a table shows of itself: columns that name states, days and periods, numbers, and marks of missing values."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

from riskcast.case.states import of_code, states_named
from riskcast.errors import OptionError
from riskcast.imports.map_parts import Moment, Units
from riskcast.machinery.number_cells import MARKS_IN_USE
from riskcast.numbers import MOST_NAMED, more

type Unit = Literal["week", "month", "quarter", "year"]
_STATE: Final = re.compile(
    r"state|country|ccode|cow|gwno|iso|actor|side|source|target|sender|receiv|recip|dyad|pair|^[ij]_"
)
_DAY: Final = re.compile(r"date|day$|^day|dtg|sqldate")
_YEAR: Final = re.compile(r"(1[89]|20)\d\d(\.0+)?")
_FORMATS: Final = ("%Y-%m-%d", "%Y%m%d", "%d %B %Y", "%d %b %Y", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y")
_MARKS: Final = ("-9", "-99", "-999", "-9999")
# How many different cells of a column are looked at.
_SAMPLE: Final = 2_000
# From which share of its cells on a column is what it seems.
_NEARLY_ALL: Final = 0.95
# From which share on a column whose name says so holds names of states.
_MOST: Final = 0.5


def find_marks(texts: Mapping[str, list[str]], guesses: list[str]) -> list[str | float]:
    """What looks like a mark of a missing value: words in use, and -9 and its like where no other value is negative."""
    words = sorted({cell for column in texts.values() for cell in set(column) if cell.lower() in MARKS_IN_USE})
    numbers = set()
    for column in texts.values():
        cells = {cell.removesuffix(".0") for cell in set(column)}
        low = {cell for cell in cells if cell.startswith("-") and cell[1:].replace(".", "").isdigit()}
        numbers |= {cell for cell in low if cell in _MARKS and low <= set(_MARKS)}
    marks: list[str | float] = [*words, *(float(mark) for mark in sorted(numbers))]
    if marks:
        shown = ", ".join(mark if isinstance(mark, str) else f"{mark:g}" for mark in marks)
        guesses.append(f"Taken for missing: {shown}.")
    return marks


def find_units(texts: Mapping[str, list[str]], marks: Sequence[str | float], guesses: list[str], file: str) -> Units:
    """The columns that name states, in the system that reads the most of them."""
    found: dict[str, list[str]] = {}
    unread: dict[str, list[str]] = {}
    for name, cells in texts.items():
        known = {cell for cell in set(cells) if cell and cell not in marks}
        if len(known) < 2:
            continue
        hinted = _STATE.search(name.lower()) is not None
        for system, reads in _SYSTEMS.items():
            # Any column of small numbers could be codes of states, so that its name must say it.
            if system in ("cow", "gw") and not hinted:
                continue
            some = sorted(known)[:_SAMPLE]
            share = sum(map(reads, some)) / len(some)
            if share >= (_MOST if hinted and system == "names" else _NEARLY_ALL):
                found.setdefault(system, []).append(name)
                unread[name] = [cell for cell in sorted(known) if not reads(cell)]
                break
    for system, columns in found.items():
        if len(columns) >= 2:
            first, second = columns[:2]
            guesses.append(f"Pairs are {first} and {second}, read as {system}.")
            odd = sorted({*unread[first], *unread[second]})
            if odd:
                shown = ", ".join(odd[:MOST_NAMED]) + more(odd)
                guesses.append(f"No known states, so that their rows are dropped: {shown}; see units.names of the map.")
            drop = "drop" if odd or system == "names" else "refuse"
            return Units.model_validate({"first": first, "second": second, "codes": system, "unknown": drop})
    for name, cells in texts.items():
        known = {cell for cell in set(cells) if cell}
        for separator in ("-", "_", " - ", "/"):
            parts = [cell.split(separator) for cell in known if cell.count(separator) == 1]
            if len(known) < 1 or len(parts) < _NEARLY_ALL * len(known):
                continue
            for system, reads in _SYSTEMS.items():
                if all(reads(part.strip()) for pair in parts for part in pair):
                    guesses.append(f"Pairs are in {name}, read as {system}.")
                    return Units.model_validate({"dyad": name, "separator": separator, "codes": system})
    for system, columns in found.items():
        guesses.append(f"Rows are of single states, {columns[0]}, read as {system}.")
        return Units.model_validate({"state": columns[0], "codes": system})
    raise OptionError(
        f"{file}: no column names states; write a map with `units:`, or name a ready one (docs/import.md)"
    )


def goes_both_ways(keys: Sequence[tuple[str, ...]]) -> bool:
    """Whether most pairs stand in a period in both orders."""
    seen = set(keys)
    return 2 * sum((second, first, *rest) in seen for first, second, *rest in seen) > len(seen)


def _is_named(cell: str) -> bool:
    return cell[:1].isalpha() and len(cell) > 3 and len(states_named(cell)) == 1


_SYSTEMS: Final[Mapping[str, Callable[[str], bool]]] = {
    "iso3166": lambda cell: len(cell) == 3 and cell.isalpha() and of_code(cell, "iso3166") is not None,
    "cow": lambda cell: of_code(cell, "cow") is not None,
    "gw": lambda cell: of_code(cell, "gw") is not None,
    "names": _is_named,
}


def find_moment(
    texts: Mapping[str, list[str]], marks: Sequence[str | float], guesses: list[str], file: str
) -> tuple[Moment, Unit, set[str]]:
    """When rows were, the period that this suggests, and the columns that say so."""
    lower = {name.lower(): name for name in texts}
    for name, cells in texts.items():
        known = sorted({cell.partition("T")[0].removesuffix(" 00:00:00") for cell in set(cells) if cell})
        if known and _DAY.search(name.lower()):
            fitting = [form for form in _FORMATS if all(_is_day(cell, form) for cell in known)]
            if len(fitting) > 1 and {"%d/%m/%Y", "%m/%d/%Y"} <= set(fitting):
                raise OptionError(f"{file}: the order of days in {name} cannot be told; write a map with `formats:`")
            if fitting:
                guesses.append(f"Days are in {name}, counted by month.")
                return Moment.model_validate({"day": name, "formats": fitting[:1]}), "month", {name}
    year = next((lower[name] for name in ("year", "styear", "strtyr", "yr", "period", "time") if name in lower), None)
    if year is None:
        # A column of years may be called anything.
        years = [n for n, c in texts.items() if any(c) and all(_YEAR.fullmatch(cell) for cell in set(c) if cell)]
        if len(years) != 1:
            raise OptionError(f"{file}: no column says when rows were; write a map with `date:` (docs/import.md)")
        year = years[0]
    month = next((lower[name] for name in ("month", "mon", "stmon", "strtmnth", "mo") if name in lower), None)
    known = {cell for cell in set(texts[year]) if cell and cell not in marks}
    if month is not None:
        guesses.append(f"Periods are months, of {year} and {month}.")
        return Moment.model_validate({"year": year, "month": month}), "month", {year, month}
    forms: dict[Unit, str] = {
        "year": r"\d{4}(\.0+)?",
        "quarter": r"\d{4}-?Q[1-4]",
        "month": r"\d{4}-?M?\d{2}",
        "week": r"\d{4}-?W\d{2}",
    }
    for unit, form in forms.items():
        if known and all(re.fullmatch(form, cell) for cell in known):
            guesses.append(f"Periods are {unit}s, of {year}.")
            return Moment.model_validate({"period": year}), unit, {year}
    raise OptionError(f"{file}: {year} holds no periods that are read (1961, 1961Q2, 1961-05, 1961-W18); write a map")


def _is_day(cell: str, form: str) -> bool:
    try:
        dt.datetime.strptime(cell, form)
    except ValueError:
        return False
    return True


def span_of_days(texts: Mapping[str, list[str]], date: Moment) -> list[dt.date]:
    """The days of a column of days or years, for what was searched."""
    if date.day is not None:
        cells = {cell.partition("T")[0].removesuffix(" 00:00:00") for cell in texts[date.day] if cell}
        return [dt.datetime.strptime(cell, date.formats[0]).date() for cell in cells]
    years = [int(float(cell)) for cell in texts[date.year or date.period or ""] if re.fullmatch(r"\d{4}(\.0+)?", cell)]
    return [dt.date(min(years), 1, 1), dt.date(max(years), 12, 31)] if years else []


def plain_numbers(
    texts: Mapping[str, list[str]], used: set[str], marks: Sequence[str | float]
) -> dict[str, list[float]]:
    """Columns that hold nothing but numbers."""
    found = {}
    for name, cells in texts.items():
        if name in used:
            continue
        known = [cell for cell in cells if cell and cell not in marks]
        try:
            values = [float(cell) for cell in known]
        except ValueError:
            continue
        if all(map(math.isfinite, values)):
            found[name] = [value for value in values if value not in marks]
    return found
