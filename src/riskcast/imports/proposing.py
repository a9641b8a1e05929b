"""A map proposed from a table itself: what its columns are called, and what stands in them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from riskcast.case.states import of_code, states_named
from riskcast.errors import OptionError
from riskcast.imports.headers import read_header
from riskcast.imports.maps import Covariate, Moment, Occurrence, Reading, Searched, TableMap, Units, list_maps, load_map
from riskcast.imports.reading import EVERYTHING, LARGE
from riskcast.machinery.number_cells import MARKS_IN_USE
from riskcast.machinery.table_files import Wanted, read_table, suffix_of

if TYPE_CHECKING:
    from riskcast.machinery.table_files import TableFile

type Unit = Literal["week", "month", "quarter", "year"]
MOST_COLUMNS: Final = 40
_STATE: Final = re.compile(
    r"state|country|ccode|cow|gwno|iso|actor|side|source|target|sender|receiv|recip|dyad|pair|^[ij]_"
)
_DAY: Final = re.compile(r"date|day$|^day|dtg|sqldate")
_EVENT: Final = re.compile(
    r"disput|conflict|conf$|war|clash|attack|hostil|crisis|event|onset|battle|fatal|death|mid|threat|sanction|raid|force"
)
_NO_COVARIATE: Final = re.compile(r"(^|_)(id|code|ccode|no|num|index|line|row|version|lat|lon|latitude|longitude)\d*$")
_FORMATS: Final = ("%Y-%m-%d", "%Y%m%d", "%d %B %Y", "%d %b %Y", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y")
_MARKS: Final = ("-9", "-99", "-999", "-9999")
_FEW: Final = 12
# How many different cells of a column are looked at.
_SAMPLE: Final = 2_000
# From which share of its cells on a column is what it seems.
_NEARLY_ALL: Final = 0.95


@dataclass(frozen=True)
class Proposal:
    """A map that a table suggests; ready: the name of the ready map that it is, or empty; guesses: what was assumed,
    in sentences that tell what to look at."""

    chart: TableMap
    ready: str
    guesses: tuple[str, ...]


def propose_map(file: Path, events: Sequence[str] = ()) -> Proposal:
    """The map that a table suggests by names of columns and by what stands in them; `events`: columns of events.

    A ready map is taken where the file has all its columns. Raises OptionError where it cannot be seen whom rows are
    of, when they were, or which column is an event, with what to say.
    """
    header = read_header(file)
    fitting = [
        name
        for name in list_maps()
        if (ready := load_map(name)).read.header is None and set(ready.columns) <= set(header)
    ]
    if fitting and not events:
        best = max(fitting, key=lambda name: (len(load_map(name).columns), name))
        return Proposal(load_map(best), best, (f"The file has all columns of the ready map {best}.",))
    if suffix_of(file.name) != ".parquet" and file.stat().st_size > LARGE:
        raise OptionError(f"{file} is too large to be looked through; write its map by hand (docs/import.md)")
    table = read_table(file, file.name, Wanted(header, ignored=EVERYTHING))
    texts = {name: table.texts(name) for name in header}
    guesses: list[str] = []
    marks = _marks(table, texts, guesses)
    units = _units(texts, marks, guesses, str(file))
    used = {*units.columns}
    date, period, used_for_date = _moment({n: c for n, c in texts.items() if n not in used}, marks, guesses, str(file))
    used |= used_for_date
    keys = list(zip(*(texts[name] for name in (*units.columns, *date.columns)), strict=True))
    rows = "periods" if len(set(keys)) == len(keys) and date.day is None else "events"
    if units.first is not None and _goes_both_ways(keys):
        guesses.append("Both directions of a pair are put together: write `direction: split` to keep them apart.")
    numbers = _numbers(texts, used, marks)
    if rows == "events":
        found = _event_types({n: c for n, c in texts.items() if n not in used}, events, guesses)
        levels: dict[str, Covariate] = {}
        days = _days(texts, date)
        searched = Searched.model_validate({"from": min(days), "until": max(days)}) if days else None
        guesses.append("Searched from the first to the last day in the file: correct `searched:` if it covers more.")
    else:
        found, levels = _columns(numbers, events, guesses, units, str(file))
        searched = None
    chart = TableMap(
        title=file.name,
        rows=rows,
        period=period,
        units=units,
        date=date,
        events=found,
        covariates=levels,
        searched=searched,
        read=Reading(na=tuple(marks)),
    )
    return Proposal(chart, "", tuple(guesses))


def _marks(table: TableFile, texts: Mapping[str, list[str]], guesses: list[str]) -> list[str | float]:
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


def _units(texts: Mapping[str, list[str]], marks: Sequence[str | float], guesses: list[str], file: str) -> Units:
    """The columns that name states, in the system that reads the most of them."""
    found: dict[str, list[str]] = {}
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
            if sum(map(reads, some)) >= _NEARLY_ALL * len(some):
                found.setdefault(system, []).append(name)
                break
    for system, columns in found.items():
        if len(columns) >= 2:
            first, second = columns[:2]
            guesses.append(f"Pairs are {first} and {second}, read as {system}.")
            drop = "drop" if system == "names" else "refuse"
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
    raise OptionError(f"{file}: no column names states; write a map with `units:` (docs/import.md)")


def _goes_both_ways(keys: Sequence[tuple[str, ...]]) -> bool:
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


def _moment(
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
        raise OptionError(f"{file}: no column says when rows were; write a map with `date:` (docs/import.md)")
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


def _days(texts: Mapping[str, list[str]], date: Moment) -> list[dt.date]:
    """The days of a column of days or years, for what was searched."""
    if date.day is not None:
        cells = {cell.partition("T")[0].removesuffix(" 00:00:00") for cell in texts[date.day] if cell}
        return [dt.datetime.strptime(cell, date.formats[0]).date() for cell in cells]
    years = [int(float(cell)) for cell in texts[date.year or date.period or ""] if re.fullmatch(r"\d{4}(\.0+)?", cell)]
    return [dt.date(min(years), 1, 1), dt.date(max(years), 12, 31)] if years else []


def _numbers(texts: Mapping[str, list[str]], used: set[str], marks: Sequence[str | float]) -> dict[str, list[float]]:
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
        found[name] = [value for value in values if value not in marks]
    return found


def _columns(
    numbers: Mapping[str, list[float]], events: Sequence[str], guesses: list[str], units: Units, file: str
) -> tuple[dict[str, Occurrence], dict[str, Covariate]]:
    """Events and covariates of a table of periods."""
    whole = {n: v for n, v in numbers.items() if v and min(v) >= 0 and len(set(v)) > 1 and all(x == int(x) for x in v)}
    unknown = [name for name in events if name not in whole]
    if unknown:
        raise OptionError(
            f"{file}: {unknown[0]} is no column of whole numbers; name one of {', '.join(whole) or 'none'}"
        )
    chosen = list(events) or [name for name in whole if _EVENT.search(name.lower())]
    if units.state is not None:
        chosen = []
    elif not chosen:
        rare = {n: sum(x > 0 for x in v) / len(v) for n, v in whole.items() if max(v) == 1}
        if not rare:
            raise OptionError(
                f"{file}: no column looks like an event; name one, --event COLUMN ({', '.join(whole) or 'none'})"
            )
        chosen = [min(rare, key=lambda name: rare[name])]
    if chosen and not events:
        guesses.append(f"Events are {', '.join(chosen)}: name others by --event.")
    ids: dict[str, str] = {}
    found = {_id(name, ids): Occurrence(label=name, number=name) for name in chosen}
    levels = {}
    for name, values in numbers.items():
        if name in chosen or len(set(values)) < 2 or _NO_COVARIATE.search(name.lower()) or len(levels) >= MOST_COLUMNS:
            continue
        levels[_id(name, ids)] = Covariate(column=name, label=name, lag=0 if units.state is not None else 1)
    if levels and units.state is None:
        guesses.append("Covariates are used one period after that of their row (lag: 1).")
    return found, levels


def _event_types(texts: Mapping[str, list[str]], events: Sequence[str], guesses: list[str]) -> dict[str, Occurrence]:
    """Event types of a table of events: one for each of few kinds, or one of all rows."""
    column = events[0] if events else None
    if column is not None and column not in texts:
        raise OptionError(f"--event {column} is no column; name one of {', '.join(texts)}")
    hints = ("event_type", "eventtype", "type", "quad", "kind", "class", "category")
    column = column or next((name for hint in hints for name in texts if hint in name.lower()), None)
    kinds = sorted({cell for cell in texts[column] if cell}) if column is not None else []
    ids: dict[str, str] = {}
    if column is not None and 1 < len(kinds) <= _FEW:
        guesses.append(f"Event types are the {len(kinds)} kinds in {column}.")
        return {_id(kind, ids): Occurrence.model_validate({"label": kind, "where": {column: [kind]}}) for kind in kinds}
    guesses.append("Every row is an event of one type: tell types apart by `where:`.")
    return {"event": Occurrence(label="Event")}


def _id(name: str, taken: dict[str, str]) -> str:
    """An id of a column that no other has: small letters, digits and _."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:50]
    plain = plain if plain[:1].isalpha() and plain not in ("dyad", "period") else f"x_{plain}".rstrip("_")
    id, number = plain, 2
    while id in taken:
        id, number = f"{plain}_{number}", number + 1
    taken[id] = name
    return id


def proposal_data(chart: TableMap) -> dict[str, Any]:
    """A map as plain data for YAML, without what stands at its default."""
    return chart.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude_none=True)
