"""Whom a row is of: two states or one, by their codes or names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from riskcast.case.dyads import Dyad
from riskcast.case.states import SYSTEMS, bearers, of_code, states, states_named
from riskcast.errors import CaseError, Problem
from riskcast.imports.map_parts import Codes, Units
from riskcast.imports.maps import TableMap
from riskcast.imports.reading import LINE, problem_at
from riskcast.imports.reports import MOST_EXAMPLES, Loss
from riskcast.imports.row_columns import TURNED, UNIT, lose
from riskcast.numbers import counted

if TYPE_CHECKING:
    import polars

# What the ways are called in which states can be written.
SYSTEMS_READ: Final[Mapping[str, str]] = {**SYSTEMS, "names": "names"}
_SELF: Final = "="


def with_units(frame: polars.DataFrame, names: Sequence[str], chart: TableMap, losses: list[Loss]) -> polars.DataFrame:
    """Rows of which the unit is known; raises CaseError with every spelling that is not, where the map says so."""
    import polars

    units = chart.units
    cells = {
        column: [each for each in frame[column].unique().to_list() if each is not None] for column in units.columns
    }
    if units.dyad is not None:
        known = {text: _pair_of(text, units, chart.host.id if chart.host else None) for text in cells[units.dyad]}
        unread = {units.dyad: [text for text, id in known.items() if id is None]}
    else:
        codes = {text: _state_of(text, units) for texts in cells.values() for text in texts}
        unread = {column: [text for text in texts if codes[text] is None] for column, texts in cells.items()}
    unknown = [(column, *found) for column, texts in unread.items() for found in _counted(frame, column, texts)]
    if unknown and units.unknown == "refuse":
        raise CaseError([_problem(names, units, *each) for each in unknown])
    if units.state is not None:
        told = frame.with_columns(_looked_up(units.state, codes).alias(UNIT), polars.lit(False).alias(TURNED))
    elif units.dyad is not None:
        pairs = {text: found[0] if found else "" for text, found in known.items()}
        turned = {text: "1" if found and found[1] else "" for text, found in known.items()}
        told = frame.with_columns(
            _looked_up(units.dyad, pairs).alias(UNIT), (_looked_up(units.dyad, turned) == "1").alias(TURNED)
        )
    else:
        told = _paired(frame, units, codes, chart)
    lost = polars.col(UNIT).is_null() | (polars.col(UNIT) == "")
    odd = polars.any_horizontal(
        polars.lit(False), *(polars.col(c).is_in(texts) for c, texts in unread.items() if texts)
    )
    spelled = told.filter(lost & odd.fill_null(False))
    if len(spelled):
        ranked = sorted(unknown, key=lambda each: -each[2])[:MOST_EXAMPLES]
        examples = tuple(f"{text!r} in {counted(rows, 'row')} of {column}" for column, text, rows, _ in ranked)
        mend = f"read as {SYSTEMS_READ[units.codes]}; add spellings to `units.names`"
        losses.append(Loss(len(spelled), "named a state that is not known", mend, examples))
    none = told.filter(lost & ~odd.fill_null(False))
    what = "named no state" if units.state else "did not name two states"
    lose(losses, none, what, units.columns, names)
    own = told.filter(polars.col(UNIT) == _SELF)
    lose(losses, own, "named one state twice", units.columns, names)
    return told.filter(polars.col(UNIT).is_not_null() & ~polars.col(UNIT).is_in(["", _SELF]))


def _paired(
    frame: polars.DataFrame, units: Units, codes: Mapping[str, str | None], chart: TableMap
) -> polars.DataFrame:
    import polars

    one, other = "\0one", "\0other"
    host = chart.host.id if chart.host is not None else ""
    frame = frame.with_columns(
        _looked_up(units.first or "", codes).alias(one), _looked_up(units.second or "", codes).alias(other)
    )
    first, second = polars.col(one), polars.col(other)
    turned = ((first > second) & (first != host)) | (second == host)
    if units.direction == "directed":
        turned = polars.lit(False)
    low = polars.when(turned).then(second).otherwise(first)
    high = polars.when(turned).then(first).otherwise(second)
    pair = polars.when(first == second).then(polars.lit(_SELF)).otherwise(low + "-" + high)
    known = first.is_not_null() & second.is_not_null() & (first != "") & (second != "")
    return frame.with_columns(polars.when(known).then(pair).alias(UNIT), turned.alias(TURNED)).drop(one, other)


def _looked_up(column: str, found: Mapping[str, str | None]) -> polars.Expr:
    import polars

    if not found:
        return polars.lit(None, dtype=polars.String)
    return polars.col(column).replace_strict(
        list(found), [id or None for id in found.values()], default=None, return_dtype=polars.String
    )


def _state_of(text: str, units: Units) -> str | None:
    """The id of the state that a cell names; empty where the map says that it names none, None where it is unknown."""
    if text in units.names:
        return units.names[text] or ""
    if units.pattern is not None:
        found = re.search(units.pattern, text)
        # What is no actor of a state is not unknown: it is none.
        if found is None or not found[1]:
            return ""
        text = found[1].strip()
        if text in units.names:
            return units.names[text] or ""
    if units.codes == "names":
        named = states_named(text)
        return named[0].id if len(named) == 1 else None
    state = of_code(text, units.codes)
    return None if state is None else state.id


def _pair_of(text: str, units: Units, host: str | None) -> tuple[str, bool] | None:
    first, separator, second = text.partition(units.separator)
    one, other = _state_of(first.strip(), units), _state_of(second.strip(), units)
    if not separator or one is None or other is None:
        return None
    if not one or not other:
        return "", False
    if one == other:
        return _SELF, False
    turned = units.direction != "directed" and ((one > other and one != host) or other == host)
    return (Dyad(other, one) if turned else Dyad(one, other)).id, turned


def _counted(frame: polars.DataFrame, column: str, texts: Sequence[str]) -> list[tuple[str, int, int]]:
    """Spellings, each with how many rows have it and the first of them, the most frequent first."""
    if not texts:
        return []
    import polars

    found = frame.filter(polars.col(column).is_in(texts)).group_by(column)
    ranked = found.agg(polars.len().alias("rows"), polars.col(LINE).min()).sort(
        "rows", column, descending=[True, False]
    )
    return [(row[column], int(row["rows"]), int(row[LINE])) for row in ranked.iter_rows(named=True)]


def _problem(names: Sequence[str], units: Units, column: str, text: str, rows: int, line: int) -> Problem:
    mend = f"add `{text}: ID` to units.names of the map, `{text}: null` where it is none, or write unknown: drop"
    mend += f" (read as {SYSTEMS_READ[units.codes]})"
    return problem_at(names, line, column, f"{text!r} names no known state, in {counted(rows, 'row')}", mend)


def exists(dyad: str, first: int, last: int, codes: Codes = "iso3166") -> bool:
    """Whether all states of a unit existed in some year from `first` to `last`, as far as is known; where numbers are
    read, those before and after them that had their number count as well, such as Yugoslavia for Serbia.

    >>> exists("RUS-SUN", 2000, 2001), exists("RUS-USA", 2000, 2001)
    (False, True)
    >>> exists("BGR-SRB", 1956, 1956), exists("BGR-SRB", 1956, 1956, "cow")
    (False, True)
    """
    known = states()

    def there(id: str) -> bool:
        if id not in known:
            return True
        borne = bearers(known[id], codes) if codes in ("cow", "gw") else ()
        return any(state.existed(first, last) for state in (known[id], *borne))

    return all(map(there, dyad.split("-")))
