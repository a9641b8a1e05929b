"""A map proposed from a table itself: what its columns are called, and what stands in them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from riskcast.errors import OptionError
from riskcast.imports.gathering import Source
from riskcast.imports.headers import read_header
from riskcast.imports.map_parts import Covariate, Occurrence, Reading, Searched, Units
from riskcast.imports.maps import TableMap, list_maps, load_map
from riskcast.imports.reading import EVERYTHING, LARGE, fits
from riskcast.imports.recognising import (
    find_marks,
    find_moment,
    find_units,
    goes_both_ways,
    plain_numbers,
    span_of_days,
)
from riskcast.machinery.table_files import Wanted, read_table
from riskcast.numbers import MOST_NAMED

MOST_COLUMNS: Final = 40
_EVENT: Final = re.compile(
    r"disput|conflict|conf$|war|clash|attack|hostil|crisis|event|onset|battle|fatal|death|mid|threat|sanction|raid|force"
)
_NO_COVARIATE: Final = re.compile(r"(^|_)(id|code|ccode|no|num|index|line|row|version|lat|lon|latitude|longitude)\d*$")
_FEW: Final = 12


@dataclass(frozen=True)
class Proposal:
    """A map that a table suggests; ready: the name of the ready map that it is, or empty; guesses: what was assumed,
    in sentences that tell what to look at."""

    chart: TableMap
    ready: str
    guesses: tuple[str, ...]


def propose_map(source: Source, events: Sequence[str] = ()) -> Proposal:
    """The map that a table suggests by names of columns and by what stands in them; `events`: columns of events.

    A ready map is taken where the file has all its columns. Raises OptionError where it cannot be seen whom rows are
    of, when they were, or which column is an event, with what to say.
    """
    first, file = source.parts[0], source.name
    header = read_header(first)
    fitting = [name for name in list_maps() if fits(load_map(name), header)]
    if fitting and not events:
        best = max(fitting, key=lambda name: (len(load_map(name).columns), name))
        return Proposal(load_map(best), best, (f"The file has all columns of the ready map {best}.",))
    if first.suffix != ".parquet" and first.path.stat().st_size > LARGE:
        raise OptionError(f"{file} is too large to be looked through; write its map by hand (docs/import.md)")
    table = read_table(first.path, first.name, Wanted(header, ignored=EVERYTHING), first.suffix)
    texts = {name: table.texts(name) for name in header}
    guesses: list[str] = []
    marks = find_marks(texts, guesses)
    units = find_units(texts, marks, guesses, file)
    others = {name: cells for name, cells in texts.items() if name not in units.columns}
    date, period, used_for_date = find_moment(others, marks, guesses, file)
    used = {*units.columns} | used_for_date
    keys = list(zip(*(texts[name] for name in (*units.columns, *date.columns)), strict=True))
    rows = "periods" if len(set(keys)) == len(keys) and date.day is None else "events"
    if units.first is not None and goes_both_ways(keys):
        guesses.append(
            "Both directions of a pair are put together: write direction: directed in its map to keep them apart."
        )
    numbers = plain_numbers(texts, used, marks)
    if rows == "events":
        found = _event_types({n: c for n, c in texts.items() if n not in used}, events, guesses)
        levels: dict[str, Covariate] = {}
        days = span_of_days(texts, date)
        until = max(days) if days and len(source.parts) == 1 else "last"
        searched = Searched.model_validate({"from": min(days), "until": until}) if days else None
        guesses.append("Searched from the first to the last day in the file: correct `searched:` if it covers more.")
    else:
        found, levels = _columns(numbers, events, guesses, units, file)
        searched = None
        words = [name for name in header if name not in used and name not in numbers]
        if words:
            guesses.append(f"Left out, as they hold more than plain numbers: {', '.join(words[:MOST_NAMED])}.")
    plain: dict[str, Any] = {
        "title": Path(first.name).name,
        "rows": rows,
        "period": period,
        "units": units,
        "date": date,
    }
    plain |= {"events": found, "covariates": levels, "searched": searched, "read": Reading(na=tuple(marks))}
    try:
        return Proposal(TableMap.model_validate(plain), "", tuple(guesses))
    except ValidationError as error:
        first = error.errors()[0]
        wrong = str(first.get("ctx", {}).get("error", first["msg"])).partition("; ")[0]
        mend = "write its map by hand (docs/import.md)"
        raise OptionError(f"{file}: as far as can be seen, it {wrong}; {mend}") from None


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
        levels[_id(name, ids)] = Covariate(column=name, label=name, lag=1)
    if levels:
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
